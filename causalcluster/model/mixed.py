"""The part of the PyMC model that equations with rows add: sampled coefficients, parameters, thresholds, likelihoods."""

from collections.abc import Mapping
from typing import Any

import pymc as pm

from causalcluster.families import FAMILIES
from causalcluster.model.gap_arrays import GROUPS
from causalcluster.model.gap_model import CompleteMoments, GaussianGaps, GridGaps
from causalcluster.model.row_densities import FAMILY_CODES, LINK_CODES
from causalcluster.model.row_model import ConditionalMomentLikelihood, RowLikelihood, RowPlacement
from causalcluster.model.structure import Structure


def add_row_equations(
    structure: Structure, data: Mapping[str, Any], mean: Any, tau: Any, partial: Any, log_sigma: Any
) -> None:
    """Add to the model on the stack.

    Free variables ``row_raw`` (cluster, row_column), coordinates of the coefficients that are sampled, ``log_parameter``
    (parameter) and ``raw_threshold`` (threshold).
    """
    import pytensor.tensor as pt

    mean = data["prior_mean"] + data["mean_free"] * (mean - data["prior_mean"])
    raw = pm.Flat("row_raw", dims=("cluster", "row_column"))
    places = ("varying_at", "row_terms", "row_columns", "moment_terms", "moment_columns", "guide_information", "guide_pull")
    theta, means, root, density = RowPlacement()(mean, tau, partial, raw, *(data[name] for name in places))
    pm.Potential("row_coefficients", density)
    count = sum(len(FAMILIES[family].parameters) for family, _ in structure.rows)
    ordered = [family == "ordinal" for family, _ in structure.rows]
    parameters = (
        pm.Normal("log_parameter", data["parameter_mean"], data["parameter_sd"], dims="parameter") if count else pt.zeros(0)
    )
    thresholds = pm.Flat("raw_threshold", dims="threshold") if any(ordered) else pt.zeros(0)
    first = 0
    for k, (family, link) in enumerate(structure.rows):
        likelihood = RowLikelihood(k, first, sum(ordered[:k]), FAMILY_CODES[family], LINK_CODES[link])
        rows = [data[f"{name}_{k}"] for name in ("x", "y", "other", "weight", "cluster")]
        results: Any = likelihood(theta, parameters, thresholds, data["row_starts"], data["threshold_offsets"], *rows)
        pm.Potential(f"rows_{k}", results[0])
        first += len(FAMILIES[family].parameters)
    if structure.moments:
        moments = (data[name] for name in ("dof", "sxx", "sxy", "syy", "starts", "integrated"))
        values: Any = ConditionalMomentLikelihood()(means, root, log_sigma, *moments)
        pm.Potential("moments", values[0])
    if structure.gaps:
        _add_gaps(structure, data, theta, log_sigma, parameters, thresholds)


def _add_gaps(
    structure: Structure, data: Mapping[str, Any], theta: Any, log_sigma: Any, parameters: Any, thresholds: Any
) -> None:
    """Add the likelihood of gaussian equations that are sampled because values are missing, and of all rows with gaps."""
    equations = (data["gap_equations"], data["row_starts"])
    complete = (data[f"gap_{name}"] for name in ("dof", "sxx", "sxy", "syy"))
    results: Any = CompleteMoments(len(structure.rows))(theta, log_sigma, *equations, *complete)
    pm.Potential("complete_rows", results[0])
    results = GaussianGaps()(theta, log_sigma, *equations, *(data[f"gap_{name}"] for name in GROUPS))
    pm.Potential("gaussian_gaps", results[0])
    if structure.grid:
        flags = (data["gap_averaged"], data["gap_touches"])
        points = (data[f"grid_{name}"] for name in ("at", "begin", "weight", "x", "y", "other", "log_weight"))
        sampled = (theta, log_sigma, parameters, thresholds)
        results = GridGaps()(*sampled, data["threshold_offsets"], *equations, *flags, *points, data["gap_shift"])
        pm.Potential("grid_gaps", results[0])

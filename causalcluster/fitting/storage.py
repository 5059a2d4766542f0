"""A fit as one ArviZ-readable DataTree: parameters in the user's units, effects, sampler statistics, prior draws."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, correlated_terms
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.families import FAMILIES
from causalcluster.fitting.sample import Draws
from causalcluster.fitting.units import unit_map
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.priors import response_unit
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]


def coefficients_dataset(design: Design, scale: Scale, draws: CoefficientDraws) -> xr.Dataset:
    """Return coefficients in the user's units.

    Returns
    -------
    xarray.Dataset
        ``coefficient_mean`` and ``coefficient_sd`` (chain, draw, coefficient): mean and standard deviation over the
        population of clusters; ``cluster_coefficient`` (chain, draw, cluster, coefficient); ``correlation``
        (chain, draw, path_coefficient, path_coefficient_2) of the coefficients that effects multiply; where clusters are
        in groups ``level_sd`` (chain, draw, level, coefficient), the standard deviations at each level. Without a population
        of clusters, ``cluster_coefficient`` alone.
    """
    weights, constants = unit_map(design, scale)
    names = [term.name for term in design.terms]
    clusters = list(draws.clusters) if draws.clusters != ("",) else ["all rows"]
    variables: dict[str, tuple[tuple[str, ...], Floats]] = {
        "cluster_coefficient": (("chain", "draw", "cluster", "coefficient"), draws.theta @ weights.T + constants),
    }
    coords: dict[str, object] = {
        "chain": np.arange(draws.theta.shape[0]),
        "draw": np.arange(draws.theta.shape[1]),
        "cluster": clusters,
        "coefficient": names,
    }
    if draws.has_population:
        root = np.einsum("ij,cdjq->cdiq", weights, draws.root)
        sd = np.sqrt(np.square(root).sum(axis=-1))
        path = list(correlated_terms(design))
        variables["coefficient_mean"] = (("chain", "draw", "coefficient"), draws.mean @ weights.T + constants)
        variables["coefficient_sd"] = (("chain", "draw", "coefficient"), sd)
        if draws.groups:
            # The columns of the root are the clusters', then those of each level of groups.
            parts = np.split(root, len(draws.groups) + 1, axis=-1)
            by_level = np.stack([np.sqrt(np.square(part).sum(axis=-1)) for part in parts], axis=2)
            variables["level_sd"] = (("chain", "draw", "level", "coefficient"), by_level)
            coords["level"] = ["cluster", *(group.column for group in draws.groups)]
        if path:
            scaled = root[:, :, path] / np.where(sd[:, :, path, None] > 0.0, sd[:, :, path, None], 1.0)
            variables["correlation"] = (
                ("chain", "draw", "path_coefficient", "path_coefficient_2"),
                scaled @ scaled.swapaxes(-1, -2),
            )
            coords["path_coefficient"] = coords["path_coefficient_2"] = [names[i] for i in path]
    return xr.Dataset(variables, coords=coords)


def fit_tree(
    design: Design, scale: Scale, draws: Draws, effects: xr.Dataset, prior: CoefficientDraws, prior_effects: xr.Dataset
) -> xr.DataTree:
    """Collect the groups of posterior.nc: posterior, sample_stats, effects, prior, prior_effects."""
    posterior = coefficients_dataset(design, scale, draws.coefficients)
    posterior = posterior.merge(_residuals(design, scale, draws)).merge(_family_parameters(design, scale, draws))
    statistics = draws.posterior["sample_stats"].to_dataset()
    kept = [name for name in ("diverging", "energy", "n_steps", "step_size", "depth") if name in statistics]
    prior_coefficients = coefficients_dataset(design, scale, prior).drop_vars("cluster_coefficient")
    return xr.DataTree.from_dict(
        {
            "/posterior": posterior,
            "/sample_stats": statistics[kept],
            "/effects": _text_coords(effects),
            "/prior": prior_coefficients.drop_vars("cluster", errors="ignore"),
            "/prior_effects": _text_coords(prior_effects),
        }
    )


def _residuals(design: Design, scale: Scale, draws: Draws) -> xr.Dataset:
    nodes = gaussian_nodes(design)
    units = np.array([scale.scale[node] for node in nodes])
    if not nodes:
        return xr.Dataset()
    found = xr.Dataset(
        {"residual_sd": (("chain", "draw", "cluster", "equation"), draws.residual_sd * units)}, coords={"equation": nodes}
    )
    posterior = draws.posterior["posterior"].to_dataset()
    for name, dim in (("period_sd", "node"), ("shock_sd", "shocked")):
        if name in posterior:
            own = [response_unit(design, str(node), scale) for node in posterior[dim].values]
            found[name] = (posterior[name] * xr.DataArray(own, dims=dim)).drop_vars(["chain", "draw"])
    return found


def _family_parameters(design: Design, scale: Scale, draws: Draws) -> xr.Dataset:
    """What families have beyond the linear predictor: ``parameter`` by name, and ``threshold`` by node and grade."""
    standardised = {equation.node for equation in design.equations if FAMILIES[equation.family].standardised}
    variables: dict[str, tuple[tuple[str, ...], Floats]] = {}
    coords: dict[str, list[str]] = {}
    if draws.parameters:
        units = [scale.scale[node] if node in standardised and name == "sd" else 1.0 for node, name in draws.parameters]
        values = np.stack([value * unit for value, unit in zip(draws.parameters.values(), units, strict=True)], axis=-1)
        variables["parameter"] = (("chain", "draw", "parameter_of"), values)
        coords["parameter_of"] = [f"{name} of {node}" for node, name in draws.parameters]
    if draws.system.thresholds:
        variables["threshold"] = (
            ("chain", "draw", "threshold_of"),
            np.concatenate(list(draws.system.thresholds.values()), axis=-1),
        )
        coords["threshold_of"] = [
            f"{node} above step {j + 1}" for node, value in draws.system.thresholds.items() for j in range(value.shape[-1])
        ]
    return xr.Dataset(variables, coords=coords)


def _text_coords(effects: xr.Dataset) -> xr.Dataset:
    """Give key coords a text type that netCDF stores, also where there are no rows."""
    text = {
        name: ("row", np.asarray(coord.values, dtype=np.dtypes.StringDType()).astype(object))
        for name, coord in effects.coords.items()
        if coord.dims == ("row",)
    }
    return effects.assign_coords(text)

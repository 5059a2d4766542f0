"""Draws of the coefficients from the prior: what effects look like before the data."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Hypothesis
from causalcluster.design import Design, is_simulated, question_design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from causalcluster.fitting.coefficients import coefficient_roots, in_groups
from causalcluster.fitting.system import join_system
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.priors import Priors, draw_priors
from causalcluster.model.row_arrays import RowEquations, link_of_share
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
PRIOR_DRAWS = 4000
_OF_OBSERVED = frozenset({"sample", "sample_rows", "cluster", "new"})


def prior_levels(hypotheses: Sequence[Hypothesis], *, has_population: bool) -> frozenset[str]:
    """Return the levels at which a prior is looked at: the main one, and those of claims."""
    main = "population" if has_population else "sample"
    claimed = {term.level for hypothesis in hypotheses for _, term in hypothesis.claim.terms}
    return frozenset({main} | (claimed - {"population"}))


def draw_prior_system(
    design: Design, priors: Priors, arrays: MomentArrays, *, random_seed: int, levels: Collection[str]
) -> SystemDraws:
    """Draw all that effects are computed from: the population, and the observed clusters where ``levels`` need them."""
    coefficients = _draw_coefficients(design, priors, arrays, random_seed=random_seed, levels=levels)
    rng = np.random.default_rng([random_seed, 5])
    size = (1, PRIOR_DRAWS, len(gaussian_nodes(design)))
    typical = priors.log_sigma_mean + priors.log_sigma_sd * rng.standard_normal(size)
    spread = np.zeros(size)
    if design.residual_sd_varies:
        spread = rng.gamma(priors.spread_shape, 1.0 / priors.spread_rate, size)
    shape = 0.25 * np.maximum(spread, 1e-3)[:, :, None] ** -2.0
    inverse = rng.gamma(np.broadcast_to(shape, (*size[:2], len(coefficients.clusters), size[2]))) / shape
    residual_sd = np.exp(typical)[:, :, None] / np.sqrt(np.where(spread[:, :, None] > 0.0, np.maximum(inverse, 1e-300), 1.0))
    parameters, thresholds = _draw_parameters(priors, arrays.row_equations, rng)
    return join_system(design, coefficients, residual_sd, typical, spread, parameters, thresholds)


def _draw_parameters(
    priors: Priors, rows: RowEquations | None, rng: np.random.Generator
) -> tuple[dict[tuple[str, str], Floats], dict[str, Floats]]:
    if rows is None:
        return {}, {}
    logs = priors.parameter_mean + priors.parameter_sd * rng.standard_normal((1, PRIOR_DRAWS, len(rows.parameters)))
    thresholds = {}
    for item in rows.equations:
        if item.family == "ordinal":
            # Uniform over the simplex of shares.
            shares = rng.dirichlet(np.ones(len(item.grades)), (1, PRIOR_DRAWS)).cumsum(axis=2)[:, :, :-1]
            thresholds[item.node] = link_of_share(np.clip(shares, 1e-12, 1.0 - 1e-12), item.link)
    return {key: np.exp(logs[:, :, i]) for i, key in enumerate(rows.parameters)}, thresholds


def _draw_coefficients(
    design: Design, priors: Priors, arrays: MomentArrays, *, random_seed: int, levels: Collection[str]
) -> CoefficientDraws:
    drawn = draw_priors(priors, PRIOR_DRAWS, random_seed=random_seed)
    mean = priors.mean + priors.mean_free * (drawn["mean"] - priors.mean)
    if design.pooling == "none":
        mean = np.repeat(priors.mean[None], PRIOR_DRAWS, 0)
        drawn["tau"] = np.repeat(priors.independent_sd[None], PRIOR_DRAWS, 0)
        drawn["partial"] = np.zeros_like(drawn["partial"])
    root = coefficient_roots(tau=drawn["tau"], partial=drawn["partial"], arrays=arrays, n_coefficients=mean.shape[1])
    # A simulation lays out the observed clusters' context whatever the level.
    clusters = arrays.clusters if is_simulated(question_design(design)) or _OF_OBSERVED.intersection(levels) else ()
    rng = np.random.default_rng([random_seed, 3])
    noise = rng.standard_normal((PRIOR_DRAWS, len(clusters), root.shape[2]))
    theta = mean[:, None, :] + np.einsum("spq,sgq->sgp", root, noise)
    if arrays.outer is not None:
        return _draw_groups(priors, arrays, mean, root, theta, rng)
    return CoefficientDraws(
        clusters=clusters,
        rows=arrays.rows[: len(clusters)],
        theta=theta[None],
        mean=mean[None],
        root=root[None],
        has_population=design.pooling == "partial" and arrays.clusters != ("",),
    )


def _draw_groups(
    priors: Priors, arrays: MomentArrays, mean: Floats, root: Floats, theta: Floats, rng: np.random.Generator
) -> CoefficientDraws:
    """Add what the groups of clusters add."""
    outer = arrays.outer
    if outer is None:
        raise ValueError("the clusters are in no groups")
    n_levels, n_groups, n_varying = len(outer.columns), int(outer.offset[-1]), len(arrays.varying)
    outer_sd = rng.gamma(priors.tau_shape, 1.0 / priors.tau_rate, (PRIOR_DRAWS, n_levels, n_varying))
    level_of = np.repeat(np.arange(n_levels), np.diff(outer.offset))
    deviation = outer_sd[:, level_of] * rng.standard_normal((PRIOR_DRAWS, n_groups, n_varying))
    moved = theta.copy()
    groups = outer.offset[:-1] + outer.combos[outer.combo[: theta.shape[1]]]
    for level in range(n_levels):
        moved[:, :, arrays.varying] += deviation[:, groups[:, level]]
    return in_groups(arrays, mean, root, moved, outer_sd, deviation, shape=(1, PRIOR_DRAWS))

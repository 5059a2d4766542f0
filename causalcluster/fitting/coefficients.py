"""Draws of the sampled parameters to draws of the clusters' coefficients, which the model integrates out."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws, GroupDraws
from causalcluster.model.kernel import draw_cluster_coefficients
from causalcluster.model.layer_kernel import draw_layered_coefficients
from causalcluster.model.layers import layer_log_sd
from causalcluster.model.outer_kernel import draw_outer_coefficients
from causalcluster.model.population import place_draws
from causalcluster.model.priors import Priors, scale_periods
from causalcluster.model.residuals import guide_residuals, place_log_sigma
from causalcluster.model.roots import correlation_factor, covariance_root
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
_NUMBERS_AT_ONCE = 4_000_000


def draw_coefficients(
    design: Design,
    posterior: xr.Dataset,
    arrays: MomentArrays,
    priors: Priors,
    log_sigma: Floats,
    *,
    random_seed: int,
) -> CoefficientDraws:
    """Draw the clusters' coefficients from their exact conditional given every draw of the other parameters.

    Those of equations with rows are sampled themselves: their coordinates are turned into coefficients.
    """
    chains, draws, n_clusters, _ = log_sigma.shape
    n_draws, n_coefficients = chains * draws, len(design.terms)
    population = flat_population(design, posterior, arrays, priors, n_draws)
    root = coefficient_roots(tau=population.tau, partial=population.partial, arrays=arrays, n_coefficients=n_coefficients)
    if arrays.outer is not None:
        return _draw_in_groups(design, posterior, arrays, population, root, log_sigma, random_seed=random_seed)
    theta = np.empty((n_draws, n_clusters, n_coefficients))
    flat_sigma, rng = log_sigma.reshape(n_draws, n_clusters, -1), np.random.default_rng([random_seed, 1])
    if arrays.layers is not None:
        shock_sd = _flat(posterior, "shock_sd", len(design.shocked))
        flat_sigma = layer_log_sd(flat_sigma, shock_sd, arrays.layers)
    raw = None if arrays.row_equations is None else posterior["row_raw"].transpose("chain", "draw", ...).values
    at_once = max(1, _NUMBERS_AT_ONCE // max(n_clusters * root.shape[2], 1))
    for start in range(0, n_draws, at_once):
        part = slice(start, min(start + at_once, n_draws))
        own = None if raw is None else raw.reshape(n_draws, n_clusters, -1)[part]
        theta[part] = _draw_clusters(population, root[part], own, flat_sigma[part], arrays, part, rng)
    return CoefficientDraws(
        clusters=arrays.clusters,
        rows=arrays.rows,
        theta=theta.reshape(chains, draws, n_clusters, n_coefficients),
        mean=population.mean.reshape(chains, draws, n_coefficients),
        root=root.reshape(chains, draws, n_coefficients, root.shape[2]),
        has_population=design.pooling == "partial" and arrays.clusters != ("",),
    )


def _draw_in_groups(
    design: Design,
    posterior: xr.Dataset,
    arrays: MomentArrays,
    population: "FlatPopulation",
    root: Floats,
    log_sigma: Floats,
    *,
    random_seed: int,
) -> CoefficientDraws:
    """Draw groups' and clusters' coefficients together."""
    outer, layers = arrays.outer, arrays.layers
    if outer is None or layers is None:
        raise ValueError("the clusters are in no groups")
    (n_draws, n_coefficients), n_clusters, n_varying = population.mean.shape, len(arrays.clusters), len(arrays.varying)
    flat_sigma = log_sigma.reshape(n_draws, n_clusters, -1)
    log_sd = layer_log_sd(flat_sigma, _flat(posterior, "shock_sd", len(design.shocked)), layers)
    n_groups, rng = int(outer.offset[-1]), np.random.default_rng([random_seed, 1])
    outer_sd = _flat(posterior, "outer_sd", len(outer.columns) * n_varying).reshape(n_draws, -1, n_varying)
    deviation, theta = np.empty((n_draws, n_groups, n_varying)), np.empty((n_draws, n_clusters, n_coefficients))
    draw_outer_coefficients(
        population.mean,
        root,
        log_sd,
        np.ascontiguousarray(outer_sd),
        layers.sxx,
        layers.sxy,
        layers.equation,
        arrays.starts,
        arrays.varying,
        outer.combo,
        outer.combos,
        outer.offset,
        rng.standard_normal((n_draws, n_groups * n_varying)),
        rng.standard_normal((n_draws, n_clusters, n_varying)),
        deviation,
        theta,
    )
    return in_groups(arrays, population.mean, root, theta, outer_sd, deviation, shape=log_sigma.shape[:2])


def in_groups(
    arrays: MomentArrays,
    mean: Floats,
    root: Floats,
    theta: Floats,
    outer_sd: Floats,
    deviation: Floats,
    *,
    shape: tuple[int, int],
) -> CoefficientDraws:
    """Return coefficients of clusters in groups, whose population spreads over groups and clusters inside them.

    Parameters
    ----------
    arrays
        With the groups.
    mean, root, theta
        (draw, P), (draw, P, Q) between clusters of one group, (draw, G, P).
    outer_sd, deviation
        (draw, N, Q) and (draw, group, Q), of the coefficients that vary.
    shape
        Chains and draws.
    """
    outer = arrays.outer
    if outer is None:
        raise ValueError("the clusters are in no groups")
    n_draws, n_coefficients = mean.shape
    between = np.zeros((len(outer.columns), n_draws, n_coefficients, len(arrays.varying)))
    between[:, :, arrays.varying, np.arange(len(arrays.varying))] = outer_sd.transpose(1, 0, 2)
    shift = np.zeros((n_draws, deviation.shape[1], n_coefficients))
    shift[:, :, arrays.varying] = deviation
    groups = []
    for level, column in enumerate(outer.columns):
        others = [between[other] for other in range(len(outer.columns)) if other != level]
        part = slice(outer.offset[level], outer.offset[level + 1])
        inside = np.concatenate([root, *others], axis=2)
        groups.append(
            GroupDraws(
                column=column,
                labels=outer.labels[level],
                shift=shift[:, part].reshape(*shape, -1, n_coefficients),
                root=inside.reshape(*shape, n_coefficients, -1),
            )
        )
    return CoefficientDraws(
        clusters=arrays.clusters[: theta.shape[1]],
        rows=arrays.rows[: theta.shape[1]],
        theta=theta.reshape(*shape, -1, n_coefficients),
        mean=mean.reshape(*shape, n_coefficients),
        root=np.concatenate([root, *between], axis=2).reshape(*shape, n_coefficients, -1),
        has_population=True,
        groups=tuple(groups),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlatPopulation:
    """Means (draw, P), standard deviations (draw, Q) and partial correlations (draw, R) of the population."""

    mean: Floats
    tau: Floats
    partial: Floats


def flat_population(
    design: Design, posterior: xr.Dataset, arrays: MomentArrays, priors: Priors, n_draws: int
) -> FlatPopulation:
    """Return the population's parameters of every draw; without pooling they are fixed."""
    n_coefficients, n_varying = len(design.terms), len(arrays.varying)
    n_pairs = arrays.n_correlated * (arrays.n_correlated - 1) // 2
    if design.pooling == "none":
        return FlatPopulation(
            mean=np.repeat(priors.mean[None], n_draws, 0),
            tau=np.repeat(priors.independent_sd[None], n_draws, 0),
            partial=np.zeros((n_draws, n_pairs)),
        )
    mean = _flat(posterior, "mean", n_coefficients)
    if priors.random_periods:
        mean = scale_periods(mean, _flat(posterior, "period_sd", len(design.nodes)), priors)
    mean = np.where(priors.mean_free > 0.0, mean, priors.mean)
    return FlatPopulation(
        mean=mean,
        tau=_flat(posterior, "tau", n_varying),
        partial=2.0 * _flat(posterior, "partial", n_pairs) - 1.0,
    )


def _draw_clusters(
    population: FlatPopulation,
    root: Floats,
    raw: Floats | None,
    log_sigma: Floats,
    arrays: MomentArrays,
    part: slice,
    rng: np.random.Generator,
) -> Floats:
    """Return coefficients (draw, G, P) of some draws: sampled ones placed, the others drawn given them."""
    mean, rows = population.mean[part], arrays.row_equations
    n_draws, n_clusters = log_sigma.shape[:2]
    theta = np.empty((n_draws, n_clusters, mean.shape[1]))
    means, own_root, others = mean[:, None], root, np.arange(mean.shape[1])
    if rows is not None and raw is not None:
        sampled, means, own_root = place_draws(
            mean,
            population.tau[part],
            population.partial[part],
            np.ascontiguousarray(raw),
            arrays.varying,
            rows.terms,
            rows.columns,
            rows.moment_terms,
            rows.moment_columns,
            rows.information,
            rows.pull,
        )
        theta[:, :, rows.terms] = sampled
        others = rows.moment_terms
    if arrays.layers is not None:
        noise = rng.standard_normal((n_draws, n_clusters, root.shape[2]))
        own = arrays.layers
        draw_layered_coefficients(mean, root, log_sigma, own.sxx, own.sxy, own.equation, arrays.starts, noise, theta)
        return theta
    drawn = np.empty((n_draws, n_clusters, means.shape[2]))
    noise = rng.standard_normal((n_draws, n_clusters, own_root.shape[2]))
    if rows is not None and rows.gaps is not None:
        log_sigma = np.ascontiguousarray(log_sigma[:, :, rows.gaps.integrated])
    draw_cluster_coefficients(means, own_root, log_sigma, arrays.sxx, arrays.sxy, arrays.starts, noise, drawn)
    theta[:, :, others] = drawn
    return theta


def coefficient_roots(*, tau: Floats, partial: Floats, arrays: MomentArrays, n_coefficients: int) -> Floats:
    """Return square roots (draw, P, Q) of the between-cluster covariance from (draw, Q) sds and (draw, R) partials."""
    n_draws, n_varying = tau.shape
    factor = np.empty((arrays.n_correlated, arrays.n_correlated))
    roots = np.zeros((n_draws, n_coefficients, n_varying))
    for s in range(n_draws):
        correlation_factor(partial[s], factor)
        covariance_root(tau[s], factor, arrays.varying, roots[s])
    return roots


def _flat(posterior: xr.Dataset, name: str, width: int) -> Floats:
    if width == 0:
        return np.zeros((posterior.sizes["chain"] * posterior.sizes["draw"], 0))
    values: Floats = np.ascontiguousarray(posterior[name].transpose("chain", "draw", ...).values)
    return values.reshape(-1, width)


def draw_log_sigma(design: Design, posterior: xr.Dataset, arrays: MomentArrays) -> Floats:
    """Return log residual standard deviations (chain, draw, G, K): the model's own formula, on stored draws."""
    if arrays.n_gaussian == 0:
        sizes = posterior.sizes
        return np.empty((sizes["chain"], sizes["draw"], len(arrays.rows), 0))
    centre = posterior["log_sigma"].transpose("chain", "draw", ...).values[:, :, None, :]
    if not design.residual_sd_varies:
        return np.ascontiguousarray(np.broadcast_to(centre, (*centre.shape[:2], len(arrays.rows), arrays.n_gaussian)))
    spread = posterior["sigma_spread"].transpose("chain", "draw", ...).values[:, :, None, :]
    raw = posterior["sigma_raw"].transpose("chain", "draw", "cluster", "equation").values
    guide = guide_residuals(arrays)
    log_sigma, _ = place_log_sigma(centre, spread, raw, guide.rss, guide.dof, log=np.log)
    return np.ascontiguousarray(log_sigma)

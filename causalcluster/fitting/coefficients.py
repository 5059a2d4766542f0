"""Draws of the sampled parameters to draws of the clusters' coefficients, which the model integrates out."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.model.kernel import draw_cluster_coefficients
from causalcluster.model.residuals import guide_residuals, place_log_sigma
from causalcluster.model.roots import correlation_factor, covariance_root
from causalcluster.model.standard import MomentArrays
from causalcluster.model.structure import INDEPENDENT_SD

Floats = NDArray[np.float64]
_NUMBERS_AT_ONCE = 4_000_000


def draw_coefficients(
    design: Design, posterior: xr.Dataset, arrays: MomentArrays, log_sigma: Floats, *, random_seed: int
) -> CoefficientDraws:
    """Draw the clusters' coefficients from their exact conditional given every draw of the other parameters."""
    chains, draws, n_clusters, _ = log_sigma.shape
    n_draws, n_coefficients, n_varying = chains * draws, len(design.terms), len(arrays.varying)
    n_pairs = arrays.n_correlated * (arrays.n_correlated - 1) // 2
    pooled = design.pooling == "partial"
    mean = _flat(posterior, "mean", n_coefficients) if pooled else np.zeros((n_draws, n_coefficients))
    root = coefficient_roots(
        tau=_flat(posterior, "tau", n_varying) if pooled else np.full((n_draws, n_varying), INDEPENDENT_SD),
        partial=2.0 * _flat(posterior, "partial", n_pairs) - 1.0 if pooled else np.zeros((n_draws, n_pairs)),
        arrays=arrays,
        n_coefficients=n_coefficients,
    )
    rng = np.random.default_rng([random_seed, 1])
    theta = np.empty((n_draws, n_clusters, n_coefficients))
    flat_sigma = log_sigma.reshape(n_draws, n_clusters, -1)
    at_once = max(1, _NUMBERS_AT_ONCE // max(n_clusters * n_varying, 1))
    for start in range(0, n_draws, at_once):
        part = slice(start, min(start + at_once, n_draws))
        noise = rng.standard_normal((part.stop - part.start, n_clusters, n_varying))
        draw_cluster_coefficients(
            mean[part], root[part], flat_sigma[part], arrays.sxx, arrays.sxy, arrays.starts, noise, theta[part]
        )
    return CoefficientDraws(
        clusters=arrays.clusters,
        rows=arrays.rows,
        theta=theta.reshape(chains, draws, n_clusters, n_coefficients),
        mean=mean.reshape(chains, draws, n_coefficients),
        root=root.reshape(chains, draws, n_coefficients, n_varying),
        has_population=pooled and arrays.clusters != ("",),
    )


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
    centre = posterior["log_sigma"].transpose("chain", "draw", ...).values[:, :, None, :]
    if not design.residual_sd_varies:
        return np.ascontiguousarray(np.broadcast_to(centre, (*centre.shape[:2], *arrays.dof.shape)))
    spread = posterior["sigma_spread"].transpose("chain", "draw", ...).values[:, :, None, :]
    raw = posterior["sigma_raw"].transpose("chain", "draw", "cluster", "equation").values
    guide = guide_residuals(arrays)
    log_sigma, _ = place_log_sigma(centre, spread, raw, guide.rss, guide.dof, log=np.log)
    return np.ascontiguousarray(log_sigma)

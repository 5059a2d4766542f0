"""Compile a model once, sample it with nutpie, and sample it again on other moments without compiling."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Sampling
from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.model.build import INDEPENDENT_SD, build_model, guide_residuals, place_log_sigma
from causalcluster.model.kernel import correlation_factor, covariance_root, draw_cluster_coefficients
from causalcluster.model.priors import Priors
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
TARGET_ACCEPT = 0.8
CAREFUL_TARGET_ACCEPT = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """A compiled model and what it was compiled for.

    Attributes
    ----------
    design, priors
        Fixed at compile time.
    sampler
        nutpie's compiled model; its data can be exchanged.
    model
        The `pymc.Model`.
    seconds, build_seconds
        What it took in all, and what building the graph took of that.
    """

    design: Design
    priors: Priors
    sampler: Any
    model: pm.Model
    seconds: float
    build_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Posterior draws of one fit.

    Attributes
    ----------
    posterior
        The model's free variables and the sampler's statistics, as nutpie returns them (`xarray.DataTree`).
    coefficients
        Coefficients of the observed clusters and of their population.
    residual_sd
        (chain, draw, G, K) on the standardised scale.
    seconds
        What sampling took.
    """

    posterior: xr.DataTree
    coefficients: CoefficientDraws
    residual_sd: Floats
    seconds: float


def compile_model(design: Design, arrays: MomentArrays, priors: Priors) -> Compiled:
    """Build and compile the model for these equations and this number of clusters."""
    import nutpie

    start = time.perf_counter()
    model = build_model(design, arrays, priors)
    built = time.perf_counter() - start
    sampler = nutpie.compile_pymc_model(model)
    return Compiled(
        design=design,
        priors=priors,
        sampler=sampler,
        model=model,
        seconds=time.perf_counter() - start,
        build_seconds=built,
    )


def refit(
    compiled: Compiled,
    arrays: MomentArrays,
    sampling: Sampling,
    *,
    careful: bool = False,
    progress: bool = False,
) -> Draws:
    """Sample a compiled model on ``arrays`` without compiling again.

    Parameters
    ----------
    compiled
        From `compile_model`, for the same equations and number of clusters.
    arrays
        Standardised moments, with the scales that the model was compiled for.
    sampling
        Draws, tuning steps, chains and seed.
    careful
        Double the tuning and raise the target acceptance.
    progress
        Show a progress bar.

    Returns
    -------
    Draws
    """
    import nutpie

    start = time.perf_counter()
    guide = guide_residuals(arrays)
    used = {name: value for name, value in _data(arrays, guide).items() if name in _data_names(compiled.sampler)}
    trace = nutpie.sample(
        compiled.sampler.with_data(**used),
        draws=sampling.draws,
        tune=sampling.tune * (2 if careful else 1),
        chains=sampling.chains,
        seed=sampling.seed,
        target_accept=CAREFUL_TARGET_ACCEPT if careful else TARGET_ACCEPT,
        progress_bar=progress,
    )
    seconds = time.perf_counter() - start
    log_sigma = _log_sigma(compiled.design, trace["posterior"].to_dataset(), arrays, guide)
    return Draws(
        posterior=trace,
        coefficients=draw_coefficients(
            compiled, trace["posterior"].to_dataset(), arrays, log_sigma, random_seed=sampling.seed
        ),
        residual_sd=np.exp(log_sigma),
        seconds=seconds,
    )


def draw_coefficients(
    compiled: Compiled, posterior: xr.Dataset, arrays: MomentArrays, log_sigma: Floats, *, random_seed: int
) -> CoefficientDraws:
    """Draw the clusters' coefficients from their exact conditional given every draw of the other parameters."""
    chains, draws, n_clusters, _ = log_sigma.shape
    n_draws, n_coefficients, n_varying = chains * draws, len(compiled.design.terms), len(arrays.varying)
    pooled = compiled.design.pooling == "partial"
    mean = _flat(posterior, "mean", n_coefficients) if pooled else np.zeros((n_draws, n_coefficients))
    root = coefficient_roots(
        tau=_flat(posterior, "tau", n_varying) if pooled else np.full((n_draws, n_varying), INDEPENDENT_SD),
        partial=2.0 * _flat(posterior, "partial", len(compiled.priors.partial_alpha)) - 1.0
        if pooled
        else np.zeros((n_draws, len(compiled.priors.partial_alpha))),
        arrays=arrays,
        n_coefficients=n_coefficients,
    )
    noise = np.random.default_rng([random_seed, 1]).standard_normal((n_draws, n_clusters, n_varying))
    theta = np.empty((n_draws, n_clusters, n_coefficients))
    flat_sigma = log_sigma.reshape(n_draws, n_clusters, -1)
    draw_cluster_coefficients(mean, root, flat_sigma, arrays.sxx, arrays.sxy, arrays.starts, noise, theta)
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


def _log_sigma(design: Design, posterior: xr.Dataset, arrays: MomentArrays, guide: Any) -> Floats:
    """Return log residual standard deviations (chain, draw, G, K): the model's own formula, on stored draws."""
    centre = posterior["log_sigma"].transpose("chain", "draw", ...).values[:, :, None, :]
    if not design.residual_sd_varies:
        return np.ascontiguousarray(np.broadcast_to(centre, (*centre.shape[:2], *arrays.dof.shape)))
    spread = posterior["sigma_spread"].transpose("chain", "draw", ...).values[:, :, None, :]
    raw = posterior["sigma_raw"].transpose("chain", "draw", "cluster", "equation").values
    log_sigma, _ = place_log_sigma(centre, spread, raw, guide.rss, guide.dof, log=np.log)
    return np.ascontiguousarray(log_sigma)


def _data(arrays: MomentArrays, guide: Any) -> Mapping[str, Floats]:
    return {
        "dof": arrays.dof,
        "sxx": arrays.sxx,
        "sxy": arrays.sxy,
        "syy": arrays.syy,
        "node_mean": arrays.mean,
        "rows": arrays.rows.astype(float),
        "guide_rss": guide.rss,
        "guide_dof": guide.dof,
    }


def _data_names(sampler: Any) -> set[str]:
    return {variable.name for variable in sampler.shared_var_keys}

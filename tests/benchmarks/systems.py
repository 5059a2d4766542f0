"""What the benchmarks have in common: a system in series, its rows, the figure, and a fit with this package."""

import time
from collections.abc import Sequence
from itertools import combinations

import arviz_stats as azs
import numpy as np
import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.effects.estimands import Estimand, list_estimands
from causalcluster.effects.levels import evaluate_effects, select_row
from causalcluster.effects.polynomials import NormalMoments, expectation
from causalcluster.fitting.sample import compile_model, refit
from tests.oracles.systems import Prepared, make_analysis


def series_analysis(mediators: int, sampling: Sampling) -> Analysis:
    """Treatment, mediators in series with every arrow forward, outcome."""
    names = ["x", *(f"m{k + 1}" for k in range(mediators)), "y"]
    edges = " ".join(f"{left}>{right}" for left, right in combinations(names, 2))
    return make_analysis(edges, treatment="x", mediators=tuple(names[1:-1]), outcomes=("y",), sampling=sampling)


def draw_table(analysis: Analysis, *, sizes: Sequence[int], seed: int) -> pd.DataFrame:
    """Rows with cluster slopes around 0.3 (sd 0.25), residual sds that differ by cluster, and cluster intercepts."""
    rng = np.random.default_rng(seed)
    names = [analysis.question.treatment, *analysis.question.mediators, *analysis.question.outcomes]
    parts = []
    for g, rows in enumerate(sizes):
        values: dict[str, np.ndarray] = {}
        for k, node in enumerate(names):
            values[node] = rng.normal() + np.exp(0.15 * rng.normal()) * rng.standard_normal(rows)
            for parent in names[:k]:
                values[node] = values[node] + (0.3 + 0.25 * rng.normal()) * values[parent]
        parts.append(pd.DataFrame(values).assign(cluster=f"c{g:04d}"))
    return pd.concat(parts, ignore_index=True)


def least_ess(mean: np.ndarray, tau: np.ndarray, nie: np.ndarray) -> float:
    """Least bulk ESS over (chain, draw, ...) arrays."""
    flat = [values.reshape(*values.shape[:2], -1) for values in (mean, tau, nie)]
    every = xr.DataArray(np.concatenate(flat, axis=2), dims=("chain", "draw", "quantity"), name="ess")
    return float(azs.ess(every, method="bulk").min())


def time_package(prepared: Prepared, sampling: Sampling) -> dict[str, float]:
    """Fit with this package; the first sampling run only warms the code and is not counted."""
    start = time.perf_counter()
    compiled = compile_model(prepared.design, prepared.arrays, prepared.priors)
    compile_seconds = time.perf_counter() - start
    refit(compiled, prepared.arrays, Sampling(draws=10, tune=10, chains=1))
    draws = refit(compiled, prepared.arrays, sampling)
    effects = evaluate_effects(population_nie(prepared), draws.coefficients, random_seed=1)
    nie = select_row(effects, effect="nie", via="all", level="population")
    posterior = draws.posterior["posterior"]
    ess = least_ess(posterior["mean"].values, posterior["tau"].values, nie.values)
    return record(ess, draws.seconds, compile_seconds, draws.posterior["sample_stats"].to_dataset())


def time_model(model: object, prepared: Prepared, sampling: Sampling, *, limit: float | None = None) -> dict[str, object]:
    """Fit a PyMC model that has ``mean``, ``tau`` and ``covariance_matrix`` with nutpie, for ``limit`` seconds at most."""
    import nutpie

    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model)
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    settings = {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains, "seed": sampling.seed}
    running = nutpie.sample(compiled, **settings, progress_bar=False, blocking=False)
    try:
        trace = running.wait(timeout=limit)
    except TimeoutError:
        running.cancel()
        return {"unfinished_after_seconds": limit, "compile_seconds": round(compile_seconds, 1)}
    seconds = time.perf_counter() - start
    posterior = trace["posterior"]
    mean, covariance = posterior["mean"].values, posterior["covariance_matrix"].values
    (estimand,) = population_nie(prepared)
    moments = NormalMoments(mean.reshape(-1, mean.shape[-1]), covariance.reshape(-1, *covariance.shape[2:]))
    nie = expectation(estimand.polynomial, moments).reshape(mean.shape[:2])
    ess = least_ess(mean, posterior["tau"].values, nie)
    return record(ess, seconds, compile_seconds, trace["sample_stats"].to_dataset())


def population_nie(prepared: Prepared) -> tuple[Estimand, ...]:
    """Return the one estimand of the figure."""
    return list_estimands(
        prepared.analysis.question,
        prepared.graph,
        prepared.system,
        prepared.scale,
        (0.0, 1.0),
        identified=[("y", "nie", "all")],
    )


def record(ess: float, seconds: float, compile_seconds: float, statistics: xr.Dataset) -> dict[str, float]:
    """Return what is stored of one fit."""
    return {
        "least_ess": round(ess, 1),
        "sampling_seconds": round(seconds, 2),
        "ess_per_second": round(ess / seconds, 3),
        "compile_seconds": round(compile_seconds, 1),
        "divergent_share": round(float(statistics["diverging"].mean()), 5),
        "steps": round(float(statistics["n_steps"].mean()), 1),
    }

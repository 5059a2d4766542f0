"""Effective samples per second: this package against row-by-row PyMC models, same data, same run.

The figure is the least bulk ESS over population coefficients, between-cluster standard deviations and the population
nie, divided by sampling seconds (compiling left out, for everybody). Models: this package; the ordinary row-by-row model
non-centred, as a formula package writes it; the same centred. All are sampled by nutpie with the same settings.

Run with `python -m tests.benchmarks.row_models`; writes tests/benchmarks/row_models.json.
"""

import argparse
import json
import os
import platform
import time
from itertools import combinations
from pathlib import Path

import arviz_stats as azs
import numpy as np
import nutpie
import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.effects.estimands import Estimand, list_estimands
from causalcluster.effects.levels import evaluate_effects, select_row
from causalcluster.effects.polynomials import NormalMoments, expectation
from causalcluster.fitting.sample import compile_model, refit
from tests.oracles.row_model import ordinary_row_model
from tests.oracles.systems import Prepared, make_analysis, prepare_system


def series_analysis(mediators: int, sampling: Sampling) -> Analysis:
    """Treatment, mediators in series with every arrow forward, outcome."""
    names = ["x", *(f"m{k + 1}" for k in range(mediators)), "y"]
    edges = " ".join(f"{left}>{right}" for left, right in combinations(names, 2))
    return make_analysis(edges, treatment="x", mediators=tuple(names[1:-1]), outcomes=("y",), sampling=sampling)


def draw_table(analysis: Analysis, *, clusters: int, rows: int, seed: int) -> pd.DataFrame:
    """Rows with cluster slopes around 0.3 (sd 0.25), residual sds that differ by cluster, and cluster intercepts."""
    rng = np.random.default_rng(seed)
    names = [analysis.question.treatment, *analysis.question.mediators, *analysis.question.outcomes]
    parts = []
    for g in range(clusters):
        values: dict[str, np.ndarray] = {}
        for k, node in enumerate(names):
            values[node] = rng.normal() + np.exp(0.15 * rng.normal()) * rng.standard_normal(rows)
            for parent in names[:k]:
                values[node] = values[node] + (0.3 + 0.25 * rng.normal()) * values[parent]
        parts.append(pd.DataFrame(values).assign(cluster=f"c{g:03d}"))
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
    effects = evaluate_effects(_population_nie(prepared), draws.coefficients, random_seed=1)
    nie = select_row(effects, effect="nie", via="all", level="population")
    posterior = draws.posterior["posterior"]
    return _record(
        least_ess(posterior["mean"].values, posterior["tau"].values, nie.values),
        draws.seconds,
        compile_seconds,
        draws.posterior,
    )


def time_rows(prepared: Prepared, table: pd.DataFrame, sampling: Sampling, *, centred: bool) -> dict[str, float]:
    """Fit the ordinary row-by-row model with nutpie."""
    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(ordinary_row_model(prepared, table, centred=centred))
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    trace = nutpie.sample(
        compiled, draws=sampling.draws, tune=sampling.tune, chains=sampling.chains, seed=sampling.seed, progress_bar=False
    )
    seconds = time.perf_counter() - start
    posterior = trace["posterior"]
    mean = posterior["mean"].values
    covariance = posterior["covariance_matrix"].values
    (estimand,) = _population_nie(prepared)
    moments = NormalMoments(mean.reshape(-1, mean.shape[-1]), covariance.reshape(-1, *covariance.shape[2:]))
    nie = expectation(estimand.polynomial, moments).reshape(mean.shape[:2])
    return _record(least_ess(mean, posterior["tau"].values, nie), seconds, compile_seconds, trace)


def _population_nie(prepared: Prepared) -> tuple[Estimand, ...]:
    return list_estimands(
        prepared.analysis.question,
        prepared.graph,
        prepared.system,
        prepared.scale,
        (0.0, 1.0),
        identified=[("y", "nie", "all")],
    )


def _record(ess: float, seconds: float, compile_seconds: float, trace: xr.DataTree) -> dict[str, float]:
    statistics = trace["sample_stats"]
    return {
        "least_ess": round(ess, 1),
        "sampling_seconds": round(seconds, 2),
        "ess_per_second": round(ess / seconds, 3),
        "compile_seconds": round(compile_seconds, 1),
        "divergences": int(statistics["diverging"].sum()),
        "steps": round(float(statistics["n_steps"].mean()), 1),
    }


def main() -> None:
    """Time all three and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=30)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--mediators", type=int, default=4)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    asked = parser.parse_args()
    sampling = Sampling(draws=asked.draws, tune=asked.tune, chains=4, seed=1)
    analysis = series_analysis(asked.mediators, sampling)
    table = draw_table(analysis, clusters=asked.clusters, rows=asked.rows, seed=1)
    prepared = prepare_system(analysis, table)
    results = {"package": time_package(prepared, sampling)}
    for name, centred in (("rows centred", True), ("rows non-centred", False)):
        results[name] = time_rows(prepared, table, sampling, centred=centred)
        print(name, results[name], flush=True)
    ours = results["package"]["ess_per_second"]
    ratios = {
        "to non-centred rows": round(ours / results["rows non-centred"]["ess_per_second"], 1),
        "to the better of the two": round(
            ours / max(results[name]["ess_per_second"] for name in ("rows centred", "rows non-centred")), 1
        ),
    }
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    settings = {name: getattr(asked, name) for name in ("clusters", "rows", "mediators", "draws", "tune")}
    report = {"machine": machine, "settings": settings, "results": results, "ratios": ratios}
    asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

"""This package against bambi on the same rows, in one run: one mediator, 30 clusters of 200 rows, all slopes varying.

Bambi fits the two equations as two models (`m ~ x + (x | cluster)`, `y ~ x + m + (x + m | cluster)`), so it has no
covariance between the slopes of different equations and no population effect; its figure is the least bulk ESS over mean
slopes and group standard deviations over the sampling seconds of both. Pathmc cannot let the slope of a mediator vary
by cluster, so it cannot do the job and is not timed.

Bambi is not among the project's dependencies: `pip install bambi` beside them. Run with `python -m tests.benchmarks.peers`;
writes tests/benchmarks/peers.json.
"""

import time
from typing import Any

import arviz_stats as azs
import pandas as pd

from causalcluster.analysis.records import Sampling
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, series_analysis, time_package
from tests.oracles.systems import prepare_system

FORMULAS = ("m1 ~ x + (x | cluster)", "y ~ x + m1 + (x + m1 | cluster)")


def time_bambi(table: pd.DataFrame, sampling: Sampling) -> dict[str, Any]:
    """Fit both models with nutpie."""
    import bambi
    import nutpie

    seconds, least = 0.0, float("inf")
    for formula in FORMULAS:
        model = bambi.Model(formula, table)
        model.build()
        compiled = nutpie.compile_pymc_model(model.backend.model)
        start = time.perf_counter()
        settings = {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains, "seed": sampling.seed}
        trace = nutpie.sample(compiled, **settings, progress_bar=False)
        seconds += time.perf_counter() - start
        posterior = trace["posterior"].to_dataset()
        names = [name for name in posterior if name in ("x", "m1") or str(name).endswith("_sigma")]
        ess = azs.ess(posterior[names], method="bulk")
        least = min(least, *(float(ess[name].min()) for name in names))
    return {
        "least_ess": round(least, 1),
        "sampling_seconds": round(seconds, 2),
        "ess_per_second": round(least / seconds, 3),
    }


def main() -> None:
    """Time both and print the ratio."""
    sampling = Sampling(draws=1000, tune=1000, chains=4, seed=1)
    analysis = series_analysis(1, sampling)
    table = draw_table(analysis, sizes=[200] * 30, seed=3)
    ours = time_package(prepare_system(analysis, table), sampling)
    theirs = time_bambi(table, sampling)
    ratio = round(ours["ess_per_second"] / theirs["ess_per_second"], 1)
    store("peers", {"package": ours, "bambi, two models": theirs, "ratio to bambi": ratio}, clusters=30, rows=200)


if __name__ == "__main__":
    main()

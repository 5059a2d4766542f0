"""Leaving out each of 30 clusters in turn, against one sampling run: nothing is compiled in between.

Run with `python -m tests.benchmarks.refits`; writes tests/benchmarks/refits.json.
"""

import time

from causalcluster.analysis.records import Sampling
from causalcluster.fitting.engines import open_engine
from causalcluster.fitting.many import leave_one_out
from causalcluster.fitting.sample import compile_model, refit
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, population_nie, series_analysis
from tests.oracles.systems import prepare_system

MEDIATORS, CLUSTERS, ROWS = 4, 30, 200


def main() -> None:
    """Time one sampling run and all refits, and print the ratio."""
    sampling = Sampling(draws=1000, tune=1000, chains=4, seed=1)
    analysis = series_analysis(MEDIATORS, sampling)
    prepared = prepare_system(analysis, draw_table(analysis, sizes=[ROWS] * CLUSTERS, seed=1))
    compiled = compile_model(prepared.design, prepared.arrays, prepared.priors)
    refit(compiled, prepared.arrays, Sampling(draws=10, tune=10, chains=1))
    start = time.perf_counter()
    draws = refit(compiled, prepared.arrays, sampling)
    once = time.perf_counter() - start
    start = time.perf_counter()
    with open_engine("threads") as executor:
        table = leave_one_out(compiled, prepared.arrays, population_nie(prepared), draws, sampling, executor=executor)
    every = time.perf_counter() - start
    results = {
        "one sampling run": round(once, 2),
        "all refits": round(every, 2),
        "refits over one run": round(every / once, 2),
        "least_ess": round(float(table["ess_bulk"].min()), 1),
        "greatest_r_hat": round(float(table["r_hat"].max()), 4),
        "divergences": int(table["divergences"].sum()),
    }
    store("refits", results, clusters=CLUSTERS, rows=ROWS, mediators=MEDIATORS)


if __name__ == "__main__":
    main()

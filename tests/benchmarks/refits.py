"""Leaving out each of 30 clusters in turn, against one sampling run: nothing is compiled in between.

Run with `python -m tests.benchmarks.refits`; writes tests/benchmarks/refits.json.
"""

from causalcluster.analysis.records import Sampling
from causalcluster.pipeline import analyse
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, series_analysis

MEDIATORS, CLUSTERS, ROWS = 4, 30, 200


def main() -> None:
    """Time one sampling run and all refits, with every effect of a user's run, and print the ratio."""
    analysis = series_analysis(MEDIATORS, Sampling(draws=1000, tune=1000, chains=4, seed=1))
    table = draw_table(analysis, sizes=[ROWS] * CLUSTERS, seed=1)
    analyse(analysis, table)
    result = analyse(analysis, table, leave_one_out=True, engine="threads")
    refits, timings = result.leave_one_out, result.timings
    results = {
        "compile": round(timings["compile"], 2),
        "one sampling run": round(timings["sample"], 2),
        "all refits": round(timings["leave_one_out"], 2),
        "refits over one run": round(timings["leave_one_out"] / timings["sample"], 2),
        "effects": len(refits) // CLUSTERS,
        "least_ess": round(float(refits["ess_bulk"].min()), 1),
        "greatest_r_hat": round(float(refits["r_hat"].max()), 4),
        "divergences": int(refits["divergences"].max()),
        "doubtful": int((refits["reason"] != "").sum()),
    }
    store("refits", results, clusters=CLUSTERS, rows=ROWS, mediators=MEDIATORS)


if __name__ == "__main__":
    main()

"""Effective samples per second: this package against row-by-row PyMC models, same data, same run.

The figure is the least bulk ESS over population coefficients, between-cluster standard deviations and the population
nie, divided by sampling seconds (compiling left out, for everybody). Models: this package; the ordinary row-by-row model
non-centred, as a formula package writes it; the same centred. All are sampled by nutpie with the same settings.

Run with `python -m tests.benchmarks.row_models`; writes tests/benchmarks/row_models.json.
"""

import argparse
from typing import Any

from causalcluster.analysis.records import Sampling
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, series_analysis, time_model, time_package
from tests.oracles.row_model import ordinary_row_model
from tests.oracles.systems import prepare_system

SIZES = {"30 x 200": (30, 200), "50 x 2000": (50, 2000)}
MEDIATORS = 4
LIMIT = 1200.0


def compare(clusters: int, rows: int, sampling: Sampling) -> dict[str, Any]:
    """Fit one table three ways; the ratio to a model that did not finish is not known."""
    analysis = series_analysis(MEDIATORS, sampling)
    table = draw_table(analysis, sizes=[rows] * clusters, seed=1)
    prepared = prepare_system(analysis, table)
    results: dict[str, Any] = {"package": time_package(prepared, sampling)}
    for name, centred in (("rows centred", True), ("rows non-centred", False)):
        results[name] = time_model(ordinary_row_model(prepared, table, centred=centred), prepared, sampling, limit=LIMIT)
        print(clusters, rows, name, results[name], flush=True)
    ours = results["package"]["ess_per_second"]
    known = {name: result["ess_per_second"] for name, result in results.items() if "ess_per_second" in result}
    best = max((value for name, value in known.items() if name != "package"), default=None)
    return {
        "results": results,
        "ratios": {
            "to non-centred rows": round(ours / known["rows non-centred"], 1) if "rows non-centred" in known else None,
            "to the better of the two": None if best is None else round(ours / best, 1),
        },
    }


def main() -> None:
    """Time all three at every size and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    asked = parser.parse_args()
    sampling = Sampling(draws=1000, tune=1000, chains=4, seed=1)
    for name in asked.sizes:
        store("row_models", {name: compare(*SIZES[name], sampling)}, mediators=MEDIATORS, draws=1000, tune=1000, limit=LIMIT)


if __name__ == "__main__":
    main()

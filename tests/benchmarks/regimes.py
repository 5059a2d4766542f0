"""Three regimes of cluster sizes: coefficients integrated out, as the package does, against sampling them.

Tiny clusters favour non-centred coefficients, large ones centred; a mixture favours neither. The package integrates
them out instead of choosing. All three have the same priors and the same moments, and are sampled by nutpie.

Run with `python -m tests.benchmarks.regimes`; writes tests/benchmarks/regimes.json.
"""

from typing import Any

import numpy as np

from causalcluster.analysis.records import Sampling
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, series_analysis, time_model, time_package
from tests.oracles.conditional_model import conditional_model
from tests.oracles.systems import prepare_system

MEDIATORS, CLUSTERS = 2, 40
REGIMES = {
    "tiny": [8] * CLUSTERS,
    "mixed": [int(n) for n in np.geomspace(5, 5000, CLUSTERS)],
    "large": [3000] * CLUSTERS,
}


def compare(sizes: list[int], sampling: Sampling) -> dict[str, Any]:
    """Fit one table three ways."""
    analysis = series_analysis(MEDIATORS, sampling)
    prepared = prepare_system(analysis, draw_table(analysis, sizes=sizes, seed=2))
    results: dict[str, Any] = {"integrated out": time_package(prepared, sampling)}
    for name, centred in (("centred", True), ("non-centred", False)):
        results[name] = time_model(conditional_model(prepared, centred=centred), prepared, sampling, limit=600.0)
    ours = results["integrated out"]["ess_per_second"]
    # A parametrisation that diverges has no usable figure, however many draws a second it makes.
    others = [
        result["ess_per_second"]
        for name, result in results.items()
        if name != "integrated out" and result.get("divergent_share", 1.0) <= 0.001
    ]
    return {"results": results, "best of the others over ours": round(max(others, default=0.0) / ours, 3)}


def main() -> None:
    """Time every regime."""
    sampling = Sampling(draws=1000, tune=1000, chains=4, seed=1)
    for name, sizes in REGIMES.items():
        store("regimes", {name: compare(sizes, sampling)}, mediators=MEDIATORS, clusters=CLUSTERS, draws=1000, tune=1000)


if __name__ == "__main__":
    main()

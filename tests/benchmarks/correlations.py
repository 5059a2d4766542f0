"""Twenty correlations of errors on 30 clusters of 200 rows, against one fit: nothing is sampled for them.

Run with `python -m tests.benchmarks.correlations`; writes tests/benchmarks/correlations.json.
"""

import time
from dataclasses import replace

from causalcluster.analysis.records import Sampling, SensitivitySpec
from causalcluster.design import question_design
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model, refit
from causalcluster.planning import draw_up, prepare
from causalcluster.sensitivity.examine import Fitted, examine
from tests.benchmarks.store import store
from tests.benchmarks.systems import draw_table, series_analysis

MEDIATORS, CLUSTERS, ROWS, REPEATS = 2, 30, 200, 3
GRID = tuple(round(-0.95 + 0.1 * step, 2) for step in range(20))


def main() -> None:
    """Time sampling and the whole sensitivity analysis by turns, and print the ratio of the least times."""
    analysis = series_analysis(MEDIATORS, Sampling(draws=1000, tune=1000, chains=4, seed=1))
    analysis = replace(analysis, sensitivity=SensitivitySpec(rho=GRID))
    plan = draw_up(analysis, draw_table(analysis, sizes=[ROWS] * CLUSTERS, seed=1))
    made = prepare(plan)
    compiled = compile_model(plan.design, made.arrays, made.priors)
    warm = refit(compiled, made.arrays, analysis.sampling)
    effects, _ = evaluate_targets(made.targets, warm.system, random_seed=1)
    fits, grids = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        draws = refit(compiled, made.arrays, analysis.sampling)
        middle = time.perf_counter()
        fitted = Fitted(
            analysis=analysis,
            graph=plan.graph,
            design=question_design(plan.design),
            scale=made.scale,
            arrays=made.arrays,
            moments=plan.moments,
            contrast=plan.panel.contrast,
            draws=draws.system,
            effects=effects,
        )
        found = examine(fitted, identified=[(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified])
        fits, grids = [*fits, middle - start], [*grids, time.perf_counter() - middle]
    assert found.curve is not None
    results = {
        "one fit": round(min(fits), 2),
        "twenty correlations": round(min(grids), 2),
        "correlations over one fit": round(min(grids) / min(fits), 2),
        "rows of the curve": len(found.curve),
    }
    store("correlations", results, clusters=CLUSTERS, rows=ROWS, mediators=MEDIATORS)


if __name__ == "__main__":
    main()

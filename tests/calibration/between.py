"""Coverage of the effect inside clusters where all association is between them, and how often the warning says so.

Panels of 30 clusters with 25 rows: the clusters' means follow law -> actor -> wage with strong slopes. Inside the clusters wages
follow nothing; actors follow nothing either, or the law. The effect through the actor is 0 in both; where both of its factors are 0
an interval of their product leaves 0 out only if both intervals do, in 1 of 400 panels at 95%. The naive analysis pools all
rows (``centre: none``, ``varying: none``). Run with `python -m tests.calibration.between`;
writes tests/calibration/between.json.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.checks.between import between_warnings, compare_between
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, ROWS = 30, 25
INSIDE = {"wages follow nothing": 0.4, "nothing follows anything": 0.0}
"""Slope of actors on laws inside clusters, by panel."""
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  actor: {layer: actor}
  wage: {layer: outcome}
edges: [law -> actor, "law, actor -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [actor]}
"""
POOLED = TEXT + "model: {centre: none, varying: none}\n"


def draw_panel(inside: float, rng: np.random.Generator) -> pd.DataFrame:
    """A panel with a slope of actors on laws inside clusters."""
    law, noise = rng.standard_normal(CLUSTERS), rng.standard_normal((2, CLUSTERS))
    actor = 0.9 * law + 0.8 * noise[0]
    means = np.column_stack([law, actor, 0.8 * actor + 0.1 * law + 0.3 * noise[1]])
    place = np.repeat(np.arange(CLUSTERS), ROWS)
    rows = rng.standard_normal((len(place), 3))
    rows[:, 1] += inside * rows[:, 0]
    values = means[place] + rows
    return pd.DataFrame(values, columns=["law", "actor", "wage"]).assign(district=[f"d{g:02d}" for g in place])


def fit(analysis: Analysis, table: pd.DataFrame, sampling: Sampling) -> tuple[pd.Series, bool]:
    """The row of nie, and whether the run warns of associations between clusters."""
    plan = draw_up(analysis, table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed, levels=("population",))
    rows = summarise_effects(effects, ci_prob=0.95)
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    given = (analysis, plan.graph, plan.design, plan.moments, plan.panel.contrast, effects)
    between = compare_between(*given, identified=identified)
    warned = any(text.startswith("nie(") for text in between_warnings(between))
    return rows[(rows["effect"] == "nie") & (rows["via"] == "actor")].iloc[0], warned


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel both ways; count intervals that hold 0, and warnings."""
    analysis, pooled = parse_analysis(TEXT, path="between.yaml"), parse_analysis(POOLED, path="pooled.yaml")
    counts = {name: {"covered at 0": 0, "warned": 0, "pooled rows covered at 0": 0} for name in INSIDE}
    for name, seed in product(INSIDE, range(seeds)):
        table, settings = draw_panel(INSIDE[name], np.random.default_rng([41, seed])), replace(sampling, seed=seed)
        row, warned = fit(analysis, table, settings)
        other, _ = fit(pooled, table, settings)
        counts[name]["covered at 0"] += int(row["lower"] <= 0.0 <= row["upper"])
        counts[name]["warned"] += int(warned)
        counts[name]["pooled rows covered at 0"] += int(other["lower"] <= 0.0 <= other["upper"])
    return {
        "source_hash": source_hash(PANEL_SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "panel": {"clusters": CLUSTERS, "rows": ROWS, "inside": INSIDE},
        "counts": counts,
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=500, chains=4, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=200, sampling=sampling)


if __name__ == "__main__":
    main()

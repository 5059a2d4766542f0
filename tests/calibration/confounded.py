"""An unmeasured cause of mediator and outcome: the estimate at the true correlation of errors, and at none.

Linear panels of 20 clusters with 80 rows, law -> unions -> wage and law -> wage; slopes vary independently with sd 0.1.
The errors of unions and wages have sd 1 and correlation 0.3 in every row, which adds 0.3 to the slope of wages on unions:
the effect through unions, 0.5 x 0.4 = 0.2, comes out as 0.35. Run with `python -m tests.calibration.confounded`; writes
tests/calibration/confounded.json.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Sampling
from causalcluster.design import question_design
from causalcluster.effects.estimands import list_estimands
from causalcluster.fitting.sample import compile_model
from causalcluster.fitting.system import build_closed_system
from causalcluster.planning import draw_up, prepare
from causalcluster.sensitivity.confounding import bend_effects, confounded_effects
from causalcluster.sensitivity.curves import effect_at
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import SOURCES, source_hash

RESULT = Path(__file__).with_suffix(".json")
SENSITIVITY_SOURCES = (*SOURCES, "causalcluster/sensitivity/confounding.py", "causalcluster/sensitivity/curves.py")
CLUSTERS, ROWS, BETWEEN_SD, RHO = 20, 80, 0.1, 0.3
MEAN = {"law>unions": 0.5, "unions>wage": 0.4, "law>wage": 0.2}
LEVELS = ("population", "sample")
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  unions: {layer: actor}
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""


def draw_panel(rng: np.random.Generator, rows: int = ROWS) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """A panel, and its true effects by level."""
    parts, own = [], []
    for g in range(CLUSTERS):
        b = {edge: mean + BETWEEN_SD * rng.normal() for edge, mean in MEAN.items()}
        law = rng.normal() + rng.standard_normal(rows)
        error = rng.standard_normal(rows)
        unions = rng.normal() + b["law>unions"] * law + error
        other = RHO * error + np.sqrt(1.0 - RHO**2) * rng.standard_normal(rows)
        wage = rng.normal() + b["law>wage"] * law + b["unions>wage"] * unions + other
        parts.append(pd.DataFrame({"district": f"d{g:02d}", "law": law, "unions": unions, "wage": wage}))
        own.append((b["law>unions"] * b["unions>wage"], b["law>wage"]))
    nie, nde = np.mean(own, axis=0)
    population = {"nie": MEAN["law>unions"] * MEAN["unions>wage"], "nde": MEAN["law>wage"]}
    return pd.concat(parts, ignore_index=True), {
        "population": population,
        "sample": {"nie": float(nie), "nde": float(nde)},
    }


def fit(table: pd.DataFrame, sampling: Sampling) -> dict[tuple[str, str, float], tuple[float, float]]:
    """Ends of 95% intervals by level, effect and correlation."""
    plan = draw_up(parse_analysis(TEXT, path="confounded.yaml"), table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling, cores=1)
    design = question_design(plan.design)
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    system = build_closed_system(design, prepared.arrays)
    estimands = list_estimands(
        plan.analysis.question, plan.graph, system, prepared.scale, plan.panel.contrast, identified=identified
    )
    bent = bend_effects(tuple(confounded_effects(estimands, design, ["unions"])), design, draws.system, random_seed=1)
    return {
        (item.key.level, item.key.effect, rho): tuple(map(float, np.quantile(effect_at(item, rho), [0.025, 0.975])))
        for item in bent
        if item.key.level in LEVELS and item.key.via in ("", "unions")
        for rho in (0.0, RHO)
    }


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Count intervals that hold the truth."""
    covered: dict[str, int] = {}
    for seed in range(seeds):
        table, truth = draw_panel(np.random.default_rng([81, seed]))
        for (level, effect, rho), (lower, upper) in fit(table, replace(sampling, seed=seed)).items():
            name = f"{level} {effect} at {rho:g}"
            covered[name] = covered.get(name, 0) + int(lower <= truth[level][effect] <= upper)
        print(f"{seed + 1} seeds", flush=True)
    return {
        "source_hash": source_hash(SENSITIVITY_SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "panel": {"clusters": CLUSTERS, "rows": ROWS, "between_sd": BETWEEN_SD, "rho": RHO},
        "covered": covered,
    }


def main() -> None:
    """Calibrate and store the result."""
    run_script(calibrate, RESULT, about=__doc__, seeds=200, sampling=Sampling(draws=500, tune=400, chains=2, seed=1))


if __name__ == "__main__":
    main()

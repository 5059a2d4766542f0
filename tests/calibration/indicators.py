"""An actor that three columns measure with error: the model of its indicators, and their average taken for the actor itself.

Linear panels of 20 clusters with 60 rows, law -> unions -> wage and law -> wage, slopes vary independently. Each of density,
coverage and agreements is unions times a loading plus an error of its own; their reliabilities inside clusters are about 0.5.
Run with `python -m tests.calibration.indicators`; writes tests/calibration/indicators.json.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, ROWS, BETWEEN_SD = 20, 60, 0.15
MEAN = {"law>unions": 0.5, "unions>wage": 0.6, "law>wage": 0.2}
NIE = MEAN["law>unions"] * MEAN["unions>wage"]
RESIDUAL_SD = 0.8
LOADINGS, ERROR_SD = (
    {"density": 1.0, "coverage": 0.8, "agreements": 1.3},
    {"density": 1.0, "coverage": 0.9, "agreements": 1.1},
)
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  unions: {layer: actor, indicators: [density, coverage, agreements]}
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""
AVERAGED = TEXT.replace("indicators: [density, coverage, agreements]", "column: average")
LEVELS = ("population", "sample")


def draw_panel(rng: np.random.Generator, rows: int = ROWS) -> tuple[pd.DataFrame, float]:
    """A panel, and the mean of the clusters' effects through unions."""
    parts, own = [], []
    for g in range(CLUSTERS):
        b = {edge: mean + BETWEEN_SD * rng.normal() for edge, mean in MEAN.items()}
        law = rng.normal() + rng.standard_normal(rows)
        unions = rng.normal() + b["law>unions"] * law + RESIDUAL_SD * rng.standard_normal(rows)
        wage = rng.normal() + b["law>wage"] * law + b["unions>wage"] * unions + rng.standard_normal(rows)
        seen = {
            name: rng.normal() + loading * unions + ERROR_SD[name] * rng.standard_normal(rows)
            for name, loading in LOADINGS.items()
        }
        parts.append(pd.DataFrame({"district": f"d{g:02d}", "law": law, "wage": wage, **seen}))
        own.append(b["law>unions"] * b["unions>wage"])
    table = pd.concat(parts, ignore_index=True)
    return table.assign(average=table[list(LOADINGS)].mean(axis=1)), float(np.mean(own))


def fit(analysis: Analysis, table: pd.DataFrame, sampling: Sampling) -> dict[str, tuple[float, float, float, float]]:
    """Mean, standard deviation and ends of the effect through unions, by level."""
    plan = draw_up(analysis, table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling, cores=1)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed, levels=LEVELS)
    rows = summarise_effects(effects, ci_prob=0.95)
    chosen = rows[(rows["effect"] == "nie") & (rows["via"] == "unions")].set_index("level")
    return {level: tuple(float(chosen.loc[level, key]) for key in ("mean", "sd", "lower", "upper")) for level in LEVELS}


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel in both ways; bias as a share of the truth, and coverage."""
    fits = {"indicators": parse_analysis(TEXT, path="latent.yaml"), "average": parse_analysis(AVERAGED, path="average.yaml")}
    found: dict[str, dict[str, list[tuple[float, ...]]]] = {name: {level: [] for level in LEVELS} for name in fits}
    for seed in range(seeds):
        table, own = draw_panel(np.random.default_rng([61, seed]))
        for name, analysis in fits.items():
            for level, values in fit(analysis, table, replace(sampling, seed=seed)).items():
                found[name][level].append((*values, NIE if level == "population" else own))
        print(f"{seed + 1} seeds", flush=True)
    return {
        "source_hash": source_hash(PANEL_SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "panel": {"clusters": CLUSTERS, "rows": ROWS, "between_sd": BETWEEN_SD},
        "fits": {name: {level: _compare(np.array(values)) for level, values in own.items()} for name, own in found.items()},
    }


def _compare(values: np.ndarray) -> dict[str, float]:
    mean, sd, lower, upper, truth = values.T
    away = (mean - truth) / NIE
    return {
        "bias": round(float(away.mean()), 4),
        "standard_error": round(float(away.std(ddof=1) / np.sqrt(len(away))), 4),
        "relative_sd": round(float(sd.mean()) / NIE, 4),
        "covered": int(((lower <= truth) & (truth <= upper)).sum()),
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=400, chains=2, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=50, sampling=sampling)


if __name__ == "__main__":
    main()

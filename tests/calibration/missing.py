"""A mediator that is missing at random given treatment and outcome: complete data, the model, and dropping rows.

Linear panels of 16 clusters with 60 to 150 rows, law -> enforcement -> wage and law -> wage, slopes vary independently.
About 35% of enforcement is missing, the more often the higher wage and law are, so that complete rows are a biased
choice. Run with `python -m tests.calibration.missing`; writes tests/calibration/missing.json.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import SOURCES, source_hash

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, BETWEEN_SD, SHARE = 16, 0.2, 0.35
MEAN = {"law>enforcement": 0.6, "enforcement>wage": 0.7, "law>wage": 0.3}
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, missing: POLICY}
nodes:
  law: {layer: environment}
  enforcement: {layer: actor}
  wage: {layer: outcome}
edges: [law -> enforcement, "law, enforcement -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [enforcement]}
"""
FITS = {"complete": "model", "model": "model", "drop": "drop"}


def draw_panel(rng: np.random.Generator) -> pd.DataFrame:
    """A panel without gaps, and the column that would have them."""
    parts = []
    for g in range(CLUSTERS):
        n = int(rng.integers(60, 150))
        b = {edge: mean + BETWEEN_SD * rng.normal() for edge, mean in MEAN.items()}
        law = rng.normal() + rng.standard_normal(n)
        enforcement = rng.normal() + b["law>enforcement"] * law + rng.standard_normal(n)
        wage = rng.normal() + b["law>wage"] * law + b["enforcement>wage"] * enforcement + rng.standard_normal(n)
        parts.append(pd.DataFrame({"district": f"d{g:02d}", "law": law, "enforcement": enforcement, "wage": wage}))
    return pd.concat(parts, ignore_index=True)


def make_gaps(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take away enforcement at random given law and wage."""
    score = 1.5 * (table["wage"] - table["wage"].mean()) / table["wage"].std() + 0.5 * table["law"]
    level = brentq(lambda at: expit(score + at).mean() - SHARE, -20.0, 20.0)
    return table.assign(enforcement=table["enforcement"].where(rng.random(len(table)) > expit(score + level)))


def fit(analysis: Analysis, table: pd.DataFrame, sampling: Sampling) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of nie at levels population and sample."""
    plan = draw_up(analysis, table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling)
    levels = ("population", "sample")
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed, levels=levels)
    table = summarise_effects(effects, ci_prob=0.95)
    chosen = table[(table["effect"] == "nie") & (table["via"] == "all")].set_index("level")
    return {level: (float(chosen.loc[level, "mean"]), float(chosen.loc[level, "sd"])) for level in levels}


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel in three ways."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {name: {"population": [], "sample": []} for name in FITS}
    shares = []
    for seed in range(seeds):
        whole = draw_panel(np.random.default_rng([17, seed]))
        gappy = make_gaps(whole, np.random.default_rng([18, seed]))
        shares.append(float(gappy["enforcement"].isna().mean()))
        for name, policy in FITS.items():
            analysis = parse_analysis(TEXT.replace("POLICY", policy), path="missing.yaml")
            table = whole if name == "complete" else gappy
            for level, values in fit(analysis, table, replace(sampling, seed=seed)).items():
                found[name][level].append(values)
        print(f"{seed + 1} seeds", flush=True)
    levels = {level: _compare({name: np.array(found[name][level]) for name in FITS}) for level in ("population", "sample")}
    return {
        "source_hash": source_hash(SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "share_missing": round(float(np.mean(shares)), 3),
        "levels": levels,
    }


def _compare(values: dict[str, np.ndarray]) -> dict[str, Any]:
    """Differences from the complete data's fit as shares of its mean, their standard errors, and ratios of widths."""
    complete = values["complete"]
    size, out = float(complete[:, 0].mean()), {"nie": round(float(complete[:, 0].mean()), 4)}
    for name in ("model", "drop"):
        away = (values[name][:, 0] - complete[:, 0]) / size
        out[name] = {
            "difference": round(float(away.mean()), 4),
            "standard_error": round(float(away.std(ddof=1) / np.sqrt(len(away))), 4),
            "width": round(float((values[name][:, 1] / complete[:, 1]).mean()), 3),
            "widest": round(float((values[name][:, 1] / complete[:, 1]).max()), 3),
        }
    return out


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=400, chains=4, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=50, sampling=sampling)


if __name__ == "__main__":
    main()

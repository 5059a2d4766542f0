"""Coverage of interventional effects where the treatment affects a cause of mediator and outcome.

Linear panels of 16 clusters with 30 to 150 rows: law -> growth -> enforcement, growth -> wage, law -> enforcement -> wage, law -> wage, all
slopes vary independently. The naive analysis leaves growth out of the diagram and reads its nie as the effect through
enforcement. Run with `python -m tests.calibration.affected_cause`; writes tests/calibration/affected_cause.json.
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
from tests.calibration.linear import SOURCES, source_hash

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, BETWEEN_SD = 16, 0.2
# Means over clusters of the slopes; residual standard deviations are 1.
MEAN = {
    "law>growth": 0.8,
    "growth>enforcement": 0.7,
    "growth>wage": 0.8,
    "law>enforcement": 0.4,
    "enforcement>wage": 0.4,
    "law>wage": 0.3,
}
THROUGH = (MEAN["law>enforcement"] + MEAN["law>growth"] * MEAN["growth>enforcement"]) * MEAN["enforcement>wage"]
AROUND = MEAN["law>wage"] + MEAN["law>growth"] * MEAN["growth>wage"]
TRUTH = {"iie": THROUGH, "ide": AROUND, "overall": THROUGH + AROUND}
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  growth: {layer: environment}
  enforcement: {layer: actor}
  wage: {layer: outcome}
edges: [law -> growth, "law, growth -> enforcement", "law, growth, enforcement -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [enforcement]}
"""
NAIVE = TEXT.replace("  growth: {layer: environment}\n", "").replace("law -> growth, ", "").replace(", growth", "")


def draw_panel(rng: np.random.Generator) -> pd.DataFrame:
    """A panel."""
    parts = []
    for g in range(CLUSTERS):
        n = int(rng.integers(30, 150))
        b = {edge: mean + BETWEEN_SD * rng.normal() for edge, mean in MEAN.items()}
        law = rng.normal() + rng.standard_normal(n)
        growth = rng.normal() + b["law>growth"] * law + rng.standard_normal(n)
        enforcement = b["law>enforcement"] * law + b["growth>enforcement"] * growth + rng.standard_normal(n)
        wage = b["law>wage"] * law + b["growth>wage"] * growth + b["enforcement>wage"] * enforcement + rng.standard_normal(n)
        columns = {"law": law, "growth": growth, "enforcement": enforcement, "wage": wage}
        parts.append(pd.DataFrame({"district": f"d{g:02d}", **columns}))
    return pd.concat(parts, ignore_index=True)


def fit(analysis: Analysis, table: pd.DataFrame, sampling: Sampling) -> pd.DataFrame:
    """Rows of the population effects."""
    plan = draw_up(analysis, table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed, levels=("population",))
    return summarise_effects(effects, ci_prob=0.95)


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel both ways; count how often 95% intervals hold the truth."""
    analysis, naive = parse_analysis(TEXT, path="affected.yaml"), parse_analysis(NAIVE, path="naive.yaml")
    covered: dict[str, int] = dict.fromkeys([*TRUTH, "naive nie"], 0)
    means: dict[str, list[float]] = {name: [] for name in covered}
    for seed in range(seeds):
        table, settings = draw_panel(np.random.default_rng([11, seed])), replace(sampling, seed=seed)
        rows = fit(analysis, table, settings)
        assert not set(rows["effect"]).intersection({"nde", "nie"}), "natural effects are not identified"
        wrong = fit(naive, table, settings)
        chosen = {name: rows[(rows["effect"] == name) & rows["via"].isin(["", "all"])].iloc[0] for name in TRUTH}
        chosen["naive nie"] = wrong[(wrong["effect"] == "nie") & (wrong["via"] == "all")].iloc[0]
        for name, row in chosen.items():
            covered[name] += int(row["lower"] <= TRUTH.get(name, TRUTH["iie"]) <= row["upper"])
            means[name].append(float(row["mean"]))
    return {
        "source_hash": source_hash(SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "truth": {name: round(value, 4) for name, value in TRUTH.items()},
        "covered": covered,
        "median_of_means": {name: round(float(np.median(values)), 4) for name, values in means.items()},
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=500, chains=4, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=200, sampling=sampling)


if __name__ == "__main__":
    main()

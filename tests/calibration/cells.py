"""Coverage where law and actor are one number in a cluster and year, and twenty firms are asked in each.

Panels of 12 clusters, 15 years and 20 firms: law -> actor -> wage and law -> wage, law and actor of the cluster and year, firms
with levels of their own, and a shock to all wages of a cluster and year. Slopes vary independently between clusters. The naive
analysis takes every firm's row as an observation of law and actor. Run with `python -m tests.calibration.cells`; writes
tests/calibration/cells.json.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.fitting.storage import coefficients_dataset
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, YEARS, FIRMS = 12, 15, 20
MEAN = {"law>actor": 0.5, "actor>wage": 0.4, "law>wage": 0.2}
BETWEEN_SD, SHOCK_SD = 0.2, 0.5
TRUTH = {"a": MEAN["law>actor"], "nie": MEAN["law>actor"] * MEAN["actor>wage"]}
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, unit: firm, time: year}
nodes:
  law: {layer: environment}
  actor: {layer: actor}
  wage: {layer: outcome}
edges: [law -> actor, "law, actor -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [actor]}
"""
NAIVE = TEXT.replace(", unit: firm, time: year", "")


def draw_panel(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A panel, and the clusters' slopes."""
    parts, slopes = [], []
    for g in range(CLUSTERS):
        b = {edge: mean + BETWEEN_SD * rng.normal() for edge, mean in MEAN.items()}
        law = rng.normal() + rng.standard_normal(YEARS)
        actor = rng.normal() + b["law>actor"] * law + rng.standard_normal(YEARS)
        level = rng.normal() + b["law>wage"] * law + b["actor>wage"] * actor + SHOCK_SD * rng.standard_normal(YEARS)
        own = rng.standard_normal(FIRMS)
        wage = (level[:, None] + own + rng.standard_normal((YEARS, FIRMS))).ravel()
        columns = {"law": np.repeat(law, FIRMS), "actor": np.repeat(actor, FIRMS), "wage": wage}
        keys = {"year": np.repeat(np.arange(YEARS), FIRMS), "firm": np.tile(np.arange(FIRMS), YEARS)}
        parts.append(pd.DataFrame({"district": f"d{g:02d}", **keys, **columns}))
        slopes.append(b)
    return pd.concat(parts, ignore_index=True), pd.DataFrame(slopes)


def intervals(analysis: Analysis, table: pd.DataFrame, sampling: Sampling) -> dict[str, np.ndarray]:
    """95% intervals (..., 2): of a and nie, in the population and in every cluster."""
    plan = draw_up(analysis, table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling)
    levels = ("population", "cluster")
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed, levels=levels)
    values = {level: effects["effect"].values[..., _rows(effects, level)] for level in levels}
    slopes = coefficients_dataset(plan.design, prepared.scale, draws.coefficients).sel(coefficient="law -> actor")
    found = {
        "a population": slopes["coefficient_mean"].values[..., None],
        "a cluster": slopes["cluster_coefficient"].values,
        "nie population": values["population"],
        "nie cluster": values["cluster"],
    }
    return {name: np.quantile(value, [0.025, 0.975], axis=(0, 1)).T for name, value in found.items()}


def _rows(effects: Any, level: str) -> np.ndarray:
    chosen = (effects["estimand"] == "nie") & (effects["via"] == "actor") & (effects["level"] == level)
    return np.flatnonzero(chosen.values)


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel both ways; count how often 95% intervals hold the truth."""
    covered: dict[str, dict[str, int]] = {"cells": {}, "rows": {}}
    for seed in range(seeds):
        table, slopes = draw_panel(np.random.default_rng([31, seed]))
        truth = {
            "a population": np.array([TRUTH["a"]]),
            "nie population": np.array([TRUTH["nie"]]),
            "a cluster": slopes["law>actor"].to_numpy(),
            "nie cluster": (slopes["law>actor"] * slopes["actor>wage"]).to_numpy(),
        }
        for kind, text in (("cells", TEXT), ("rows", NAIVE)):
            found = intervals(parse_analysis(text, path="cells.yaml"), table, replace(sampling, seed=seed))
            for name, ends in found.items():
                inside = (ends[:, 0] <= truth[name]) & (truth[name] <= ends[:, 1])
                covered[kind][name] = covered[kind].get(name, 0) + int(inside.sum())
    sizes = {"population": seeds, "cluster": seeds * CLUSTERS}
    return {
        "source_hash": source_hash(PANEL_SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "panel": {"clusters": CLUSTERS, "years": YEARS, "firms": FIRMS, "between_sd": BETWEEN_SD, "shock_sd": SHOCK_SD},
        "truth": TRUTH,
        "coverage": {
            kind: {name: round(count / sizes[name.split()[1]], 4) for name, count in counts.items()}
            for kind, counts in covered.items()
        },
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=500, chains=4, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=200, sampling=sampling)


if __name__ == "__main__":
    main()

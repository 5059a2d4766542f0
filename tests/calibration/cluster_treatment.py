"""A treatment that is one number in every cluster: latent means, and observed means taken for the true ones.

Panels of 30 clusters with 8 rows, law -> unions -> wage and law -> wage between clusters; inside them the wage goes with the
unions by another slope. About half of the variance of an observed mean of unions given the law is sampling error.
Run with `python -m tests.calibration.cluster_treatment`; writes tests/calibration/cluster_treatment.json.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Sampling
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run, run_script
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS, ROWS = 30, 8
A, B, INSIDE, DIRECT = 0.6, 0.8, 0.3, 0.2
TRUTH = {"total": A * B + DIRECT, "nde": DIRECT, "nie": A * B}
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


def draw_panel(rng: np.random.Generator, inside: float = INSIDE, rows: int = ROWS) -> pd.DataFrame:
    """Rows of clusters whose true means follow the diagram."""
    district = np.repeat(np.arange(CLUSTERS), rows)
    law = rng.standard_normal(CLUSTERS)
    unions = A * law + 0.5 * rng.standard_normal(CLUSTERS)
    wage = DIRECT * law + B * unions + 0.4 * rng.standard_normal(CLUSTERS)
    own = 1.4 * rng.standard_normal(len(district))
    more = rng.standard_normal(len(district))
    return pd.DataFrame(
        {
            "district": [f"d{g:02d}" for g in district],
            "law": law[district],
            "unions": unions[district] + own,
            "wage": wage[district] + inside * own + more,
        }
    )


def by_observed_means(table: pd.DataFrame) -> float:
    """The indirect effect from regressions on observed means."""
    means = table.groupby("district").mean()
    one = np.ones(len(means))
    a = np.linalg.lstsq(np.column_stack([one, means["law"]]), means["unions"], rcond=None)[0][1]
    b = np.linalg.lstsq(np.column_stack([one, means["law"], means["unions"]]), means["wage"], rcond=None)[0][2]
    return float(a * b)


def fit(table: pd.DataFrame, sampling: Sampling) -> dict[str, tuple[float, ...]]:
    """Median, standard deviation and ends of the effects, by effect."""
    plan = draw_up(parse_analysis(TEXT, path="means.yaml"), table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, _ = fit_as_a_run(compiled, prepared.arrays, sampling, cores=1)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed)
    rows = summarise_effects(effects, ci_prob=0.95)
    chosen = rows[(rows["level"] == "population") & rows["via"].isin(["", "unions"])].set_index("effect")
    return {name: tuple(float(chosen.loc[name, key]) for key in ("median", "sd", "lower", "upper")) for name in TRUTH}


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Bias in standard errors of an estimate and coverage, by effect; bias of observed means as a share of the truth."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in TRUTH}
    observed = []
    for seed in range(seeds):
        table = draw_panel(np.random.default_rng([71, seed]))
        observed.append(by_observed_means(table))
        for name, values in fit(table, replace(sampling, seed=seed)).items():
            found[name].append(values)
        print(f"{seed + 1} seeds", flush=True)
    share = np.array(observed) / TRUTH["nie"] - 1.0
    return {
        "source_hash": source_hash(PANEL_SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "panel": {"clusters": CLUSTERS, "rows": ROWS},
        "effects": {name: _compare(np.array(values), TRUTH[name]) for name, values in found.items()},
        "observed_means": {
            "bias": round(float(share.mean()), 4),
            "standard_error": round(float(share.std(ddof=1) / np.sqrt(seeds)), 4),
        },
    }


def _compare(values: np.ndarray, truth: float) -> dict[str, float]:
    median, sd, lower, upper = values.T
    return {
        "bias": round(float((median - truth).mean() / truth), 4),
        "standard_error": round(float(median.std(ddof=1) / np.sqrt(len(median)) / truth), 4),
        "relative_sd": round(float(sd.mean()) / truth, 4),
        "covered": int(((lower <= truth) & (truth <= upper)).sum()),
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=500, tune=400, chains=2, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=100, sampling=sampling)


if __name__ == "__main__":
    main()

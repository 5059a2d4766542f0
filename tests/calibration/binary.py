"""Coverage in a system with a gaussian mediator and a binary outcome, over many simulated panels.

Clusters of 30 to 200 rows; all coefficients vary, the slope of the mediator on the treatment and that of the outcome on the mediator
with correlation 0.6. Truths are integrals over the mediator's noise by quadrature, in every cluster, and over clusters drawn
from the population. Run with `python -m tests.calibration.binary`; writes tests/calibration/binary.json.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Sampling
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model, refit
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import run_script
from tests.calibration.linear import source_hash

RESULT = Path(__file__).with_suffix(".json")
SOURCES = (
    "causalcluster/model",
    "causalcluster/effects",
    "causalcluster/fitting/coefficients.py",
    "causalcluster/design.py",
)
CLUSTERS = 12
ACCURACY = Accuracy(target=float("inf"), cluster_points=64, population_points=1024, replicates=2, draws=4)
EFFECTS = [("total", ""), ("nde", ""), ("nie", "all")]
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  enforcement: {layer: actor}
  injury: {layer: outcome, family: bernoulli}
edges: [law -> enforcement, "law, enforcement -> injury"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [injury], mediators: [enforcement]}
"""
# Intercept and slope of the mediator; intercept, slope of the treatment and slope of the mediator of the outcome.
MEAN = np.array([0.0, 0.6, -0.5, 0.3, -0.8])
SD = np.array([0.5, 0.3, 0.5, 0.25, 0.35])
ROOT = np.diag(SD)
ROOT[4, 1], ROOT[4, 4] = 0.6 * SD[4], 0.8 * SD[4]
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def draw_clusters(rng: np.random.Generator, count: int) -> np.ndarray:
    """Coefficients (count, 5) of clusters."""
    return MEAN + rng.standard_normal((count, 5)) @ ROOT.T


def true_effects(theta: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Effects in clusters (count,) with coefficients theta (count, 5); the mediator's noise is standard normal."""

    def mean(own: float, through: float) -> np.ndarray:
        i, a, k, d, b = theta.T[..., None]
        eta = k + d * own + b * (i + a * through + _NODES)
        return (_WEIGHTS / (1.0 + np.exp(-eta))).sum(axis=1)

    return {
        ("total", ""): mean(1, 1) - mean(0, 0),
        ("nde", ""): mean(1, 0) - mean(0, 0),
        ("nie", "all"): mean(1, 1) - mean(1, 0),
    }


def draw_panel(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """A panel, and its clusters' coefficients."""
    theta, parts = draw_clusters(rng, CLUSTERS), []
    for g, (i, a, k, d, b) in enumerate(theta):
        n = int(rng.integers(30, 200))
        law = 0.5 * rng.normal() + rng.standard_normal(n)
        enforcement = i + a * law + rng.standard_normal(n)
        injury = rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-(k + d * law + b * enforcement)))
        parts.append(
            pd.DataFrame({"district": f"d{g:02d}", "law": law, "enforcement": enforcement, "injury": injury.astype(int)})
        )
    return pd.concat(parts, ignore_index=True), theta


def calibrate(seeds: int, sampling: Sampling) -> dict[str, Any]:
    """Fit every panel; count how often 95% intervals hold the truth."""
    analysis = parse_analysis(TEXT, path="binary.yaml")
    truth = {
        key: float(value.mean()) for key, value in true_effects(draw_clusters(np.random.default_rng(0), 2_000_000)).items()
    }
    rows, compiled, began, seconds = [], None, time.perf_counter(), 0.0
    for seed in range(seeds):
        table, theta = draw_panel(np.random.default_rng([7, seed]))
        plan = draw_up(analysis, table)  # without DoWhy's opinion on the same diagram every time
        prepared = prepare(plan)
        compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
        draws = refit(compiled, prepared.arrays, replace(sampling, seed=seed))
        seconds += draws.seconds
        effects, _ = evaluate_targets(
            prepared.targets, draws.system, random_seed=seed, levels=("population", "cluster"), accuracy=ACCURACY
        )
        summary = summarise_effects(effects, ci_prob=0.95)
        own = true_effects(theta)
        for effect, via in EFFECTS:
            chosen = summary[(summary["effect"] == effect) & (summary["via"] == via)]
            for row in chosen.itertuples():
                wanted = truth[effect, via] if row.level == "population" else own[effect, via][int(row.cluster[1:])]
                rows.append((effect, via, row.level, row.lower <= wanted <= row.upper, row.mean - wanted, row.sd, row.r_hat))
        if (seed + 1) % 10 == 0:
            print(f"{seed + 1} seeds, {time.perf_counter() - began:.0f} s", flush=True)
    frame = pd.DataFrame(rows, columns=["effect", "via", "level", "covered", "error", "sd", "r_hat"])
    grouped = frame.groupby(["level", "effect"])
    return {
        "source_hash": source_hash(SOURCES),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains},
        "truth": {effect: round(value, 5) for (effect, _), value in truth.items()},
        "population": {effect: int(grouped.get_group(("population", effect))["covered"].sum()) for effect, _ in EFFECTS},
        "clusters": {
            effect: round(float(grouped.get_group(("cluster", effect))["covered"].mean()), 4) for effect, _ in EFFECTS
        },
        "mean_error_in_sd": {
            effect: round(
                float((lambda part: (part["error"] / part["sd"]).mean())(grouped.get_group(("population", effect)))), 3
            )
            for effect, _ in EFFECTS
        },
        "greatest_r_hat": round(float(frame["r_hat"].max()), 3),
        "mean_sampling_seconds": round(seconds / seeds, 2),
    }


def main() -> None:
    """Calibrate and store the result."""
    sampling = Sampling(draws=300, tune=500, chains=4, seed=1)
    run_script(calibrate, RESULT, about=__doc__, seeds=60, sampling=sampling)


if __name__ == "__main__":
    main()

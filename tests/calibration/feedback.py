"""Coverage and bias of effects along a loop: policy -> actor -> wage -> next period's policy, in 20 clusters.

Three panels: 15 periods without a lag of wages on themselves, and 8 and 5 periods with one of 0.5 in the average cluster. All slopes
differ between clusters. Every effect of the population
and of the sample at horizons 0, 1, 2 and 5, of a pulse and of a sustained change, total, direct and through the actor. The truth is
the simulation's own (`causalcluster.simulation.feedback`). Run with `python -m tests.calibration.feedback`; writes
tests/calibration/feedback.json.
"""

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Sampling
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model
from causalcluster.planning import draw_up, prepare
from causalcluster.simulation.feedback import (
    NODES,
    FeedbackParameters,
    draw_feedback,
    draw_feedback_slopes,
    feedback_effects,
    feedback_parameters,
)
from causalcluster.simulation.scenarios import analysis_text
from tests.calibration.fits import fit_as_a_run
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES

RESULT = Path(__file__).with_suffix(".json")
CLUSTERS = 20
VARIANTS = {"15 periods": (15, 0.0), "8 periods, own lag": (8, 0.5), "5 periods, own lag": (5, 0.5)}
"""Periods, and what wages carry over to the next."""
SAMPLING = Sampling(draws=500, tune=400, chains=2, seed=1)
LEVELS = ("population", "sample")
Key = tuple[str, str, int, str]


def text(own_lag: float) -> str:
    """Return the analysis file."""
    found = analysis_text("feedback", table_name="none.csv")
    return found.replace("  - wage -> policy @ lag 1\n", "  - wage -> policy, wage @ lag 1\n") if own_lag else found


def draw_panel(variant: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A panel and the clusters' slopes."""
    periods, own_lag = VARIANTS[variant]
    drawn = draw_feedback(feedback_parameters(own_lag), CLUSTERS, periods, np.random.default_rng([51, seed]))
    table = pd.DataFrame(drawn.values.reshape(-1, len(NODES)), columns=list(NODES))
    keys = {
        "cluster": np.repeat([f"c{g:02d}" for g in range(CLUSTERS)], periods),
        "year": np.tile(np.arange(periods), CLUSTERS),
    }
    return table.assign(**keys), drawn.slopes


def population_truth(parameters: FeedbackParameters) -> dict[Key, float]:
    """Expected effects in the population, over so many clusters that the error is below 1% of any interval's width."""
    many = draw_feedback_slopes(parameters, 400_000, np.random.default_rng(7))
    return {key: float(value.mean()) for key, value in feedback_effects(many).items()}


def fit(seed: int, variant: str) -> dict[str, Any]:
    """Return mean, sd, ends and median of every effect, with the truth in the sample."""
    table, slopes = draw_panel(variant, seed)
    plan = draw_up(parse_analysis(text(VARIANTS[variant][1]), path="feedback.yaml"), table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws, careful = fit_as_a_run(compiled, prepared.arrays, replace(SAMPLING, seed=seed), cores=1)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=seed, levels=LEVELS)
    truth = feedback_effects(slopes)
    found = {}
    for i in range(effects.sizes["row"]):
        key = tuple(str(effects[name].values[i]) for name in ("estimand", "via", "horizon", "regime", "level"))
        if key[1] == "all":
            continue
        values = effects["effect"].values[..., i]
        lower, upper, median = np.quantile(values, [0.025, 0.975, 0.5])
        own = float(truth[key[0], key[1], int(key[2]), key[3]].mean())
        found["|".join(key)] = [float(values.mean()), float(values.std()), float(lower), float(upper), own, float(median)]
    return {"careful": careful, "divergences": int(draws.posterior["sample_stats"]["diverging"].sum()), "found": found}


def summarise(variant: str, fits: list[dict[str, Any]]) -> dict[str, Any]:
    """Count intervals that hold the truth, and the bias of median and mean in posterior standard deviations, by effect."""
    population = population_truth(feedback_parameters(VARIANTS[variant][1]))
    out: dict[str, Any] = {"seeds": len(fits), "careful": sum(item["careful"] for item in fits), "effects": {}}
    for name in fits[0]["found"]:
        effect, via, horizon, regime, level = name.split("|")
        values = np.array([item["found"][name] for item in fits])
        truth = values[:, 4] if level == "sample" else population[effect, via, int(horizon), regime]
        covered = int(((values[:, 2] <= truth) & (truth <= values[:, 3])).sum())
        of_median, of_mean = (float(np.mean(values[:, k] - truth) / np.mean(values[:, 1])) for k in (5, 0))
        out["effects"][name] = {"covered": covered, "bias": round(of_median, 3), "bias of mean": round(of_mean, 3)}
    for level in LEVELS:
        own = [item for name, item in out["effects"].items() if name.endswith(f"|{level}")]
        out[level] = {
            "mean covered": round(float(np.mean([item["covered"] for item in own])), 1),
            "least covered": min(item["covered"] for item in own),
            "most covered": max(item["covered"] for item in own),
            "largest bias": max((item["bias"] for item in own), key=abs),
            "largest bias of mean": max((item["bias of mean"] for item in own), key=abs),
        }
    return out


def main() -> None:
    """Calibrate and store the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    asked = parser.parse_args()
    settings = {"draws": SAMPLING.draws, "tune": SAMPLING.tune, "chains": SAMPLING.chains}
    results: dict[str, Any] = {}
    report = {"source_hash": source_hash(PANEL_SOURCES), "settings": settings, "clusters": CLUSTERS, "variants": results}
    with ProcessPoolExecutor(asked.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for variant in asked.variants:
            fits = list(pool.map(partial(fit, variant=variant), range(asked.seeds), chunksize=5))
            results[variant] = summarise(variant, fits)
            print(variant, {key: value for key, value in results[variant].items() if key != "effects"}, flush=True)
            RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

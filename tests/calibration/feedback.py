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
    SLOPES,
    FeedbackDraw,
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
SAMPLING = Sampling(draws=300, tune=300, chains=2, seed=1)
LEVELS = ("population", "sample")
Key = tuple[str, str, int, str]


def text(own_lag: float) -> str:
    """Return the analysis file."""
    found = analysis_text("feedback", table_name="none.csv")
    return found.replace("  - wage -> policy @ lag 1\n", "  - wage -> policy, wage @ lag 1\n") if own_lag else found


def draw(variant: str, seed: int) -> FeedbackDraw:
    """A panel with what it was made of."""
    periods, own_lag = VARIANTS[variant]
    return draw_feedback(feedback_parameters(own_lag), CLUSTERS, periods, np.random.default_rng([51, seed]))


def control_variates(drawn: FeedbackDraw) -> np.ndarray:
    """Return numbers (9,) whose expectation is 0 and that errors of estimates go with.

    They are sums of products of each period's errors with each other and with the past wage. What is common to panels by the luck of
    the draw is told from bias by regressing errors of estimates on them (control variates; Glasserman 2003, chapter 4.1).
    """
    slope, values = dict(zip(SLOPES, drawn.slopes.T[:, :, None], strict=True)), drawn.values[:, 1:]
    before, (policy, actor, _) = drawn.values[:, :-1, 2], np.moveaxis(values, -1, 0)
    errors = values - drawn.level[:, None]
    errors[..., 0] -= slope["wage @ lag 1 -> policy"] * before
    errors[..., 1] -= slope["policy -> actor"] * policy
    errors[..., 2] -= slope["policy -> wage"] * policy + slope["actor -> wage"] * actor
    errors[..., 2] -= slope["wage @ lag 1 -> wage"] * before
    pairs = [errors[..., i] * errors[..., j] for i, j in ((0, 1), (0, 2), (1, 2))]
    level, past = drawn.level, before - before.mean()
    products = [*pairs, *(errors[..., k] * past for k in range(3)), *(errors[..., k] * level[:, 2:] for k in range(3))]
    return np.array([float(item.mean()) for item in products])


def draw_panel(variant: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A panel and the clusters' slopes."""
    drawn, periods = draw(variant, seed), VARIANTS[variant][0]
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
    controls = np.array([control_variates(draw(variant, seed)) for seed in range(len(fits))])
    out: dict[str, Any] = {"seeds": len(fits), "careful": sum(item["careful"] for item in fits), "effects": {}}
    for name in fits[0]["found"]:
        effect, via, horizon, regime, level = name.split("|")
        values = np.array([item["found"][name] for item in fits])
        truth = values[:, 4] if level == "sample" else population[effect, via, int(horizon), regime]
        covered = int(((values[:, 2] <= truth) & (truth <= values[:, 3])).sum())
        of_median, of_mean = (_bias((values[:, k] - truth) / np.mean(values[:, 1]), controls) for k in (5, 0))
        keys = ("bias", "standard error", "bias of mean")
        out["effects"][name] = {"covered": covered} | dict(zip(keys, (*of_median, of_mean[0]), strict=True))
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


def _bias(errors: np.ndarray, controls: np.ndarray) -> tuple[float, float]:
    """Return the mean of errors (seed,) that is left where control variates (seed, control) are 0, and its standard error."""
    x = np.column_stack([np.ones(len(errors)), controls])
    found, *_ = np.linalg.lstsq(x, errors, rcond=None)
    rest = errors - x @ found
    variance = float(rest @ rest) / max(len(errors) - x.shape[1], 1)
    return round(float(found[0]), 3), round(float(np.sqrt(variance * np.linalg.inv(x.T @ x)[0, 0])), 3)


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

"""Coverage of 95% intervals on the scenario `linear`: 24 clusters of 10 to 500 rows, 200 seeds, compiled once.

Run with `make calibrate`; writes tests/calibration/linear.json with a hash of the sources that the result depends on.
"""

import argparse
import ast
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Sampling
from causalcluster.design import columns, products
from causalcluster.effects.estimands import Estimand, list_estimands
from causalcluster.effects.levels import evaluate_effects
from causalcluster.effects.summary import summarise_effects
from causalcluster.effects.worlds import System
from causalcluster.equations import build_design
from causalcluster.fitting.gate import judge
from causalcluster.fitting.sample import Compiled, compile_model, refit
from causalcluster.graph import build_graph
from causalcluster.model.priors import set_priors
from causalcluster.model.standard import choose_scale, standardise
from causalcluster.simulation import simulate
from tests.oracles.systems import plain_moments

RESULT = Path(__file__).with_suffix(".json")
SOURCES = (
    "causalcluster/model",
    *(f"causalcluster/effects/{name}.py" for name in ("estimands", "levels", "polynomials", "summary", "worlds")),
    "causalcluster/fitting/coefficients.py",
    "causalcluster/design.py",
    "causalcluster/equations.py",
    "causalcluster/simulation/linear.py",
)
POPULATION = [("total", ""), ("nde", ""), ("nie", "all"), ("nie", "enforcement"), ("nie", "unions")]


def source_hash(names: Sequence[str] = SOURCES) -> str:
    """Hash of the code behind the result, in a fixed order; layout, comments and docstrings do not count."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for name in names:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(_code(path).encode())
    return digest.hexdigest()


def _code(path: Path) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def fit_seed(seed: int, compiled: Compiled | None, sampling: Sampling) -> tuple[Compiled, pd.DataFrame]:
    """Simulate, fit and hold every interval against the truth."""
    simulated = simulate("linear", seed=seed)
    analysis = parse_analysis(simulated.analysis_text, path="linear.yaml")
    graph = build_graph(analysis)
    design = build_design(analysis, graph)
    moments = plain_moments(simulated.table, list(columns(design)), list(products(design)))
    scale = choose_scale(moments, design)
    arrays = standardise(moments, design, scale)
    if compiled is None:
        compiled = compile_model(design, arrays, set_priors(analysis.model, design, graph, arrays, scale))
    wanted = [("wage", effect, via) for effect, via in POPULATION]
    system = System(design=design, column_mean=arrays.column_mean)
    estimands = list_estimands(analysis.question, graph, system, scale, (0.0, 1.0), identified=wanted)
    for careful in (False, True):
        draws = refit(compiled, arrays, Sampling(draws=sampling.draws, tune=sampling.tune, seed=seed), careful=careful)
        effects = evaluate_effects(estimands, draws.coefficients, random_seed=seed)
        table = summarise_effects(effects, ci_prob=0.95)
        verdict = judge(table, draws.posterior["sample_stats"].to_dataset(), retried=careful)
        if verdict.status == "ok":
            break
    keys = ["outcome", "effect", "via", "level", "cluster"]
    held = table.merge(simulated.truth[[*keys, "value"]], on=keys)
    held = held.assign(covered=(held["lower"] < held["value"]) & (held["value"] < held["upper"]), seed=seed)
    held["rows"] = held["cluster"].map(dict(zip(arrays.clusters, arrays.rows, strict=True)))
    naive = _naive_interval(estimands, draws.coefficients.mean)
    truth = float(held.query("effect == 'nie' and via == 'enforcement' and level == 'population'")["value"].iloc[0])
    return compiled, held.assign(
        naive_covered=naive[0] < truth < naive[1],
        naive_estimate=naive[2],
        status=verdict.status,
        retried=verdict.retried,
        divergences=verdict.divergences,
        seconds=draws.seconds,
    )


def _naive_interval(estimands: tuple[Estimand, ...], mean: np.ndarray) -> tuple[float, float, float]:
    """Interval of nie via enforcement when the means of the slopes are multiplied and their covariance is left out."""
    chosen = next(item for item in estimands if (item.effect, item.via) == ("nie", "enforcement"))
    value = sum(
        float(np.mean(weight)) * np.prod(mean[..., list(monomial)], axis=-1)
        for monomial, weight in chosen.polynomial.items()
    )
    lower, upper = np.quantile(value, [0.025, 0.975])
    return float(lower), float(upper), float(np.mean(value))


def summarise(held: pd.DataFrame, sampling: Sampling, seconds: float) -> dict[str, Any]:
    """Return what is stored."""
    seeds = int(held["seed"].nunique())
    population = held[held["level"] == "population"]
    clusters = held[held["level"] == "cluster"].copy()
    clusters["third"] = clusters.groupby("seed")["rows"].rank(method="first", pct=True)
    clusters["third"] = pd.cut(clusters["third"], [0, 1 / 3, 2 / 3, 1], labels=["small", "middle", "large"])
    first = held.groupby("seed").first()
    return {
        "source_hash": source_hash(),
        "seeds": seeds,
        "settings": {"draws": sampling.draws, "tune": sampling.tune, "chains": sampling.chains, "ci_prob": 0.95},
        "population": {
            f"{effect}({via})" if via else effect: _coverage(population, effect, via) for effect, via in POPULATION
        },
        "clusters": {f"{effect}({via})" if via else effect: _shares(clusters, effect, via) for effect, via in POPULATION},
        "clusters_all": round(float(clusters["covered"].mean()), 4),
        "clusters_by_third": {
            str(third): round(float(part["covered"].mean()), 4) for third, part in clusters.groupby("third", observed=True)
        },
        "product_of_means": {
            "covered": int(first["naive_covered"].sum()),
            "mean_estimate": round(float(first["naive_estimate"].mean()), 1),
        },
        "fits": {
            "unreliable": int((first["status"] != "ok").sum()),
            "retried": int(first["retried"].sum()),
            "divergences": int(first["divergences"].sum()),
            "mean_sampling_seconds": round(float(first["seconds"].mean()), 2),
            "total_seconds": round(seconds, 0),
        },
    }


def _coverage(rows: pd.DataFrame, effect: str, via: str) -> dict[str, float]:
    chosen = rows[(rows["effect"] == effect) & (rows["via"] == via)]
    return {
        "covered": int(chosen["covered"].sum()),
        "truth": round(float(chosen["value"].iloc[0]), 3),
        "mean_of_means": round(float(chosen["mean"].mean()), 1),
        "mean_sd": round(float(chosen["sd"].mean()), 1),
    }


def _shares(rows: pd.DataFrame, effect: str, via: str) -> dict[str, float]:
    chosen = rows[(rows["effect"] == effect) & (rows["via"] == via)]
    thirds = {str(third): round(float(part["covered"].mean()), 4) for third, part in chosen.groupby("third", observed=True)}
    return {"all": round(float(chosen["covered"].mean()), 4), **thirds}


def main() -> None:
    """Fit all seeds and store the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    sampling = Sampling(draws=600, tune=600, chains=4)
    start, parts, compiled = time.perf_counter(), [], None
    for seed in range(1, asked.seeds + 1):
        compiled, held = fit_seed(seed, compiled, sampling)
        parts.append(held)
        if seed % 20 == 0:
            print(f"{seed} seeds, {time.perf_counter() - start:.0f} s", flush=True)
    result = summarise(pd.concat(parts), sampling, time.perf_counter() - start)
    asked.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""Simulation-based calibration of three levels: rows in clusters in countries.

Parameters are drawn from the prior, tables from the parameters by code of their own, and every parameter is ranked among the
draws of its posterior (Talts, Betancourt, Simpson, Vehtari and Gelman 2018): standard deviations at both levels, means, residual
standard deviations, effects in the population, in countries and in clusters. Five countries of four clusters of 30 rows, law ->
actor -> wage. Run with `python -m tests.calibration.nested`; writes tests/calibration/nested.json.
"""

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.fitting.evaluation import Targets, evaluate_targets, list_targets
from causalcluster.fitting.prior_draws import draw_prior_system
from causalcluster.fitting.sample import Compiled, compile_model
from causalcluster.fitting.storage import coefficients_dataset
from causalcluster.fitting.system import build_closed_system
from causalcluster.model.preparation import prepare_arrays
from causalcluster.model.priors import Priors
from causalcluster.model.standard import MomentArrays, Scale
from causalcluster.planning import draw_up, prepare
from tests.calibration.fits import fit_as_a_run
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES
from tests.calibration.sbc.bands import deviation

RESULT = Path(__file__).with_suffix(".json")
COUNTRIES, CLUSTERS, ROWS, KEPT = 5, 4, 30, 200
SAMPLING = Sampling(draws=250, tune=400, chains=4, seed=1)
NODES = ("law", "actor", "wage")
TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, nested_in: [country]}
nodes:
  law: {layer: environment}
  actor: {layer: actor}
  wage: {layer: outcome}
edges: [law -> actor, "law, actor -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [actor]}
"""
UNIT = Scale(shift=dict.fromkeys(NODES, 0.0), scale=dict.fromkeys(NODES, 1.0))
PLACE = np.repeat(np.arange(COUNTRIES * CLUSTERS), ROWS)
_LABELS = [f"d{g // CLUSTERS}{g % CLUSTERS}" for g in range(COUNTRIES * CLUSTERS)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """The analysis, its priors and density, and parameters of every replicate."""

    analysis: Analysis
    priors: Priors
    compiled: Compiled
    prior: Any
    intercepts: np.ndarray


def draw_table(theta: np.ndarray, sd: np.ndarray, intercepts: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Rows from clusters' slopes (G, 3), residual standard deviations (G, 2) and intercepts (G, 2)."""
    law = np.random.default_rng(3).standard_normal((len(_LABELS), ROWS))
    law = (law - law.mean(axis=1, keepdims=True)) / law.std(axis=1, keepdims=True)
    noise = rng.standard_normal((2, len(_LABELS), ROWS))
    actor = intercepts[:, :1] + theta[:, :1] * law + sd[:, :1] * noise[0]
    inside = actor - actor.mean(axis=1, keepdims=True)
    wage = intercepts[:, 1:] + theta[:, 1:2] * law + theta[:, 2:] * inside + sd[:, 1:] * noise[1]
    columns = {"law": law.ravel(), "actor": actor.ravel(), "wage": wage.ravel()}
    return pd.DataFrame({"district": np.array(_LABELS)[PLACE], **columns}).assign(
        country=lambda table: "c" + table["district"].str[1]
    )


@cache
def set_up() -> Made:
    """Compile once; draw the parameters of all replicates."""
    analysis = parse_analysis(TEXT, path="nested.yaml")
    n = len(_LABELS)
    typical = draw_table(np.full((n, 3), 0.3), np.full((n, 2), 0.6), np.zeros((n, 2)), np.random.default_rng(5))
    plan = draw_up(analysis, typical)
    arrays = prepare_arrays(plan.moments, plan.design, UNIT, None)
    priors = replace(prepare(plan).priors, intercept_scale=np.ones(2))
    prior = draw_prior_system(plan.design, priors, arrays, random_seed=17, levels=("population", "cluster"))
    rng, size = np.random.default_rng(19), prior.coefficients.theta.shape[1]
    # The prior of intercepts, which no effect depends on (causalcluster.model.build).
    mean, spread = 2.5 * rng.standard_normal((size, 1, 2)), rng.gamma(2.0, 0.5, (size, 1, 2))
    intercepts = mean + spread * rng.standard_normal((size, n, 2))
    compiled = compile_model(plan.design, arrays, priors)
    return Made(analysis=analysis, priors=priors, compiled=compiled, prior=prior, intercepts=intercepts)


def quantities(made: Made, arrays: MomentArrays, targets: Any, system: Any, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Everything that is ranked, (draw,) by name, of some draws."""
    own = system.coefficients
    effects, _ = evaluate_targets(targets, system, random_seed=3, levels=("population", "country", "cluster"))
    found = {}
    for i in range(effects.sizes["row"]):
        key = [str(effects[name].values[i]) for name in ("level", "cluster", "estimand", "via")]
        if key[2] in ("total", "nde", "nie") and key[3] in ("", "all") and key[1] in ("", "c0", "c3", "d00", "d31"):
            found["effect " + " ".join(part for part in key if part)] = effects["effect"].values[..., i]
    values = coefficients_dataset(made.compiled.design, UNIT, own)
    for name in values["coefficient"].values:
        of_one = values.sel(coefficient=name)
        found[f"mean: {name}"] = of_one["coefficient_mean"].values
        for level in values["level"].values:
            found[f"sd between {'countries' if level == 'country' else 'clusters'}: {name}"] = (
                of_one["level_sd"].sel(level=level).values
            )
    for k, node in enumerate(NODES[1:]):
        found[f"residual: log typical sd of {node}"] = system.typical_log_sd[..., k]
        found[f"residual: spread of sd of {node}"] = system.sd_spread[..., k]
    return {name: value.reshape(-1)[chosen] for name, value in found.items()}


def _take(system: Any, i: int) -> Any:
    """Return one draw of the prior."""

    def own(value: np.ndarray) -> np.ndarray:
        return value[:, i : i + 1]

    coefficients: CoefficientDraws = system.coefficients
    groups = tuple(replace(group, shift=own(group.shift), root=own(group.root)) for group in coefficients.groups)
    taken = replace(
        coefficients, theta=own(coefficients.theta), mean=own(coefficients.mean), root=own(coefficients.root), groups=groups
    )
    return replace(
        system,
        coefficients=taken,
        sd=own(system.sd),
        typical_log_sd=own(system.typical_log_sd),
        sd_spread=own(system.sd_spread),
        nu=own(system.nu),
        shape=own(system.shape),
        precision=own(system.precision),
    )


def rank(replicate: int) -> dict[str, Any]:
    """Rank every quantity of one replicate."""
    made = set_up()
    truth = _take(made.prior, replicate)
    rng = np.random.default_rng([23, replicate])
    table = draw_table(truth.coefficients.theta[0, 0], truth.sd[0, 0], made.intercepts[replicate], rng)
    plan = draw_up(made.analysis, table)
    arrays = prepare_arrays(plan.moments, plan.design, UNIT, None)
    targets = _list_effects(plan, arrays)
    draws, careful = fit_as_a_run(made.compiled, arrays, replace(SAMPLING, seed=replicate + 1), cores=1)
    total = SAMPLING.draws * SAMPLING.chains
    drawn = quantities(made, arrays, targets, draws.system, np.arange(0, total, total // KEPT))
    true = quantities(made, arrays, targets, truth, np.array([0]))
    ranks = {name: int((drawn[name] < true[name][0]).sum()) for name in true}
    return {"replicate": replicate, "careful": careful, "ranks": ranks}


def _list_effects(plan: Any, arrays: MomentArrays) -> Targets:
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    return list_targets(
        plan.analysis.question,
        plan.graph,
        build_closed_system(plan.design, arrays),
        UNIT,
        (0.0, 1.0),
        identified=identified,
        network=None,
    )


def calibrate(replicates: int, processes: int) -> dict[str, Any]:
    """Rank all replicates."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(rank, range(replicates)))
    names = list(found[0]["ranks"])
    ranks = {name: [item["ranks"][name] for item in found] for name in names}
    return {
        "source_hash": source_hash(PANEL_SOURCES),
        "replicates": replicates,
        "careful": sum(item["careful"] for item in found),
        "settings": {"draws": SAMPLING.draws, "tune": SAMPLING.tune, "chains": SAMPLING.chains, "kept": KEPT},
        "panel": {"countries": COUNTRIES, "clusters": CLUSTERS, "rows": ROWS},
        "deviation": {name: round(deviation(values, KEPT, name), 3) for name, values in ranks.items()},
        "ranks": ranks,
    }


def main() -> None:
    """Calibrate and store the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    result = calibrate(asked.replicates, asked.processes)
    RESULT.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "ranks"}, indent=2))


if __name__ == "__main__":
    main()

"""Other analyses of the same question: every alternative fitted, its effects beside the main ones, never averaged.

Predictive weights are given only where they compare like with like: models of the same data, diagram, families and question,
which differ in how coefficients vary, pool or interact, or in their priors.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.alternatives import MAIN
from causalcluster.analysis.records import Alternative, Analysis, Sampling
from causalcluster.effects.summary import summarise_effects
from causalcluster.errors import InputError
from causalcluster.fitting.engines import result_of
from causalcluster.fitting.held_out import HeldOutTask, fit_held_out, stacking_weights, why_no_density
from causalcluster.fitting.many import (
    LEVELS,
    REFIT_CHAINS,
    REFIT_DRAWS,
    REFIT_TUNE,
    FitTask,
    evaluate_again,
    judge_fit,
    run_fits,
    thin_start,
)
from causalcluster.fitting.nuts import Start
from causalcluster.fitting.sample import Draws
from causalcluster.planning import Plan, Prepared, draw_up, prepare

Floats = NDArray[np.float64]
MOST_CLUSTERS = 200
"""Of more, models are not refitted without each."""
EFFECTS = (
    "alternative", "changed", "outcome", "effect", "via", "level", "horizon", "regime", "mean", "sd", "median", "lower",
    "upper", "ci_prob", "prob_positive", "ess_bulk", "r_hat", "divergences", "reason",
)  # fmt: skip
MODELS = ("alternative", "changed", "clusters", "elpd", "elpd_difference", "se_difference", "weight", "reason")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Universe:
    """One analysis of the multiverse, ready to be fitted; ``changed`` are the keys in which it differs."""

    name: str
    changed: tuple[str, ...]
    plan: Plan
    prepared: Prepared
    start: Start | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiverse:
    """The tables of multiverse.csv and alternatives.csv."""

    effects: pd.DataFrame
    models: pd.DataFrame


def plan_alternatives(analysis: Analysis, source: Any = None) -> tuple[Universe, ...]:
    """Read the data and write down the equations of every alternative.

    Raises
    ------
    InputError
        Where an alternative does not go with its diagram or the data; the message names it.
    """
    return tuple(_plan(item, source) for item in analysis.alternatives)


def _plan(item: Alternative, source: Any) -> Universe:
    try:
        plan = draw_up(item.analysis, source, doubts=False)
        return Universe(name=item.name, changed=item.changed, plan=plan, prepared=prepare(plan))
    except InputError as error:
        raise InputError(
            f"alternative '{item.name}': {error.what}", where=error.where, why=error.why, fix=error.fix
        ) from error


def fit_alternatives(
    universes: Sequence[Universe],
    plan: Plan,
    prepared: Prepared,
    draws: Draws,
    *,
    executor: Executor,
    progress: Callable[[str], None] | None = None,
) -> Multiverse:
    """Fit every alternative, and weigh those that can be compared with the main analysis.

    Parameters
    ----------
    universes
        From `plan_alternatives`.
    plan, prepared, draws
        The main analysis and its fit.
    executor
        From `causalcluster.fitting.engines.open_engine`.
    progress
        Called with one sentence as each fit ends.
    """
    main = Universe(name=MAIN, changed=(), plan=plan, prepared=prepared, start=thin_start(draws.start))
    sampling = plan.analysis.sampling
    own = summarise_effects(evaluate_again(prepared.targets.plain(), draws, sampling.seed), ci_prob=sampling.ci_prob)
    tables = {MAIN: own.assign(divergences=int(draws.posterior["sample_stats"]["diverging"].sum()))}
    for name, table in run_fits((_task(item, sampling) for item in universes), executor):
        tables[name] = table
        if progress is not None:
            progress(f"alternative {name} ({len(tables) - 1} of {len(universes)})")
    every = (main, *universes)
    rows = [row for item in every for row in _rows(item, tables[item.name], own, sampling)]
    return Multiverse(
        effects=pd.DataFrame(rows).reindex(columns=list(EFFECTS)),
        models=_weigh(every, sampling, executor, progress),
    )


def _task(item: Universe, sampling: Sampling) -> FitTask:
    return FitTask(
        name=item.name,
        design=item.plan.design,
        priors=item.prepared.priors,
        arrays=item.prepared.arrays,
        targets=item.prepared.targets.plain(),
        sampling=sampling,
        start=None,
        effects_seed=sampling.seed,
    )


def _rows(item: Universe, table: pd.DataFrame, own: pd.DataFrame, sampling: Sampling) -> Iterator[dict[str, Any]]:
    """Yield the effects that the main analysis has, blank where the alternative does not identify them."""
    key = ["outcome", "effect", "via", "level", "horizon", "regime"]
    found = {tuple(row[name] for name in key): row for row in table.to_dict("records")}
    refused = {(v.outcome, v.effect, v.via): v.reason for v in item.plan.verdicts if not v.identified}
    asked = {tuple(row[name] for name in key): None for row in (*own.to_dict("records"), *table.to_dict("records"))}
    for place in asked:
        if place[3] not in LEVELS:
            continue
        base = {"alternative": item.name, "changed": ";".join(item.changed), **dict(zip(key, place, strict=True))}
        row = found.get(place)
        if row is not None:
            reason = judge_fit(row, draws=sampling.chains * sampling.draws)
            yield {**{str(name): value for name, value in row.items()}, **base, "reason": reason}
        elif place[:3] in refused:
            yield base | {"reason": f"not identified: {refused[place[:3]]}"}
        else:
            yield base | {"reason": "no such effect or level here"}


def _weigh(
    every: Sequence[Universe], sampling: Sampling, executor: Executor, progress: Callable[[str], None] | None
) -> pd.DataFrame:
    """Return predictive weights of the models that can be compared with the main one, by leaving out each cluster."""
    main = every[0]
    reasons = {item.name: _incomparable(item, main) for item in every}
    compared = [item for item in every if not reasons[item.name]]
    clusters = main.prepared.arrays.clusters
    if len(compared) < 2:
        reasons = {name: reason or "there is nothing to compare it with" for name, reason in reasons.items()}
        compared = []
    elif len(clusters) > MOST_CLUSTERS:
        reasons = {name: reason or f"there are more than {MOST_CLUSTERS} clusters" for name, reason in reasons.items()}
        compared = []
    density = np.array([_held_out(item, sampling, executor, progress) for item in compared])
    weight = stacking_weights(density) if compared else np.zeros(0)
    rows = []
    for item in every:
        row: dict[str, Any] = {
            "alternative": item.name,
            "changed": ";".join(item.changed),
            "clusters": len(item.prepared.arrays.clusters),
            "reason": reasons[item.name],
        }
        if item in compared:
            k = compared.index(item)
            away = density[k] - density[0]
            row |= {
                "elpd": density[k].sum(),
                "elpd_difference": away.sum(),
                "se_difference": float(np.sqrt(len(away)) * away.std(ddof=1)) if k else 0.0,
                "weight": weight[k],
            }
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(MODELS))


def _held_out(item: Universe, sampling: Sampling, executor: Executor, progress: Callable[[str], None] | None) -> list[float]:
    """Return the log density of each cluster under the fit without it."""
    settings = replace(sampling, chains=REFIT_CHAINS, tune=REFIT_TUNE if item.start else sampling.tune, draws=REFIT_DRAWS)
    waiting = [
        executor.submit(
            fit_held_out,
            HeldOutTask(
                design=item.plan.design,
                priors=item.prepared.priors,
                arrays=item.prepared.arrays,
                cluster=g,
                sampling=replace(settings, seed=sampling.seed + g),
                start=item.start,
            ),
        )
        for g in range(len(item.prepared.arrays.clusters))
    ]
    found = [result_of(future) for future in waiting]
    if progress is not None:
        progress(f"{item.name}: left out each of {len(found)} clusters")
    return found


def _incomparable(item: Universe, main: Universe) -> str:
    """Return why a model's predictions are not held against the main one's, or nothing."""
    analysis, own = item.plan.analysis, main.plan.analysis
    design, reference = item.plan.design, main.plan.design
    arrows = [{(edge.source, edge.target, edge.lag) for edge in each.edges} for each in (analysis, own)]
    if arrows[0] != arrows[1] or set(analysis.unobserved) != set(own.unobserved):
        return "another diagram"
    if analysis.question != own.question:
        return "another question"
    if analysis.nodes != own.nodes:
        return "other nodes: another scale of what is foretold"
    if item.prepared.arrays.clusters != main.prepared.arrays.clusters:
        return "other clusters"
    return why_no_density(reference, main.prepared.arrays) or why_no_density(design, item.prepared.arrays)

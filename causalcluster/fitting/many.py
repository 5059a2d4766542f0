"""Many independent fits of one model: each is a task that any process can do from its record alone."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Sampling
from causalcluster.design import Design
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.engines import result_of
from causalcluster.fitting.evaluation import Targets, evaluate_targets
from causalcluster.fitting.nuts import Start
from causalcluster.fitting.sample import Compiled, Draws, compile_model, refit
from causalcluster.model.layers import without_layers
from causalcluster.model.priors import Priors
from causalcluster.model.row_arrays import without_rows
from causalcluster.model.standard import MomentArrays, emptied
from causalcluster.model.structure import Structure, structure_of

LEVELS = ("population", "sample")
REFIT_CHAINS, REFIT_TUNE, REFIT_DRAWS = 2, 100, 400
REFIT_ACCURACY = Accuracy(
    target=float("inf"), cluster_points=64, population_points=1024, new_clusters=64, replicates=2, draws=4
)
"""Of simulated effects: these fits are held against the main one with the same points, so that most noise cancels."""
LEAST_ESS, MOST_R_HAT, MOST_DIVERGENT = 100.0, 1.03, 0.001
"""A refit that does worse is marked: it has fewer draws than a run, of which only means and intervals are shown."""
_WAITING = 64
_lock = threading.Lock()
_compiled: dict[Structure, Compiled] = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitTask:
    """Everything one fit needs; it can be sent to another machine.

    Attributes
    ----------
    name
        What tells this fit from the others.
    design, priors, arrays, targets
        The model, its data, and the effects to report.
    without
        Position of a cluster that is left out, or None.
    sampling
        Settings, with the fit's own seed.
    effects_seed
        Seed of simulated effects, the same in all fits that are compared.
    start
        Where an earlier fit of nearly the same data ended; None where there was none.
    """

    name: str
    design: Design
    priors: Priors
    arrays: MomentArrays
    targets: Targets
    sampling: Sampling
    start: Start | None
    effects_seed: int
    without: int | None = None


def run_fit(task: FitTask) -> pd.DataFrame:
    """Fit once; returns the rows of effects at the levels `LEVELS`, with ``divergences``."""
    compiled = compiled_here(task.design, task.arrays, task.priors)
    arrays = task.arrays if task.without is None else without_cluster(task.arrays, task.without)
    draws = refit(compiled, arrays, task.sampling, start=task.start, cores=1)
    effects = evaluate_again(task.targets, draws, task.effects_seed)
    table = summarise_effects(effects, ci_prob=task.sampling.ci_prob)
    diverging = draws.posterior["sample_stats"]["diverging"]
    return table.assign(divergences=int(diverging.sum()))


def evaluate_again(targets: Targets, draws: Draws, effects_seed: int) -> xr.Dataset:
    """Evaluate effects at `LEVELS` as all fits that are compared do."""
    return evaluate_targets(targets, draws.system, random_seed=effects_seed, levels=LEVELS, accuracy=REFIT_ACCURACY)[0]


def compiled_here(design: Design, arrays: MomentArrays, priors: Priors) -> Compiled:
    """Return the compiled model of this process, from the cache on disk where it is the first of its structure."""
    structure = structure_of(design, arrays, priors)
    with _lock:
        if structure not in _compiled:
            _compiled[structure] = compile_model(design, arrays, priors)
    return replace(_compiled[structure], design=design, priors=priors)


def run_fits(tasks: Iterable[FitTask], executor: Executor) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield name and table of every fit as it is done; results depend on the task alone, not on where it ran.

    Few tasks wait at a time, so that thousands of them need no memory. EngineError where the engine fails.
    """
    coming = iter(tasks)
    waiting = {executor.submit(run_fit, task): task.name for task in islice(coming, _WAITING)}
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            name = waiting.pop(future)
            for task in islice(coming, 1):
                waiting[executor.submit(run_fit, task)] = task.name
            yield name, result_of(future)


def leave_one_out(
    compiled: Compiled,
    arrays: MomentArrays,
    targets: Targets,
    draws: Draws,
    sampling: Sampling,
    *,
    executor: Executor,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Fit again without each cluster in turn.

    Nothing is compiled: a cluster that is left out keeps its place with no rows. Every fit starts from the
    posterior of all clusters, so little tuning is needed.

    Parameters
    ----------
    compiled, arrays, targets
        The model, the moments of all clusters and the effects.
    draws
        The fit to all clusters.
    sampling
        Its settings; refits use its seed and interval.
    executor
        From `causalcluster.fitting.engines.open_engine`.
    progress
        Called with one sentence as each fit ends.

    Returns
    -------
    pandas.DataFrame
        One row per cluster left out, effect and level (`LEVELS`): ``left_out``, ``outcome``, ``effect``, ``via``,
        ``level``, ``mean``, ``sd``, ``lower``, ``upper``, ``shift``, the mean with all clusters less this one in
        posterior standard deviations with all clusters, ``ess_bulk``, ``r_hat``, ``divergences`` and ``reason``, which says
        where a refit is not to be trusted.
    """
    plain = targets.plain()
    settings = replace(sampling, chains=REFIT_CHAINS, tune=REFIT_TUNE, draws=REFIT_DRAWS)
    start = thin_start(draws.start)
    tasks = (
        FitTask(
            name=label,
            design=compiled.design,
            priors=compiled.priors,
            arrays=arrays,
            targets=plain,
            sampling=replace(settings, seed=sampling.seed + g),
            start=start,
            effects_seed=sampling.seed,
            without=g,
        )
        for g, label in enumerate(arrays.clusters)
    )
    tables: dict[str, pd.DataFrame] = {}
    for name, table in run_fits(tasks, executor):
        tables[name] = table.assign(left_out=name)
        if progress is not None:
            progress(f"without {name} ({len(tables)} of {len(arrays.clusters)})")
    everything = evaluate_again(plain, draws, sampling.seed)
    every = pd.concat([tables[label] for label in arrays.clusters])
    found = compare_fits(every, summarise_effects(everything, ci_prob=0.95), keys=("left_out",))
    return found.rename(columns={"change": "shift"})


def without_cluster(arrays: MomentArrays, g: int) -> MomentArrays:
    """Return moments in which cluster ``g`` keeps its place and has no rows."""
    return replace(
        arrays,
        rows=emptied(arrays.rows, g),
        dof=emptied(arrays.dof, g),
        sxx=emptied(arrays.sxx, g),
        sxy=emptied(arrays.sxy, g),
        syy=emptied(arrays.syy, g),
        mean=emptied(arrays.mean, g),
        layers=None if arrays.layers is None else without_layers(arrays.layers, g),
        row_equations=None if arrays.row_equations is None else without_rows(arrays.row_equations, g),
        column_mean={name: emptied(values, g) for name, values in arrays.column_mean.items()},
    )


def thin_start(start: Start, most: int = 64) -> Start:
    """Keep some of the points to begin at: one is drawn per chain, and tasks travel."""
    every = max(1, len(start.positions) // most)
    return replace(start, positions=start.positions[::every])


def compare_fits(table: pd.DataFrame, everything: pd.DataFrame, *, keys: Sequence[str]) -> pd.DataFrame:
    """Set fits, told apart by the columns ``keys``, against the main one.

    ``change`` is the main fit's mean less theirs, in its posterior standard deviations.
    """
    effect = ["outcome", "effect", "via", "level"]
    joined = table.merge(everything[[*effect, "mean", "sd"]], on=effect, suffixes=("", "_all"))
    spread = joined["sd_all"].where(joined["sd_all"] > 0.0)
    joined["change"] = ((joined["mean_all"] - joined["mean"]) / spread).fillna(0.0)
    joined["reason"] = [judge_fit(row) for row in joined.to_dict("records")]
    numbers = ["mean", "sd", "lower", "upper", "change", "ess_bulk", "r_hat", "divergences", "reason"]
    return joined.loc[:, [*keys, *effect, *numbers]]


def judge_fit(row: Mapping[Hashable, Any], *, draws: int = REFIT_CHAINS * REFIT_DRAWS) -> str:
    """Return why a row is not to be trusted; an effect that is exactly zero has no convergence to judge."""
    found = []
    if row["divergences"] > MOST_DIVERGENT * draws:
        found.append(f"{row['divergences']} divergent transitions")
    if row["r_hat"] > MOST_R_HAT:
        found.append(f"R-hat {row['r_hat']:.3f}")
    if row["ess_bulk"] < LEAST_ESS:
        found.append(f"{row['ess_bulk']:.0f} effective draws")
    return "unreliable: " + ", ".join(found) if found else ""

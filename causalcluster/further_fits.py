"""The fits that follow the main one: without each cluster, of known answers, of alternatives, with missing values shifted.

A failure of the engine costs the table it was for, and is a warning.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import pandas as pd

from causalcluster.analysis.records import Analysis
from causalcluster.checks.falsification import falsification_warnings, falsify_diagram
from causalcluster.errors import EngineError
from causalcluster.fitting.many import leave_one_out
from causalcluster.fitting.sample import Compiled, Draws
from causalcluster.fitting.shifted import averaged_nodes, shift_missing
from causalcluster.multiverse import Multiverse, Universe, fit_alternatives
from causalcluster.planning import Clock, Plan, Prepared
from causalcluster.refutation import refutation_warnings, refute

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """Which further fits are wanted.

    Attributes
    ----------
    leave_one_out
        Without each cluster.
    refutations
        Tables of each kind whose answer is known.
    universes
        The alternatives.
    source
        The table that was given instead of the analysis' file, or None.
    """

    leave_one_out: bool
    refutations: int
    universes: Sequence[Universe]
    source: Any

    def any(self, plan: Plan) -> bool:
        """Whether there is anything to fit."""
        return self.leave_one_out or self.refutations > 0 or bool(self.universes) or bool(averaged_nodes(plan.design))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FurtherFits:
    """What they gave, each None where it was not wanted, and sentences for the user."""

    leave_one_out: pd.DataFrame | None = None
    refutation: pd.DataFrame | None = None
    falsification: pd.DataFrame | None = None
    multiverse: Multiverse | None = None
    shifted: pd.DataFrame | None = None
    warnings: tuple[str, ...] = ()


def fit_further(
    wanted: Wanted,
    analysis: Analysis,
    plan: Plan,
    prepared: Prepared,
    compiled: Compiled,
    draws: Draws,
    executor: Executor,
    clock: Clock,
    say: Progress,
) -> FurtherFits:
    """Make all further fits that are wanted.

    Parameters
    ----------
    wanted
        Which.
    analysis, plan, prepared, compiled, draws
        The main fit; ``analysis`` as it was read.
    executor
        From `causalcluster.fitting.engines.open_engine`.
    clock
        Takes the seconds.
    say
        Called with one sentence as each fit ends.
    """
    arrays, targets, sampling = prepared.arrays, prepared.targets, plan.analysis.sampling
    lost: list[str] = []

    def keep[T](file: str, needed: bool, stage: str, make: Callable[[], T]) -> T | None:
        if not needed:
            return None
        try:
            with clock.time(stage):
                return make()
        except EngineError as error:
            lost.append(f"{file} is not written: {error}")
            return None

    influence = keep(
        "leave_one_out.csv",
        wanted.leave_one_out,
        "leave_one_out",
        lambda: leave_one_out(compiled, arrays, targets, draws, sampling, executor=executor, progress=say),
    )
    refutation = keep(
        "refutation.csv",
        wanted.refutations > 0,
        "refutation",
        lambda: refute(
            analysis, plan, prepared, draws, wanted.source, replicates=wanted.refutations, executor=executor, progress=say
        ),
    )
    falsification = keep(
        "falsification.csv",
        wanted.refutations > 0,
        "refutation",
        lambda: falsify_diagram(
            plan.analysis, plan.graph, plan.moments, plan.rows or plan.checked_rows, random_seed=sampling.seed
        ),
    )
    multiverse = keep(
        "multiverse.csv",
        bool(wanted.universes),
        "alternatives",
        lambda: fit_alternatives(wanted.universes, plan, prepared, draws, executor=executor, progress=say),
    )
    shifted = keep(
        "missing_shift.csv",
        bool(averaged_nodes(plan.design)),
        "missing",
        lambda: shift_missing(compiled, arrays, targets, draws, sampling, executor=executor, progress=say),
    )
    return FurtherFits(
        leave_one_out=influence,
        refutation=refutation,
        falsification=falsification,
        multiverse=multiverse,
        shifted=shifted,
        warnings=(*_doubtful(influence), *lost, *refutation_warnings(refutation), *falsification_warnings(falsification)),
    )


def _doubtful(influence: pd.DataFrame | None) -> tuple[str, ...]:
    doubtful = () if influence is None else influence.loc[influence["reason"] != "", "left_out"].unique()
    return (f"Leave-one-out fits that are not to be trusted, without: {', '.join(doubtful)}.",) if len(doubtful) else ()

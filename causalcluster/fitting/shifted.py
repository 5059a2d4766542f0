"""Fits in which missing values lie higher or lower than the model says: what if they are not missing at random.

A pattern-mixture model (Rubin 1977, JASA 72; Little 1993, JASA 88): where a value is missing its mean, given what the row
has, is shifted by a known amount. At zero it is the main fit.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd

from causalcluster.analysis.records import Sampling
from causalcluster.design import Design
from causalcluster.effects.summary import summarise_effects
from causalcluster.fitting.evaluation import Targets
from causalcluster.fitting.many import (
    REFIT_CHAINS,
    REFIT_DRAWS,
    REFIT_TUNE,
    FitTask,
    compare_fits,
    evaluate_again,
    run_fits,
    thin_start,
)
from causalcluster.fitting.sample import Compiled, Draws
from causalcluster.model.standard import MomentArrays

SHIFTS = (-0.5, 0.5)
"""How much higher missing values lie: in standard deviations inside clusters, or on the scale of the link."""


def averaged_nodes(design: Design) -> tuple[str, ...]:
    """Return the nodes of which missing values are averaged over, in the order of their equations.

    Nodes that indicators measure are not among them: nobody failed to report their values.
    """
    averaged = {node for gap in design.gaps for node in gap.averaged}.difference(design.latent)
    return tuple(equation.node for equation in design.equations if equation.node in averaged)


def shift_missing(
    compiled: Compiled,
    arrays: MomentArrays,
    targets: Targets,
    draws: Draws,
    sampling: Sampling,
    *,
    executor: Executor,
    shifts: Sequence[float] = SHIFTS,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Fit again with the missing values of each node in turn shifted.

    Nothing is compiled, and every fit starts from the posterior of the main fit.

    Parameters
    ----------
    compiled, arrays, targets
        The model, its data and the effects.
    draws
        The main fit.
    sampling
        Its settings.
    executor
        From `causalcluster.fitting.engines.open_engine`.
    shifts
        In standard deviations inside clusters for gaussian nodes; on the scale of the link, or of the logarithm, for others.
    progress
        Called with one sentence as each fit ends.

    Returns
    -------
    pandas.DataFrame
        One row per node, shift, effect and level (`LEVELS`): ``node``, ``shift``, ``outcome``, ``effect``, ``via``,
        ``level``, ``mean``, ``sd``, ``lower``, ``upper``, ``change``, the mean with the shift less that without it in
        posterior standard deviations without it, ``ess_bulk``, ``r_hat``, ``divergences`` and ``reason``.
    """
    plain = targets.plain()
    settings = replace(sampling, chains=REFIT_CHAINS, tune=REFIT_TUNE, draws=REFIT_DRAWS)
    cases = {f"{node} {shift:+g}": (node, shift) for node in averaged_nodes(compiled.design) for shift in shifts}
    start = thin_start(draws.start)
    tasks = (
        FitTask(
            name=name,
            design=compiled.design,
            priors=compiled.priors,
            arrays=_shifted(arrays, node, shift),
            targets=plain,
            sampling=replace(settings, seed=sampling.seed + i),
            start=start,
            effects_seed=sampling.seed,
        )
        for i, (name, (node, shift)) in enumerate(cases.items())
    )
    tables: dict[str, pd.DataFrame] = {}
    for name, table in run_fits(tasks, executor):
        node, shift = cases[name]
        tables[name] = table.assign(node=node, shift=shift)
        if progress is not None:
            progress(f"missing values of {node} shifted by {shift:+g} ({len(tables)} of {len(cases)})")
    main = evaluate_again(plain, draws, sampling.seed)
    found = compare_fits(
        pd.concat([tables[name] for name in cases]), summarise_effects(main, ci_prob=0.95), keys=("node", "shift")
    )
    return found.assign(change=-found["change"])


def _shifted(arrays: MomentArrays, node: str, shift: float) -> MomentArrays:
    rows = arrays.row_equations
    if rows is None or rows.gaps is None:
        raise ValueError("no values of these equations are averaged over")
    moved = np.zeros_like(rows.gaps.shift)
    moved[1 + rows.gaps.columns.index(node)] = shift
    return replace(arrays, row_equations=replace(rows, gaps=replace(rows.gaps, shift=moved)))

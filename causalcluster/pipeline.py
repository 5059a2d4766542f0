"""The whole analysis, composed: every stage is called once, in the order of the package."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import xarray as xr

from causalcluster.analysis.moderators import list_conditions
from causalcluster.analysis.records import Analysis
from causalcluster.checks.doubts import Doubts, raise_doubts
from causalcluster.data import RowTable, open_rows, take_rows
from causalcluster.design import (
    Design,
    build_design,
    modelled_nodes,
    question_design,
    refuse_gaps_alone,
    refuse_moments_alone,
    row_columns,
    wants_rows,
)
from causalcluster.effects.existence import warn_about_means
from causalcluster.effects.moderators import check_moderators
from causalcluster.effects.summary import summarise_effects
from causalcluster.effects.worlds import System
from causalcluster.errors import EngineError, InputError
from causalcluster.fitting.engines import check_engine, open_engine
from causalcluster.fitting.evaluation import PRIOR_ACCURACY, Targets, evaluate_targets, list_targets
from causalcluster.fitting.gate import Diagnostics, judge, mark_unreliable
from causalcluster.fitting.many import leave_one_out as leave_one_cluster_out
from causalcluster.fitting.prior_draws import draw_prior_system, prior_levels
from causalcluster.fitting.sample import Compiled, Draws, compile_model, refit
from causalcluster.fitting.shifted import averaged_nodes, shift_missing
from causalcluster.fitting.storage import fit_tree
from causalcluster.fitting.system import build_network
from causalcluster.gaps import GapPlan, describe_gaps, plan_gaps
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.hypotheses import check_claims, evaluate_hypotheses
from causalcluster.identification import Verdict, cde_via, held_together, identify, references
from causalcluster.identification.dowhy_answer import DowhyAnswer
from causalcluster.identification.second_opinion import SecondOpinion, await_second_opinion, second_opinion
from causalcluster.model.gap_fill import fill_rows
from causalcluster.model.preparation import prepare_arrays
from causalcluster.model.priors import Priors, set_priors
from causalcluster.model.standard import MomentArrays, Scale, choose_scale
from causalcluster.moments import Moments, available_table, match_moments, read_source, reduce_rows
from causalcluster.panel import Panel, constant_inside_clusters, describe_panel

Progress = Callable[[str], None]
CHECKED_ROWS = 50_000
"""Tables with at most so many complete rows are collected for predictive checks, though no equation needs their rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is known before sampling: diagram, data, verdicts, equations.

    Attributes
    ----------
    analysis, graph, moments, panel, verdicts, design
        The stages' results.
    rows
        The rows, where some equation or some missing value needs them; else None.
    checked_rows
        The rows for predictive checks; None of moments files and large tables whose rows no equation needs.
    dowhy
        DoWhy's answer on the total effect, by outcome.
    warnings
        Sentences for the user, from every stage.
    """

    analysis: Analysis
    graph: CausalGraph
    moments: Moments
    rows: RowTable | None
    checked_rows: RowTable | None
    panel: Panel
    verdicts: tuple[Verdict, ...]
    dowhy: tuple[DowhyAnswer, ...]
    design: Design
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything that sampling needs, and the effects to evaluate on the draws."""

    arrays: MomentArrays
    scale: Scale
    priors: Priors
    targets: Targets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """A finished analysis.

    Attributes
    ----------
    plan, priors, scale
        What was fitted.
    effects
        The table of effects.csv.
    hypotheses
        The table of hypotheses.csv.
    diagnostics
        The gate's answer.
    tree
        Posterior, effects, sampler statistics and prior draws.
    orders, predictive
        The tables of orders.csv and predictive.csv, None where there is one order of the mediators or nothing to check.
    leave_one_out
        Effects without each cluster in turn (`causalcluster.fitting.many.leave_one_out`), or None where not asked for.
    shifted
        Effects with missing values shifted (`causalcluster.fitting.shifted.shift_missing`), or None where none is averaged
        over.
    timings
        Seconds by stage.
    """

    plan: Plan
    priors: Priors
    scale: Scale
    effects: pd.DataFrame
    hypotheses: pd.DataFrame
    diagnostics: Diagnostics
    tree: xr.DataTree
    orders: pd.DataFrame | None
    predictive: pd.DataFrame | None
    leave_one_out: pd.DataFrame | None
    shifted: pd.DataFrame | None
    timings: Mapping[str, float]


@dataclass(slots=True)
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def plan_analysis(analysis: Analysis, source: Any = None, *, opinion: SecondOpinion | None = None) -> Plan:
    """Validate diagram and data and decide what is identified, without sampling.

    Parameters
    ----------
    analysis
        From `read_analysis`.
    source
        A table or `Moments` to use instead of the analysis' file.
    opinion
        DoWhy's, where it was asked for before.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        Where the analysis or its data are wrong.

    Examples
    --------
    >>> from causalcluster import parse_analysis, plan_analysis, simulate
    >>> made = simulate("linear", clusters=3, rows=20, seed=1)
    >>> plan = plan_analysis(parse_analysis(made.analysis_text, path="analysis.yaml"), made.table)
    >>> [verdict.via for verdict in plan.verdicts if verdict.effect == "nie" and verdict.identified]
    ['all', 'enforcement', 'unions']
    """
    with second_opinion(analysis, opinion) as asked:
        plan = _plan(analysis, source, _Clock())
        return replace(plan, dowhy=await_second_opinion(asked))


def _plan(analysis: Analysis, source: Any, clock: _Clock) -> Plan:
    with clock.time("read"):
        graph = build_graph(analysis)
        moments, table = _take_moments(analysis, graph, source, clock)
        return _write_plan(analysis, graph, moments, table)


def _take_moments(analysis: Analysis, graph: CausalGraph, source: Any, clock: _Clock) -> tuple[Moments, RowTable | None]:
    """Reduce the table; take its rows along where some equation needs them, or the checks of a small table."""
    if isinstance(source, Moments) or (source is None and analysis.data.moments):
        refuse_moments_alone(analysis, graph)
        found = match_moments(analysis, source) if isinstance(source, Moments) else read_source(analysis)
        refuse_moments_alone(analysis, graph, constant_inside_clusters(analysis, found.table))
        return found, None
    with open_rows(analysis, source) as rows, clock.time("reduce"):
        moments = reduce_rows(analysis, rows)
        constant = constant_inside_clusters(analysis, available_table(moments))
        checked = rows.counts.complete <= CHECKED_ROWS or bool(moments.incomplete)
        names = [node.name for node in analysis.nodes] if checked else row_columns(analysis, graph)
        needed = wants_rows(analysis, graph, constant) or _plan_gaps(analysis, graph, moments).needs_rows
        wanted = needed or rows.counts.complete <= CHECKED_ROWS
        table = take_rows(analysis, rows, names, incomplete=bool(moments.incomplete)) if wanted else None
        return replace(moments, warnings=(*moments.warnings, *rows.warnings)), table


def _plan_gaps(analysis: Analysis, graph: CausalGraph, moments: Moments) -> GapPlan:
    """Decide how each pattern of missing values is averaged over."""
    return plan_gaps(
        analysis,
        graph,
        modelled_nodes(analysis, graph),
        [pattern.missing for pattern in moments.incomplete],
        absorbed=constant_inside_clusters(analysis, available_table(moments)),
    )


def _write_plan(analysis: Analysis, graph: CausalGraph, moments: Moments, table: RowTable | None) -> Plan:
    panel, clustered = describe_panel(analysis, moments), analysis.data.cluster is not None
    labels = [label for label, _ in panel.clusters] if clustered else []
    check_claims(
        analysis.hypotheses,
        labels,
        has_clusters=clustered,
        has_population=clustered and analysis.model.pooling == "partial",
        held=[cde_via(held) for held in held_together(analysis.question.fix)],
        references=[cde_via(held) for held in references(analysis.question)],
    )
    gaps = _plan_gaps(analysis, graph, moments)
    if table is None and gaps.needs_rows:
        refuse_gaps_alone(analysis, gaps)
    design = build_design(analysis, graph, between_only=panel.between_only, gaps=gaps)
    return Plan(
        analysis=analysis,
        graph=graph,
        moments=moments,
        rows=table if wants_rows(analysis, graph) or gaps.needs_rows else None,
        checked_rows=table,
        panel=panel,
        verdicts=identify(analysis, graph, constant_inside=panel.between_only),
        dowhy=(),
        design=design,
        warnings=(
            *analysis.warnings,
            *panel.warnings,
            *describe_gaps(panel.missing, gaps),
            *warn_about_means(design),
            *check_moderators(analysis, graph, design, panel),
        ),
    )


def prepare(plan: Plan) -> Prepared:
    """Standardise the moments and write down priors and effects."""
    scale = choose_scale(available_table(plan.moments), plan.design)
    arrays = prepare_arrays(plan.moments, plan.design, scale, plan.rows)
    asked, network = question_design(plan.design), None
    if plan.rows is not None and wants_rows(plan.analysis, plan.graph, plan.panel.between_only):
        seed = plan.analysis.sampling.seed
        rows = fill_rows(plan.design, plan.rows, scale, arrays, random_seed=seed) if plan.design.gaps else plan.rows
        network = build_network(asked, scale, arrays, rows)
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    return Prepared(
        arrays=arrays,
        scale=scale,
        priors=set_priors(plan.analysis.model, plan.design, plan.graph, arrays, scale),
        targets=list_targets(
            plan.analysis.question,
            plan.graph,
            System(design=asked, column_mean=arrays.column_mean),
            scale,
            plan.panel.contrast,
            identified=identified,
            at=list_conditions(plan.analysis),
            network=network,
        ),
    )


def analyse(
    analysis: Analysis,
    source: Any = None,
    *,
    progress: Progress | None = None,
    bar: bool = False,
    leave_one_out: bool = False,
    engine: str | None = None,
    opinion: SecondOpinion | None = None,
) -> Result:
    """Run the whole analysis.

    Parameters
    ----------
    analysis
        From `read_analysis`.
    source
        A pandas, Polars, DuckDB, PyArrow, PySpark or Dask table, or `Moments`, to use instead of the analysis' file.
    progress
        Called with one sentence as each stage begins.
    bar
        Show the sampler's progress bar.
    leave_one_out
        Fit again without each cluster in turn.
    engine
        Where these fits run; see `causalcluster.fitting.engines.open_engine`.
    opinion
        DoWhy's, where it was asked for before.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where the analysis, its data or the engine are wrong; nothing has been sampled then.
    """
    check_engine(engine)
    if leave_one_out and analysis.data.cluster is None:
        raise InputError(
            "leave-one-out leaves out clusters, and the analysis has none",
            where=str(analysis.path),
            fix="name the column of the clusters under 'data: cluster', or run without --leave-one-out",
        )
    say, clock = progress or (lambda _: None), _Clock()
    with clock.time("total"), second_opinion(analysis, opinion) as asked:
        plan = _plan(analysis, source, clock)
        clock.seconds["read"] -= clock.seconds.get("reduce", 0.0)
        with clock.time("build"):
            prepared = prepare(plan)
        with clock.time("compile"):
            say("compiling the model")
            compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
        clock.seconds["build"] += compiled.build_seconds
        clock.seconds["compile"] -= compiled.build_seconds
        refits = leave_one_out or bool(averaged_nodes(plan.design))
        with open_engine(engine) if refits else nullcontext() as executor:
            draws, effects, table, diagnostics = _sample(plan, prepared, compiled, clock, say, bar=bar)
            with clock.time("effects"):
                hypotheses, tree = _weigh(plan, prepared, draws, effects)
                doubts = _doubt(plan, prepared, draws, diagnostics)
            with clock.time("leave_one_out"):
                asked_for = executor if leave_one_out else None
                influence, notes = _leave_one_out(prepared, compiled, draws, plan, asked_for, say)
            with clock.time("missing"):
                shifted, more = _shift_missing(prepared, compiled, draws, plan, executor, say)
        warnings = (*plan.warnings, *doubts.warnings, *notes, *more)
        plan = replace(plan, warnings=warnings, dowhy=await_second_opinion(asked))
    return Result(
        plan=plan,
        priors=prepared.priors,
        scale=prepared.scale,
        effects=mark_unreliable(table, diagnostics),
        hypotheses=mark_unreliable(hypotheses, diagnostics),
        diagnostics=diagnostics,
        tree=tree,
        orders=None if doubts.orders is None else mark_unreliable(doubts.orders, diagnostics),
        predictive=None if doubts.predictive is None else mark_unreliable(doubts.predictive, diagnostics),
        leave_one_out=None if influence is None else mark_unreliable(influence, diagnostics),
        shifted=None if shifted is None else mark_unreliable(shifted, diagnostics),
        timings=clock.seconds,
    )


def _weigh(plan: Plan, prepared: Prepared, draws: Draws, effects: xr.Dataset) -> tuple[pd.DataFrame, xr.DataTree]:
    """Hold the effects against their prior: the table of hypotheses, and everything that posterior.nc stores."""
    analysis = plan.analysis
    seed = analysis.sampling.seed
    levels = prior_levels(analysis.hypotheses, has_population=draws.coefficients.has_population)
    prior = draw_prior_system(plan.design, prepared.priors, prepared.arrays, random_seed=seed, levels=levels)
    prior_effects, _ = evaluate_targets(prepared.targets, prior, random_seed=seed, levels=levels, accuracy=PRIOR_ACCURACY)
    hypotheses = evaluate_hypotheses(
        analysis.hypotheses,
        effects,
        prior_effects,
        {(v.outcome, v.effect, v.via): v.reason for v in plan.verdicts if not v.identified},
        default_level="population" if analysis.data.cluster is not None else "sample",
        ci_prob=analysis.sampling.ci_prob,
    )
    return hypotheses, fit_tree(plan.design, prepared.scale, draws, effects, prior.coefficients, prior_effects)


def _doubt(plan: Plan, prepared: Prepared, draws: Draws, diagnostics: Diagnostics) -> Doubts:
    simulated = diagnostics.simulation
    return raise_doubts(
        plan.analysis,
        plan.graph,
        question_design(plan.design),
        prepared.scale,
        prepared.arrays,
        draws.system,
        plan.panel.contrast,
        network=prepared.targets.network,
        points=None if simulated is None else (simulated["cluster_points"], simulated["population_points"]),
        rows=plan.checked_rows,
        identified=[(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified],
    )


def _sample(
    plan: Plan, prepared: Prepared, compiled: Compiled, clock: _Clock, say: Progress, *, bar: bool
) -> tuple[Draws, xr.Dataset, pd.DataFrame, Diagnostics]:
    """Sample, evaluate effects and judge them; once more, carefully, where the gate fails."""
    sampling = plan.analysis.sampling
    flagged = [
        label
        for (label, _), spans in zip(plan.panel.clusters, plan.panel.spans_contrast, strict=True)
        if not spans and label
    ]
    for careful in (False, True):
        say("sampling again with more tuning" if careful else "sampling")
        with clock.time("sample"):
            draws = refit(compiled, prepared.arrays, sampling, careful=careful, progress=bar)
        with clock.time("effects"):
            effects, noise = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed)
            table = summarise_effects(effects, ci_prob=sampling.ci_prob, extrapolated=flagged)
        diagnostics = judge(table, draws.posterior["sample_stats"].to_dataset(), retried=careful, noise=noise)
        if diagnostics.status == "ok":
            break
    return draws, effects, table, diagnostics


def _leave_one_out(
    prepared: Prepared, compiled: Compiled, draws: Draws, plan: Plan, executor: Executor | None, say: Progress
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Fit without each cluster where there is an executor; a failure of the engine costs this table alone."""
    if executor is None:
        return None, ()
    settings = plan.analysis.sampling
    try:
        table = leave_one_cluster_out(
            compiled, prepared.arrays, prepared.targets, draws, settings, executor=executor, progress=say
        )
    except EngineError as error:
        return None, (f"leave_one_out.csv is not written: {error}",)
    doubtful = table.loc[table["reason"] != "", "left_out"].unique()
    if len(doubtful) == 0:
        return table, ()
    return table, (f"Leave-one-out fits that are not to be trusted, without: {', '.join(doubtful)}.",)


def _shift_missing(
    prepared: Prepared, compiled: Compiled, draws: Draws, plan: Plan, executor: Executor | None, say: Progress
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Fit with missing values shifted, where some are averaged over; a failure of the engine costs this table alone."""
    if executor is None or not averaged_nodes(plan.design):
        return None, ()
    settings = plan.analysis.sampling
    try:
        table = shift_missing(compiled, prepared.arrays, prepared.targets, draws, settings, executor=executor, progress=say)
    except EngineError as error:
        return None, (f"missing_shift.csv is not written: {error}",)
    return table, ()

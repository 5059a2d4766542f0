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
from causalcluster.data import RowTable, open_rows, take_rows
from causalcluster.design import Design, build_design, refuse_moments_alone, row_columns, wants_rows
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
from causalcluster.fitting.storage import fit_tree
from causalcluster.fitting.system import build_network
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.hypotheses import check_claims, evaluate_hypotheses
from causalcluster.identification import Verdict, cde_via, held_together, identify
from causalcluster.identification.dowhy_answer import DowhyAnswer
from causalcluster.identification.second_opinion import SecondOpinion, await_second_opinion, second_opinion
from causalcluster.model.priors import Priors, set_priors
from causalcluster.model.row_arrays import row_nodes, with_rows
from causalcluster.model.standard import MomentArrays, Scale, choose_scale, standardise
from causalcluster.moments import Moments, match_moments, read_source, reduce_rows
from causalcluster.panel import Panel, constant_inside_clusters, describe_panel

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is known before sampling: diagram, data, verdicts, equations.

    Attributes
    ----------
    analysis, graph, moments, panel, verdicts, design
        The stages' results.
    rows
        The complete rows, where some equation needs them; else None.
    dowhy
        DoWhy's answer on the total effect, by outcome.
    warnings
        Sentences for the user, from every stage.
    """

    analysis: Analysis
    graph: CausalGraph
    moments: Moments
    rows: RowTable | None
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
    leave_one_out
        Effects without each cluster in turn (`causalcluster.fitting.many.leave_one_out`), or None where not asked for.
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
    leave_one_out: pd.DataFrame | None
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
        panel = describe_panel(analysis, moments)
        return _write_plan(analysis, graph, moments, table, panel)


def _take_moments(analysis: Analysis, graph: CausalGraph, source: Any, clock: _Clock) -> tuple[Moments, RowTable | None]:
    """Reduce the table; take its rows along where some equation needs them."""
    if isinstance(source, Moments) or (source is None and analysis.data.moments):
        refuse_moments_alone(analysis, graph)
        found = match_moments(analysis, source) if isinstance(source, Moments) else read_source(analysis)
        refuse_moments_alone(analysis, graph, constant_inside_clusters(analysis, found.table))
        return found, None
    with open_rows(analysis, source) as rows, clock.time("reduce"):
        moments = reduce_rows(analysis, rows)
        wanted = wants_rows(analysis, graph, constant_inside_clusters(analysis, moments.table))
        table = take_rows(analysis, rows, row_columns(analysis, graph)) if wanted else None
        return replace(moments, warnings=(*moments.warnings, *rows.warnings)), table


def _write_plan(analysis: Analysis, graph: CausalGraph, moments: Moments, table: RowTable | None, panel: Panel) -> Plan:
    clustered = analysis.data.cluster is not None
    labels = [label for label, _ in panel.clusters] if clustered else []
    check_claims(
        analysis.hypotheses,
        labels,
        has_clusters=clustered,
        has_population=clustered and analysis.model.pooling == "partial",
        held=[cde_via(held) for held in held_together(analysis.question.fix)],
    )
    design = build_design(analysis, graph, between_only=panel.between_only)
    return Plan(
        analysis=analysis,
        graph=graph,
        moments=moments,
        rows=table,
        panel=panel,
        verdicts=identify(analysis, graph, constant_inside=panel.between_only),
        dowhy=(),
        design=design,
        warnings=(
            *analysis.warnings,
            *panel.warnings,
            *warn_about_means(design),
            *check_moderators(analysis, graph, design, panel),
        ),
    )


def prepare(plan: Plan) -> Prepared:
    """Standardise the moments and write down priors and effects."""
    scale = choose_scale(plan.moments.table, plan.design)
    arrays = standardise(plan.moments.table, plan.design, scale)
    if plan.rows is not None and row_nodes(plan.design):
        arrays = with_rows(arrays, plan.design, plan.rows, scale)
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    return Prepared(
        arrays=arrays,
        scale=scale,
        priors=set_priors(plan.analysis.model, plan.design, plan.graph, arrays, scale),
        targets=list_targets(
            plan.analysis.question,
            plan.graph,
            System(design=plan.design, column_mean=arrays.column_mean),
            scale,
            plan.panel.contrast,
            identified=identified,
            at=list_conditions(plan.analysis),
            network=None if plan.rows is None else build_network(plan.design, scale, arrays, plan.rows),
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
        with open_engine(engine) if leave_one_out else nullcontext() as executor:
            draws, effects, table, diagnostics = _sample(plan, prepared, compiled, clock, say, bar=bar)
            with clock.time("effects"):
                hypotheses, tree = _weigh(plan, prepared, draws, effects)
            with clock.time("leave_one_out"):
                influence, notes = _leave_one_out(prepared, compiled, draws, plan, executor, say)
        plan = replace(plan, warnings=(*plan.warnings, *notes), dowhy=await_second_opinion(asked))
    return Result(
        plan=plan,
        priors=prepared.priors,
        scale=prepared.scale,
        effects=mark_unreliable(table, diagnostics),
        hypotheses=mark_unreliable(hypotheses, diagnostics),
        diagnostics=diagnostics,
        tree=tree,
        leave_one_out=None if influence is None else mark_unreliable(influence, diagnostics),
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

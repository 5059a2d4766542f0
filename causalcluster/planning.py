"""What is known before sampling: the data, the diagram, the verdicts and the equations of an analysis."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from causalcluster.analysis.moderators import list_conditions
from causalcluster.analysis.records import Analysis, latent_nodes
from causalcluster.analysis.signs import paper_signs
from causalcluster.checks.values import denominator_warnings
from causalcluster.data import RowTable, open_rows, take_rows
from causalcluster.data.lags import lagged_name
from causalcluster.design import Design, question_design
from causalcluster.effects.existence import warn_about_means
from causalcluster.effects.horizons import make_loop
from causalcluster.effects.moderators import check_moderators
from causalcluster.effects.networks import Network
from causalcluster.equations import build_design
from causalcluster.errors import InputError
from causalcluster.fitting.evaluation import Targets, list_targets
from causalcluster.fitting.system import build_closed_system, build_network
from causalcluster.gaps import GapPlan, describe_gaps, plan_gaps
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.hypotheses import check_claims
from causalcluster.identification import Verdict, cde_via, held_together, identify, references
from causalcluster.identification.dowhy_answer import DowhyAnswer
from causalcluster.identification.over_time import identify_over_time
from causalcluster.identification.second_opinion import SecondOpinion, await_second_opinion, second_opinion
from causalcluster.lagged_design import build_lagged_design
from causalcluster.model.gap_fill import fill_rows
from causalcluster.model.preparation import prepare_arrays
from causalcluster.model.priors import Priors, set_priors
from causalcluster.model.standard import MomentArrays, Scale, choose_scale
from causalcluster.moments import Moments, absorbs_units, analysed_table, match_moments, read_source, reduce_rows
from causalcluster.moments.adoption import Adoption, find_adoption
from causalcluster.moments.latent import hide_nodes, hide_values
from causalcluster.moments.leads import reduce_leads
from causalcluster.needs import modelled_nodes, refuse_gaps_alone, refuse_moments_alone, row_columns, wants_rows
from causalcluster.panel import Means, Panel, constant_inside_clusters, describe_panel, take_means, treats_clusters

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
    means
        Where the treatment is one number in every cluster: what was made of the rows. All else is about clusters' means.
    leads
        Moments with the treatment's next value, where rows have a next period.
    adoption
        When clusters took up the treatment, where it is a policy that they keep.
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
    means: Means | None = None
    leads: Moments | None = None
    adoption: Adoption | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything that sampling needs, and the effects to evaluate on the draws."""

    arrays: MomentArrays
    scale: Scale
    priors: Priors
    targets: Targets


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

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
        plan = draw_up(analysis, source, doubts=False)
        return replace(plan, dowhy=await_second_opinion(asked))


def draw_up(analysis: Analysis, source: Any = None, clock: Clock | None = None, *, doubts: bool = True) -> Plan:
    """Plan an analysis as `plan_analysis` does, without asking DoWhy; ``clock`` takes the seconds by stage.

    Without ``doubts`` the table is not scanned for what only doubts of a finished fit ask: leads, and starts of a policy.
    """
    clock = clock or Clock()
    with clock.time("read"):
        graph = build_graph(analysis)
        data = _take_data(analysis, graph, source, clock, doubts=doubts)
        if data.means is None:
            return replace(_write_plan(analysis, graph, data), leads=data.leads, adoption=data.adoption)
        return _about_means(_write_plan(data.means.analysis, graph, data), data.means)


def _about_means(plan: Plan, means: Means) -> Plan:
    """Say of which rows the means are, and what they are taken for."""
    table = means.inside.table
    panel = replace(plan.panel, rows=means.inside.counts.rows, rows_used=int(table["n"].sum()))
    return replace(plan, means=means, panel=panel, design=replace(plan.design, notes=means.notes))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    """Moments, the rows that likelihoods or effects need, and those for predictive checks; each None where not taken."""

    moments: Moments
    rows: RowTable | None = None
    checked: RowTable | None = None
    means: Means | None = None
    leads: Moments | None = None
    adoption: Adoption | None = None


def _take_data(analysis: Analysis, graph: CausalGraph, source: Any, clock: Clock, *, doubts: bool) -> _Data:
    """Reduce the table; take its rows along where some equation needs them, or the checks of a small table."""
    if isinstance(source, Moments) or (source is None and analysis.data.moments):
        refuse_moments_alone(analysis, graph)
        found = match_moments(analysis, source) if isinstance(source, Moments) else read_source(analysis)
        if treats_clusters(analysis, found):
            return _of_means(analysis, found)
        refuse_moments_alone(analysis, graph, constant_inside_clusters(analysis, found.table))
        return _Data(moments=found)
    with open_rows(analysis, source) as rows, clock.time("reduce"):
        moments = reduce_rows(analysis, rows)
        if treats_clusters(analysis, moments):
            return _of_means(analysis, replace(moments, warnings=(*moments.warnings, *rows.warnings)))
        constant, gaps = constant_inside_clusters(analysis, analysed_table(moments)), bool(moments.incomplete)
        every = tuple(node.name for node in analysis.nodes)
        names = every if gaps or latent_nodes(analysis) else row_columns(analysis, graph)
        needed = wants_rows(analysis, graph, constant) or _plan_gaps(analysis, graph, moments).needs_rows
        table = take_rows(analysis, rows, names, incomplete=gaps) if needed else None
        checked = table if names == every else None
        if checked is None and rows.counts.complete <= CHECKED_ROWS:
            checked = take_rows(analysis, rows, every, incomplete=gaps)
        moments = replace(moments, warnings=(*moments.warnings, *rows.warnings))
        return _Data(
            moments=moments,
            rows=table,
            checked=checked,
            leads=reduce_leads(analysis, rows) if doubts else None,
            adoption=find_adoption(analysis, rows) if doubts else None,
        )


def _of_means(analysis: Analysis, moments: Moments) -> _Data:
    means = take_means(analysis, moments)
    return _Data(moments=means.moments, rows=means.rows, means=means)


def _plan_gaps(analysis: Analysis, graph: CausalGraph, moments: Moments) -> GapPlan:
    """Decide how each pattern of missing values is averaged over."""
    return plan_gaps(
        analysis,
        graph,
        modelled_nodes(analysis, graph),
        [pattern.missing for pattern in hide_nodes(moments, latent_nodes(analysis)).incomplete],
        absorbed=constant_inside_clusters(analysis, analysed_table(moments)),
    )


def _write_plan(analysis: Analysis, graph: CausalGraph, data: _Data) -> Plan:
    moments = data.moments
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
    if data.rows is None and gaps.needs_rows:
        refuse_gaps_alone(analysis, gaps)
    design = _write_design(analysis, graph, moments, panel, gaps)
    return Plan(
        analysis=analysis,
        graph=graph,
        moments=moments,
        rows=data.rows,
        # With intercepts of units taken out there is nothing to replicate rows from.
        checked_rows=None if absorbs_units(moments) or design.layered or design.lagged else data.checked,
        panel=panel,
        verdicts=identify_over_time(analysis, graph)
        if graph.lagged
        else identify(analysis, graph, constant_inside=panel.between_only),
        dowhy=(),
        design=design,
        warnings=(
            *analysis.warnings,
            *panel.warnings,
            *describe_gaps(panel.missing, gaps),
            *warn_about_means(design),
            *denominator_warnings(analysis, graph),
            *check_moderators(analysis, graph, design, panel),
        ),
    )


def _write_design(analysis: Analysis, graph: CausalGraph, moments: Moments, panel: Panel, gaps: GapPlan) -> Design:
    if graph.lagged:
        return build_lagged_design(analysis, graph, between_only=panel.between_only)
    return build_design(
        analysis,
        graph,
        between_only=panel.between_only,
        gaps=gaps,
        absorbed=absorbs_units(moments),
        periods=moments.periods,
        cell_nodes=moments.cells.nodes if moments.cells is not None else (),
    )


def prepare(plan: Plan) -> Prepared:
    """Standardise the moments and write down priors and effects."""
    scale = choose_scale(analysed_table(plan.moments), plan.design)
    arrays = prepare_arrays(plan.moments, plan.design, scale, plan.rows)
    asked, network = question_design(plan.design), None
    if plan.rows is not None and wants_rows(plan.analysis, plan.graph, plan.panel.between_only):
        seed = plan.analysis.sampling.seed
        rows = hide_values(plan.rows, plan.design.latent)
        rows = fill_rows(plan.design, rows, scale, arrays, random_seed=seed) if plan.design.gaps else rows
        network = build_network(asked, scale, arrays, rows)
    return Prepared(
        arrays=arrays,
        scale=scale,
        priors=set_priors(plan.analysis.model, plan.design, plan.graph, arrays, scale, _asked_signs(plan.analysis)),
        targets=_targets(plan, asked, arrays, scale, network),
    )


def _asked_signs(analysis: Analysis) -> dict[tuple[str, str], float]:
    """Return the paper's probabilities of positive slopes, where the analysis asks for its signs."""
    if analysis.model.priors != "framework":
        return {}
    found = {
        (lagged_name(item.source, item.lag) if item.lag else item.source, item.target): item.probability
        for item in paper_signs(analysis)
        if item.sign in ("+", "-")
    }
    if not found:
        raise InputError(
            "'priors: framework' adds nothing: the paper gives no edge of this diagram a sign",
            where=f"{analysis.path}: model: priors",
            fix="name concepts under nodes ('causalcluster framework nodes' lists them), or write 'priors: neutral'",
        )
    return found


def _targets(plan: Plan, asked: Design, arrays: MomentArrays, scale: Scale, network: Network | None) -> Targets:
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    if asked.lagged:
        loop = make_loop(plan.analysis.question, asked, scale, plan.panel.contrast, identified=identified)
        return Targets(estimands=(), loop=loop)
    targets = list_targets(
        plan.analysis.question,
        plan.graph,
        build_closed_system(asked, arrays),
        scale,
        plan.panel.contrast,
        identified=identified,
        at=list_conditions(plan.analysis),
        network=network,
    )
    return replace(targets, alike=plan.means is not None)

"""Effects along lagged edges: what identifies them, equation by equation."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import networkx as nx

from causalcluster.analysis.records import Analysis, Unobserved
from causalcluster.graph import CausalGraph, lagged_parents, parents, summary_digraph
from causalcluster.identification.decisions import NO_PATH
from causalcluster.identification.verdicts import Verdict


def nodes_over_time(graph: CausalGraph, treatment: str, outcomes: Collection[str]) -> tuple[str, ...]:
    """Return the nodes that an effect over time needs an equation of, in topological order.

    These are the treatment, what it reaches on its way to an outcome in any period, and what acts on these: their levels go
    together with those of the others, and are modelled with them.
    """
    summary = summary_digraph(graph)
    needed = set(outcomes) | {name for outcome in outcomes for name in nx.ancestors(summary, outcome)}
    return tuple(name for name in graph.nodes if name in needed or name == treatment)


def identify_over_time(analysis: Analysis, graph: CausalGraph) -> tuple[Verdict, ...]:
    """Decide ``total``, ``nde`` and ``nie`` of a diagram with lagged edges; they are the same at every horizon.

    Unrolled, such a diagram is one of many nodes. Every equation holds all of its node's causes, from whatever period; the
    past is measured. So the g-formula recovers effects of interventions on the treatment, time-varying causes that the past
    treatment affects included (Robins 1986), where no declared unmeasured cause joins two nodes of the system within a
    period. One that acts on whole clusters is a stable difference of level, and is modelled: levels of all equations are
    correlated.
    """
    question = analysis.question
    system = nodes_over_time(graph, question.treatment, question.outcomes)
    barring = next(_barring(analysis, system), None)
    return tuple(
        _verdict(analysis, graph, outcome, effect, via, barring)
        for outcome in question.outcomes
        for effect, via in _keys(question.mediators)
    )


def _keys(mediators: Collection[str]) -> Iterator[tuple[str, str]]:
    yield "total", ""
    if mediators:
        yield "nde", ""
        for via in ("all", *mediators):
            yield "nie", via


def _barring(analysis: Analysis, system: Collection[str]) -> Iterator[Unobserved]:
    stable = analysis.data.cluster is not None and analysis.model.varying != "none"
    for cause in analysis.unobserved:
        removed = cause.level == "cluster" and stable
        if cause.left in system and cause.right in system and not removed:
            yield cause


def _verdict(
    analysis: Analysis, graph: CausalGraph, outcome: str, effect: str, via: str, barring: Unobserved | None
) -> Verdict:
    treatment = analysis.question.treatment
    verdict = Verdict(
        outcome=outcome,
        effect=effect,
        via=via,
        identified=True,
        by="g-formula over periods",
        adjustment=_past(graph, treatment),
        assumptions=_assumptions(analysis, graph),
        reason="Every cause of every node of the system, from whatever period, is in its equation.",
        instead="",
    )
    bare = replace(verdict, by="", adjustment=(), assumptions=())
    if not nx.has_path(summary_digraph(graph), treatment, outcome):
        reason = f"No directed path leads from {treatment} to {outcome}, in whatever period."
        return replace(bare, by=NO_PATH, reason=reason)
    if barring is not None:
        pair = f"{barring.left} and {barring.right}"
        reason = f"An unmeasured cause of {pair} acts in every period, and what it does is carried on to the next."
        return replace(bare, identified=False, reason=reason)
    return verdict


def _past(graph: CausalGraph, treatment: str) -> tuple[str, ...]:
    """Return what the treatment's own causes are: the history that its comparison is made given."""
    return (*parents(graph, treatment), *(f"{name} @ lag {lag}" for name, lag in lagged_parents(graph, treatment)))


def _assumptions(analysis: Analysis, graph: CausalGraph) -> tuple[str, ...]:
    found = [
        "Nothing unmeasured that changes from period to period causes two nodes of the system.",
        "The equations are linear and the same in every period.",
        "What happened before the lags of the diagram matters only through them.",
    ]
    if analysis.data.cluster is not None:
        found.append("Stable differences between clusters add to levels; levels and first values are jointly normal.")
    mediators = analysis.question.mediators
    summary = summary_digraph(graph)
    if any(nx.has_path(summary, outcome, name) for outcome in analysis.question.outcomes for name in mediators):
        found.append(
            "Past outcomes move mediators, so the effects through mediators are interventional: sums of the paths whose "
            "first mediator is the one named."
        )
    return tuple(found)

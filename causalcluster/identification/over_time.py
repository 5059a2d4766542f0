"""Effects along lagged edges: what identifies them, equation by equation."""

from collections.abc import Collection, Iterator

import networkx as nx

from causalcluster.analysis.records import Analysis, Unobserved
from causalcluster.graph import CausalGraph, lagged_parents, parents, summary_digraph
from causalcluster.identification.verdicts import Verdict

EFFECTS = ("total", "nde", "nie")


def nodes_over_time(graph: CausalGraph, treatment: str, outcomes: Collection[str]) -> tuple[str, ...]:
    """Return the nodes that an effect over time needs an equation of, in topological order.

    These are the treatment, what it reaches on its way to an outcome in any period, and what acts on these: their levels go
    together with those of the others, and are modelled with them.
    """
    summary = summary_digraph(graph)
    needed = set(outcomes) | {name for outcome in outcomes for name in nx.ancestors(summary, outcome)}
    return tuple(name for name in graph.nodes if name in needed or name == treatment)


def feeds_back(graph: CausalGraph, name: str) -> bool:
    """Whether a node acts on itself over time, through others or alone."""
    summary = summary_digraph(graph)
    return any(name == heir or nx.has_path(summary, heir, name) for heir in summary.successors(name))


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
    summary = summary_digraph(graph)
    reached = nx.has_path(summary, analysis.question.treatment, outcome)
    if barring is not None and reached:
        pair = f"{barring.left} and {barring.right}"
        return Verdict(
            outcome=outcome,
            effect=effect,
            via=via,
            identified=False,
            by="",
            adjustment=(),
            assumptions=(),
            reason=f"An unmeasured cause of {pair} acts in every period, and what it does is carried on to the next.",
            instead="",
        )
    if not reached:
        return Verdict(
            outcome=outcome,
            effect=effect,
            via=via,
            identified=True,
            by="no path in the diagram",
            adjustment=(),
            assumptions=(),
            reason=f"No directed path leads from {analysis.question.treatment} to {outcome}, in whatever period.",
            instead="",
        )
    return Verdict(
        outcome=outcome,
        effect=effect,
        via=via,
        identified=True,
        by="g-formula over periods",
        adjustment=_past(graph, analysis.question.treatment),
        assumptions=_assumptions(analysis, graph),
        reason="Every cause of every node of the system, from whatever period, is in its equation.",
        instead="",
    )


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

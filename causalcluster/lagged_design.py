"""Diagrams with lagged edges to equations: levels that go together across equations, and first values.

Deviations from a cluster's own mean go together with errors of earlier periods where a node acts on itself later on, so
that slopes from them are too small in short panels (Nickell 1981, Econometrica 49). Such equations are not centred: every
one has a level for each cluster, the levels of all equations are correlated, and so is the first value of every node whose
past is not seen then (Anderson and Hsiao 1982, Journal of Econometrics 18).
"""

from collections.abc import Collection, Sequence
from typing import Literal

import networkx as nx

from causalcluster.analysis.records import Analysis
from causalcluster.data.lags import lagged_name
from causalcluster.design import Design, Equation, Term
from causalcluster.equations import asked_to_vary
from causalcluster.graph import CausalGraph, lagged_parents, parents, summary_digraph
from causalcluster.identification.over_time import nodes_over_time

FIRST = "#0"
"""What follows a node's name where its first value is meant: names of nodes hold no '#'."""


def build_lagged_design(analysis: Analysis, graph: CausalGraph, *, between_only: Collection[str] = ()) -> Design:
    """Write down the equations of a diagram with lagged edges.

    Parameters
    ----------
    analysis, graph
        The validated analysis and its diagram.
    between_only
        Nodes that do not vary inside any cluster: levels hold what they do.

    Returns
    -------
    Design
        Not centred, with ``intercepts`` 'joint', or 'common' where they do not vary. After the nodes' equations, which hold
        the causes of all periods, come those of first values.
    """
    question, clustered = analysis.question, analysis.data.cluster is not None
    system = nodes_over_time(graph, question.treatment, question.outcomes)
    own = tuple(name for name in system if name not in between_only)
    joint = clustered and asked_to_vary(analysis.model.varying, "intercepts")
    reached = {question.treatment} | nx.descendants(summary_digraph(graph), question.treatment)
    equations = [_equation(analysis, graph, node, between_only, reached, joint=joint) for node in own]
    firsts = [node for node in own if lagged_parents(graph, node)] if joint else []
    equations += [_first_value(graph, node, between_only) for node in firsts]
    intercepts: Literal["joint", "common"] = "joint" if joint else "common"
    return Design(
        equations=tuple(equations),
        treatment=question.treatment,
        centred=False,
        intercepts=intercepts,
        residual_sd_varies=clustered and analysis.model.varying != "none",
        pooling=analysis.model.pooling,
        notes=_notes(analysis, graph, between_only, system, firsts, joint=joint),
        lagged=True,
    )


def _equation(
    analysis: Analysis,
    graph: CausalGraph,
    node: str,
    between_only: Collection[str],
    reached: Collection[str],
    *,
    joint: bool,
) -> Equation:
    clustered = analysis.data.cluster is not None
    causes = [(name, 0) for name in parents(graph, node)] + list(lagged_parents(graph, node))
    terms = [_intercept(node, f"intercept of {node}", varies=joint)]
    for name, lag in causes:
        if name in between_only:
            continue
        label = f"{name} @ lag {lag} -> {node}" if lag else f"{name} -> {node}"
        terms.append(
            Term(
                name=label,
                target=node,
                factors=(lagged_name(name, lag) if lag else name,),
                kind="slope",
                varies=clustered and asked_to_vary(analysis.model.varying, label),
                on_path=name in reached,
            )
        )
    return Equation(node=node, terms=tuple(terms))


def _intercept(node: str, name: str, *, varies: bool) -> Term:
    return Term(name=name, target=node, factors=(), kind="intercept", varies=varies, on_path=True)


def _first_value(graph: CausalGraph, node: str, between_only: Collection[str]) -> Equation:
    """Write down a first value: what it owes to the same period's causes, and the rest, which goes together with the levels.

    Without those causes their errors of the first period, which are in their own equations, would pass for levels.
    """
    name = f"{node}{FIRST}"
    causes = [
        Term(
            name=f"{cause} -> first value of {node}",
            target=name,
            factors=(cause,),
            kind="slope",
            varies=False,
            on_path=False,
        )
        for cause in parents(graph, node)
        if cause not in between_only
    ]
    return Equation(node=name, terms=(_intercept(name, f"first value of {node}", varies=True), *causes), level="first")


def _notes(
    analysis: Analysis,
    graph: CausalGraph,
    between_only: Collection[str],
    system: Sequence[str],
    firsts: Sequence[str],
    *,
    joint: bool,
) -> tuple[str, ...]:
    notes = []
    if joint:
        notes.append(
            "Edges have lags, so nothing is centred: every equation has a level for each cluster, and the levels of all "
            "equations are correlated."
        )
    if firsts:
        notes.append(f"First values of {', '.join(firsts)}, whose past is not seen, are drawn together with the levels.")
    used = {name for node in system for name in parents(graph, node)} | {
        name for node in system for name, _ in lagged_parents(graph, node)
    }
    notes += [f"{name} does not vary inside clusters: levels hold its influence." for name in between_only if name in used]
    if analysis.data.cluster is None:
        notes.append("No cluster column: one set of coefficients for one series.")
    return tuple(notes)

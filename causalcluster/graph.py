"""The causal diagram as a frozen record, checked once, with networkx views of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from causalcluster.analysis.records import Analysis, Edge, Interaction, Layer, Question, Unobserved
from causalcluster.errors import GraphError, did_you_mean

__all__ = [
    "CausalGraph",
    "ancestors",
    "build_graph",
    "children",
    "count_directed_paths",
    "descendants",
    "directed_paths",
    "is_latent",
    "lagged_parents",
    "parents",
    "summary_digraph",
    "to_admg_networkx",
    "to_networkx",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalGraph:
    """A directed acyclic diagram with unmeasured common causes.

    Parameters
    ----------
    nodes
        Names in topological order; ties keep the order of the analysis file.
    layers
        ``(name, layer)`` in the same order.
    edges
        Directed edges within one period, in the order of the analysis file.
    unobserved
        Declared unmeasured common causes of two nodes, with the level at which each acts.
    interactions
        Product terms, one record per target.
    lagged
        Directed edges from an earlier period, in the order of the analysis file.
    """

    nodes: tuple[str, ...]
    layers: tuple[tuple[str, Layer], ...]
    edges: tuple[Edge, ...]
    unobserved: tuple[Unobserved, ...]
    interactions: tuple[Interaction, ...]
    lagged: tuple[Edge, ...] = ()


def build_graph(analysis: Analysis) -> CausalGraph:
    """Check the diagram of an analysis and freeze it.

    Parameters
    ----------
    analysis
        The validated analysis file.

    Returns
    -------
    CausalGraph

    Raises
    ------
    GraphError
        An unknown or repeated name, a self-loop, a cycle, a mediator on no directed path from the treatment
        to an outcome, mediators in an order which the diagram contradicts, or a treatment that an outcome
        causes within one period.
    """
    layer = {node.name: node.layer for node in analysis.nodes}
    try:
        digraph = _checked_digraph(analysis, layer)
    except GraphError as error:
        place = f"{analysis.path}: {error.where}" if error.where else str(analysis.path)
        raise GraphError(error.what, where=place, why=error.why, fix=error.fix) from error
    rank = {name: position for position, name in enumerate(layer)}
    order = tuple(nx.lexicographical_topological_sort(digraph, key=rank.__getitem__))
    return CausalGraph(
        nodes=order,
        layers=tuple((name, layer[name]) for name in order),
        edges=tuple(edge for edge in analysis.edges if not edge.lag),
        lagged=tuple(edge for edge in analysis.edges if edge.lag),
        unobserved=analysis.unobserved,
        interactions=analysis.interactions,
    )


def _checked_digraph(analysis: Analysis, layer: Mapping[str, Layer]) -> "nx.DiGraph[str]":
    names = tuple(node.name for node in analysis.nodes)
    _check_names(analysis, names)
    _check_edges(analysis.edges)
    _check_unobserved(analysis.unobserved)
    digraph = _digraph(names, ((edge.source, edge.target) for edge in analysis.edges if not edge.lag))
    _check_acyclic(digraph, names, layer)
    _check_interactions(analysis.interactions, digraph)
    every = _digraph(names, ((edge.source, edge.target) for edge in analysis.edges))
    _check_question(analysis.question, digraph, every)
    return digraph


def to_networkx(graph: CausalGraph) -> "nx.DiGraph[str]":
    """Return the observed nodes and edges as a networkx graph, nodes in topological order."""
    return _digraph(graph.nodes, ((edge.source, edge.target) for edge in graph.edges))


def to_admg_networkx(graph: CausalGraph, levels: Iterable[str]) -> "nx.DiGraph[str]":
    """Return the diagram with one latent parent for each unmeasured common cause.

    Parameters
    ----------
    graph
        The diagram.
    levels
        The levels of unmeasured common causes to draw; those at other levels are left out, as where centring
        within clusters removes a stable common cause of the cluster.

    Returns
    -------
    networkx.DiGraph
        Latent nodes carry the attribute ``latent=True`` and a name that no node of an analysis can have.
    """
    digraph = to_networkx(graph)
    kept = frozenset(levels)
    for cause in graph.unobserved:
        if cause.level in kept:
            name = f"[unmeasured: {cause.left}, {cause.right}]"
            digraph.add_node(name, latent=True)
            digraph.add_edges_from([(name, cause.left), (name, cause.right)])
    return digraph


def is_latent(digraph: "nx.DiGraph[str]", name: str) -> bool:
    """Return whether a node of `to_admg_networkx` stands for an unmeasured common cause."""
    return bool(digraph.nodes[name].get("latent", False))


def parents(graph: CausalGraph, name: str) -> tuple[str, ...]:
    """Return the direct causes of a node, in topological order."""
    found = {edge.source for edge in graph.edges if edge.target == name}
    return tuple(node for node in graph.nodes if node in found)


def lagged_parents(graph: CausalGraph, name: str) -> tuple[tuple[str, int], ...]:
    """Return the direct causes of a node in earlier periods with their lags, in topological order."""
    found = {(edge.source, edge.lag) for edge in graph.lagged if edge.target == name}
    return tuple(sorted(found, key=lambda item: (graph.nodes.index(item[0]), item[1])))


def summary_digraph(graph: CausalGraph) -> "nx.DiGraph[str]":
    """Return which node acts on which in whatever period: a graph that may have cycles."""
    return _digraph(graph.nodes, ((edge.source, edge.target) for edge in (*graph.edges, *graph.lagged)))


def children(graph: CausalGraph, name: str) -> tuple[str, ...]:
    """Return the direct effects of a node, in topological order."""
    found = {edge.target for edge in graph.edges if edge.source == name}
    return tuple(node for node in graph.nodes if node in found)


def ancestors(graph: CausalGraph, name: str) -> tuple[str, ...]:
    """Return the causes of a node, direct or not and without itself, in topological order."""
    found = nx.ancestors(to_networkx(graph), name)
    return tuple(node for node in graph.nodes if node in found)


def descendants(graph: CausalGraph, name: str) -> tuple[str, ...]:
    """Return what a node causes, directly or not and without itself, in topological order."""
    found = nx.descendants(to_networkx(graph), name)
    return tuple(node for node in graph.nodes if node in found)


def count_directed_paths(graph: CausalGraph, source: str, target: str) -> int:
    """Return the number of directed paths, without listing them: there can be exponentially many."""
    counts = dict.fromkeys(graph.nodes, 0)
    counts[source] = 1
    for node in graph.nodes:
        for parent in parents(graph, node):
            counts[node] += counts[parent]
    return counts[target]


def directed_paths(graph: CausalGraph, source: str, target: str) -> Iterator[tuple[str, ...]]:
    """Yield every directed path as its nodes, both ends included; short paths first where they branch.

    Their number can grow exponentially with the diagram: ask `count_directed_paths` first.
    """
    reaching = {*ancestors(graph, target), target}
    heirs = {name: [n for n in children(graph, name) if n in reaching] for name in graph.nodes}

    def extend(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if path[-1] == target:
            yield path
            return
        for heir in sorted(heirs[path[-1]], key=lambda name: name != target):
            yield from extend((*path, heir))

    if source in reaching:
        yield from extend((source,))


def _digraph(names: Iterable[str], edges: Iterable[tuple[str, str]]) -> "nx.DiGraph[str]":
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(names)
    digraph.add_edges_from(edges)
    return digraph


def _check_names(analysis: Analysis, names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise GraphError(f"the node {name!r} is given twice", where="nodes", fix="Rename or drop one")
    question = analysis.question
    used: list[tuple[str, str]] = []
    for edge in analysis.edges:
        where = f"edges, '{edge.source} -> {edge.target}'"
        used += [(where, edge.source), (where, edge.target)]
    for cause in analysis.unobserved:
        where = f"unobserved, '{cause.left} <-> {cause.right}'"
        used += [(where, cause.left), (where, cause.right)]
    for term in analysis.interactions:
        where = f"interactions, '{' * '.join(term.factors)} -> {term.target}'"
        used += [(where, name) for name in (*term.factors, term.target)]
    used.append(("question, treatment", question.treatment))
    used += [("question, outcomes", name) for name in question.outcomes]
    used += [("question, mediators", name) for name in question.mediators]
    used += [("question, fix", name) for name, _ in question.fix]
    for where, name in used:
        if name not in names:
            raise GraphError(
                f"{name!r} is not a node of the diagram.{did_you_mean(name, names)}".rstrip("."),
                where=where,
                fix="List it under nodes or correct the name",
            )


def _check_edges(edges: Iterable[Edge]) -> None:
    seen: set[tuple[str, str, int]] = set()
    for edge in edges:
        lag = f" @ lag {edge.lag}" if edge.lag else ""
        where = f"edges, '{edge.source} -> {edge.target}{lag}'"
        if edge.source == edge.target and not edge.lag:
            raise GraphError(
                f"the node {edge.source!r} points at itself",
                where=where,
                fix="Remove the edge, or give it a lag",
            )
        if (edge.source, edge.target, edge.lag) in seen:
            raise GraphError("the edge is given twice", where=where, fix="Keep one of them")
        seen.add((edge.source, edge.target, edge.lag))


def _check_unobserved(unobserved: Iterable[Unobserved]) -> None:
    seen: set[tuple[frozenset[str], str]] = set()
    for cause in unobserved:
        where = f"unobserved, '{cause.left} <-> {cause.right}'"
        if cause.left == cause.right:
            raise GraphError(f"both ends are {cause.left!r}", where=where, fix="Name two different nodes")
        key = (frozenset((cause.left, cause.right)), cause.level)
        if key in seen:
            raise GraphError("the common cause is given twice", where=where, fix="Keep one of them")
        seen.add(key)


def _check_acyclic(digraph: "nx.DiGraph[str]", names: Sequence[str], layer: Mapping[str, Layer]) -> None:
    if nx.is_directed_acyclic_graph(digraph):
        return
    # A cycle is told from its most upstream node, so that the last edge is the feedback to be lagged.
    upstream = ("context", "influencer", "environment", "actor", "outcome")
    rank = {name: (upstream.index(layer[name]), position) for position, name in enumerate(names)}
    groups = [group for group in nx.strongly_connected_components(digraph) if len(group) > 1]
    start = min((name for group in groups for name in group), key=rank.__getitem__)
    looping = next(group for group in groups if start in group)
    returns = (nx.shortest_path(digraph, heir, start) for heir in digraph.successors(start) if heir in looping)
    way = min(returns, key=lambda path: (len(path), [rank[name] for name in path]))
    raise GraphError(
        f"the edges go round in a circle: {' -> '.join((start, *way))}",
        where="edges",
        why="A node cannot be its own cause within one period, so no effect is defined",
        fix="Remove one of these edges, or draw the feedback from the previous period (for instance "
        f"'{way[-2]} -> {start} @ lag 1')",
    )


def _check_interactions(interactions: Iterable[Interaction], digraph: "nx.DiGraph[str]") -> None:
    for term in interactions:
        absent = [name for name in dict.fromkeys(term.factors) if not digraph.has_edge(name, term.target)]
        if absent:
            raise GraphError(
                f"{' and '.join(repr(name) for name in absent)} has no edge into {term.target!r}",
                where=f"interactions, '{' * '.join(term.factors)} -> {term.target}'",
                why="A product of causes needs each of them in the diagram as a cause of its own",
                fix="Add " + " and ".join(f"'{name} -> {term.target}'" for name in absent) + " under edges",
            )


def _check_question(question: Question, digraph: "nx.DiGraph[str]", every: "nx.DiGraph[str]") -> None:
    """Check the roles: within one period for what must not act on the treatment, over time for what is reached."""
    treatment, outcomes, mediators = question.treatment, question.outcomes, question.mediators
    for key, listed in (("outcomes", outcomes), ("mediators", mediators)):
        if treatment in listed:
            raise GraphError(f"the treatment {treatment!r} is also listed here", where=f"question, {key}")
        if len(set(listed)) < len(listed):
            twice = next(name for position, name in enumerate(listed) if name in listed[:position])
            raise GraphError(f"{twice!r} is listed twice", where=f"question, {key}", fix="Keep one of them")
    both = [name for name in mediators if name in outcomes]
    if both:
        raise GraphError(f"{both[0]!r} is both a mediator and an outcome", where="question, mediators")
    for name, _ in question.fix:
        if name == treatment or name in outcomes:
            role = "the treatment" if name == treatment else "an outcome"
            raise GraphError(f"{name!r} is {role}", where="question, fix", fix="Fix a mediator")
    _check_directions(treatment, outcomes, digraph, every)
    _check_mediators(question, digraph, every)


def _check_directions(treatment: str, outcomes: Sequence[str], digraph: "nx.DiGraph[str]", every: "nx.DiGraph[str]") -> None:
    for outcome in outcomes:
        if nx.has_path(digraph, outcome, treatment):
            way = " -> ".join(nx.shortest_path(digraph, outcome, treatment))
            raise GraphError(
                f"the outcome {outcome!r} causes the treatment: {way}",
                where="question, treatment",
                why="Within one period an effect runs from the treatment to the outcome",
                fix="Turn the edges round, draw the feedback '@ lag 1', or ask about another treatment",
            )
    if not any(nx.has_path(every, treatment, outcome) for outcome in outcomes):
        raise GraphError(
            f"no directed path leads from {treatment!r} to {' or '.join(repr(name) for name in outcomes)}",
            where="question",
            why="Every effect would be zero by assumption",
            fix="Add the edges through which the treatment may act",
        )


def _check_mediators(question: Question, digraph: "nx.DiGraph[str]", every: "nx.DiGraph[str]") -> None:
    treatment, mediators = question.treatment, question.mediators
    for mediator in mediators:
        reached = nx.has_path(every, treatment, mediator)
        if not reached or not any(nx.has_path(every, mediator, name) for name in question.outcomes):
            missing = f"from {treatment!r} to it" if not reached else "from it to an outcome"
            raise GraphError(
                f"the mediator {mediator!r} is on no directed path from the treatment to an outcome",
                where="question, mediators",
                why=f"No directed path leads {missing}",
                fix="Add the missing edge, or leave it out of the mediators",
            )
    later: nx.DiGraph[str] = _digraph(
        mediators, ((a, b) for a in mediators for b in mediators if a != b and nx.has_path(digraph, a, b))
    )
    right = tuple(nx.lexicographical_topological_sort(later, key=mediators.index))
    if right != mediators:
        first, second = next((a, b) for b, a in _ordered_pairs(mediators) if nx.has_path(digraph, a, b))
        raise GraphError(
            f"the order of the mediators contradicts the diagram, where {first!r} comes before {second!r}: "
            + " -> ".join(nx.shortest_path(digraph, first, second)),
            where="question, mediators",
            why="Each part of the indirect effect counts what enters at one mediator after the earlier ones",
            fix=f"Write mediators: [{', '.join(right)}]",
        )


def _ordered_pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each pair in listed order, neighbours first."""
    yield from pairwise(names)
    for position, name in enumerate(names):
        for other in names[position + 2 :]:
            yield name, other

"""d-separation by reachability, with an open path as the witness where it fails."""

from collections import deque
from collections.abc import Collection, Iterable
from itertools import pairwise

import networkx as nx

from causalcluster.graph import is_latent

__all__ = ["describe_path", "open_path", "without_edges", "without_outgoing"]


def open_path(
    digraph: "nx.DiGraph[str]", sources: Iterable[str], targets: Collection[str], given: Collection[str]
) -> tuple[str, ...] | None:
    """Return a shortest open path between two sets of nodes, or None where they are d-separated.

    Parameters
    ----------
    digraph
        A directed acyclic graph; latent common causes are nodes of it.
    sources, targets
        The ends; nodes that are in `given` are left out.
    given
        The nodes conditioned on.

    Returns
    -------
    tuple of str or None
        The nodes of the path from a source to a target. A collider on it is in `given` or has a descendant
        there. Ties go to nodes that come first in the graph, so the answer does not depend on hashing.

    Notes
    -----
    Reachability over (node, direction of arrival), as in Shachter (1998), "Bayes-Ball": time grows with the
    number of edges.
    """
    conditioned = set(given)
    ends = set(targets) - conditioned
    opened = conditioned.union(*(nx.ancestors(digraph, name) for name in conditioned))
    # A state is (node, whether the path arrived along an arrow into it); None marks a start.
    came_from: dict[tuple[str, bool | None], tuple[str, bool | None] | None] = {}
    queue: deque[tuple[str, bool | None]] = deque()
    for name in dict.fromkeys(sources):
        if name not in conditioned and name not in ends:
            came_from[name, None] = None
            queue.append((name, None))
    while queue:
        state = queue.popleft()
        for following in _steps(digraph, state, conditioned, opened):
            if following in came_from:
                continue
            came_from[following] = state
            if following[0] in ends:
                return _trace(came_from, following)
            queue.append(following)
    return None


def _steps(
    digraph: "nx.DiGraph[str]", state: tuple[str, bool | None], conditioned: set[str], opened: set[str]
) -> list[tuple[str, bool | None]]:
    """Return the states that an open path may go on to."""
    name, by_arrowhead = state
    steps: list[tuple[str, bool | None]] = []
    if by_arrowhead is True:
        to_parents, to_children = name in opened, name not in conditioned
    else:
        to_parents = to_children = by_arrowhead is None or name not in conditioned
    if to_parents:
        steps += [(parent, False) for parent in digraph.predecessors(name)]
    if to_children:
        steps += [(child, True) for child in digraph.successors(name)]
    return steps


def _trace(
    came_from: dict[tuple[str, bool | None], tuple[str, bool | None] | None], end: tuple[str, bool | None]
) -> tuple[str, ...]:
    path: list[str] = []
    state: tuple[str, bool | None] | None = end
    while state is not None:
        path.append(state[0])
        state = came_from[state]
    return tuple(reversed(path))


def describe_path(digraph: "nx.DiGraph[str]", path: tuple[str, ...]) -> str:
    """Return a path with its arrows, as in ``enforcement <- [unmeasured] -> log_wage``."""
    words = [_word(digraph, path[0])]
    for left, right in pairwise(path):
        words.append("->" if digraph.has_edge(left, right) else "<-")
        words.append(_word(digraph, right))
    return " ".join(words)


def _word(digraph: "nx.DiGraph[str]", name: str) -> str:
    return "[unmeasured]" if is_latent(digraph, name) else name


def without_outgoing(digraph: "nx.DiGraph[str]", names: Iterable[str]) -> "nx.DiGraph[str]":
    """Return a copy of a graph without the edges that leave the named nodes."""
    return without_edges(digraph, [edge for name in names for edge in digraph.out_edges(name)])


def without_edges(digraph: "nx.DiGraph[str]", edges: Iterable[tuple[str, str]]) -> "nx.DiGraph[str]":
    """Return a copy of a graph without the named edges."""
    smaller = digraph.copy()
    smaller.remove_edges_from(list(edges))
    return smaller

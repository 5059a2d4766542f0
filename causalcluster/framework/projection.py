"""The latent projection of a signed, lagged graph onto some of its nodes (Verma 1993; Richardson 2003).

What is projected away is not ignored: a chain through unnamed nodes becomes one edge, and an unnamed common cause
becomes a bidirected edge.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Protocol

from causalcluster.framework.records import Sign

MAX_LAG = 1

_State = tuple[str, int]
"""A node, and the periods that have gone by on the way to it."""


class SignedEdge(Protocol):
    """What the projection needs to know of an edge."""

    @property
    def id(self) -> str:
        """Return the name of the edge."""

    @property
    def source(self) -> str:
        """Return the node the edge leaves."""

    @property
    def target(self) -> str:
        """Return the node the edge enters."""

    @property
    def sign(self) -> Sign:
        """Return the direction of the effect."""

    @property
    def lag(self) -> int:
        """Return the periods from source to target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedLink:
    """A directed edge of the projection; `edge_ids` are all edges on the paths behind it, sorted."""

    source: str
    target: str
    lag: int
    sign: Sign
    edge_ids: tuple[str, ...]
    direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedConfounder:
    """A bidirected edge of the projection; `causes` are the unnamed nodes where the two routes part, sorted."""

    left: str
    right: str
    causes: tuple[str, ...]


def project_links(edges: Sequence[SignedEdge], named: Collection[str]) -> tuple[ProjectedLink, ...]:
    """Return the directed edges among `named`: paths whose inner nodes are all unnamed, at lag 0 or 1 in total.

    A path of two edges or more has the product of its signs if each is + or -, else '?'; a single edge keeps its own.
    Paths of one sign give the link that sign, others make it `contingent`.

    Parameters
    ----------
    edges
        The graph; parallel edges are allowed, lag-0 edges are acyclic, lags are 0 or 1.
    named
        The nodes to keep.

    Raises
    ------
    graphlib.CycleError
        The lag-0 edges have a cycle.

    Notes
    -----
    The graph is read as unrolled over two periods, so an unnamed node may lie on a path in both, and the lag-1 links of
    a node to itself are found.
    """
    keep = set(named)
    order = _causal_order(edges)
    leaving: dict[str, list[SignedEdge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.source].append(edge)
    return tuple(link for source in order if source in keep for link in _links_from(source, keep, order, leaving))


def project_confounders(edges: Sequence[SignedEdge], named: Collection[str]) -> tuple[ProjectedConfounder, ...]:
    """Return the bidirected edges among `named` at lag 0.

    Two named nodes are confounded where an unnamed node has a directed path to each of them, through unnamed nodes, and
    the two paths share nothing but that node. Where all routes from a remote cause run through a nearer one, only the
    nearer one is listed.

    Parameters
    ----------
    edges, named
        As for `project_links`; lag-1 edges are left out.
    """
    keep = set(named)
    present = [edge for edge in edges if edge.lag == 0]
    order = _causal_order(present)
    entering: dict[str, list[str]] = defaultdict(list)
    for edge in present:
        entering[edge.target].append(edge.source)
    causes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for position, cause in enumerate(order):
        if cause in keep:
            continue
        branches = _branches(cause, keep, order[position + 1 :], entering)
        reached = [node for node in branches if node in keep]
        for index, left in enumerate(reached):
            for right in reached[index + 1 :]:
                if branches[left] != branches[right]:
                    causes[left, right].append(cause)
    return tuple(
        ProjectedConfounder(left=left, right=right, causes=tuple(sorted(found)))
        for (left, right), found in sorted(causes.items())
    )


def combined_sign(signs: Iterable[Sign]) -> Sign:
    """Return the sign of several paths taken together.

    Examples
    --------
    >>> combined_sign(["+", "+"]), combined_sign(["+", "-"])
    ('+', 'contingent')
    """
    distinct = set(signs)
    return distinct.pop() if len(distinct) == 1 else "contingent"


def _links_from(
    source: str, keep: set[str], order: Sequence[str], leaving: Mapping[str, list[SignedEdge]]
) -> list[ProjectedLink]:
    """Return the links that leave one named node: one pass in causal order, since paths can be very many."""
    start: _State = (source, 0)
    signs: dict[_State, set[Sign | None]] = {start: {None}}
    arrivals: dict[_State, list[tuple[_State, SignedEdge]]] = defaultdict(list)
    for lag in range(MAX_LAG + 1):
        for node in order:
            state = (node, lag)
            if state not in signs or (node in keep and state != start):
                continue
            for edge in leaving.get(node, ()):
                reached = (edge.target, lag + edge.lag)
                if reached[1] <= MAX_LAG:
                    extended = {_extended(sign, edge.sign) for sign in signs[state]}
                    signs.setdefault(reached, set()).update(extended)
                    arrivals[reached].append((state, edge))
    return [
        ProjectedLink(
            source=source,
            target=target,
            lag=lag,
            sign=combined_sign(sign for sign in signs[target, lag] if sign is not None),
            edge_ids=_edges_behind((target, lag), arrivals),
            direct=any(state == start for state, _ in arrivals[target, lag]),
        )
        for target, lag in sorted(arrivals)
        if target in keep
    ]


def _extended(sign: Sign | None, step: Sign) -> Sign:
    """Return the sign of a path after one more edge; None is the path without edges."""
    if sign is None:
        return step
    if {sign, step} <= {"+", "-"}:
        return "+" if sign == step else "-"
    return "?"


def _edges_behind(state: _State, arrivals: Mapping[_State, list[tuple[_State, SignedEdge]]]) -> tuple[str, ...]:
    """Return the ids of all edges on the paths that lead to a state."""
    ids: set[str] = set()
    seen, waiting = {state}, [state]
    while waiting:
        for earlier, edge in arrivals.get(waiting.pop(), ()):
            ids.add(edge.id)
            if earlier not in seen:
                seen.add(earlier)
                waiting.append(earlier)
    return tuple(sorted(ids))


def _branches(cause: str, keep: set[str], later: Sequence[str], entering: Mapping[str, list[str]]) -> dict[str, str]:
    """Return, for each node that `cause` reaches through unnamed nodes, the first node no route to it can avoid.

    That is its ancestor just below `cause` in the dominator tree. Two nodes in different branches have routes from
    `cause` that share nothing else (Menger); two in one branch do not.
    """
    branches: dict[str, str] = {}
    for node in later:
        sources = [
            source for source in entering.get(node, ()) if source == cause or (source in branches and source not in keep)
        ]
        if sources:
            above = {node if source == cause else branches[source] for source in sources}
            branches[node] = above.pop() if len(above) == 1 else node
    return branches


def _causal_order(edges: Iterable[SignedEdge]) -> tuple[str, ...]:
    """Return all nodes with causes before effects at lag 0."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in edges:
        if edge.lag == 0:
            sorter.add(edge.target, edge.source)
        else:
            sorter.add(edge.source)
            sorter.add(edge.target)
    return tuple(sorter.static_order())

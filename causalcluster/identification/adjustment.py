"""Backdoor adjustment sets, found without a search over subsets."""

from collections.abc import Callable, Collection

import networkx as nx

from causalcluster.graph import is_latent
from causalcluster.identification.separation import open_path, without_outgoing

__all__ = ["backdoor_set", "is_backdoor_set", "smallest"]


def is_backdoor_set(digraph: "nx.DiGraph[str]", treatment: str, outcome: str, adjustment: Collection[str]) -> bool:
    """Return whether a set of observed nodes meets the backdoor criterion (Pearl 2009, definition 3.3.1)."""
    if set(adjustment) & (nx.descendants(digraph, treatment) | {treatment, outcome}):
        return False
    return open_path(without_outgoing(digraph, [treatment]), [treatment], {outcome}, adjustment) is None


def backdoor_set(digraph: "nx.DiGraph[str]", treatment: str, outcome: str) -> tuple[str, ...] | None:
    """Return a minimal set that meets the backdoor criterion, or None where no set does.

    Parameters
    ----------
    digraph
        A directed acyclic graph with latent common causes, from `causalcluster.graph.to_admg_networkx`.
    treatment, outcome
        Names of nodes.

    Returns
    -------
    tuple of str or None
        In the order of the graph.

    Notes
    -----
    If any admissible set separates, so do all admissible ancestors of the two nodes (van der Zander,
    Liskiewicz and Textor 2014, theorem on constrained separators), and within ancestors a set from which no
    single node can be dropped has no smaller separator inside it.
    """
    cut = without_outgoing(digraph, [treatment])
    relevant = nx.ancestors(cut, treatment) | nx.ancestors(cut, outcome)
    barred = nx.descendants(digraph, treatment) | {treatment, outcome}
    allowed = tuple(
        name for name in digraph.nodes if name in relevant and name not in barred and not is_latent(digraph, name)
    )

    def separates(names: tuple[str, ...]) -> bool:
        return open_path(cut, [treatment], {outcome}, names) is None

    return smallest(allowed, separates) if separates(allowed) else None


def smallest(names: tuple[str, ...], holds: Callable[[tuple[str, ...]], bool]) -> tuple[str, ...]:
    """Drop names one by one, last first, as long as the condition still holds.

    Dropping from the end keeps the first nodes in topological order, that is the parents of the treatment
    before the covariates of later equations.
    """
    kept = names
    for name in reversed(names):
        fewer = tuple(other for other in kept if other != name)
        if holds(fewer):
            kept = fewer
    return kept

"""What would identify an effect that is not: which unmeasured cause one would have to measure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import combinations

from causalcluster.analysis.records import Analysis, Edge, Node, Unobserved

MOST_CAUSES = 4
"""With more declared unmeasured causes single ones are tried, then all together."""
Key = tuple[str, str, str]
Decide = Callable[[Analysis], Collection[Key]]


def find_remedies(analysis: Analysis, refused: Sequence[Key], decide: Decide) -> dict[Key, str]:
    """Return for each refused effect a sentence on which declared unmeasured causes would have to be measured.

    Parameters
    ----------
    analysis
        With unmeasured causes.
    refused
        The (outcome, effect, via) that are not identified.
    decide
        The keys that are identified in another analysis.

    Returns
    -------
    dict
        By key; effects that no measurement of declared causes identifies are not in it. The fewest causes are named: single
        ones, then pairs, then all of them.
    """
    found: dict[Key, str] = {}
    left = set(refused)
    causes = analysis.unobserved
    sizes = range(1, 3) if len(causes) <= MOST_CAUSES else range(1, 2)
    tried = [chosen for size in sizes for chosen in combinations(causes, size)]
    tried += [causes] if len(causes) > 2 else []
    for chosen in tried if left else ():
        now = left.intersection(decide(measured(analysis, chosen)))
        found |= dict.fromkeys(now, _sentence(chosen))
        left -= now
        if not left:
            break
    return found


def measured(analysis: Analysis, chosen: Sequence[Unobserved]) -> Analysis:
    """Return an analysis in which some unmeasured causes are nodes that are measured."""
    nodes, edges = list(analysis.nodes), list(analysis.edges)
    for k, cause in enumerate(chosen):
        name = f"cause {k} of {cause.left} and {cause.right}"
        nodes.insert(0, Node(name=name, layer="context", column=name, label=name))
        edges += [Edge(source=name, target=end) for end in (cause.left, cause.right)]
    kept = tuple(cause for cause in analysis.unobserved if cause not in chosen)
    return replace(analysis, nodes=tuple(nodes), edges=tuple(edges), unobserved=kept)


def _sentence(chosen: Sequence[Unobserved]) -> str:
    whats = " and ".join(f"what causes both {cause.left} and {cause.right}" for cause in chosen)
    return f"Measuring {whats}, and drawing it as a node, would identify it."

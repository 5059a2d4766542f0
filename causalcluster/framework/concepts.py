"""What the paper says about the concepts that an analysis names.

A composite (`labour_law_robustness`, `social_conditions`) and its components are related by definition, not by cause.
So membership is never an arrow here: an effect on a composite is not an effect on each component, and an effect of a
component is not an effect of the composite, unless the paper states it. Where an analysis names a composite beside its
own component, the paper's stated edges between them are kept (they are right if both are measured independently) and
`composite_overlaps` lists the pair, since a composite computed from its parts must not be explained by them.

One statement is left out: E092 runs against price theory and is probably a misstatement; the effect itself stays,
through E091.
"""

from collections.abc import Mapping
from itertools import combinations

from causalcluster.errors import InputError, did_you_mean
from causalcluster.framework.load import load_framework
from causalcluster.framework.projection import project_confounders, project_links
from causalcluster.framework.records import Framework, FrameworkConfounder, FrameworkEdge, FrameworkLink

LEFT_OUT = frozenset({"E092"})


def framework_edges(concepts: Mapping[str, str]) -> tuple[FrameworkLink, ...]:
    """Return the effects of the paper among named concepts, joined through those that are not named.

    Parameters
    ----------
    concepts
        Concept id by node of the analysis. Several nodes may measure one concept: each gets the concept's links, and
        none is drawn between them.

    Returns
    -------
    tuple of FrameworkLink
        In the order of `concepts`; a link of a node to itself has lag 1.

    Raises
    ------
    InputError
        The paper has no such concept.

    Examples
    --------
    >>> links = framework_edges({"enforcement": "gov_enforcement", "conditions": "social_conditions"})
    >>> [(link.source, link.target, link.sign, link.direct) for link in links if link.lag == 0]
    [('enforcement', 'conditions', '+', True)]
    """
    framework = load_framework()
    _check_concepts(concepts, framework)
    edges = _projected_edges(framework)
    status_of = {edge.id: edge.status for edge in edges}
    nodes_of = _nodes_by_concept(concepts)
    links = [
        FrameworkLink(
            source=source,
            target=target,
            sign=link.sign,
            lag=link.lag,
            edge_ids=link.edge_ids,
            direct=link.direct,
            statuses=tuple(sorted({status_of[edge] for edge in link.edge_ids})),
        )
        for link in project_links(edges, set(concepts.values()))
        for source in nodes_of[link.source]
        for target in nodes_of[link.target]
        if source == target or link.source != link.target
    ]
    position = {node: index for index, node in enumerate(concepts)}
    return tuple(sorted(links, key=lambda link: (link.lag, position[link.source], position[link.target])))


def framework_confounders(concepts: Mapping[str, str]) -> tuple[FrameworkConfounder, ...]:
    """Return the pairs of nodes that have common causes in the paper which the analysis does not name.

    Causes act within one period and through unnamed concepts; feedback is left out. That a pair is missing means that
    the paper states no common cause, not that there is none. Two nodes that measure one concept are not paired.

    Raises
    ------
    InputError
        The paper has no such concept.
    """
    framework = load_framework()
    _check_concepts(concepts, framework)
    nodes_of = _nodes_by_concept(concepts)
    position = {node: index for index, node in enumerate(concepts)}
    found = []
    for pair in project_confounders(_projected_edges(framework), set(concepts.values())):
        for first in nodes_of[pair.left]:
            for second in nodes_of[pair.right]:
                left, right = sorted((first, second), key=position.__getitem__)
                found.append(FrameworkConfounder(left=left, right=right, causes=pair.causes))
    return tuple(sorted(found, key=lambda pair: (position[pair.left], position[pair.right])))


def unlinked_pairs(concepts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of nodes between which the paper asserts no effect, in either direction, at lag 0 or 1.

    Two nodes that measure one concept are not paired.

    Raises
    ------
    InputError
        The paper has no such concept.
    """
    linked = {frozenset((link.source, link.target)) for link in framework_edges(concepts)}
    return tuple(
        (left, right)
        for left, right in combinations(concepts, 2)
        if concepts[left] != concepts[right] and frozenset((left, right)) not in linked
    )


def indirect_pairs(concepts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of nodes that the paper links, but by no edge of its own within one period.

    They are joined through concepts that the analysis does not name, or in the next period alone.

    Raises
    ------
    InputError
        The paper has no such concept.
    """
    links = [link for link in framework_edges(concepts) if link.source != link.target]
    direct = {frozenset((link.source, link.target)) for link in links if link.direct and link.lag == 0}
    linked = {frozenset((link.source, link.target)) for link in links}
    return tuple(pair for pair in combinations(concepts, 2) if frozenset(pair) in linked - direct)


def composite_overlaps(concepts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs (component, composite) of nodes where one concept is a part of the other.

    Raises
    ------
    InputError
        The paper has no such concept.
    """
    framework = load_framework()
    _check_concepts(concepts, framework)
    composite_of = {node.id: node.component_of for node in framework.nodes}
    return tuple(
        (component, composite)
        for component in concepts
        for composite in concepts
        if composite_of[concepts[component]] == concepts[composite]
    )


def _projected_edges(framework: Framework) -> tuple[FrameworkEdge, ...]:
    return tuple(edge for edge in framework.edges if edge.id not in LEFT_OUT)


def _nodes_by_concept(concepts: Mapping[str, str]) -> dict[str, list[str]]:
    nodes_of: dict[str, list[str]] = {}
    for node, concept in concepts.items():
        nodes_of.setdefault(concept, []).append(node)
    return nodes_of


def _check_concepts(concepts: Mapping[str, str], framework: Framework) -> None:
    known = [node.id for node in framework.nodes]
    for node, concept in concepts.items():
        if concept not in known:
            raise InputError(
                f"the framework has no concept {concept!r}",
                where=f"nodes.{node}.concept",
                why="A concept links a node to what the paper says about it",
                fix=f"`causalcluster framework nodes` lists all concepts.{did_you_mean(concept, known)}",
            )

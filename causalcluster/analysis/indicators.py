"""Nodes that several columns measure: each indicator as a node of its own, with an edge from what it measures."""

from collections.abc import Iterator, Mapping, Sequence

from causalcluster.analysis.claim_records import is_word_character
from causalcluster.analysis.records import Edge, Node
from causalcluster.analysis.schema import NodeSection
from causalcluster.analysis.yaml_lines import Document

FEWEST = 2
"""Indicators that a node needs: one alone cannot be told apart from its error."""


def check_indicators(sections: Mapping[str, NodeSection], document: Document) -> None:
    """Refuse lists of indicators that cannot be read as a measurement of one node.

    Raises
    ------
    AnalysisFileError
        A node with indicators has a column or family of its own or too few of them, or an indicator has the name of
        a node, of another indicator, or one that no node can have.
    """
    names = set(sections)
    for name, section in sections.items():
        if not section.indicators:
            continue
        _check_node(name, section, document)
        for position, item in enumerate(section.indicators):
            place = ("nodes", name, "indicators", position)
            if item.column in names:
                what = f"the indicator '{item.column}' of node '{name}' is a node or an indicator already"
                raise document.error(place, what, fix="A column is a node of its own, or measures one node")
            if not all(map(is_word_character, item.column)):
                what = f"the indicator '{item.column}' of node '{name}' cannot name an equation"
                raise document.error(place, what, fix="Rename the column: letters, digits and '_' only")
            names.add(item.column)


def _check_node(name: str, section: NodeSection, document: Document) -> None:
    place = ("nodes", name)
    given = {"column": section.column is not None, "family": section.family != "gaussian", "se": section.se is not None}
    clash = next((key for key, there in given.items() if there), None)
    if clash is not None:
        what = f"node '{name}' has indicators and a '{clash}' of its own"
        raise document.error((*place, clash), what, fix="It is measured by its indicators alone, and gaussian: leave it out")
    if len(section.indicators) < FEWEST:
        what = f"node '{name}' has one indicator, whose error cannot be told apart from what it measures"
        raise document.error(
            (*place, "indicators"), what, fix="Name another one, or write 'column' in place of 'indicators'"
        )


def read_indicators(name: str, section: NodeSection) -> Iterator[Node]:
    """Yield the indicators of a node as nodes."""
    for item in section.indicators:
        yield Node(
            name=item.column,
            layer=section.layer,
            actor=section.actor,
            column=item.column,
            label=(item.label or "").strip() or item.column,
            family=item.family,
            measures=name,
        )


def measurement_edges(nodes: Sequence[Node]) -> tuple[Edge, ...]:
    """Return the edge from every node with indicators to each of these."""
    return tuple(Edge(source=node.measures, target=node.name, origin="measurement") for node in nodes if node.measures)

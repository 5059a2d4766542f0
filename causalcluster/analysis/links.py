"""The arrows of the diagram: the analyst's, joined with the paper's among the named concepts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from causalcluster.analysis.edges import FRAMEWORK, Arrow, Reader
from causalcluster.analysis.records import Edge, Interaction, Node, Unobserved
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import did_you_mean
from causalcluster.framework import FrameworkLink, framework_confounders, framework_edges, load_framework


def check_concepts(document: Document, nodes: Sequence[Node]) -> None:
    """Refuse concepts that the framework does not have.

    Raises
    ------
    AnalysisFileError
        An unknown concept; the message names the nearest.
    """
    if not any(node.concept for node in nodes):
        return
    known = [node.id for node in load_framework().nodes]
    for node in nodes:
        if node.concept is not None and node.concept not in known:
            hint = did_you_mean(node.concept, known)
            what = f"the framework has no concept '{node.concept}' (node '{node.name}').{hint}"
            fix = "'causalcluster framework nodes' lists all concepts"
            raise document.error(("nodes", node.name, "concept"), what, fix=fix)


def join_edges(items: Sequence[str], nodes: Sequence[Node], reader: Reader) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
    """Read the list of edges; the item ``framework`` adds the paper's within one period, where it stands.

    An edge that the analyst draws too stays the analyst's and carries the paper's.

    Returns
    -------
    edges
        In the order of the list.
    warnings
        Sentences on edges of the paper that were left out.

    Raises
    ------
    AnalysisFileError
        An item that cannot be read, names an unknown node, or asks for the framework without any concept.
    """
    concepts = {node.name: node.concept for node in nodes if node.concept is not None}
    links = [link for link in framework_edges(concepts) if link.source != link.target] if concepts else []
    behind = {(link.source, link.target, link.lag): link for link in links}
    own = [(place, item) for place, item in _items(items) if item != FRAMEWORK]
    arrows = [arrow for place, item in own for arrow in reader.edges(item, place)]
    drawn = {(arrow.source, arrow.target, arrow.lag) for arrow in arrows}
    edges: list[Edge] = []
    warnings: list[str] = []
    for place, item in _items(items):
        if item != FRAMEWORK:
            edges += [_analysts_edge(arrow, behind) for arrow in reader.edges(item, place)]
            continue
        if items.count(FRAMEWORK) > 1:
            raise reader.document.error(place, "'framework' stands twice under edges", fix="Keep one of them")
        if not concepts:
            what = "'framework' under edges adds nothing, because no node names a concept"
            raise reader.document.error(place, what, fix="Give nodes a concept, or leave the item out")
        added = [link for link in links if link.lag == 0 and _key(link) not in drawn]
        edges += [_papers_edge(link) for link in added]
        warnings += _framework_warnings(links, drawn)
        warnings += _common_causes(concepts)
    return tuple(edges), tuple(warnings)


def read_interactions(items: Sequence[str], edges: Sequence[Edge], reader: Reader) -> tuple[Interaction, ...]:
    """Read the list of products, each of whose factors must be a cause of the target.

    Raises
    ------
    AnalysisFileError
        An item that cannot be read, a product given twice, a factor without an edge into the target, or a product of
        three without one of the products of two in it.
    """
    arrows = {(edge.source, edge.target) for edge in edges if edge.lag == 0}
    found: dict[tuple[tuple[str, ...], str], Interaction] = {}
    places: dict[Interaction, Place] = {}
    for position, item in enumerate(items):
        place: Place = ("interactions", position)
        for product in reader.interactions(item, place):
            name = f"'{product.name} -> {product.target}'"
            key = (tuple(sorted(product.factors)), product.target)
            if key in found:
                what = f"the interaction {name} is given twice"
                raise reader.document.error(place, what, fix="Keep one of them")
            if product.target in product.factors:
                raise reader.document.error(place, f"the interaction {name} has its target among its factors")
            _check_parents(product, arrows, place, reader.document)
            found[key], places[product] = product, place
    for product, place in places.items():
        known = {names for names, target in found if target == product.target}
        _check_smaller(product, known, place, reader.document)
    return tuple(found.values())


def read_unobserved(items: Sequence[str], reader: Reader) -> tuple[Unobserved, ...]:
    """Read the list of declared unmeasured common causes.

    Raises
    ------
    AnalysisFileError
        An item that cannot be read, or names an unknown node or level.
    """
    return tuple(reader.unobserved(item, ("unobserved", position)) for position, item in enumerate(items))


def _items(items: Sequence[str]) -> Iterator[tuple[Place, str]]:
    for position, item in enumerate(items):
        yield ("edges", position), item.strip()


def _key(link: FrameworkLink) -> tuple[str, str, int]:
    return link.source, link.target, link.lag


def _analysts_edge(arrow: Arrow, behind: dict[tuple[str, str, int], FrameworkLink]) -> Edge:
    link = behind.get((arrow.source, arrow.target, arrow.lag))
    ids, sign = (link.edge_ids, link.sign) if link is not None else ((), "")
    return Edge(source=arrow.source, target=arrow.target, lag=arrow.lag, framework_ids=ids, sign=sign)


def _papers_edge(link: FrameworkLink) -> Edge:
    return Edge(
        source=link.source,
        target=link.target,
        origin="framework",
        framework_ids=link.edge_ids,
        sign=link.sign,
    )


def _framework_warnings(links: Sequence[FrameworkLink], drawn: set[tuple[str, str, int]]) -> list[str]:
    later = [link for link in links if link.lag and _key(link) not in drawn]
    warnings = [
        f"The framework's effect of {link.source} on {link.target} ({_ids(link)}) acts in the next period "
        f"and is left out. Where 'time' is known, draw it yourself: '{link.source} -> {link.target} @ lag 1'."
        for link in later
    ]
    if not any(link.lag == 0 for link in links):
        warnings.append("The framework asserts no effect within one period among the named concepts.")
    return warnings


def _common_causes(concepts: Mapping[str, str]) -> list[str]:
    found = framework_confounders(concepts)
    if not found:
        return []
    pairs = "; ".join(f"{pair.left} and {pair.right} ({', '.join(pair.causes)})" for pair in found)
    return [
        "The framework names common causes that are not in this diagram, and identification does not count them: "
        f"{pairs}. Measure them, or declare the pairs under 'unobserved'."
    ]


def _ids(link: FrameworkLink, most: int = 5) -> str:
    more = f" and {len(link.edge_ids) - most} more" if len(link.edge_ids) > most else ""
    return ", ".join(link.edge_ids[:most]) + more


def _check_parents(product: Interaction, arrows: set[tuple[str, str]], place: Place, document: Document) -> None:
    absent = [name for name in dict.fromkeys(product.factors) if (name, product.target) not in arrows]
    if absent:
        raise document.error(
            place,
            f"the interaction '{product.name} -> {product.target}' needs an edge from "
            f"{' and '.join(absent)} to {product.target}",
            why="A product without its factors has no meaning of its own",
            fix="Add " + " and ".join(f"'{name} -> {product.target}'" for name in absent) + " under edges",
        )


def _check_smaller(product: Interaction, known: set[tuple[str, ...]], place: Place, document: Document) -> None:
    """Refuse a product whose smaller products are not in the equation: where zero lies would then change the model."""
    if len(product.factors) != 3:
        return
    parts = dict.fromkeys(tuple(sorted(part)) for part in combinations(product.factors, 2))
    absent = [" * ".join(part) for part in parts if part not in known]
    if absent:
        raise document.error(
            place,
            f"the interaction '{product.name} -> {product.target}' needs the smaller "
            f"product{'s' if len(absent) > 1 else ''} {' and '.join(absent)} in the same equation",
            why="Without them the model would depend on where the scales of the columns have their zero",
            fix="Add " + " and ".join(f"'{name} -> {product.target}'" for name in absent) + " under interactions",
        )

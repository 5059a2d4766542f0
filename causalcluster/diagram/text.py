"""The diagram as plain text."""

from collections.abc import Mapping

from causalcluster.analysis.records import Edge
from causalcluster.diagram.layout import LAYERS
from causalcluster.graph import CausalGraph

__all__ = ["is_papers", "to_text"]


def to_text(graph: CausalGraph, labels: Mapping[str, str]) -> str:
    """Return the diagram as plain text, layer by layer, each node with the edges that leave it.

    Parameters
    ----------
    graph
        The diagram.
    labels
        The label of each node; a node's name stands in for a missing one.

    Returns
    -------
    str
        Edges that the paper asserts carry its identifiers; where some do, the others are marked as the
        analyst's own.
    """
    layer_of = dict(graph.layers)
    marked = any(is_papers(edge) for edge in graph.edges)
    width = max((len(edge.target) for edge in graph.edges), default=0)
    lines: list[str] = []
    for layer in LAYERS:
        members = [name for name in graph.nodes if layer_of[name] == layer]
        if not members:
            continue
        lines.append(layer)
        for name in members:
            label = labels.get(name, name)
            lines.append(f"  {name}" + (f"  ({label})" if label != name else ""))
            for edge in (edge for edge in graph.edges if edge.source == name):
                lines.append(f"    -> {edge.target:<{width}}  {_origin(edge) if marked else ''}".rstrip())
    if graph.lagged:
        lines.append("from earlier periods")
        lines += [f"  {edge.source} -> {edge.target}  @ lag {edge.lag}" for edge in graph.lagged]
    if graph.interactions:
        lines += ["products", *(f"  {term.name} -> {term.target}" for term in graph.interactions)]
    if graph.unobserved:
        lines.append("unmeasured common causes")
        lines += [f"  {cause.left} <-> {cause.right}  @ {cause.level}" for cause in graph.unobserved]
    return "\n".join(lines) + "\n"


def is_papers(edge: Edge) -> bool:
    """Return whether the paper asserts an edge, whoever wrote it down."""
    return edge.origin == "framework" or bool(edge.framework_ids)


def _origin(edge: Edge) -> str:
    if not is_papers(edge):
        return "[analyst]"
    ids = ", ".join(edge.framework_ids)
    also = "analyst, also " if edge.origin == "analyst" else ""
    return f"[{also}paper{': ' if ids else ''}{ids}{f' ({edge.sign})' if edge.sign else ''}]"

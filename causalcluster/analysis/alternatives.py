"""`alternatives`: other analyses of the same question and data, each written as what it changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from causalcluster.analysis.edges import Reader
from causalcluster.analysis.records import Alternative, Analysis, Edge
from causalcluster.analysis.schema import AlternativeSection
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import AnalysisFileError, CausalClusterError

MAIN = "main"
"""What the analysis itself is called beside its alternatives."""
_MERGED = ("nodes", "question", "model")
_REPLACED = ("edges", "interactions", "unobserved")


def read_alternatives(
    sections: Sequence[AlternativeSection], analysis: Analysis, reader: Reader, parse: Callable[[Document], Analysis]
) -> Iterator[Alternative]:
    """Read each alternative as the analysis that it stands for.

    Parameters
    ----------
    sections
        As they stand in the file.
    analysis
        The file's own.
    reader
        Of the file's edges.
    parse
        From a document to an analysis.

    Raises
    ------
    AnalysisFileError
        Two of one name, one that changes nothing, or one that is no valid analysis: at its own line.
    """
    seen = {MAIN: _substance(analysis)}
    for position, section in enumerate(sections):
        place: Place = ("alternatives", position)
        if section.name in seen:
            what = f"two alternatives are called '{section.name}'"
            if section.name == MAIN:
                what = f"an alternative is called '{MAIN}', which is the analysis itself"
            raise reader.document.error((*place, "name"), what, fix="Give each a name of its own")
        document = _merge(section, position, analysis, reader)
        try:
            found = parse(document)
        except CausalClusterError as error:
            raise _about(section.name, error) from error
        same = next((name for name, other in seen.items() if other == _substance(found)), None)
        if same is not None:
            what = f"the alternative '{section.name}' does not change anything"
            what += "" if same == MAIN else f" that '{same}' does not change too"
            raise reader.document.error(place, what, fix="Say what is to be different, or leave it out")
        seen[section.name] = _substance(found)
        yield Alternative(name=section.name, analysis=found, changed=_changed(section))


def _changed(section: AlternativeSection) -> tuple[str, ...]:
    """Return the keys that an alternative gives, in the order of the schema."""
    return tuple(name for name in type(section).model_fields if name != "name" and name in section.model_fields_set)


def _substance(analysis: Analysis) -> Analysis:
    """Return an analysis without what has no bearing on its effects."""
    arrows = sorted({(edge.source, edge.target, edge.lag) for edge in analysis.edges})
    edges = tuple(Edge(source=source, target=target, lag=lag) for source, target, lag in arrows)
    return replace(analysis, title="", edges=edges, hypotheses=(), unclaimed=(), text="", warnings=(), alternatives=())


def _about(name: str, error: CausalClusterError) -> CausalClusterError:
    """Return an error that names the alternative."""
    more: dict[str, Any] = {"line": error.line} if isinstance(error, AnalysisFileError) else {}
    return type(error)(f"alternative '{name}': {error.what}", where=error.where, why=error.why, fix=error.fix, **more)


def _merge(section: AlternativeSection, position: int, analysis: Analysis, reader: Reader) -> Document:
    """Return the file's document with an alternative's changes put in, and their lines."""
    document, place = reader.document, ("alternatives", position)
    content: dict[str, Any] = {
        key: value for key, value in document.content.items() if key not in ("alternatives", "hypotheses")
    }
    lines = dict(document.lines)
    given = document.content["alternatives"][position]
    for key in (key for key in _MERGED if key in given):
        content[key] = _overlaid(content.get(key), given[key])
    for key in (key for key in _REPLACED if key in given):
        content[key] = given[key]
    for inner, line in document.lines.items():
        if inner[:2] == place and len(inner) > 2:
            lines[inner[2:]] = line
    if section.add_edges or section.drop_edges:
        if "edges" in given:
            what = f"the alternative '{section.name}' gives 'edges' and what to add or drop"
            raise document.error((*place, "edges"), what, fix="Keep one of them")
        content["edges"] = _edit_edges(section, position, analysis, reader)
        for k in range(len(content["edges"])):
            lines["edges", k] = document.line(place) or 1
    return Document(name=document.name, content=content, lines=lines)


def _overlaid(base: Any, change: Any) -> Any:
    """Return mappings with the change's keys over the base's, one mapping inside another."""
    if not isinstance(base, Mapping) or not isinstance(change, Mapping):
        return change
    contrast = {"from", "to", "sd", "quantiles"}
    if contrast & set(change):
        base = {key: value for key, value in base.items() if key not in contrast}
    return {**base, **{key: _overlaid(base.get(key), value) for key, value in change.items()}}


def _edit_edges(section: AlternativeSection, position: int, analysis: Analysis, reader: Reader) -> list[str]:
    names = set(reader.names)
    kept = [edge for edge in analysis.edges if edge.source in names and edge.target in names]
    there = {(edge.source, edge.target, edge.lag) for edge in kept}
    dropped = set()
    for k, item in enumerate(section.drop_edges):
        place: Place = ("alternatives", position, "drop_edges", k)
        for arrow in reader.edges(item, place):
            if (arrow.source, arrow.target, arrow.lag) not in there:
                raise _not_there(item, section.name, place, reader)
            dropped.add((arrow.source, arrow.target, arrow.lag))
    for k, item in enumerate(section.add_edges):
        reader.edges(item, ("alternatives", position, "add_edges", k))
    return [
        *(_written(edge) for edge in kept if (edge.source, edge.target, edge.lag) not in dropped),
        *section.add_edges,
    ]


def _not_there(item: str, name: str, place: Place, reader: Reader) -> AnalysisFileError:
    what = f"the alternative '{name}' drops the edge '{item}', which the diagram does not have"
    return reader.document.error(place, what, fix="Name an edge of the diagram, with its lag where it has one")


def _written(edge: Edge) -> str:
    return f"{edge.source} -> {edge.target}" + (f" @ lag {edge.lag}" if edge.lag else "")

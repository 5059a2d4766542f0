"""Refusals of what the analysis file may ask for and this version does not do."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from causalcluster.analysis.records import Analysis, Interaction
from causalcluster.analysis.schema import AnalysisSection, DataSection
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import UnsupportedError
from causalcluster.families import FAMILIES, Family

_FITTED: tuple[Family, ...] = tuple(FAMILIES)
"""Families that a node may have in this version."""

MOST_FACTORS = 3
"""An interaction may have so many factors in this version."""

Refusal = tuple[Place, str, str]
"""Where, what is asked for, and what to do instead."""
Given = tuple[tuple[Place, str, bool], ...]
"""Where something would stand, what it is called, and whether it is there."""


def refuse_unsupported(analysis: Analysis, section: AnalysisSection, document: Document) -> None:
    """Refuse the first thing in the file that this version does not do.

    Parameters
    ----------
    analysis
        The analysis as records.
    section
        The same as it stands in the file, with the keys that the records have no place for.
    document
        The file, for lines.

    Raises
    ------
    UnsupportedError
        Names the key, its line and what to do instead.
    """
    refusals = [
        *_data(section),
        *_nodes(section),
        *_measured(analysis, section),
        *_over_time(analysis, section),
        *_interactions(analysis, section),
        *_model(section),
    ]
    if refusals:
        place, what, fix = min(refusals, key=lambda refusal: document.line(refusal[0]) or 0)
        raise UnsupportedError(f"{what} is not available in this version", where=document.where(place), fix=fix)


def _data(section: AnalysisSection) -> Iterator[Refusal]:
    data = section.data
    if data.file is not None:
        if PurePath(data.file).suffix.lower() == ".xls":
            yield ("data", "file"), f"reading .xls files ('{data.file}')", "Save the workbook as .xlsx"
        if "://" in data.file:
            yield ("data", "file"), f"reading from an address ('{data.file}')", "Download the table first"
    for key in ("nested_in", "crossed_with"):
        if getattr(data, key) and data.moments:
            fix = "Run the analysis where the rows are, with 'file' under 'data'"
            yield ("data", key), f"'{key}' with moments files", fix


def _nodes(section: AnalysisSection) -> Iterator[Refusal]:
    for name, node in section.nodes.items():
        if node.family not in _FITTED:
            fix = "Leave it out (the equation is then linear), or leave out the node"
            yield ("nodes", name, "family"), f"the family '{node.family}' (node '{name}')", fix


def _levels(data: DataSection) -> Given:
    return (
        (("data", "unit"), "the key 'unit' under data", data.unit is not None),
        (("data", "nested_in"), "the key 'nested_in' under data", bool(data.nested_in)),
        (("data", "crossed_with"), "the key 'crossed_with' under data", bool(data.crossed_with)),
    )


def _apart(given: Given, other: str) -> Iterator[Refusal]:
    """Yield what is given though it does not go together with ``other``."""
    for place, what, here in given:
        if here:
            yield place, f"{what}, together with {other},", "Leave one of them out"


def _measured(analysis: Analysis, section: AnalysisSection) -> Iterator[Refusal]:
    """Yield what does not go together with nodes whose own values are not seen in this version."""
    measured = [name for name, node in section.nodes.items() if node.indicators]
    uncertain = [name for name, node in section.nodes.items() if node.se is not None]
    if not measured and not uncertain:
        return
    data, model = section.data, section.model
    given: Given = (
        *_levels(data),
        (("edges",), "a lagged edge", any(edge.lag for edge in analysis.edges)),
        (("model", "time_effects"), "the key 'time_effects' under model", model.time_effects != "none"),
        (("model", "pooling"), "'pooling: none' under model", model.pooling == "none"),
    )
    yield from _apart(given, "indicators" if measured else "'se'")
    if uncertain and data.moments:
        fix = "Run the analysis where the rows are, with 'file' under 'data'"
        yield ("nodes", uncertain[0], "se"), f"'se' (node '{uncertain[0]}') with moments files", fix
    for name in uncertain:
        if any(name in product.factors for product in analysis.interactions):
            yield ("interactions",), f"an interaction with a factor that is measured with error ('{name}')", "Leave it out"
    for name in measured:
        first, where = section.nodes[name].indicators[0], ("nodes", name, "indicators")
        if name == analysis.question.treatment:
            yield where, f"indicators of the treatment ('{name}')", "Take one of them as the treatment's column"
        if first.family != "gaussian":
            what = f"the family '{first.family}' of the first indicator, in whose unit '{name}' is"
            yield where, what, "Put a gaussian indicator first"
        if any(name in product.factors for product in analysis.interactions):
            yield ("interactions",), f"an interaction with a factor that indicators measure ('{name}')", "Leave it out"


def _over_time(analysis: Analysis, section: AnalysisSection) -> Iterator[Refusal]:
    """Yield what does not go together with lagged edges in this version."""
    if not any(edge.lag for edge in analysis.edges):
        return
    data, model = section.data, section.model
    given: Given = (
        *_levels(data),
        (("data", "moments"), "the key 'moments' under data", bool(data.moments)),
        (("interactions",), "an interaction", bool(section.interactions)),
        (("question", "fix"), "the key 'fix' under question", bool(section.question.fix)),
        (("question", "at"), "the key 'at' under question", bool(section.question.at)),
        (("question", "scales"), "the key 'scales' under question", bool(section.question.scales)),
        (("question", "decompositions"), "a decomposition", bool(section.question.decompositions)),
        (("model", "time_effects"), "the key 'time_effects' under model", model.time_effects != "none"),
        (("model", "pooling"), "'pooling: none' under model", model.pooling == "none"),
    )
    yield from _apart(given, "lagged edges")
    for name, node in section.nodes.items():
        if node.family != "gaussian":
            what = f"the family '{node.family}' (node '{name}'), together with lagged edges,"
            yield ("nodes", name, "family"), what, "Leave it out (the equation is then linear), or the lags"


def _interactions(analysis: Analysis, section: AnalysisSection) -> Iterator[Refusal]:
    position_of = _positions(section.interactions, analysis.interactions)
    for product in analysis.interactions:
        if len(product.factors) > MOST_FACTORS:
            place: Place = ("interactions", position_of[product])
            what = f"the interaction '{product.name} -> {product.target}' (it has more than three factors)"
            yield place, what, "Leave it out, or take a product of at most three factors"


def _positions(items: Sequence[str], products: Sequence[Interaction]) -> dict[Interaction, int]:
    """Return the item of each product; an item gives one product for each of its targets."""
    counts = [item.rpartition("->")[2].count(",") + 1 for item in items]
    owners = [position for position, count in enumerate(counts) for _ in range(count)]
    return dict(zip(products, owners, strict=True))


def _model(section: AnalysisSection) -> Iterator[Refusal]:
    model = section.model
    for key, given in (("unit", section.data.unit), ("time_effects", model.time_effects != "none")):
        if given and section.data.moments:
            place: Place = ("data", "unit") if key == "unit" else ("model", "time_effects")
            yield place, f"'{key}' with moments files", "Run the analysis where the rows are, with 'file' under 'data'"
    if model.priors.base == "framework" and model.pooling == "none":
        fix = "Leave one of them out: signs are of means over the population of clusters"
        yield ("model", "priors"), "'priors: framework' without pooling", fix

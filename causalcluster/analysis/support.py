"""Refusals of what the analysis file may ask for and this version does not do."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from causalcluster.analysis.edges import lag_of
from causalcluster.analysis.records import Analysis, Hypothesis, Interaction
from causalcluster.analysis.schema import FRAMEWORK, AnalysisSection
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import UnsupportedError
from causalcluster.families import FAMILIES, Family

_LATER_FILES = {
    ".feather": "Feather",
    ".arrow": "Arrow",
    ".ipc": "Arrow",
    ".dta": "Stata",
    ".xlsx": "Excel",
    ".xls": "Excel",
}
_FITTED: tuple[Family, ...] = tuple(FAMILIES)
"""Families that a node may have in this version."""

MOST_FACTORS = 3
"""An interaction may have so many factors in this version."""

Refusal = tuple[Place, str, str]
"""Where, what is asked for, and what to do instead."""


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
        *_edges(section),
        *_interactions(analysis, section),
        *_question(section),
        *_model(section),
        *_hypotheses(analysis, document),
    ]
    if section.alternatives is not None:
        refusals.append((("alternatives",), "the key 'alternatives'", "Write one file for each diagram"))
    if refusals:
        place, what, fix = min(refusals, key=lambda refusal: document.line(refusal[0]) or 0)
        raise UnsupportedError(f"{what} is not available in this version", where=document.where(place), fix=fix)


def _data(section: AnalysisSection) -> Iterator[Refusal]:
    data = section.data
    if data.file is not None:
        kind = _LATER_FILES.get(PurePath(data.file).suffix.lower())
        if kind is not None:
            what = f"reading {kind} files ('{data.file}')"
            yield ("data", "file"), what, "Save the table as CSV (UTF-8) or Parquet"
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
        for key, given in (("indicators", node.indicators), ("se", node.se)):
            if given:
                yield ("nodes", name, key), f"the key '{key}' (node '{name}')", "Leave it out"


def _edges(section: AnalysisSection) -> Iterator[Refusal]:
    for position, item in enumerate(section.edges):
        if lag_of(item):
            fix = "Leave the edge out, or draw it without a lag"
            yield ("edges", position), f"the lagged edge '{item}'", fix


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


def _question(section: AnalysisSection) -> Iterator[Refusal]:
    for key, given in (("horizons", section.question.horizons), ("regimes", section.question.regimes)):
        if given:
            yield ("question", key), f"the key '{key}' under question", "Leave it out"


def _model(section: AnalysisSection) -> Iterator[Refusal]:
    model = section.model
    for key, given in (("unit", section.data.unit), ("time_effects", model.time_effects != "none")):
        if given and section.data.moments:
            place: Place = ("data", "unit") if key == "unit" else ("model", "time_effects")
            yield place, f"'{key}' with moments files", "Run the analysis where the rows are, with 'file' under 'data'"
    if model.priors.base == "framework":
        yield ("model", "priors"), "'priors: framework' under model", "Write 'priors: neutral'"


def _hypotheses(analysis: Analysis, document: Document) -> Iterator[Refusal]:
    if document.content.get("hypotheses") == FRAMEWORK:
        yield ("hypotheses",), "'hypotheses: framework'", "List your own, each with an id and a claim"
    for position, hypothesis in enumerate(analysis.hypotheses):
        for what in _refused_terms(hypothesis):
            fix = "Claim something about another effect, or leave the hypothesis out"
            yield ("hypotheses", position, "claim"), f"{what} in the claim of '{hypothesis.id}'", fix


def _refused_terms(hypothesis: Hypothesis) -> Iterator[str]:
    for _, term in hypothesis.claim.terms:
        for key, given in (("horizon", term.horizon is not None), ("regime", term.regime)):
            if given:
                yield f"'{key}'"

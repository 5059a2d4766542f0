"""Which column is what: groups, periods, layers and families, guessed from names and values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from causalcluster.analysis.claim_records import is_word_character
from causalcluster.errors import DataError
from causalcluster.starter.columns import Column, describe_columns

_CLUSTER = ("cluster", "district", "region", "province", "state", "city", "town", "site", "zone", "park", "area", "country")
_UNIT = (
    "firm",
    "plant",
    "factory",
    "establishment",
    "enterprise",
    "company",
    "worker",
    "person",
    "household",
    "unit",
    "nr",
    "id",
)
_TIME = ("year", "date", "period", "quarter", "month", "wave", "time", "round")
_ENVIRONMENT = (
    "law", "policy", "regul", "tax", "tariff", "subsid", "standard", "minimum", "interest", "exchange", "spending", "decree",
    "treat", "reform", "codes_of",
)  # fmt: skip
_OUTCOME = (
    "wage", "pay", "earn", "income", "salary", "injur", "accident", "hour", "employ", "product", "export", "growth", "sales",
    "output", "poverty", "condition", "satisf", "profit", "outcome",
)  # fmt: skip
_ACTORS: Mapping[str, tuple[str, ...]] = {
    "government": ("enforce", "inspect", "government", "ministry", "official"),
    "employers_organisations": ("employer", "chamber", "association", "business"),
    "workers_organisations": ("union", "strike", "bargain", "worker_org", "collective"),
    "community_organisations": ("ngo", "community", "civil", "church", "cooperative"),
}
MOST_CONTEXT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedNode:
    """One node of the proposal."""

    name: str
    column: Column
    layer: str
    actor: str = ""
    family: str = "gaussian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an analysis of a table could be.

    Attributes
    ----------
    cluster, unit, time
        Columns, empty where none seems to be one.
    treatment, mediators, outcome, context
        Nodes.
    left
        Columns that are left out, with the reason.
    """

    cluster: str
    unit: str
    time: str
    treatment: ProposedNode
    mediators: tuple[ProposedNode, ...]
    outcome: ProposedNode
    context: tuple[ProposedNode, ...]
    left: tuple[tuple[str, str], ...] = field(default=())

    @property
    def nodes(self) -> tuple[ProposedNode, ...]:
        """All nodes: treatment, mediators, outcome, context."""
        return (self.treatment, *self.mediators, self.outcome, *self.context)


def propose(frame: pd.DataFrame, *, where: str = "the table") -> Proposal:
    """Guess what the columns of a table are.

    Raises
    ------
    DataError
        There are fewer than three columns of numbers that vary.
    """
    columns = list(describe_columns(frame))
    cluster = _grouping(columns, _CLUSTER, len(frame), frame)
    time = _period(columns)
    unit = _unit(columns, len(frame), taken=(cluster, time))
    left: list[tuple[str, str]] = []
    numbers = []
    for column in columns:
        if column.name in (cluster, time, unit):
            continue
        reason = _why_not(column, len(frame))
        if reason:
            left.append((column.name, reason))
        else:
            numbers.append(column)
    if len(numbers) < 3:
        raise DataError(
            f"the table has {len(numbers)} columns of numbers that vary, and an analysis needs three",
            where=where,
            why="A treatment, a mediator and an outcome are columns of numbers",
            fix="Name a table with them; true and false, and 0 and 1, count as numbers",
        )
    return _cast(numbers, cluster, unit, time, left)


def _cast(numbers: Sequence[Column], cluster: str, unit: str, time: str, left: Sequence[tuple[str, str]]) -> Proposal:
    """Give columns their parts: by name, and by place where no name tells."""
    rest = list(numbers)
    # A law on wages is a law.
    named = _take(rest, _ENVIRONMENT)
    outcome = _take(rest, _OUTCOME) or rest.pop()
    treatment = named or rest.pop(0)
    actors: list[tuple[Column, str]] = []
    for actor, words in _ACTORS.items():
        while (found := _take(rest, words)) is not None:
            actors.append((found, actor))
    if not actors:
        actors = [(rest.pop(0), "")]
    order = {column.name: k for k, column in enumerate(numbers)}
    actors.sort(key=lambda pair: order[pair[0].name])
    names: set[str] = set()
    further = [(column.name, "one of many others; add it under nodes where it matters") for column in rest[MOST_CONTEXT:]]
    return Proposal(
        cluster=cluster,
        unit=unit,
        time=time,
        treatment=_node(treatment, "environment", names),
        mediators=tuple(_node(column, "actor", names, actor=actor, modelled=True) for column, actor in actors),
        outcome=_node(outcome, "outcome", names, modelled=True),
        context=tuple(_node(column, "context", names) for column in rest[:MOST_CONTEXT]),
        left=(*left, *further),
    )


def _take(columns: list[Column], words: Sequence[str]) -> Column | None:
    """Take the first column out whose name holds one of the words."""
    for k, column in enumerate(columns):
        if any(word in column.name.casefold() for word in words):
            return columns.pop(k)
    return None


def _node(column: Column, layer: str, names: set[str], *, actor: str = "", modelled: bool = False) -> ProposedNode:
    return ProposedNode(
        name=_name(column.name, names),
        column=column,
        layer=layer,
        actor=actor,
        family=_family(column) if modelled else "gaussian",
    )


def _family(column: Column) -> str:
    """Return the family of a node with an equation: counts only where they are small enough not to be measurements."""
    if column.kind == "binary":
        return "bernoulli"
    if column.kind == "count" and column.low == 0.0 and column.high <= 100.0 and column.distinct <= 60:
        return "negative_binomial"
    return "beta" if column.kind == "share" else "gaussian"


def _name(column: str, taken: set[str]) -> str:
    """Return a name that a node may have, and that no other has."""
    letters = "".join(letter if is_word_character(letter) else "_" for letter in column)
    name = re.sub("_+", "_", letters).strip("_") or "node"
    name = f"{name}_" if name in ("all", "direct", "dependence") else name
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _why_not(column: Column, rows: int) -> str:
    if column.kind == "empty":
        return "it has no values"
    if column.kind == "constant":
        return "it is the same in every row"
    if column.kind in ("text", "date"):
        return f"it holds {'text' if column.kind == 'text' else 'dates'}"
    if column.missing > 0.5:
        return f"{column.missing:.0%} of its values are missing"
    if (
        column.kind == "count"
        and column.distinct > 0.95 * rows
        and any(word in column.name.casefold() for word in ("id", "nr"))
    ):
        return "it seems to number the rows"
    return ""


def _grouping(columns: Sequence[Column], words: Sequence[str], rows: int, frame: pd.DataFrame) -> str:
    """Return the column of the clusters: by name, else text with few values; at least two rows in most of them."""

    def fits(column: Column) -> bool:
        groups = column.kind in ("text", "count", "number") and 2 <= column.distinct <= rows / 3
        return groups and column.missing == 0.0 and float(frame[column.name].value_counts().median()) >= 3.0

    able = [column for column in columns if fits(column)]
    for word in words:
        named = next((c for c in able if word in c.name.casefold() and (c.kind == "text" or _is_code(c, word))), None)
        if named is not None:
            return named.name
    texts = sorted((c for c in able if c.kind == "text" and c.distinct >= 5), key=lambda c: c.distinct)
    return texts[0].name if texts else ""


def _is_code(column: Column, word: str) -> bool:
    """Whether a column of numbers whose name holds the word numbers groups, rather than measuring something about them."""
    name = column.name.casefold()
    return column.kind == "count" and (
        name == word or name.endswith(("_id", "id", "_nr", "_code", "_no")) or name.startswith(word)
    )


def _period(columns: Sequence[Column]) -> str:
    for column in columns:
        name = column.name.casefold()
        dated = column.kind == "date"
        year = column.kind in ("count", "number") and 1800 <= column.low <= column.high <= 2200
        numbered = column.kind == "count" and column.distinct <= 600
        if column.missing == 0.0 and any(word in name for word in _TIME) and (dated or year or numbered):
            return column.name
    return next((column.name for column in columns if column.kind == "date" and column.missing == 0.0), "")


def _unit(columns: Sequence[Column], rows: int, *, taken: Sequence[str]) -> str:
    """Return the column of units that are seen again and again."""
    for column in columns:
        name = column.name.casefold()
        words = re.split(r"[^a-z]+", name)
        named = any(word in words or (len(word) > 2 and word in name) for word in _UNIT)
        again = column.kind in ("text", "count") and 1.5 <= rows / max(column.distinct, 1) <= 1000 and column.distinct > 20
        if column.name not in taken and named and again and column.missing == 0.0:
            return column.name
    return ""

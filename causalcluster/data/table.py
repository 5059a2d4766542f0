"""Table: what a file or a frame holds before it is checked against an analysis."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from causalcluster.data.columns import CLUSTER, OUTER, UNIT
from causalcluster.errors import DataError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Columns that an analysis reads: of nodes, trials and exposures, and of groupings."""

    numeric: tuple[str, ...]
    cluster: str | None
    time: str | None
    unit: str | None = None
    outer: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """The user's columns of labels, with their names inside the engine."""
        named = ((self.cluster, CLUSTER), (self.unit, UNIT), *((name, f"{OUTER}{k}") for k, name in enumerate(self.outer)))
        return tuple((column, name) for column, name in named if column is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadText:
    """First value that is text where a number (or a period) belongs, with its 1-based data row where rows have an order."""

    column: str
    value: str
    row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The wanted columns by position: ``x0``, ``x1``, ..., then ``cluster``, ``unit`` and ``time`` where they exist."""

    frame: nw.LazyFrame[Any]
    bad: BadText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is open but not yet read.

    Attributes
    ----------
    columns
        The names as they stand in the data.
    name
        What messages call the table.
    read
        Reads the wanted columns as numbers, labels and periods.
    locate
        Says which file a 1-based row of the table is in, and which of that file's rows it is.
    fingerprint
        Hashes the file's bytes; empty for a frame.
    """

    columns: tuple[str, ...]
    name: str
    read: Callable[[Wanted], Typed]
    locate: Callable[[int], tuple[str, int]]
    fingerprint: Callable[[], str]


def refuse_duplicate_names(columns: Sequence[str], name: str) -> None:
    """Raise DataError where two columns share a name."""
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise DataError(
            f"column {twice[0]!r} occurs {columns.count(twice[0])} times",
            where=name,
            why="It is not clear which of them is meant",
            fix="Rename or remove all but one",
        )


def refuse_missing_columns(columns: Sequence[str], uses: Sequence[tuple[str, str]], name: str) -> None:
    """Raise DataError for the first (column, use) whose column is not in the table."""
    for column, use in uses:
        if column not in columns:
            shown = ", ".join(repr(c) for c in columns[:20]) + (", ..." if len(columns) > 20 else "")
            raise DataError(
                f"there is no column {column!r} ({use}).{did_you_mean(column, [c for c in columns if isinstance(c, str)])}",
                where=name,
                fix=f"The table's columns are {shown}",
            )

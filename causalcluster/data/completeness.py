"""Missing and infinite values: counted in one pass, then refused or dropped."""

from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from causalcluster.data.collection import collect, column_values, plain_values
from causalcluster.data.frames import TIME
from causalcluster.data.panel import CLUSTER, position_column
from causalcluster.data.table import Wanted
from causalcluster.errors import DataError, UnsupportedError

LARGEST = 1e50
"""Values beyond this are refused: the square of a product of three would overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows and clusters of the table, missing and infinite or immense values by column, and complete rows."""

    rows: int
    clusters: int
    missing: dict[str, int]
    infinite: dict[str, int]
    complete: int


def count_values(frame: nw.LazyFrame[Any], wanted: Wanted) -> Counts:
    """Count rows, missing values and infinities of the typed columns in one pass."""
    names = typed_names(wanted)
    missing = [nw.col(engine).is_null().sum().alias(f"missing_{engine}") for engine in names]
    infinite = [
        (nw.col(engine).abs() > LARGEST).sum().alias(f"infinite_{engine}")
        for engine in names
        if engine not in (CLUSTER, TIME)
    ]
    labels = [] if wanted.cluster is None else [nw.col(CLUSTER).n_unique().alias("clusters")]
    marked = frame.with_columns(nw.all_horizontal(*_present(wanted), ignore_nulls=False).alias("complete"))
    complete = nw.col("complete").sum().alias("complete")
    row = collect(marked.select(nw.len().alias("rows"), complete, *labels, *missing, *infinite))
    found = {name: int(plain_values(row[name])[0] or 0) for name in row.columns}
    return Counts(
        rows=found["rows"],
        clusters=found.get("clusters", 1) - (found.get(f"missing_{CLUSTER}", 0) > 0),
        missing={column: found[f"missing_{engine}"] for engine, column in names.items()},
        infinite={column: found[f"infinite_{engine}"] for engine, column in names.items() if f"infinite_{engine}" in found},
        complete=found["complete"],
    )


def typed_names(wanted: Wanted) -> dict[str, str]:
    """Map the typed frame's column names to the user's."""
    names = {position_column(i): column for i, column in enumerate(wanted.numeric)}
    if wanted.cluster is not None:
        names[CLUSTER] = wanted.cluster
    if wanted.time is not None:
        names[TIME] = wanted.time
    return names


def _present(wanted: Wanted) -> list[nw.Expr]:
    return [~nw.col(engine).is_null() for engine in typed_names(wanted)]


def refuse_infinities(frame: nw.LazyFrame[Any], wanted: Wanted, counts: Counts, where: str) -> None:
    """Raise DataError for the first column that holds an infinite or immense value, with its row."""
    for engine, column in typed_names(wanted).items():
        if counts.infinite.get(column, 0):
            values = column_values(frame, engine)
            beyond = [(row, abs(value)) for row, value in enumerate(values, 1) if value is not None and abs(value) > LARGEST]
            infinite = [row for row, size in beyond if size == float("inf")]
            word = "infinite value(s)" if infinite else f"value(s) beyond {LARGEST:g}"
            rows = infinite or [row for row, _ in beyond]
            raise DataError(
                f"column {column!r} holds {len(rows)} {word}, the first in data row {rows[0]}",
                where=where,
                why="Their means and products are not finite numbers",
                fix="Correct them, or leave them empty and set 'missing: drop'",
            )


def handle_missing(
    frame: nw.LazyFrame[Any],
    wanted: Wanted,
    counts: Counts,
    *,
    missing: Literal["model", "drop", "error"],
    where: str,
) -> tuple[nw.LazyFrame[Any], tuple[str, ...]]:
    """Return the complete rows and warnings about dropped ones.

    Raises
    ------
    DataError
        A column is all missing, a label is missing, no complete row is left, or ``missing`` is 'error'.
    UnsupportedError
        ``missing`` is 'model' and values are missing.
    """
    if counts.rows == 0:
        raise DataError("the table has no rows", where=where, fix="Give a table with rows below its header")
    for column, count in counts.missing.items():
        if count == counts.rows:
            raise DataError(f"column {column!r} has no value in any of the {counts.rows} rows", where=where)
    gaps = {column: count for column, count in counts.missing.items() if count}
    if not gaps:
        return frame, ()
    listed = ", ".join(f"{count} in {column!r}" for column, count in gaps.items())
    drop = "Fill them in, or set 'missing: drop' under 'data' to keep complete rows only"
    if missing == "error":
        raise DataError(f"values are missing: {listed} (of {counts.rows} rows)", where=where, fix=drop)
    if missing == "model":
        groupings = [column for column in (wanted.cluster, wanted.time) if column in gaps]
        if groupings:
            raise DataError(
                f"{gaps[groupings[0]]} of {counts.rows} rows have no value in {groupings[0]!r}",
                where=where,
                why="A row without its cluster or period cannot be placed",
                fix=drop,
            )
        raise UnsupportedError(
            f"values are missing: {listed} (of {counts.rows} rows), and modelling missing values "
            "('missing: model', the default) is not available in this version",
            where=where,
            fix="Set 'missing: drop' under 'data' to analyse complete rows only, or fill the values in",
        )
    if counts.complete == 0:
        raise DataError(f"no row is complete; values are missing: {listed}", where=where)
    warning = (
        f"{counts.rows - counts.complete} of {counts.rows} rows were dropped because values are missing ({listed}); "
        "this is harmless only where the values are missing at random given the model"
    )
    return frame.filter(nw.all_horizontal(*_present(wanted), ignore_nulls=False)), (warning,)

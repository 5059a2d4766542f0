"""Missing and infinite values: counted from the survey, then refused or left out."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import narwhals as nw

from causalcluster.data.collection import count_where, first_where
from causalcluster.data.columns import TIME, position_column
from causalcluster.data.rows import Counts
from causalcluster.data.survey import Survey
from causalcluster.data.table import Wanted
from causalcluster.errors import DataError

LARGEST = 1e50
"""Values beyond this are refused: the square of a product of three would overflow."""


def count_values(survey: Survey, wanted: Wanted, *, missing: Mapping[str, int]) -> Counts:
    """Add up a survey by cluster; ``missing`` counts rows without a unit, an outer label or a period, by column."""
    rows = int(survey.rows.sum())
    found = {column: rows - int(survey.present[:, i].sum()) for i, column in enumerate(wanted.numeric)}
    unnamed = sum(int(n) for (label,), n in zip(survey.groups, survey.rows, strict=True) if label is None)
    if wanted.cluster is not None:
        found[wanted.cluster] = unnamed
    found |= missing
    complete = sum(int(n) for (label,), n in zip(survey.groups, survey.complete, strict=True) if label is not None)
    return Counts(rows=rows, clusters=len(survey.groups) - (unnamed > 0), missing=found, complete=complete)


def keep_complete(frame: nw.LazyFrame[Any], wanted: Wanted) -> nw.LazyFrame[Any]:
    """Return the rows without any missing value."""
    names = [position_column(i) for i in range(len(wanted.numeric))]
    names += [own for _, own in wanted.labels]
    names += [TIME] if wanted.time is not None else []
    return frame.filter(nw.all_horizontal(*(~nw.col(name).is_null() for name in names), ignore_nulls=False))


def refuse_infinities(
    frame: nw.LazyFrame[Any], wanted: Wanted, survey: Survey, where: str, locate: Callable[[int], tuple[str, int]]
) -> None:
    """Raise DataError for the first column that holds an infinite or immense value, with its row where it has one.

    ``locate`` says which file a row is in (see `Table`).
    """
    for i, column in enumerate(wanted.numeric):
        low, high = survey.minimum[:, i], survey.maximum[:, i]
        if not ((abs(low) > LARGEST) | (abs(high) > LARGEST)).any():
            continue
        size = nw.col(position_column(i)).abs()
        infinite = count_where(frame, size == float("inf"))
        beyond = size == float("inf") if infinite else size > LARGEST
        word = "infinite value(s)" if infinite else f"value(s) beyond {LARGEST:g}"
        found = first_where(frame, beyond, position_column(i))
        place = ""
        if found is not None and found.row is not None:
            file, row = locate(found.row)
            place = f", the first in data row {row}" + (f" of {file}" if file != where else "")
        raise DataError(
            f"column {column!r} holds {infinite or count_where(frame, beyond)} {word}{place}",
            where=where,
            why="Their means and products are not finite numbers",
            fix="Correct them, or leave them empty and set 'missing: drop'",
        )


def refuse_empty(counts: Counts, where: str) -> None:
    """Raise DataError where there are no rows, or a column without any value."""
    if counts.rows == 0:
        raise DataError("the table has no rows", where=where, fix="Give a table with rows below its header")
    for column, count in counts.missing.items():
        if count == counts.rows:
            raise DataError(f"column {column!r} has no value in any of the {counts.rows} rows", where=where)


def refuse_unplaced(counts: Counts, groupings: Mapping[str, str | None], where: str) -> None:
    """Raise DataError where rows have no cluster, unit or period, whatever else may be missing."""
    for column in groupings.values():
        if column is not None and counts.missing.get(column, 0):
            raise DataError(
                f"{counts.missing[column]} of {counts.rows} rows have no value in {column!r}",
                where=where,
                why="A row without its cluster, unit or period cannot be placed",
                fix=_DROP,
            )


def refuse_no_complete(counts: Counts, where: str) -> None:
    """Raise DataError where every row has a missing value: what two columns have to do with each other must be seen."""
    if counts.complete == 0:
        listed = ", ".join(f"{count} in {column!r}" for column, count in counts.missing.items() if count)
        raise DataError(
            f"no row is complete; values are missing: {listed}",
            where=where,
            why="How the columns go together cannot be seen",
            fix="Leave out the node with the most gaps",
        )


def handle_missing(
    counts: Counts,
    *,
    missing: Literal["model", "drop", "error"],
    groupings: Mapping[str, str | None],
    where: str,
) -> tuple[str, ...]:
    """Return a warning about rows that are left out; under 'model' none are for a missing value of a node.

    Parameters
    ----------
    counts
        Of all rows.
    missing
        The analysis' policy.
    groupings
        The columns of 'cluster', 'unit' and 'time'.
    where
        What messages call the table.

    Raises
    ------
    DataError
        A label is missing, no complete row is left, or ``missing`` is 'error'.
    """
    gaps = {column: count for column, count in counts.missing.items() if count}
    if not gaps:
        return ()
    listed = ", ".join(f"{count} in {column!r}" for column, count in gaps.items())
    if missing == "error":
        raise DataError(f"values are missing: {listed} (of {counts.rows} rows)", where=where, fix=_DROP)
    if missing == "model":
        refuse_unplaced(counts, groupings, where)
    refuse_no_complete(counts, where)
    if missing == "model":
        return ()
    return (
        f"{counts.rows - counts.complete} of {counts.rows} rows were dropped because values are missing ({listed}); "
        "this is harmless only where the values are missing at random given the model",
    )


_DROP = "Fill them in, or set 'missing: drop' under 'data' to keep complete rows only"

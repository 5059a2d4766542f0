"""One scan of the typed rows: rows, values present and extremes by group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.data.columns import CLUSTER, position_column

COMPLETE = "complete"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What one grouped scan tells.

    Attributes
    ----------
    groups
        The key of each group, a tuple with one value per key column (None where it is missing), in no fixed order.
    rows, complete
        Rows, and rows without any missing value (group,).
    present
        Values present of each column (group, column).
    minimum, maximum
        Smallest and largest value of each column (group, column); NaN where none is present.
    """

    groups: tuple[tuple[Any, ...], ...]
    rows: NDArray[np.int64]
    complete: NDArray[np.int64]
    present: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]


def survey_rows(
    frame: nw.LazyFrame[Any], *, columns: int, keys: Sequence[str] = (CLUSTER,), marks: Sequence[str] = ()
) -> Survey:
    """Count rows and find the extremes of ``x0``, ``x1``, ... in each group.

    Parameters
    ----------
    frame
        Typed rows, missing values as nulls.
    columns
        How many numeric columns there are.
    keys
        Columns that name the group.
    marks
        Further columns whose values must be present in a complete row.
    """
    names = [position_column(i) for i in range(columns)]
    present = [~nw.col(name).is_null() for name in (*names, *marks)]
    complete = nw.all_horizontal(*present, ignore_nulls=False) if present else nw.lit(True)
    marked = frame.with_columns(complete.cast(nw.Int64).alias(COMPLETE))
    parts = [nw.len().alias("rows"), nw.col(COMPLETE).sum().alias("whole")]
    for name in names:
        column = nw.col(name)
        parts += [column.count().alias(f"n_{name}"), column.min().alias(f"low_{name}"), column.max().alias(f"high_{name}")]
    found = collect_sums(marked.group_by(*keys).agg(*parts))
    return Survey(
        groups=tuple(zip(*(plain_values(found[key]) for key in keys), strict=True)),
        rows=np.array(plain_values(found["rows"]), dtype=np.int64),
        complete=np.array(plain_values(found["whole"]), dtype=np.int64),
        present=_table(found, "n_", names).astype(np.int64),
        minimum=_table(found, "low_", names),
        maximum=_table(found, "high_", names),
    )


def first_columns(survey: Survey, count: int) -> Survey:
    """Return the survey of the first ``count`` columns; complete rows stay those without any missing value."""
    return replace(
        survey,
        present=survey.present[:, :count],
        minimum=survey.minimum[:, :count],
        maximum=survey.maximum[:, :count],
    )


def _table(found: nw.DataFrame[Any], stem: str, names: Sequence[str]) -> NDArray[np.float64]:
    table = np.empty((len(found), len(names)))
    for i, name in enumerate(names):
        table[:, i] = np.array(plain_values(found[f"{stem}{name}"]), dtype=np.float64)
    return table

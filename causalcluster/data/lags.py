"""Values of earlier periods beside those of a row, made in the engine that holds the rows; never across a gap."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.data.columns import CLUSTER, PERIOD, position_column


def lagged_name(node: str, lag: int) -> str:
    """Return the name of a column of earlier values, 'wage@1': nodes' names hold no '@'."""
    return f"{node}@{lag}"


def add_lags(
    frame: nw.LazyFrame[Any],
    wanted: Sequence[tuple[int, int]],
    first: int,
    *,
    on: Sequence[str] = (CLUSTER,),
    period: str = PERIOD,
) -> nw.LazyFrame[Any]:
    """Add columns with earlier values of others.

    Parameters
    ----------
    frame
        One row per group of ``on`` and ``period``, with the columns ``x0``, ``x1``, ....
    wanted
        Place of a column, and how many periods ago its value is taken; below 0 in how many periods.
    first
        Place of the first column that is added. A value is missing where the group has no row in that period.
    on, period
        Columns of the group, and of the period's number.
    """
    widened = frame
    for lag in sorted({lag for _, lag in wanted}):
        own = [(place, k) for k, (place, other) in enumerate(wanted) if other == lag]
        shifted = frame.select(
            *on,
            (nw.col(period) + lag).alias(period),
            *(nw.col(position_column(place)).alias(position_column(first + k)) for place, k in own),
        )
        widened = widened.join(shifted, on=[*on, period], how="left")
    return widened


def first_rows(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the row of each cluster's first period."""
    earliest = frame.group_by(CLUSTER).agg(nw.col(PERIOD).min())
    found: nw.LazyFrame[Any] = frame.join(earliest, on=[CLUSTER, PERIOD], how="inner")
    return found

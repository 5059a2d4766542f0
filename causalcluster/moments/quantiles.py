"""Quantiles of a column on any engine, interpolated linearly."""

import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect, count_where, plain_values

_HELD = 20_000_000
"""Rows up to which an engine may hold a whole column to sort it."""

_COLLECTED, _STEPS = 10_000, 32


def find_quantiles(frame: nw.LazyFrame[Any], column: str, probabilities: Sequence[float], *, rows: int) -> tuple[float, ...]:
    """Return quantiles of ``column`` over all rows.

    Engines that do not sort whole columns exactly (Dask), and tables too long for it, are searched by counting.

    Parameters
    ----------
    frame
        Rows without missing values.
    column
        The engine's name of the column.
    probabilities
        Between 0 and 1.
    rows
        How many rows there are.
    """
    if frame.implementation.is_dask() or rows > _HELD:
        return tuple(_count_quantile(frame.select(column), column, p, rows) for p in probabilities)
    return tuple(
        float(collect(frame.select(nw.col(column).quantile(p, interpolation="linear"))).item()) for p in probabilities
    )


def _count_quantile(frame: nw.LazyFrame[Any], column: str, probability: float, rows: int) -> float:
    place = (rows - 1) * probability
    below = min(math.floor(place), rows - 1)
    low = order_statistic(frame, column, below)
    if place == below:
        return low
    return low + (place - below) * (order_statistic(frame, column, below + 1) - low)


def order_statistic(frame: nw.LazyFrame[Any], column: str, rank: int) -> float:
    """Return the value with ``rank`` values before it in order, by counting values in ever smaller intervals."""
    value = nw.col(column)
    low, high = _ends(frame, column)
    inside = frame
    while low < high:
        if count_where(inside, ~value.is_null()) <= _COLLECTED:
            return float(sorted(plain_values(collect(inside)[column]))[rank])
        steps = [low + (high - low) * (j / _STEPS) for j in range(1, _STEPS)]
        marks = [(value <= step).cast(nw.Int64).alias(f"s{j}") for j, step in enumerate(steps)]
        counted = collect(inside.select(*marks).select(*(nw.col(f"s{j}").sum() for j in range(len(steps)))))
        counts = [int(plain_values(counted[f"s{j}"])[0]) for j in range(len(steps))]
        first = next((j for j, count in enumerate(counts) if count > rank), len(steps))
        if first > 0:
            rank -= counts[first - 1]
            inside = inside.filter(value > steps[first - 1])
        if first < len(steps):
            inside = inside.filter(value <= steps[first])
        low, high = _ends(inside, column)
    return low


def _ends(frame: nw.LazyFrame[Any], column: str) -> tuple[float, float]:
    found = collect(frame.select(nw.col(column).min().alias("low"), nw.col(column).max().alias("high")))
    return float(plain_values(found["low"])[0]), float(plain_values(found["high"])[0])

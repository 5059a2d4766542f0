"""Quantiles of a column on any engine, interpolated linearly."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect


def find_quantiles(frame: nw.LazyFrame[Any], column: str, probabilities: Sequence[float], *, rows: int) -> tuple[float, ...]:
    """Return quantiles of ``column`` over all rows."""
    del rows
    return tuple(
        float(collect(frame.select(nw.col(column).quantile(p, interpolation="linear"))).item()) for p in probabilities
    )

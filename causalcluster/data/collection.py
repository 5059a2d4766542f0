"""Run a query."""

from typing import Any

import narwhals as nw


def collect(frame: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Run a query and return its result.

    DuckDB results go through pandas: handed over as Arrow, DuckDB 2.0 reports leaked types on standard error
    when the interpreter ends. Integers wider than 64 bits must be cast down before, or pandas rounds them.
    """
    return frame.collect("pandas") if frame.implementation.is_duckdb() else frame.collect()


def column_values(frame: nw.LazyFrame[Any], column: str) -> list[Any]:
    """Return a column's values, missing ones as None whatever the engine's word for it."""
    return plain_values(collect(frame.select(column))[column])


def plain_values(series: nw.Series[Any]) -> list[Any]:
    """Return a series as a list, missing values as None."""
    values = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return [None if missing else value for value, missing in values]

"""A small table joined to rows inside the engine that holds them."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

Columns = Mapping[str, Sequence[Any]]
"""A small table by column: texts, whole numbers or doubles, none missing."""


def attach(frame: nw.LazyFrame[Any], table: Columns, *, on: Sequence[str]) -> nw.LazyFrame[Any]:
    """Join ``table`` to every row of ``frame`` by the columns ``on``, to the last bit of its doubles.

    Parameters
    ----------
    frame
        Rows on any engine.
    table
        One row per distinct value of ``on``; it holds the columns ``on`` and those to add.
    on
        Columns that both have.
    """
    return frame.join(_move(frame, table), on=list(on), how="inner")


def _move(frame: nw.LazyFrame[Any], table: Columns) -> nw.LazyFrame[Any]:
    implementation, native = frame.implementation, frame.to_native()
    moved: Any
    if implementation.is_duckdb():
        # On the relation's own connection, whoever opened it, and without leaving anything behind there.
        moved = native.limit(1).project(", ".join(f'unnest({_sql_list(table[name])}) AS "{name}"' for name in table))
    elif implementation.is_spark_like():
        rows = [tuple(row) for row in zip(*table.values(), strict=True)]
        schema = ", ".join(f"`{name}` {_spark_type(values)}" for name, values in table.items())
        moved = native.sparkSession.createDataFrame(rows, schema)
    elif implementation.is_dask():
        import dask.dataframe as dd
        import pandas as pd

        moved = dd.from_pandas(pd.DataFrame(dict(table)), npartitions=1)
    else:
        moved = nw.from_dict(dict(table), backend=implementation).to_native()
    lazy: nw.LazyFrame[Any] = nw.from_native(moved).lazy()
    return lazy


def _sql_list(values: Sequence[Any]) -> str:
    return f"[{', '.join(_sql_value(value) for value in values)}]"


def _sql_value(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    # With an exponent DuckDB reads a double, correctly rounded; without, a decimal.
    return str(value) if isinstance(value, int) else f"{value:.17e}"


def _spark_type(values: Sequence[Any]) -> str:
    if isinstance(values[0], str):
        return "string"
    return "bigint" if isinstance(values[0], int) else "double"

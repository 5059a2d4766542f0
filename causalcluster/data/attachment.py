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
        lists = (f'unnest({_sql_list(values)}) AS "{name}"' for name, values in table.items())
        moved = native.limit(1).project(", ".join(lists))
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
    if isinstance(values[0], str):
        return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
    # One text for all numbers: as many constants take seconds to parse. The shortest text reads back to the same double.
    kind = "BIGINT" if isinstance(values[0], int) else "DOUBLE"
    return f"CAST(string_split('{','.join(map(repr, values))}', ',') AS {kind}[])"


def _spark_type(values: Sequence[Any]) -> str:
    if isinstance(values[0], str):
        return "string"
    return "bigint" if isinstance(values[0], int) else "double"

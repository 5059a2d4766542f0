"""Run a query, or look for the first row of a kind, without bringing the rows here."""

from dataclasses import dataclass
from typing import Any

import narwhals as nw

_ROW = "row_in_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value and its 1-based row; no row where the engine's rows have no order. ``others`` are further columns' values."""

    value: Any
    row: int | None
    others: tuple[Any, ...] = ()


def collect_sums(frame: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Run a query whose rows may come in any order, in bounded memory where the engine has a choice."""
    return frame.collect(engine="streaming") if frame.implementation.is_polars() else collect(frame)


def collect(frame: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Run a query and return its result.

    DuckDB results go through pandas: handed over as Arrow, DuckDB 2.0 reports leaked types on standard error
    when the interpreter ends. Integers wider than 64 bits must be cast down before, or pandas rounds them.
    """
    return frame.collect("pandas") if frame.implementation.is_duckdb() else frame.collect()


def plain_values(series: nw.Series[Any]) -> list[Any]:
    """Return a series as a list, missing values as None."""
    values = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return [None if missing else value for value, missing in values]


def count_where(frame: nw.LazyFrame[Any], predicate: nw.Expr) -> int:
    """Count the rows that fulfil a predicate."""
    return int(collect(frame.filter(predicate).select(nw.len())).item())


def first_where(frame: nw.LazyFrame[Any], predicate: nw.Expr, column: str, *others: str) -> Found | None:
    """Return the first value of ``column`` in a row that fulfils a predicate; None where there is none.

    The predicate may use ``column`` and ``others`` only.
    """
    numbered = number_rows(frame.select(column, *others))
    ordered = _ROW in numbered.collect_schema().names()
    chosen = numbered.filter(predicate)
    found = collect((chosen.sort(_ROW) if ordered else chosen).head(1))
    if len(found) == 0:
        return None
    return Found(
        value=plain_values(found[column])[0],
        row=int(found[_ROW].to_list()[0]) + 1 if ordered else None,
        others=tuple(plain_values(found[other])[0] for other in others),
    )


def number_rows(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add the row's position where the engine keeps rows in order, else return the frame as it is."""
    implementation, native = frame.implementation, frame.to_native()
    numbered: nw.LazyFrame[Any] = frame
    if implementation.is_duckdb():
        numbered = nw.from_native(native.project(f"*, row_number() OVER () - 1 AS {_ROW}")).lazy()
    elif implementation.is_polars():
        numbered = nw.from_native(native.with_row_index(_ROW)).lazy()
    elif implementation.is_pandas_like() or implementation.is_pyarrow():
        numbered = frame.collect().with_row_index(_ROW).lazy()
    return numbered

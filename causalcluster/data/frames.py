"""Any frame that Narwhals knows -> Table; typed columns for frames and Parquet files."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np

from causalcluster.data.collection import Found, collect, count_where, first_where, plain_values
from causalcluster.data.columns import TIME, position_column
from causalcluster.data.table import BadText, Table, Typed, Wanted, refuse_duplicate_names
from causalcluster.errors import DataError

_FRAME_NAME = "the table"
_EXACT_INTEGERS = 2.0**53


def from_frame(frame: Any) -> Table:
    """Open a user's frame.

    Parameters
    ----------
    frame
        pandas, Polars (eager or lazy), DuckDB relation, PyArrow table, PySpark or Dask dataframe, or a Narwhals
        frame of any of them.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The object is no table, or two of its columns share a name.

    Examples
    --------
    >>> import pandas as pd
    >>> from_frame(pd.DataFrame({"law": [0, 1]})).columns
    ('law',)
    """
    refuse_duplicate_names(_native_names(frame), _FRAME_NAME)
    try:
        lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    except TypeError as error:
        raise DataError(
            f"{type(frame).__name__} is not a table",
            fix="Pass a pandas, Polars, DuckDB, PyArrow, PySpark or Dask table",
        ) from error
    columns = tuple(lazy.collect_schema().names())
    return Table(
        columns=columns,
        name=_FRAME_NAME,
        read=lambda wanted: read_frame(lazy, columns, columns, wanted),
        locate=lambda row: (_FRAME_NAME, row),
        fingerprint=lambda: "",
    )


def _native_names(frame: Any) -> list[str]:
    """Return the column names of a table of a kind that allows two columns of one name."""
    if nw.dependencies.is_pandas_dataframe(frame) or nw.dependencies.is_duckdb_relation(frame):
        return [str(name) for name in frame.columns]
    return list(frame.column_names) if nw.dependencies.is_pyarrow_table(frame) else []


def read_frame(frame: nw.LazyFrame[Any], columns: tuple[str, ...], engine_columns: tuple[str, ...], wanted: Wanted) -> Typed:
    """Select the wanted columns by position, cast to Float64, label and period.

    Where a column holds text, the result carries the first such value and no typed frame is made of it.
    """
    engine = dict(zip(columns, engine_columns, strict=True))
    schema = frame.collect_schema()
    chosen: list[nw.Expr] = []
    for i, name in enumerate(wanted.numeric):
        dtype = schema[engine[name]]
        number = nw.col(engine[name]).cast(nw.Float64)
        if not (dtype.is_numeric() or dtype == nw.Boolean):
            bad = _first_text(frame, engine[name], dtype)
            if bad is not None:
                return Typed(frame=frame, bad=BadText(column=name, value=str(bad.value), row=bad.row))
            if dtype != nw.Object:
                number = nw.lit(None, dtype=nw.Float64)
        chosen.append(nw.when(~number.is_nan()).then(number).alias(position_column(i)))
    for name, own in wanted.labels:
        chosen.append(_label(frame, engine[name], schema[engine[name]]).alias(own))
    if wanted.time is not None:
        dtype = schema[engine[wanted.time]]
        if not (dtype.is_integer() or dtype.is_temporal()) and not _integral(frame, engine[wanted.time], dtype):
            odd = _first_odd_period(frame, engine[wanted.time], dtype)
            if odd is not None:
                return Typed(frame=frame, bad=BadText(column=wanted.time, value=str(odd.value), row=odd.row))
        chosen.append(nw.col(engine[wanted.time]).alias(TIME))
    return Typed(frame=frame.select(*chosen))


def _label(frame: nw.LazyFrame[Any], column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return a cluster's or unit's label as text; an empty label counts as missing."""
    if dtype.is_nested():
        raise DataError(
            f"column {column!r} holds lists or records ({dtype})",
            where=_FRAME_NAME,
            why="The label of a cluster or unit is text or a number",
            fix="Name another column, or turn it into text",
        )
    label = nw.col(column)
    text: nw.Expr
    if dtype.is_float() and _integral(frame, column, dtype):
        # A missing value turns pandas integers into floats: 1.0 is the user's 1.
        whole = nw.when(~(label.is_null() | label.is_nan())).then(label).otherwise(nw.lit(0.0)).cast(nw.Int64)
        text = nw.when(~label.is_nan()).then(whole.cast(nw.String))
    elif dtype == nw.String:
        text = label
    else:
        text = label.cast(nw.String)
    return nw.when(~label.is_null() & (text != "")).then(text)


def _integral(frame: nw.LazyFrame[Any], column: str, dtype: nw.dtypes.DType) -> bool:
    """Tell whether a floating-point column holds whole numbers alone, missing values aside."""
    if not dtype.is_float():
        return False
    value = nw.col(column)
    present = ~(value.is_null() | value.is_nan())
    return count_where(frame, present & ((value != value.floor()) | (value.abs() >= _EXACT_INTEGERS))) == 0


def _first_text(frame: nw.LazyFrame[Any], column: str, dtype: nw.dtypes.DType) -> Found | None:
    """Return the first present value that is no number; None where there is none."""
    if dtype == nw.Object:
        return _first_object(frame, column, lambda value: isinstance(value, Real | Decimal))
    return first_where(frame, ~nw.col(column).is_null(), column)


def _first_odd_period(frame: nw.LazyFrame[Any], column: str, dtype: nw.dtypes.DType) -> Found | None:
    """Return the first present value that is no whole number and no date; None where there is none."""
    if dtype == nw.Object:
        return _first_object(frame, column, _is_period)
    value = nw.col(column)
    if dtype.is_float():
        return first_where(frame, ~(value.is_null() | value.is_nan()) & (value != value.floor()), column)
    return first_where(frame, ~value.is_null(), column)


def _first_object(frame: nw.LazyFrame[Any], column: str, accepts: Callable[[Any], bool]) -> Found | None:
    """Look through a column of Python objects, which only frames in memory have."""
    for row, value in enumerate(plain_values(collect(frame.select(column))[column]), start=1):
        if not (value is None or value != value or accepts(value)):
            return Found(value=value, row=row)
    return None


def _is_period(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | np.integer | datetime.date) or (isinstance(value, float) and value.is_integer())

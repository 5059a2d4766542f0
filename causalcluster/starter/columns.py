"""What a column of a table holds, as far as its first rows tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from causalcluster.analysis.records import DataSpec
from causalcluster.data.files import find_files
from causalcluster.data.whole_files import WHOLE, read_whole
from causalcluster.errors import DataError

LOOKED_AT = 100_000
"""Rows that are looked at."""

Kind = Literal["number", "binary", "count", "share", "text", "date", "constant", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes
    ----------
    name, kind
        What it is called, and what its values are.
    distinct, missing
        Number of different values, and share of rows without one.
    low, high
        Extremes of numbers; NaN for others.
    """

    name: str
    kind: Kind
    distinct: int
    missing: float
    low: float = np.nan
    high: float = np.nan


def read_first_rows(path: Path) -> pd.DataFrame:
    """Read the first rows of a table, whatever its format.

    Raises
    ------
    DataError
        There is no such file, or it cannot be read.
    """
    file = find_files(str(path))[0]
    ending = file.suffix.lower()
    if ending in WHOLE:
        return read_whole(file, DataSpec(file=str(file))).head(LOOKED_AT)
    try:
        if ending in (".parquet", ".pq"):
            return pd.read_parquet(file).head(LOOKED_AT)
        return pd.read_csv(file, sep=None, engine="python", nrows=LOOKED_AT, encoding="utf-8-sig")
    except (ValueError, OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        fix = "The formats are CSV (UTF-8), Parquet, Feather, Arrow, Stata (.dta) and Excel (.xlsx)"
        raise DataError(f"the table cannot be read ({reason})", where=str(path), fix=fix) from error


def describe_columns(frame: pd.DataFrame) -> Iterator[Column]:
    """Yield what every column holds, in the table's order."""
    for name in frame.columns:
        yield _describe(str(name), frame[name])


def _describe(name: str, values: pd.Series) -> Column:
    known = values.dropna()
    missing = 1.0 - len(known) / max(len(values), 1)
    distinct = int(known.nunique())
    if not len(known):
        return Column(name=name, kind="empty", distinct=0, missing=1.0)
    if distinct == 1:
        return Column(name=name, kind="constant", distinct=1, missing=missing)
    if pd.api.types.is_datetime64_any_dtype(known):
        return Column(name=name, kind="date", distinct=distinct, missing=missing)
    if pd.api.types.is_bool_dtype(known):
        return Column(name=name, kind="binary", distinct=2, missing=missing, low=0.0, high=1.0)
    if not pd.api.types.is_numeric_dtype(known):
        return Column(name=name, kind="text", distinct=distinct, missing=missing)
    number = known.to_numpy(dtype=float)
    low, high = float(number.min()), float(number.max())
    return Column(name=name, kind=_kind_of(number, low, high), distinct=distinct, missing=missing, low=low, high=high)


def _kind_of(number: np.ndarray, low: float, high: float) -> Kind:
    whole = bool((number == np.floor(number)).all())
    if whole and (low, high) == (0.0, 1.0):
        return "binary"
    if whole and low >= 0.0:
        return "count"
    return "share" if low > 0.0 and high < 1.0 else "number"

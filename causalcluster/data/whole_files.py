"""Arrow, Stata and Excel files, which are read whole into memory."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from causalcluster.analysis.records import DataSpec
from causalcluster.data.duckdb_engine import hash_files
from causalcluster.data.frames import read_frame
from causalcluster.data.table import Table, refuse_duplicate_names
from causalcluster.errors import DataError

WHOLE = (".feather", ".arrow", ".ipc", ".dta", ".xlsx")


def open_whole(files: Sequence[Path], *, name: str, spec: DataSpec) -> Table:
    """Open files that are no CSV and no Parquet; parts of one ending are put one below the other.

    Parameters
    ----------
    files
        All of one ending of `WHOLE`.
    name
        What errors call the table.
    spec
        For the columns that hold labels.

    Raises
    ------
    DataError
        A file cannot be read, parts have other columns, or an Excel file has several sheets.
    """
    import narwhals as nw

    parts = [read_whole(path, spec) for path in files]
    for path, part in zip(files[1:], parts[1:], strict=True):
        if list(part.columns) != list(parts[0].columns):
            what = f"its columns are not those of {files[0].name}"
            raise DataError(what, where=str(path), fix="Give all parts the same columns, in the same order")
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    ends = [sum(len(part) for part in parts[: k + 1]) for k in range(len(parts))]
    columns = tuple(map(str, frame.columns))
    refuse_duplicate_names(columns, name)
    frame.columns = list(columns)
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()

    def locate(row: int) -> tuple[str, int]:
        part = next(k for k, end in enumerate(ends) if row <= end)
        first = ends[part - 1] if part else 0
        return str(files[part]), row - first

    return Table(
        columns=columns,
        name=name,
        read=lambda wanted: read_frame(lazy, columns, columns, wanted),
        locate=locate,
        fingerprint=lambda: hash_files(files),
    )


def read_whole(path: Path, spec: DataSpec) -> pd.DataFrame:
    """Read one file of `WHOLE` as it is."""
    labels = [column for column in (spec.cluster, spec.unit, *spec.nested_in, *spec.crossed_with) if column is not None]
    return _read(_READERS[path.suffix.lower()], path, labels)


def _read(read: Callable[[Path, Sequence[str]], pd.DataFrame], path: Path, labels: Sequence[str]) -> pd.DataFrame:
    try:
        return read(path, labels)
    except DataError:
        raise
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        fix = "Check that the file is whole, or save the table as CSV (UTF-8) or Parquet"
        raise DataError(f"the file cannot be read ({reason})", where=str(path), fix=fix) from error


def _read_arrow(path: Path, labels: Sequence[str]) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import feather

    del labels
    try:
        table = feather.read_table(path)
    except pa.ArrowInvalid as error:
        raise ValueError(str(error)) from error
    refuse_duplicate_names(table.column_names, str(path))
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _read_stata(path: Path, labels: Sequence[str]) -> pd.DataFrame:
    """Return numbers as they are stored, but for columns that name groups: these have the labels of their values."""
    frame = pd.read_stata(path, convert_categoricals=False)
    named = [column for column in labels if column in frame.columns]
    if named:
        labelled = pd.read_stata(path, convert_categoricals=True, columns=named)
        for column in named:
            if isinstance(labelled[column].dtype, pd.CategoricalDtype):
                frame[column] = labelled[column].astype("string")
    return frame


def _read_excel(path: Path, labels: Sequence[str]) -> pd.DataFrame:
    """Return the only sheet with anything on it; its first row names the columns."""
    import openpyxl

    del labels
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    finally:
        book.close()
    filled = {title: rows for title, rows in sheets.items() if any(cell is not None for row in rows for cell in row)}
    if not filled:
        raise DataError("the workbook is empty", where=str(path), fix="Put the table on its first sheet")
    if len(filled) > 1:
        what = f"the workbook has {len(filled)} sheets with something on them: {', '.join(filled)}"
        raise DataError(what, where=str(path), fix="Save the sheet with the table in a workbook of its own")
    (rows,) = filled.values()
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    width = max((k + 1 for row in rows for k, cell in enumerate(row) if cell is not None), default=0)
    header = list(rows[0][:width])
    if any(cell is None for cell in header):
        place = openpyxl.utils.get_column_letter(header.index(None) + 1)
        what = f"column {place} has no name in the first row"
        raise DataError(what, where=str(path), fix="Name every column in the first row of the sheet, and nothing above")
    names = [str(cell) for cell in header]
    refuse_duplicate_names(names, str(path))
    body = [list(row[:width]) + [None] * (width - len(row)) for row in rows[1:]]
    return pd.DataFrame(body, columns=names).infer_objects()


_READERS: Mapping[str, Callable[[Path, Sequence[str]], pd.DataFrame]] = {
    ".feather": _read_arrow,
    ".arrow": _read_arrow,
    ".ipc": _read_arrow,
    ".dta": _read_stata,
    ".xlsx": _read_excel,
}

"""The file or glob of an analysis -> Table."""

import glob
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from causalcluster.analysis.records import DataSpec
from causalcluster.data.csv_files import open_csv
from causalcluster.data.failures import reading
from causalcluster.data.parquet_files import open_parquet
from causalcluster.data.table import Table
from causalcluster.data.whole_files import WHOLE, open_whole
from causalcluster.errors import DataError, UnsupportedError, did_you_mean

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")


@contextmanager
def open_table(spec: DataSpec, *, expected: Collection[str] = ()) -> Iterator[Table]:
    """Open the file, or the glob of parts, that an analysis names, for as long as it is used.

    CSV (also .csv.gz) and Parquet are scanned by an engine; Feather, Arrow, Stata and Excel are read whole.

    Parameters
    ----------
    spec
        ``file`` is an absolute path or glob. A file of exactly that name is taken before a glob.
    expected
        Column names that the analysis needs; they settle the delimiter of a CSV file.

    Yields
    ------
    Table

    Raises
    ------
    DataError
        No such file, no match, a mixture of formats, an unknown format, or a file that cannot be read.
    UnsupportedError
        A format that this version does not read.
    """
    if spec.file is None:
        raise DataError(
            "the analysis names no table",
            where="data",
            fix="Name one with 'file:', or pass a frame",
        )
    files = find_files(spec.file)
    endings = sorted({_ending(path) for path in files})
    if len(endings) > 1:
        raise DataError(f"the parts are of several formats: {', '.join(endings)}", where=spec.file)
    fix = "The formats are CSV (UTF-8), Parquet, Feather, Arrow, Stata (.dta) and Excel (.xlsx)"
    if endings[0] == ".xls":
        raise UnsupportedError(
            "reading .xls files is not available in this version", where=spec.file, fix="Save the workbook as .xlsx"
        )
    if endings[0] not in (*_TEXT, *_PARQUET, *WHOLE):
        raise DataError(f"unknown file format {endings[0]!r}", where=spec.file, fix=fix)
    # Windows does not delete a file that an engine still holds open.
    with tempfile.TemporaryDirectory(prefix="causalcluster-", ignore_cleanup_errors=True) as folder, reading(spec.file):
        if endings[0] in _TEXT:
            yield open_csv(files, name=spec.file, expected=expected, workspace=Path(folder))
        elif endings[0] in WHOLE:
            yield open_whole(files, name=spec.file, spec=spec)
        else:
            yield open_parquet(files, name=spec.file, workspace=Path(folder))


def _ending(path: Path) -> str:
    """Return the name's ending in lower case, with the one before it where the file is compressed."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def find_files(name: str) -> list[Path]:
    """Return the file of this name, or the parts that a pattern matches, sorted.

    Raises
    ------
    DataError
        There is none, or it is a folder.
    """
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError("this is a folder, not a table", where=name, fix=f"Name a file, or {path.name}/*.parquet")
    if glob.has_magic(name):
        found = glob.glob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        parts = sorted(Path(part) for part in found if Path(part).is_file())
        if parts:
            return parts
        raise DataError("no file matches this pattern", where=name, fix="Check the folder and the pattern")
    siblings = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
    fix = did_you_mean(path.name, siblings).strip() or "Check 'data: file:' (relative to the analysis file)"
    missing = "there is no such file" if path.parent.is_dir() else "there is no such folder and file"
    raise DataError(missing, where=name, fix=fix)

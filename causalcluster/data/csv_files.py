"""CSV files -> Table: one pass through DuckDB keeps the wanted columns as numbers in a temporary file."""

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import duckdb
import narwhals as nw

from causalcluster.data.columns import TIME, position_column
from causalcluster.data.duckdb_engine import connect, hash_files, quote_literal, quote_name, quote_path
from causalcluster.data.failures import out_of_space
from causalcluster.data.table import BadText, Table, Typed, Wanted, refuse_duplicate_names
from causalcluster.errors import DataError

MISSING_WORDS = ("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", ".")
"""What counts as a missing number in CSV, in any case; a cluster's label is missing only where it is empty."""

_DELIMITERS = (",", ";", "\t", "|")
_TYPED = "typed_rows"
_AT_ONCE = 16
"""Parts that are read side by side."""


def open_csv(files: Sequence[Path], *, name: str, expected: Collection[str], workspace: Path) -> Table:
    """Open CSV files (UTF-8, RFC 4180, with a header) as one table.

    Parameters
    ----------
    files
        Parts in the order in which their rows follow each other.
    name
        What messages call the table.
    expected
        Column names that the analysis needs; they tell the delimiter (comma, semicolon, tab or bar).
    workspace
        A temporary folder for the numbers and for what does not fit into memory.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        A file is empty, not UTF-8, broken, or has other columns than the first part.
    """
    header, delimiter = _read_header(files[0], expected)
    refuse_duplicate_names(header, str(files[0]))
    for part in files[1:]:
        other, _ = _read_header(part, expected)
        if other != header:
            raise DataError(
                f"this part's columns are {other}, those of {files[0].name} are {header}",
                where=str(part),
                fix="Give every part the same columns in the same order",
            )
    connection = connect(workspace, on_disk=True)
    sources = [_source(path, len(header), delimiter) for path in files]
    engine = {column: f"c{i}" for i, column in enumerate(header)}

    def read(wanted: Wanted) -> Typed:
        try:
            return _read_typed(connection, sources, engine, wanted)
        except duckdb.Error as error:
            raise out_of_space(error) or _explain(error, files, name) from error

    return Table(
        columns=tuple(header),
        name=name,
        read=read,
        locate=lambda row: _locate(connection, files, row),
        fingerprint=lambda: hash_files(files),
    )


def _read_header(path: Path, expected: Collection[str]) -> tuple[list[str], str]:
    """Return the header's names and the delimiter under which most expected names are found."""
    best: tuple[int, list[str], str] | None = None
    broken: list[csv.Error] = []
    for delimiter in _DELIMITERS:
        try:
            names = _first_record(path, delimiter)
        except csv.Error as error:
            # Quoted names are broken text under every delimiter but their own.
            broken.append(error)
            continue
        found = len(set(names) & set(expected))
        if best is None or found > best[0]:
            best = (found, names, delimiter)
    if best is None:
        raise DataError(f"the header cannot be read ({broken[0]})", where=str(path))
    if not any(best[1]):
        raise DataError("the file is empty", where=str(path), fix="Give a file with a header line and rows")
    return best[1], best[2]


def _first_record(path: Path, delimiter: str) -> list[str]:
    try:
        with _open_text(path) as stream:
            return next(csv.reader(stream, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(str(path), "in its first lines") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the compressed file cannot be read ({error})",
            where=str(path),
            why="It may be cut off or not be compressed with gzip",
            fix="Write the file again",
        ) from error


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _not_utf8(where: str, place: str) -> DataError:
    return DataError(
        f"the file is not UTF-8 text ({place})",
        where=where,
        why="Letters outside ASCII would come out wrong",
        fix="Save it as 'CSV UTF-8'",
    )


def _source(path: Path, width: int, delimiter: str) -> str:
    """Return the table function that reads every column of a part as text, under names c0, c1, ..."""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    # DuckDB's own guess goes by '.gz' in lower case alone.
    compression = "gzip" if path.suffix.lower() == ".gz" else "none"
    return (
        f"read_csv({quote_path(path)}, columns={{{columns}}}, header=true, auto_detect=false, "
        f"delim={quote_literal(delimiter)}, quote='\"', escape='\"', nullstr='', strict_mode=true, "
        f"hive_partitioning=false, encoding='utf-8', compression='{compression}')"
    )


def _read_typed(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[str], engine: dict[str, str], wanted: Wanted
) -> Typed:
    # Each text is parsed once, inside; what it came to is judged outside.
    texts = [quote_name(engine[column]) for column in wanted.numeric]
    parsed = [f"{_number(text)} AS p{i}, {text} AS t{i}" for i, text in enumerate(texts)]
    fields = [f"CASE WHEN NOT isnan(p{i}) THEN p{i} END AS {position_column(i)}" for i in range(len(texts))]
    checks = [_bad(i) for i in range(len(texts))]
    for name, own in wanted.labels:
        parsed.append(f"{quote_name(engine[name])} AS {own}")
        fields.append(own)
    if wanted.time is not None:
        text, i = quote_name(engine[wanted.time]), len(texts)
        parsed.append(f"{_period(text)} AS p{i}, {text} AS t{i}")
        fields.append(f"p{i} AS {TIME}")
        checks.append(_bad(i))
    outer = f"SELECT {', '.join(fields)}, coalesce({', '.join(checks)}) AS bad"
    _fill(connection, [f"{outer}, {i} AS part FROM (SELECT {', '.join(parsed)} FROM {s})" for i, s in enumerate(sources)])
    first = connection.execute(
        f"SELECT bad, rowid + 1 FROM {_TYPED} WHERE bad IS NOT NULL ORDER BY rowid LIMIT 1"
    ).fetchone()
    names = (*wanted.numeric, *((wanted.time,) if wanted.time is not None else ()))
    found = None
    if first is not None:
        position, value = str(first[0]).split(":", 1)
        found = BadText(column=names[int(position)], value=value, row=int(first[1]))
    return Typed(frame=nw.from_native(connection.sql(f"SELECT * EXCLUDE (bad, part) FROM {_TYPED}")).lazy(), bad=found)


def _fill(connection: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> None:
    """Fill the table of rows with what one query for each part gives, in this order.

    A scan of many files at once leaves a quote that is open at a file's end unnoticed, with all rows behind it
    (DuckDB 2.0, more files than twice the threads). A scan of one file reports it, so every part has its own.
    """
    connection.execute(f"DROP TABLE IF EXISTS {_TYPED}")
    with _transaction(connection):
        for start in range(0, len(queries), _AT_ONCE):
            into = f"INSERT INTO {_TYPED}" if start else f"CREATE TABLE {_TYPED} AS"
            connection.execute(f"{into} {' UNION ALL '.join(queries[start : start + _AT_ONCE])}")


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _locate(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], row: int) -> tuple[str, int]:
    """Return the file of a row and which of its data rows it is."""
    query = (
        f"SELECT part, {row} - (SELECT min(rowid) FROM {_TYPED} WHERE part = t.part) FROM {_TYPED} t WHERE rowid = {row - 1}"
    )
    part, within = connection.execute(query).fetchall()[0]
    return str(files[part]), int(within)


def _bad(position: int) -> str:
    text = f"t{position}"
    return f"CASE WHEN p{position} IS NULL AND NOT {_missing(text)} THEN '{position}:' || {text} END"


def _missing(text: str) -> str:
    words = ", ".join(quote_literal(word) for word in MISSING_WORDS)
    return f"({text} IS NULL OR lower(trim({text})) IN ({words}))"


def _number(text: str) -> str:
    """Return SQL for the number in a text, possibly NaN; true and false are 1 and 0."""
    word = f"CASE lower(trim({text})) WHEN 'true' THEN 1.0::DOUBLE WHEN 'false' THEN 0.0::DOUBLE END"
    return f"coalesce({_double(text)}, {word})"


def _double(text: str) -> str:
    # DuckDB reads 2_3 as 23; in a table it is more likely a code than a number.
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def _period(text: str) -> str:
    """Return SQL for a whole number, or a date as microseconds since 1970."""
    number = _double(text)
    whole = f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({number} AS BIGINT) END"
    date = f"epoch_us(TRY_CAST({text} AS TIMESTAMP))"
    return f"CASE WHEN {number} IS NULL THEN {date} ELSE {whole} END"


def _explain(error: duckdb.Error, files: Sequence[Path], name: str) -> DataError:
    """Turn DuckDB's report into one sentence with the file, the line and the finding."""
    lines = str(error).splitlines()
    name = max((str(path) for path in files if str(path) in str(error)), key=len, default=name)
    if "not utf-8" in str(error).lower() or "unicode" in str(error).lower():
        return _not_utf8(name, next((line for line in lines if "Line:" in line), "see its bytes").strip())
    marks = ("Original Line", "Expected Number", "Value with", "Maximum line")
    found = [line.split("CSV Error on ")[-1].strip() for line in lines if "CSV Error on" in line]
    found += [line.strip() for line in lines if line.startswith(marks)]
    return DataError(
        "the file cannot be read: " + ("; ".join(found) or lines[0]),
        where=name,
        why="It may be cut off or not be CSV with a header",
        fix="Write the file again",
    )

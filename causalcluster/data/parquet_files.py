"""Parquet files -> Table: scanned by DuckDB, only the wanted columns."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from causalcluster.data.duckdb_engine import connect, hash_files, quote_path
from causalcluster.data.failures import broken_parquet
from causalcluster.data.frames import read_frame
from causalcluster.data.table import Table, refuse_duplicate_names
from causalcluster.errors import DataError


def open_parquet(files: Sequence[Path], *, name: str, workspace: Path) -> Table:
    """Open Parquet files as one table.

    Parameters
    ----------
    files
        Parts in the order in which their rows follow each other.
    name
        What messages call the table.
    workspace
        A temporary folder for what does not fit into memory.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        A file is broken or empty, or a part's columns or types differ from the first part's.
    """
    schemas = [_schema(path) for path in files]
    columns = tuple(schemas[0].names)
    refuse_duplicate_names(columns, str(files[0]))
    for path, schema in zip(files, schemas, strict=True):
        if not schema.equals(schemas[0], check_metadata=False):
            raise DataError(
                f"this part's columns are ({_describe(schema)}), those of {files[0].name} are ({_describe(schemas[0])})",
                where=str(path),
                why="Values could be lost where types are made equal in silence",
                fix="Write every part with the same columns, types and order",
            )
    paths = ", ".join(quote_path(path) for path in files)
    try:
        relation = connect(workspace).sql(f"SELECT * FROM read_parquet([{paths}], hive_partitioning=false)")
    except duckdb.Error as error:
        raise broken_parquet(name, error) from error
    frame = nw.from_native(relation).lazy()
    engine = tuple(relation.columns)
    return Table(
        columns=columns,
        name=name,
        read=lambda wanted: read_frame(frame, columns, engine, wanted),
        locate=lambda row: _locate(files, row),
        fingerprint=lambda: hash_files(files),
    )


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise broken_parquet(str(path), error) from error


def _locate(files: Sequence[Path], row: int) -> tuple[str, int]:
    for path in files[:-1]:
        rows = pq.read_metadata(path).num_rows
        if row <= rows:
            return str(path), row
        row -= rows
    return str(files[-1]), row


def _describe(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)

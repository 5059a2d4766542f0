"""The embedded engine: a DuckDB connection of its own, quoting, and fingerprints of files."""

import glob
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

_CHUNK = 1 << 20


def connect() -> duckdb.DuckDBPyConnection:
    """Open a private in-memory connection that never downloads extensions and spills to the temporary folder.

    Threads are left on: sums do not depend on their order (see `exact_sums`).
    """
    spill = Path(tempfile.gettempdir()) / f"causalcluster-duckdb-{os.getpid()}"
    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
            "temp_directory": str(spill),
        },
    )


def quote_name(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: Path) -> str:
    """Quote a file's path so that DuckDB does not take signs in its name for a pattern."""
    return quote_literal(glob.escape(str(path)))


def hash_files(files: Sequence[Path]) -> str:
    """Return 'sha256:...' of one file's bytes, or of the names and hashes of several parts."""
    if len(files) == 1:
        return f"sha256:{_hash_file(files[0])}"
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{_hash_file(path)}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

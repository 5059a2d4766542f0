"""The embedded engine: a DuckDB connection of its own, quoting, and fingerprints of files."""

import glob
import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

_CHUNK = 1 << 20
_LEAST_MEMORY, _MEMORY_PER_THREAD = 700, 250


def connect(workspace: Path, *, on_disk: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a private connection that never downloads extensions and whose memory is bounded.

    Threads are left on: sums do not depend on their order.

    Parameters
    ----------
    workspace
        A temporary folder for what does not fit into memory.
    on_disk
        Whether tables are kept in a file there instead of in memory.
    """
    connection = duckdb.connect(
        str(workspace / "rows.duckdb") if on_disk else ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Messages name the first bad row, so rows keep their order.
            "preserve_insertion_order": True,
            "temp_directory": str(workspace),
        },
    )
    threads = connection.execute("SELECT current_setting('threads')").fetchone()
    most = max(_LEAST_MEMORY, _MEMORY_PER_THREAD * int(threads[0] if threads else 1))
    connection.execute(f"SET memory_limit = '{most}MB'")
    return connection


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

"""An engine's failure -> one error that says where, what and what to do."""

import errno
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from causalcluster.errors import DataError, InputError

_ENGINE_ERRORS = (
    ("duckdb", "Error"),
    ("pyarrow", "ArrowException"),
    ("polars.exceptions", "PolarsError"),
    ("pyspark.errors", "PySparkException"),
    ("py4j.protocol", "Py4JError"),
)
_GONE = ("No such file", "No files found", "FileNotFoundException")


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn failures of engine and disk inside the block into an InputError about the table called ``name``."""
    try:
        yield
    except OSError as error:
        raise out_of_space(error) or _unreadable(name, error) from error
    except _engine_errors() as error:
        raise out_of_space(error) or _unreadable(name, error) from error


def out_of_space(error: Exception) -> InputError | None:
    """Return the error to raise where the disk or the memory allowed is full, else None."""
    text = str(error)
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in text or "max_temp_directory_size" in text:
        return InputError(
            "the disk is full",
            where=tempfile.gettempdir(),
            why="Rows that do not fit into memory are kept in this folder while they are read",
            fix="Free some space, or name another folder in the environment variable TMPDIR",
        )
    if "Out of Memory" in text or "OutOfMemory" in text:
        return InputError(
            f"the memory allowed for the table is not enough ({text.splitlines()[0]})",
            fix="Use fewer columns or clusters; with a contrast of quantiles, give its two values instead",
        )
    return None


def broken_parquet(where: str, error: Exception) -> DataError:
    """Return the error for a Parquet file that is cut off or no Parquet file at all."""
    return DataError(
        f"the Parquet file cannot be read ({_first_line(error)})",
        where=where,
        why="It may be empty or cut off",
        fix="Write the file again",
    )


def _unreadable(name: str, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError) or any(word in str(error) for word in _GONE):
        return DataError(
            f"a file disappeared while it was read ({_first_line(error)})",
            where=name,
            fix="Put it back, or keep the files as they are until the command ends",
        )
    if name.lower().endswith((".parquet", ".pq")):
        return broken_parquet(name, error)
    return DataError(
        f"the table cannot be read to its end ({_first_line(error)})",
        where=name,
        why="The engine that holds it reports an error",
        fix="Check the files or the query behind it",
    )


def _engine_errors() -> tuple[type[Exception], ...]:
    """Return the base errors of the engines that are loaded."""
    modules = [(sys.modules.get(module), name) for module, name in _ENGINE_ERRORS]
    return tuple(getattr(module, name) for module, name in modules if module is not None)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""Simulated panels on disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from causalcluster.errors import InputError
from causalcluster.simulation.scenarios import Simulated, analysis_text

FORMATS = (".csv", ".parquet", ".feather", ".arrow", ".dta")


def write_simulated(
    simulated: Simulated,
    table: str | Path,
    *,
    truth: str | Path | None = None,
    analysis: str | Path | None = None,
) -> tuple[Path, ...]:
    """Write a simulated panel, its true effects and an analysis file.

    Parameters
    ----------
    simulated
        What `simulate` returned.
    table, truth
        Files to write; the suffix is the format, one of `FORMATS`.
    analysis
        The analysis file to write; it names the table relative to its own folder.

    Returns
    -------
    tuple of Path
        The files written. Files already there are replaced, and only after all were written without error.

    Raises
    ------
    InputError
        A suffix is not one of the formats, two files have one name, or a folder does not exist.
    """
    table = Path(table)
    writes = [(table, _table_writer(simulated.table, table))]
    if truth is not None:
        writes.append((Path(truth), _table_writer(simulated.truth, Path(truth))))
    if analysis is not None:
        writes.append((Path(analysis), _analysis_writer(simulated, table, Path(analysis))))
    _check_places([path for path, _ in writes])
    _write_together(writes)
    return tuple(path for path, _ in writes)


_Writer = Callable[[Path], None]


def _table_writer(frame: pd.DataFrame, path: Path) -> _Writer:
    writers: dict[str, _Writer] = {
        # RFC 4180 ends lines with CR LF; pandas writes floats in full precision.
        ".csv": lambda file: frame.to_csv(file, index=False, lineterminator="\r\n"),
        ".parquet": lambda file: frame.to_parquet(file, index=False),
        ".feather": lambda file: frame.to_feather(file),
        ".arrow": lambda file: frame.to_feather(file, compression="uncompressed"),
        ".dta": lambda file: frame.to_stata(file, write_index=False, version=118),
    }
    if path.suffix.lower() not in writers:
        raise InputError(
            f"cannot write a table to {path.name!r}",
            where="simulate",
            why="The suffix of a file says its format",
            fix=f"Use one of {', '.join(FORMATS)}",
        )
    return writers[path.suffix.lower()]


def _analysis_writer(simulated: Simulated, table: Path, analysis: Path) -> _Writer:
    name = Path(os.path.relpath(table.resolve(), analysis.resolve().parent)).as_posix()
    text = analysis_text(simulated.scenario, table_name=name)

    def write(file: Path) -> None:
        file.write_text(text, encoding="utf-8")

    return write


def _check_places(paths: list[Path]) -> None:
    resolved = [path.resolve() for path in paths]
    if len(set(resolved)) < len(resolved):
        raise InputError(
            "two outputs have the same file name",
            where="simulate",
            why="One would overwrite the other",
            fix="Give every output a name of its own",
        )
    for path in paths:
        if not path.parent.is_dir():
            raise InputError(
                f"cannot write {str(path)!r}",
                where="simulate",
                why=f"The folder {str(path.parent)!r} does not exist",
                fix="Create the folder first",
            )


def _write_together(writes: list[tuple[Path, _Writer]]) -> None:
    """Write under temporary names first: no half-written file is ever left under a final name."""
    temporary = [path.with_name(f".{path.name}.{os.getpid()}.tmp") for path, _ in writes]
    try:
        for (_, write), file in zip(writes, temporary, strict=True):
            write(file)
        for (path, _), file in zip(writes, temporary, strict=True):
            file.replace(path)
    finally:
        for file in temporary:
            file.unlink(missing_ok=True)

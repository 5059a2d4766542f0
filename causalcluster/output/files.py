"""Writes the files of a run together: a failed or interrupted run leaves an earlier run's files as they were."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from causalcluster.errors import InputError
from causalcluster.fitting.gate import diagnostics_to_json
from causalcluster.identification import verdict_to_json
from causalcluster.output.summary import summarise_run
from causalcluster.pipeline import Result
from causalcluster.report import render_report
from causalcluster.report.writing import PDF_FILE

_DOUBTS: Mapping[str, Callable[[Result], pd.DataFrame | None]] = {
    "leave_one_out.csv": lambda result: result.leave_one_out,
    "orders.csv": lambda result: result.orders,
    "predictive.csv": lambda result: result.predictive,
    "missing_shift.csv": lambda result: result.shifted,
    "between.csv": lambda result: result.between,
    "measurement.csv": lambda result: result.measurement,
    "leads.csv": lambda result: result.leads,
    "cohorts.csv": lambda result: result.cohorts,
    "scorecard.csv": lambda result: result.scorecard,
    "sensitivity.csv": lambda result: result.sensitivity.curve,
    "tipping.csv": lambda result: result.sensitivity.tipping,
    "contours.csv": lambda result: result.sensitivity.contours,
    "power.csv": lambda result: result.sensitivity.power,
    "refutation.csv": lambda result: result.refutation,
    "falsification.csv": lambda result: result.falsification,
    "independences.csv": lambda result: result.independences,
    "values.csv": lambda result: result.values,
    "multiverse.csv": lambda result: None if result.multiverse is None else result.multiverse.effects,
    "alternatives.csv": lambda result: None if result.multiverse is None else result.multiverse.models,
}
OPTIONAL = tuple(_DOUBTS)
"""Files that a run writes only where they are asked for, or where there is something to write."""


def write_run(result: Result, directory: Path, *, command: Sequence[str] = (), pdf: bool = False) -> None:
    """Write every file of docs/outputs.md to ``directory``.

    Parameters
    ----------
    result
        From `causalcluster.analyse`.
    directory
        Created where it does not exist, parents too; files of an earlier run are replaced together at the end.
    command
        The command line, for run.json.
    pdf
        Write the report as a PDF too.

    Raises
    ------
    InputError
        Where the folder cannot be written.
    """
    check_writable(directory)
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=_existing(directory)))
    try:
        timings = dict(result.timings)
        _write_tables(result, staging)
        _write_json(staging / "identification.json", [verdict_to_json(v) for v in result.plan.verdicts])
        _write_json(staging / "run.json", summarise_run(result, command))
        _write_tree(result.tree, staging / "posterior.nc")
        _write_diagnostics(result, staging, timings)
        start = time.perf_counter()
        (staging / "report.html").write_text(render_report(staging), encoding="utf-8", newline="")
        if pdf:
            from causalcluster.report.pdf import render_pdf

            (staging / PDF_FILE).write_bytes(render_pdf(staging))
        timings["report"] = time.perf_counter() - start
        timings["total"] = timings.get("total", 0.0) + timings["report"]
        _write_diagnostics(result, staging, timings)
        _publish(staging, directory)
    except OSError as error:
        raise InputError(
            f"the results cannot be written ({error.strerror or error})",
            where=str(directory),
            why="files of an earlier run were left as they were",
            fix="free some space or choose another folder",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_writable(directory: Path) -> None:
    """Raise InputError where ``directory`` cannot become the folder of a run."""
    place = _existing(directory)
    if not place.is_dir():
        raise InputError("this is a file, not a folder", where=str(place), fix="name another folder with --out")
    if not os.access(place, os.W_OK):
        raise InputError("the folder cannot be written", where=str(place), fix="name another folder with --out")


def _existing(directory: Path) -> Path:
    """Return ``directory`` or the nearest folder above it that exists: staging there stays on one file system."""
    return next(path for path in (directory, *directory.absolute().parents) if path.exists())


def _publish(staging: Path, directory: Path) -> None:
    staging.chmod(0o755)
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging.rename(directory)
        return
    # What an earlier run wrote and this one was not asked for would speak of other data.
    for name in (*OPTIONAL, PDF_FILE):
        if not (staging / name).exists():
            (directory / name).unlink(missing_ok=True)
    for path in sorted(staging.iterdir()):
        path.replace(directory / path.name)


def _write_tables(result: Result, staging: Path) -> None:
    tables = {"effects.csv": result.effects, "hypotheses.csv": result.hypotheses}
    optional = {name: take(result) for name, take in _DOUBTS.items()}
    tables |= {name: table for name, table in optional.items() if table is not None}
    for name, table in tables.items():
        write_csv(table, staging / name)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write RFC 4180 in UTF-8; numbers in the shortest text that reads back to the same double."""
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\r\n")


def _write_diagnostics(result: Result, staging: Path, timings: Mapping[str, float]) -> None:
    stages = ("read", "reduce", "build", "compile", "sample", "effects", "report", "total")
    rounded = {stage: round(timings.get(stage, 0.0), 4) for stage in stages}
    contents = diagnostics_to_json(result.diagnostics, rounded, list(result.plan.warnings))
    contents["positivity"] = asdict(result.plan.panel.positivity)
    _write_json(staging / "diagnostics.json", contents)


def _write_json(path: Path, contents: Any) -> None:
    text = json.dumps(contents, ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="")


def _write_tree(tree: xr.DataTree, path: Path) -> None:
    # Text goes into arrays of characters: HDF5 2.0 crashes at times where a file with strings of variable length is
    # opened more than once in a process.
    encoding = {
        node.path: {str(name): {"dtype": "S1"} for name, value in node.variables.items() if value.dtype.kind in "OUT"}
        for node in tree.subtree
    }
    write: Callable[..., None] = tree.to_netcdf
    try:
        write(path, engine="netcdf4", encoding={name: texts for name, texts in encoding.items() if texts})
    except RuntimeError as error:
        # What netCDF's library raises for a full disk, too.
        raise OSError(f"posterior.nc: {error}") from error

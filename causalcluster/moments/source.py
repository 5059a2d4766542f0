"""An analysis' data, whatever they are, to the moments that it asks for."""

import glob
from dataclasses import replace
from pathlib import Path
from typing import Any

from causalcluster.analysis.records import Analysis
from causalcluster.data import find_files, open_rows
from causalcluster.errors import DataError, InputError, UnsupportedError
from causalcluster.moments.disclosure import warn_about_small_records
from causalcluster.moments.matching import match_moments
from causalcluster.moments.pooling import pool_moments
from causalcluster.moments.records import Moments
from causalcluster.moments.reduction import reduce_rows
from causalcluster.moments.storage import read_moments


def read_source(analysis: Analysis) -> Moments:
    """Read the moments files that an analysis names, pool them and cut them to what it asks for.

    Raises
    ------
    DataError
        A file cannot be read, or is for another design.
    """
    files = [file for name in analysis.data.moments for file in _find(name)]
    twice = next((file for i, file in enumerate(files) if file in files[:i]), None)
    if twice is not None:
        raise DataError("this moments file is named twice", where=str(twice), fix="Name it once under 'moments'")
    pooled = pool_moments([read_moments(file) for file in files], overlapping=analysis.data.overlapping)
    return match_moments(analysis, pooled)


def reduce_table(analysis: Analysis, frame: Any = None, *, min_cell: int | None = None) -> Moments:
    """Reduce the table of an analysis to moments that can leave the place where the rows are.

    Parameters
    ----------
    analysis
        From `read_analysis`.
    frame
        A pandas, Polars, DuckDB, PyArrow, PySpark or Dask table to use instead of the analysis' file.
    min_cell
        Leave out clusters, and patterns of missing values inside them, with fewer rows.

    Returns
    -------
    Moments
        Under ``missing: model`` by pattern of missing values.

    Raises
    ------
    InputError
        The table does not hold what the analysis needs, or nothing is left.
    UnsupportedError
        A node's likelihood needs rows.

    Examples
    --------
    >>> from causalcluster import parse_analysis, reduce_table, simulate
    >>> made = simulate("linear", clusters=3, rows=20, seed=1)
    >>> moments = reduce_table(parse_analysis(made.analysis_text, path="analysis.yaml"), made.table)
    >>> dict(moments.table.sizes)["cluster"]
    3
    """
    _refuse_row_models(analysis)
    if min_cell is not None and min_cell < 1:
        raise InputError(f"the least number of rows of a cluster cannot be {min_cell}", fix="Give 1 or more")
    if analysis.data.moments and frame is None:
        raise DataError(
            "the analysis names moments, and there are no rows to reduce",
            where=f"{analysis.path}: data",
            fix="Name the table with 'file'",
        )
    with open_rows(analysis, frame) as rows:
        moments = reduce_rows(analysis, rows, min_cell=min_cell)
    if analysis.data.cluster is None:
        return moments
    tables = [moments.table, *(pattern.table for pattern in moments.incomplete)]
    return replace(moments, warnings=moments.warnings + warn_about_small_records(tables))


def refuse_input_as_target(analysis: Analysis, target: Path) -> None:
    """Raise InputError where ``target`` is a file that the analysis reads, under whatever name, or would become one."""
    data = analysis.data
    inputs = [analysis.path, *(find_files(data.file) if data.file is not None else ())]
    inputs += [file for name in data.moments for file in _find(name)]
    if any(_is_same(file, target) for file in inputs):
        raise InputError(
            "this file is one that the analysis reads",
            where=str(target),
            why="The moments would take its place",
            fix="Name another file with -o",
        )
    if data.file is not None and not Path(data.file).is_file() and target.absolute().full_match(data.file):
        raise InputError(
            f"a file of this name would be read as a part of the table, {data.file}",
            where=str(target),
            fix="Name another file, or a file in another folder, with -o",
        )


def _is_same(file: Path, target: Path) -> bool:
    if file.exists() and target.exists():
        return file.samefile(target)
    return file.resolve() == target.resolve()


def _refuse_row_models(analysis: Analysis) -> None:
    data = analysis.data
    for key, given in (
        ("unit", data.unit),
        ("nested_in", data.nested_in),
        ("crossed_with", data.crossed_with),
        ("time_effects", analysis.model.time_effects != "none"),
    ):
        if given:
            raise UnsupportedError(
                f"moments files for an analysis with '{key}' are not available in this version",
                where=str(analysis.path),
                fix=f"Run the analysis where the rows are, or leave '{key}' out",
            )
    for node in analysis.nodes:
        if node.family != "gaussian":
            raise UnsupportedError(
                f"node {node.name!r} has the family {node.family!r}, whose likelihood needs rows: moments do not do",
                where=str(analysis.path),
                fix="Run the analysis where the rows are, or make the node gaussian",
            )


def _find(name: str) -> list[Path]:
    path = Path(name)
    if path.is_file() or not glob.has_magic(name):
        return [path]
    found = sorted(Path(part) for part in glob.glob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise DataError("no moments file matches this pattern", where=name, fix="Check the folder and the pattern")
    return found

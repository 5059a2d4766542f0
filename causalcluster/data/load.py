"""Table -> Panel: every check, in a fixed number of passes.

A CSV file is parsed once, into memory. Then: one pass counts missing and infinite values, one query (two
scans) describes clusters, and one pass each is added by ``time`` (repeated periods) and by each end of a
quantile contrast. `causalcluster.moments.reduce_panel` adds one query of two scans.
"""

from typing import Any

import duckdb
import narwhals as nw

from causalcluster.analysis.records import Analysis
from causalcluster.data.completeness import count_values, handle_missing, refuse_infinities
from causalcluster.data.contrast import resolve_contrast
from causalcluster.data.description import Description, column_statistics, describe_clusters
from causalcluster.data.files import open_table
from causalcluster.data.frames import from_frame
from causalcluster.data.panel import CLUSTER, Panel, position_column
from causalcluster.data.parquet_files import broken_parquet
from causalcluster.data.periods import refuse_repeated_periods
from causalcluster.data.table import BadText, Table, Typed, Wanted, refuse_missing_columns
from causalcluster.data.variation import (
    constant_inside_clusters,
    refuse_between_only,
    refuse_constant_columns,
    refuse_single_cluster,
    spans_contrast,
    warn_about_clusters,
    warn_about_lost_clusters,
)
from causalcluster.errors import DataError, UnsupportedError


def load_panel(analysis: Analysis, frame: Any = None) -> Panel:
    """Read and check the table of an analysis.

    Parameters
    ----------
    analysis
        The analysis.
    frame
        A pandas, Polars, DuckDB or PyArrow table to use instead of the analysis' file.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        The table does not hold what the analysis needs.
    UnsupportedError
        The table is fine, but needs what this version does not do.
    """
    _refuse_unsupported(analysis)
    wanted = _wanted(analysis)
    expected = [column for column, _ in _uses(analysis)]
    table = open_table(analysis.data, expected=expected) if frame is None else from_frame(frame)
    try:
        return _check_table(analysis, table, wanted)
    except duckdb.Error as error:
        raise broken_parquet(table.name, error) from error


def _check_table(analysis: Analysis, table: Table, wanted: Wanted) -> Panel:
    where = table.name
    refuse_missing_columns(table.columns, _uses(analysis), where)
    typed = _numbers_only(table, wanted)
    counts = count_values(typed, wanted)
    refuse_infinities(typed, wanted, counts, where)
    rows, dropped = handle_missing(typed, wanted, counts, missing=analysis.data.missing, where=where)
    if wanted.cluster is None:
        rows = rows.with_columns(nw.lit("").alias(CLUSTER))
    description = describe_clusters(rows, columns=len(analysis.nodes), rows=counts.complete)
    dropped += warn_about_lost_clusters(description, counts.clusters)
    refuse_single_cluster(analysis, description, where)
    refuse_constant_columns(analysis, description, where)
    between_only = constant_inside_clusters(analysis, description)
    refuse_between_only(analysis, between_only, where)
    if wanted.time is not None:
        refuse_repeated_periods(rows, time=wanted.time, cluster=wanted.cluster, where=where)
    return _write_panel(
        analysis,
        table,
        wanted,
        rows=rows,
        all_rows=counts.rows,
        description=description,
        between_only=between_only,
        dropped=dropped,
    )


def _write_panel(
    analysis: Analysis,
    table: Table,
    wanted: Wanted,
    *,
    rows: nw.LazyFrame[Any],
    all_rows: int,
    description: Description,
    between_only: tuple[str, ...],
    dropped: tuple[str, ...],
) -> Panel:
    contrast, words = resolve_contrast(analysis, rows, description, table.name)
    spans = spans_contrast(analysis, description, contrast)
    columns = [position_column(i) for i in range(len(analysis.nodes))]
    return Panel(
        frame=rows.select(CLUSTER, *columns),
        nodes=tuple(node.name for node in analysis.nodes),
        rows=all_rows,
        rows_used=int(description.rows.sum()),
        clusters=tuple((label, int(n)) for label, n in zip(description.labels, description.rows, strict=True)),
        spans_contrast=spans,
        between_only=between_only,
        contrast=contrast,
        contrast_description=words,
        statistics=column_statistics(analysis.nodes, description),
        fingerprint=table.fingerprint(wanted),
        file=analysis.data.file or "" if table.name == analysis.data.file else "",
        cluster_column=analysis.data.cluster,
        warnings=dropped + warn_about_clusters(analysis, description, spans, contrast),
    )


def _wanted(analysis: Analysis) -> Wanted:
    return Wanted(
        numeric=tuple(node.column for node in analysis.nodes),
        cluster=analysis.data.cluster,
        time=analysis.data.time,
    )


def _uses(analysis: Analysis) -> list[tuple[str, str]]:
    uses = [(node.column, f"node {node.name!r}") for node in analysis.nodes]
    groupings = (("cluster", analysis.data.cluster), ("time", analysis.data.time))
    return uses + [(column, f"'{key}' under 'data'") for key, column in groupings if column is not None]


def _numbers_only(table: Table, wanted: Wanted) -> nw.LazyFrame[Any]:
    typed: Typed = table.read(wanted)
    if typed.bad is None:
        return typed.frame
    raise _bad_text(typed.bad, wanted, table.name)


def _bad_text(bad: BadText, wanted: Wanted, where: str) -> DataError:
    found = f"column {bad.column!r} holds {bad.value!r} in data row {bad.row}"
    if bad.column == wanted.time and bad.column not in wanted.numeric:
        return DataError(
            found,
            where=where,
            why="'time' is a whole number or a date (2020-01-31)",
            fix="Correct the values or leave 'time' out",
        )
    return DataError(
        found,
        where=where,
        why="Numbers belong there (with a point for decimals; true and false count as 1 and 0)",
        fix="Correct the value, or leave it empty where it is missing",
    )


def _refuse_unsupported(analysis: Analysis) -> None:
    data = analysis.data
    keys = {"nested_in": data.nested_in, "crossed_with": data.crossed_with, "unit": data.unit, "moments": data.moments}
    for key, value in keys.items():
        if value:
            raise UnsupportedError(
                f"'{key}' is not available in this version", where=f"{analysis.path}: data", fix=f"Leave '{key}' out"
            )
    columns: dict[str, str] = {}
    for node in analysis.nodes:
        if node.column in columns:
            raise DataError(
                f"nodes {columns[node.column]!r} and {node.name!r} read the same column {node.column!r}",
                where=str(analysis.path),
                why="Their influences cannot be told apart",
                fix="Give each node a column of its own",
            )
        columns[node.column] = node.name

"""The table of an analysis -> Rows: every check that needs rows, in a fixed number of passes.

A CSV file is parsed once, into numbers in a temporary file. Then one scan, the survey, counts rows and missing
values and finds the extremes of every column in every cluster; ``time`` adds one scan, for repeated periods, and
families other than gaussian add one for all values that they cannot take and few for warnings.
`causalcluster.moments.reduce_rows` adds one scan.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import narwhals as nw

from causalcluster.analysis.records import Analysis
from causalcluster.data.collection import count_where
from causalcluster.data.columns import CLUSTER, PERIOD, TIME, UNIT, further_columns, numeric_columns, position_column
from causalcluster.data.completeness import (
    count_values,
    handle_missing,
    keep_complete,
    refuse_empty,
    refuse_infinities,
    refuse_no_complete,
    refuse_unplaced,
)
from causalcluster.data.failures import reading
from causalcluster.data.family_values import refuse_impossible_values
from causalcluster.data.family_warnings import has_discrete_nodes, warn_about_families
from causalcluster.data.files import open_table
from causalcluster.data.frames import from_frame
from causalcluster.data.groups import find_groups
from causalcluster.data.periods import refuse_repeated_periods
from causalcluster.data.rows import Counts, Rows
from causalcluster.data.series import MOST_PERIODS, calendar, find_periods, number_periods, period_label, refuse_periods
from causalcluster.data.survey import Survey, first_columns, survey_rows
from causalcluster.data.table import BadText, Table, Typed, Wanted, refuse_missing_columns
from causalcluster.errors import DataError

_FURTHER = {"trials": "trials", "exposure": "exposure", "se": "standard errors"}
"""What messages call a node's further columns, by key."""


@contextmanager
def open_rows(analysis: Analysis, frame: Any = None) -> Iterator[Rows]:
    """Read and check the table of an analysis; its rows are there as long as the block runs.

    Under ``missing: model`` rows with missing values of nodes are accepted.

    Parameters
    ----------
    analysis
        The analysis.
    frame
        A pandas, Polars, DuckDB, PyArrow, PySpark or Dask table to use instead of the analysis' file.

    Yields
    ------
    Rows

    Raises
    ------
    InputError
        The table does not hold what the analysis needs, cannot be read to its end, or the disk is full.
    """
    _refuse_unsupported(analysis)
    wanted = _wanted(analysis)
    if frame is not None:
        table = from_frame(frame)
        with reading(table.name):
            yield _check_table(analysis, table, wanted)
        return
    expected = [column for column, _ in _uses(analysis)]
    with open_table(analysis.data, expected=expected) as table:
        yield _check_table(analysis, table, wanted)


def _check_table(analysis: Analysis, table: Table, wanted: Wanted) -> Rows:
    where = table.name
    refuse_missing_columns(table.columns, _uses(analysis), where)
    typed = _numbers_only(table, wanted)
    if wanted.cluster is None:
        typed = typed.with_columns(nw.lit("").alias(CLUSTER))
    marks = {column: own for column, own in wanted.labels if own != CLUSTER}
    marks |= {wanted.time: TIME} if wanted.time is not None else {}
    survey = survey_rows(typed, columns=len(wanted.numeric), marks=tuple(marks.values()))
    missing = {column: count_where(typed, nw.col(own).is_null()) for column, own in marks.items()}
    counts = count_values(survey, wanted, missing=missing)
    refuse_empty(counts, where)
    accepts_gaps = analysis.data.missing == "model"
    unsized = _unsized(analysis, wanted, counts) if accepts_gaps else ()
    if unsized:
        typed = _keep_sized(typed, analysis, wanted)
        survey = survey_rows(typed, columns=len(wanted.numeric), marks=tuple(marks.values()))
        counts = count_values(survey, wanted, missing=missing)
    refuse_infinities(typed, wanted, survey, where, table.locate)
    refuse_impossible_values(analysis, typed, survey, where)
    groupings = _groupings(analysis)
    if accepts_gaps:
        refuse_unplaced(counts, groupings, where)
        refuse_no_complete(counts, where)
    else:
        handle_missing(counts, missing=analysis.data.missing, groupings=groupings, where=where)
    complete = typed if counts.complete == counts.rows else keep_complete(typed, wanted)
    analysed = typed if accepts_gaps else complete
    warnings = _warn(analysis, analysed, survey, whole=analysed is typed, where=where)
    if wanted.time is not None:
        refuse_repeated_periods(analysed, wanted, where=where)
    typed, complete, periods, places = _number_periods(analysis, typed, complete, where)
    columns = [position_column(i) for i in range(len(wanted.numeric))]
    columns += ([UNIT] if wanted.unit is not None else []) + ([PERIOD] if periods else [])
    return Rows(
        frame=typed.select(CLUSTER, *columns),
        complete=complete.select(CLUSTER, *columns),
        survey=first_columns(survey, len(analysis.nodes)),
        counts=counts,
        name=where,
        file=analysis.data.file or "" if where == analysis.data.file else "",
        fingerprint=table.fingerprint(),
        warnings=(*unsized, *warnings),
        periods=periods,
        places=places,
        groups=find_groups(complete, wanted, nested=len(analysis.data.nested_in), where=where),
    )


def _number_periods(
    analysis: Analysis, typed: nw.LazyFrame[Any], complete: nw.LazyFrame[Any], where: str
) -> tuple[nw.LazyFrame[Any], nw.LazyFrame[Any], tuple[str, ...], tuple[int, ...]]:
    """Number the periods in all rows and in the complete ones, and return their labels and places in the calendar.

    Time effects, lags and panels of units, whose rows may share what a cluster and period has, need that; the placebo test
    of leads uses it where it is possible.
    """
    effects, lags = analysis.model.time_effects != "none", any(edge.lag for edge in analysis.edges)
    if analysis.data.time is None:
        return typed, complete, (), ()
    periods = find_periods(typed)
    if effects or lags or analysis.data.unit is not None:
        refuse_periods(periods, analysis.data.time, where, effects=effects, lags=lags)
    elif not 2 <= len(periods) <= MOST_PERIODS:
        return typed, complete, (), ()
    steps = calendar(periods)
    places = steps if lags else range(len(periods))
    added = number_periods(typed, periods, places)
    whole = added if complete is typed else number_periods(complete, periods, places)
    return added, whole, tuple(period_label(period) for period in periods), steps


def _unsized(analysis: Analysis, wanted: Wanted, counts: Counts) -> tuple[str, ...]:
    """Return a warning where further columns have gaps: such rows say nothing about their node."""
    gaps = {column: counts.missing[column] for column in wanted.numeric[len(analysis.nodes) :] if counts.missing[column]}
    listed = ", ".join(f"{count} in {column!r}" for column, count in gaps.items())
    named = {column: key for node in analysis.nodes for key, column in further_columns(node)}
    keys = [_FURTHER[key] for key in dict.fromkeys(named[column] for column in gaps)]
    return (f"rows without {' or '.join(keys)} are left out ({listed})",) if gaps else ()


def _keep_sized(frame: nw.LazyFrame[Any], analysis: Analysis, wanted: Wanted) -> nw.LazyFrame[Any]:
    positions = range(len(analysis.nodes), len(wanted.numeric))
    return frame.filter(nw.all_horizontal(*(~nw.col(position_column(i)).is_null() for i in positions), ignore_nulls=False))


def _warn(analysis: Analysis, analysed: nw.LazyFrame[Any], survey: Survey, *, whole: bool, where: str) -> tuple[str, ...]:
    """Return what is to be said of discrete nodes; ``whole`` where the survey is of the very rows that are analysed."""
    if not has_discrete_nodes(analysis):
        return ()
    own = survey if whole else survey_rows(analysed, columns=len(analysis.nodes))
    return warn_about_families(analysis, analysed, own, where)


def _wanted(analysis: Analysis) -> Wanted:
    return Wanted(
        numeric=numeric_columns(analysis),
        cluster=analysis.data.cluster,
        time=analysis.data.time,
        unit=analysis.data.unit,
        outer=(*analysis.data.nested_in, *analysis.data.crossed_with),
    )


def _groupings(analysis: Analysis) -> dict[str, str | None]:
    """Return the columns that say where a row belongs, by what they are called in messages."""
    data = analysis.data
    own = {"cluster": data.cluster, "unit": data.unit, "time": data.time}
    outer = {f"nested_in[{k}]": name for k, name in enumerate(data.nested_in)}
    return own | outer | {f"crossed_with[{k}]": name for k, name in enumerate(data.crossed_with)}


def _uses(analysis: Analysis) -> list[tuple[str, str]]:
    uses = [
        (node.column, f"node {node.name!r}" if node.measures is None else f"indicator of node {node.measures!r}")
        for node in analysis.nodes
    ]
    for node in analysis.nodes:
        uses += [(column, f"{_FURTHER[key]} of node {node.name!r}") for key, column in further_columns(node)]
    named = _groupings(analysis).items()
    return uses + [(column, f"'{key.partition('[')[0]}' under 'data'") for key, column in named if column is not None]


def _numbers_only(table: Table, wanted: Wanted) -> nw.LazyFrame[Any]:
    typed: Typed = table.read(wanted)
    if typed.bad is None:
        return typed.frame
    raise _bad_text(typed.bad, wanted, table)


def _bad_text(bad: BadText, wanted: Wanted, table: Table) -> DataError:
    where, row = table.locate(bad.row) if bad.row is not None else (table.name, None)
    place = f" in data row {row}" if row is not None else ""
    found = f"column {bad.column!r} holds {bad.value!r}{place}"
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
    columns: dict[str, str] = {}
    for node in analysis.nodes:
        if node.measures is not None and columns.get(node.column) == node.measures:
            continue
        if node.column in columns:
            raise DataError(
                f"nodes {columns[node.column]!r} and {node.name!r} read the same column {node.column!r}",
                where=str(analysis.path),
                why="Their influences cannot be told apart",
                fix="Give each node a column of its own",
            )
        columns[node.column] = node.name
        for key, column in further_columns(node):
            if column == node.column:
                raise DataError(
                    f"node {node.name!r} and its {_FURTHER[key]} read the same column {column!r}",
                    where=str(analysis.path),
                    fix=f"Name the column of the {_FURTHER[key]} under '{key}' and the node's own under 'column'",
                )

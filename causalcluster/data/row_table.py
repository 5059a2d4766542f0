"""Rows -> RowTable: the complete rows as arrays, equal ones once, for likelihoods that need rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis, Node, node_by_name
from causalcluster.data.collection import collect_sums
from causalcluster.data.columns import CLUSTER, PERIOD, engine_column, further_columns
from causalcluster.data.labels import sort_labels
from causalcluster.data.rows import Rows
from causalcluster.data.series import period_columns
from causalcluster.errors import DataError

Floats = NDArray[np.float64]

_WEIGHT = "weight"
_NO_VALUE = 9.0e299
"""Stands for a missing value inside the engine; values so large are refused before (`LARGEST` in `completeness`)."""
_WORTHWHILE = 0.5
"""Rows are collapsed where at most this share of them are distinct."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Measured values of k nodes, in the user's units, and the precision of their errors.

    Attributes
    ----------
    nodes
        The nodes that were measured.
    value
        (row, k) the measured values; NaN where there are none.
    precision
        (row, k, k) inverse covariances of their errors; 0 where there is no measurement.
    """

    nodes: tuple[str, ...]
    value: Floats
    precision: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowTable:
    """Rows in memory, sorted by cluster and, inside, by values: the same for every engine and order of rows.

    They are complete unless others were asked for.

    Attributes
    ----------
    clusters
        Labels, in the order that all stages share; without a cluster column one, ''.
    cluster
        Position of each row's label in ``clusters`` (row,), ascending.
    columns
        By node, in the user's units (row,); with time effects also zeros and ones by period, 'year=1981'.
    trials
        By binomial node (row,).
    exposure
        By poisson or negative binomial node that has one (row,).
    weight
        How many rows of the table each stands for (row,): 1 everywhere unless at most half of them are distinct.
    readings
        What is seen of nodes whose own values are not; None where there are no such nodes.
    """

    clusters: tuple[str, ...]
    cluster: NDArray[np.int64]
    columns: Mapping[str, Floats]
    trials: Mapping[str, Floats]
    exposure: Mapping[str, Floats]
    weight: Floats
    readings: Readings | None = None


def take_rows(analysis: Analysis, rows: Rows, nodes: Sequence[str], *, incomplete: bool = False) -> RowTable:
    """Bring the complete rows of some nodes here, with their trials and exposures, in one query.

    Complete are rows without a missing value in any node's column, trials or exposure. The engine that holds them
    merges equal rows, so that of a table of few distinct rows only these are moved.

    Parameters
    ----------
    analysis
        The analysis.
    rows
        From `causalcluster.data.open_rows`, whose block has not ended.
    nodes
        Names of nodes.
    incomplete
        Also bring the rows in which nodes have no value; it is NaN there.

    Returns
    -------
    RowTable

    Raises
    ------
    DataError
        The table changed since it was opened.

    Examples
    --------
    >>> from causalcluster import parse_analysis, simulate
    >>> from causalcluster.data import open_rows
    >>> made = simulate("linear", clusters=3, rows=20, seed=1)
    >>> analysis = parse_analysis(made.analysis_text, path="analysis.yaml")
    >>> with open_rows(analysis, made.table) as rows:
    ...     table = take_rows(analysis, rows, ["law", "wage"])
    >>> len(table.clusters), int(table.weight.sum()) == len(made.table)
    (3, True)
    """
    records = [node_by_name(analysis, name) for name in dict.fromkeys(nodes)]
    keys = _engine_columns(analysis, records)
    timed = analysis.model.time_effects != "none"
    frame, expected = (rows.frame, rows.counts.rows) if incomplete else (rows.complete, rows.counts.complete)
    if incomplete:
        # Engines differ in how they group missing values.
        frame = frame.with_columns(nw.col(key).fill_null(_NO_VALUE) for key in keys)
    keys += [PERIOD] if timed else []
    grouped = frame.group_by(CLUSTER, *keys).agg(nw.len().alias(_WEIGHT))
    found = collect_sums(grouped)
    labels = [str(label) for label in found[CLUSTER].to_list()]
    clusters = tuple(sort_labels(list(dict.fromkeys(labels))))
    code = {label: position for position, label in enumerate(clusters)}
    # Adding zero turns -0.0 into 0.0, of which engines keep either.
    values = {key: np.asarray(found[key].to_numpy(), dtype=np.float64) + 0.0 for key in keys}
    cluster = np.array([code[label] for label in labels], dtype=np.int64)
    weight = np.asarray(found[_WEIGHT].to_numpy(), dtype=np.float64)
    _refuse_changed(int(weight.sum()), expected, rows)
    cluster, values, weight = _arrange(cluster, values, weight)
    values = {key: np.where(column == _NO_VALUE, np.nan, column) for key, column in values.items()}
    return RowTable(
        clusters=clusters,
        cluster=cluster,
        columns={node.name: values[engine_column(analysis, node.column)] for node in records}
        | (_period_values(analysis, values[PERIOD], rows.periods) if timed else {}),
        trials={node.name: values[engine_column(analysis, node.trials)] for node in records if node.trials is not None},
        exposure={
            node.name: values[engine_column(analysis, node.exposure)] for node in records if node.exposure is not None
        },
        weight=weight,
        readings=_readings(analysis, records, values),
    )


def _readings(analysis: Analysis, nodes: Sequence[Node], values: Mapping[str, Floats]) -> Readings | None:
    """Return the values of nodes that have standard errors; errors of different nodes are independent."""
    found = [(node, node.se) for node in nodes if node.se is not None]
    if not found:
        return None
    value = np.column_stack([values[engine_column(analysis, node.column)] for node, _ in found])
    error = np.column_stack([values[engine_column(analysis, se)] for _, se in found])
    precision = np.where(np.isnan(value), 0.0, error**-2.0)
    return Readings(
        nodes=tuple(node.name for node, _ in found),
        value=value,
        precision=precision[:, :, None] * np.eye(len(found)),
    )


def _period_values(analysis: Analysis, place: Floats, labels: Sequence[str]) -> dict[str, Floats]:
    """Return the periods' columns of zeros and ones."""
    names = period_columns(analysis.model.time_effects, analysis.data.time, labels)
    first = len(labels) - len(names)
    return {name: (place == first + k).astype(float) for k, name in enumerate(names)}


def select_rows(table: RowTable, keep: NDArray[np.bool_] | NDArray[np.int64]) -> RowTable:
    """Return the rows where ``keep`` (row,) is true, or those at the places that it lists."""
    return replace(
        table,
        cluster=table.cluster[keep],
        columns={name: values[keep] for name, values in table.columns.items()},
        trials={name: values[keep] for name, values in table.trials.items()},
        exposure={name: values[keep] for name, values in table.exposure.items()},
        weight=table.weight[keep],
        readings=None
        if table.readings is None
        else replace(table.readings, value=table.readings.value[keep], precision=table.readings.precision[keep]),
    )


def _engine_columns(analysis: Analysis, nodes: Sequence[Node]) -> list[str]:
    """Return the engine's columns to sort by: those of the nodes, then further ones."""
    named = [node.column for node in nodes]
    named += [column for node in nodes for _, column in further_columns(node)]
    return [engine_column(analysis, column) for column in dict.fromkeys(named)]


def _arrange(
    cluster: NDArray[np.int64], values: Mapping[str, Floats], weight: Floats
) -> tuple[NDArray[np.int64], dict[str, Floats], Floats]:
    """Sort rows, and merge equal ones or write each out as often as it occurs, whichever is worthwhile."""
    keys = [cluster, *values.values()]
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(new)
    total = np.add.reduceat(weight[order], starts) if len(starts) else weight
    chosen = order[starts]
    if len(chosen) > _WORTHWHILE * total.sum():
        chosen = np.repeat(chosen, total.astype(np.int64))
        total = np.ones(len(chosen))
    return cluster[chosen], {key: column[chosen] for key, column in values.items()}, total


def _refuse_changed(found: int, expected: int, rows: Rows) -> None:
    if found != expected:
        raise DataError(
            f"the table changed while it was read: {expected} rows at first, {found} later",
            where=rows.name,
            why="What was checked is not what would be analysed",
            fix="Run again on a table that stays as it is",
        )

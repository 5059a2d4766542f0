"""Patterns of missing values: which nodes a row has no value for."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.data import Counts, Rows, position_column
from causalcluster.errors import UnsupportedError
from causalcluster.moments.records import Pattern

PATTERN = "pattern"
"""Column with the pattern as a whole number: bit k is set where the k-th node with gaps is missing."""

MOST = 62
"""Columns with missing values whose patterns one whole number tells apart."""


def mark_patterns(rows: Rows, nodes: Sequence[str]) -> tuple[nw.LazyFrame[Any], list[str]]:
    """Return the rows with missing values and their `PATTERN`, and the nodes with gaps in the order of its bits."""
    present = rows.survey.present.sum(axis=0)
    gaps = [i for i in range(len(nodes)) if present[i] < rows.counts.rows]
    if len(gaps) > MOST:
        raise UnsupportedError(
            f"{len(gaps)} nodes have missing values; moments by pattern of more than {MOST} are not available",
            where=rows.name,
            fix="Set 'missing: drop' under 'data'",
        )
    return number_patterns(rows.frame, gaps).filter(nw.col(PATTERN) > 0), [nodes[i] for i in gaps]


def number_patterns(frame: nw.LazyFrame[Any], positions: Sequence[int]) -> nw.LazyFrame[Any]:
    """Add `PATTERN`, whose bits are the columns at ``positions`` in which a row has no value."""
    bits = [nw.col(position_column(i)).is_null().cast(nw.Int64) * 2**k for k, i in enumerate(positions)]
    return frame.with_columns(sum(bits[1:], start=bits[0]).alias(PATTERN))


def absent_names(code: int, names: Sequence[str]) -> list[str]:
    """Return which of the columns, in the order of the bits, a pattern has no values of."""
    return [name for k, name in enumerate(names) if code >> k & 1]


def count_records(analysis: Analysis, table: xr.Dataset, incomplete: Sequence[Pattern]) -> Counts:
    """Return the counts of the rows behind moments by pattern."""
    missing = {node.column: 0 for node in analysis.nodes}
    columns = {node.name: node.column for node in analysis.nodes}
    complete = int(table["n"].sum())
    labels, rows = {str(label) for label in table["cluster"].values}, complete
    for pattern in incomplete:
        size = int(pattern.table["n"].sum())
        rows += size
        labels |= {str(label) for label in pattern.table["cluster"].values}
        for node in pattern.missing:
            missing[columns[node]] += size
    for column in (analysis.data.cluster, analysis.data.time):
        if column is not None:
            missing[column] = 0
    return Counts(rows=rows, clusters=len(labels), missing=missing, complete=complete)

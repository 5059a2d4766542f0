"""Moments of every column over the rows in which it has a value: what is known of a panel with gaps, column by column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.moments.labels import sort_labels
from causalcluster.moments.pooled import within_squares
from causalcluster.moments.pooling import pool_records
from causalcluster.moments.records import Moments, Pattern
from causalcluster.moments.units import are_absorbed

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingColumn:
    """How much of a node is missing, and where.

    Attributes
    ----------
    node, column
        The node and its column.
    missing, rows
        Rows without a value, and rows in all.
    clusters
        Labels of the clusters in which some value is missing.
    empty
        Labels of the clusters in which every value is missing.
    """

    node: str
    column: str
    missing: int
    rows: int
    clusters: tuple[str, ...]
    empty: tuple[str, ...]


def available_table(moments: Moments) -> xr.Dataset:
    """Return the moments of each node over the rows in which it has a value, as if all rows of the cluster had one.

    Means are those of the values present. Sums of squares are scaled up to the rows of the cluster, so that pooled
    standard deviations are those of the values present. In a cluster without any value a node has the pooled mean and
    the pooled variance. Products of two nodes are not among them. Without gaps it is the moments' own table.

    Returns
    -------
    xr.Dataset
        As ``table`` of `Moments`, of the nodes, with ``present`` (cluster, column) and without ``cross`` between nodes.
    """
    if not moments.incomplete:
        return moments.table
    nodes = [*(item.node for item in moments.columns), *moments.periods]
    return available_columns(nodes, moments.table, moments.incomplete)


def analysed_table(moments: Moments) -> xr.Dataset:
    """Return `available_table` with the sums of products that the likelihood reads: inside units where these are absorbed.

    Units are absorbed where some unit has more than one row; otherwise what is theirs is part of the errors.
    """
    table = available_table(moments)
    if not absorbs_units(moments):
        return table
    return table.assign(cross=table["cross_units"])


def absorbs_units(moments: Moments) -> bool:
    """Whether the units' means are taken out."""
    return are_absorbed(moments.table)


def available_columns(nodes: Sequence[str], table: xr.Dataset, incomplete: Sequence[Pattern]) -> xr.Dataset:
    """Return `available_table` of some nodes, from the moments of complete rows and those by pattern."""
    tables = [table, *(pattern.table for pattern in incomplete)]
    labels = sort_labels(list({str(label) for part in tables for label in part["cluster"].values}))
    rows = np.sum([part["n"].reindex(cluster=labels, fill_value=0).values for part in tables], axis=0)
    found = [_complete(_of_node(tables, node).reindex(cluster=labels), rows) for node in nodes]
    cross = np.zeros((len(labels), len(nodes), len(nodes)))
    places = np.arange(len(nodes))
    cross[:, places, places] = np.stack([item["squares"] for item in found], axis=1)
    by_column = {name: np.stack([item[name] for item in found], axis=1) for name in found[0] if name != "squares"}
    out = xr.Dataset(
        {
            "n": ("cluster", rows.astype(np.int64)),
            "cross": (("cluster", "column", "column_2"), cross),
            **{name: (("cluster", "node" if name in _ENDS else "column"), value) for name, value in by_column.items()},
        },
        coords={"cluster": labels, "column": list(nodes), "column_2": list(nodes), "node": list(nodes)},
    )
    for name in ("reaches_low", "reaches_high"):
        known = [part[name].reindex(cluster=labels, fill_value=False).values for part in tables if name in part]
        if known:
            out[name] = ("cluster", np.any(known, axis=0))
    return out


_ENDS = ("minimum", "maximum")


def _of_node(tables: Sequence[xr.Dataset], node: str) -> xr.Dataset:
    """Return the moments of one node by cluster, over the tables that have it."""
    own = []
    for table in tables:
        if node in table["column"].values:
            part = table.sel(column=[node], column_2=[node])
            part = part.sel(node=[node]) if "node" in part.dims else part
            own.append(part.drop_vars([name for name in ("reaches_low", "reaches_high") if name in part]))
    return pool_records(own)


def _complete(found: xr.Dataset, rows: Floats) -> dict[str, Floats]:
    """Scale up to all rows of the clusters; those without any value get the pooled mean and variance."""
    count = np.nan_to_num(found["n"].values.astype(float))
    mean, squares = found["mean"].values[:, 0], np.nan_to_num(within_squares(found).values[:, 0])
    there, freedom = count > 0, np.maximum(count - 1.0, 0.0)
    base = mean[there][0]
    pooled = base + float((count[there] * (mean[there] - base)).sum() / count.sum())
    variance = float(squares.sum()) / max(float(freedom.sum()), 1.0)
    missing_all = variance * np.maximum(rows - 1.0, 0.0)
    scaled = squares * np.divide(rows - 1.0, freedom, out=np.ones_like(freedom), where=freedom > 0.0)
    kept = {
        "present": count,
        "mean": np.where(there, mean, pooled),
        "mean_rest": np.nan_to_num(found["mean_rest"].values[:, 0]),
        "reference": np.where(there, mean, pooled),
        "squares": np.where(there, scaled, missing_all),
    }
    return kept | {name: found[name].values[:, 0] for name in _ENDS if name in found}


def missing_columns(moments: Moments) -> tuple[MissingColumn, ...]:
    """Return how much is missing of every node that has gaps, in the order of the nodes."""
    if not moments.incomplete:
        return ()
    table = available_table(moments)
    rows, found = table["n"].values, []
    for item in moments.columns:
        gaps = rows - table["present"].sel(column=item.node).values
        if gaps.any():
            labels = [str(label) for label in table["cluster"].values]
            found.append(
                MissingColumn(
                    node=item.node,
                    column=item.column,
                    missing=int(gaps.sum()),
                    rows=int(rows.sum()),
                    clusters=tuple(label for label, gap in zip(labels, gaps, strict=True) if gap),
                    empty=tuple(label for label, gap, n in zip(labels, gaps, rows, strict=True) if n and gap == n),
                )
            )
    return tuple(found)

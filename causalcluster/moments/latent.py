"""Nodes that indicators measure: their own values are nowhere seen."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import xarray as xr

from causalcluster.data import RowTable
from causalcluster.moments.records import Moments, Pattern, product_name


def hide_nodes(moments: Moments, hidden: Collection[str]) -> Moments:
    """Return moments in which some nodes have no value in any row.

    The reader takes the column of a node's first indicator for the node's own, which gives it its unit and place; no
    likelihood may read it.

    Parameters
    ----------
    moments
        With that column.
    hidden
        The nodes.

    Returns
    -------
    Moments
        Whose complete rows are a pattern of missing values, so that there are none in ``table``.
    """
    if not hidden:
        return moments
    whole = Pattern(missing=(), table=moments.table)
    patterns = tuple(_hide(moments, pattern, hidden) for pattern in (whole, *moments.incomplete))
    return replace(moments, table=moments.table.isel(cluster=slice(0, 0)), incomplete=patterns)


def _hide(moments: Moments, pattern: Pattern, hidden: Collection[str]) -> Pattern:
    products = [product_name(factors) for factors in moments.products if not set(factors).isdisjoint(hidden)]
    out = {*hidden, *products}
    table: xr.Dataset = pattern.table
    kept = {
        dim: [name for name in table[dim].values if name not in out]
        for dim in ("column", "column_2", "node")
        if dim in table.dims
    }
    nodes = [item.node for item in moments.columns]
    missing = sorted({*pattern.missing, *hidden}, key=nodes.index)
    return Pattern(missing=tuple(missing), table=table.sel(kept))


def hide_values(rows: RowTable, hidden: Collection[str]) -> RowTable:
    """Return rows in which some nodes have no value."""
    columns = {name: np.full_like(values, np.nan) if name in hidden else values for name, values in rows.columns.items()}
    return replace(rows, columns=columns)

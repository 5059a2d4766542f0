"""Moments over all clusters."""

import numpy as np
import xarray as xr


def pooled_mean(table: xr.Dataset) -> xr.DataArray:
    """Return the mean over all rows (column,)."""
    # Around one cluster's mean, so that a large common level costs no digits.
    base = table["mean"].isel(cluster=0, drop=True)
    rest = table.get("mean_rest", 0.0)
    offset = (table["n"] * ((table["mean"] - base) + rest)).sum("cluster") / table["n"].sum()
    pooled: xr.DataArray = base + offset
    return pooled


def within_squares(table: xr.Dataset) -> xr.DataArray:
    """Return the sums of squares around cluster means (cluster, column)."""
    cross = table["cross"].transpose("cluster", "column", "column_2").values
    squares = np.diagonal(cross, axis1=1, axis2=2)
    coords = {"cluster": table["cluster"].values, "column": table["column"].values}
    return xr.DataArray(squares, dims=("cluster", "column"), coords=coords)


def pooled_within_sd(table: xr.Dataset) -> xr.DataArray:
    """Return the standard deviation inside clusters (column,), pooled over ``rows - clusters``.

    It is 0 where every cluster has one row.
    """
    dof = max(int((table["n"] - 1).sum()), 1)
    variance: xr.DataArray = within_squares(table).sum("cluster") / dof
    return variance**0.5


def between_sd(table: xr.Dataset) -> xr.DataArray:
    """Return the standard deviation of the cluster means (column,); 0 with one cluster."""
    means = table["mean"] - table["mean"].isel(cluster=0, drop=True)
    spread: xr.DataArray = means.std("cluster", ddof=1) if table.sizes["cluster"] > 1 else 0.0 * means.sum("cluster")
    return spread

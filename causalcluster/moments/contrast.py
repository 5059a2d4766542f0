"""Both ends of the question's contrast in the treatment's own units, and which clusters reach them."""

from typing import Any

import narwhals as nw
import xarray as xr

from causalcluster.analysis.records import Contrast
from causalcluster.moments.pooled import pooled_mean, pooled_within_sd
from causalcluster.moments.quantiles import find_quantiles


def resolve_contrast(
    contrast: Contrast, treatment: str, table: xr.Dataset, rows: nw.LazyFrame[Any], column: str, count: int
) -> tuple[float, float]:
    """Return both ends in the treatment's units.

    Parameters
    ----------
    contrast
        ``values`` are taken as they are, ``sd`` is algebra on the moments, ``quantiles`` are those of all rows,
        interpolated linearly.
    treatment
        The node.
    table
        Moments of the rows in which it has a value.
    rows, column, count
        These rows, the engine's name of the treatment's column, and how many they are.
    """
    if contrast.kind == "quantiles":
        low, high = find_quantiles(rows, column, (contrast.low, contrast.high), rows=count)
        return low, high
    return moment_contrast(contrast, treatment, table)


def moment_contrast(contrast: Contrast, treatment: str, table: xr.Dataset) -> tuple[float, float]:
    """Return both ends of a contrast that needs no rows.

    ``sd`` runs from the pooled mean to the mean plus so many within-cluster standard deviations.
    """
    if contrast.kind == "values":
        return float(contrast.low), float(contrast.high)
    mean = float(pooled_mean(table).sel(column=treatment))
    sd = float(pooled_within_sd(table).sel(column=treatment))
    return mean + contrast.low * sd, mean + contrast.high * sd


def describe_contrast(asked: Contrast, ends: tuple[float, float]) -> str:
    """Return the contrast in words."""
    low, high = ends
    if asked.kind == "values":
        return f"from {low:g} to {high:g}"
    if asked.kind == "sd":
        times = asked.high - asked.low
        return f"from the pooled mean, {low:.6g}, up by {times:g} within-cluster standard deviation(s), to {high:.6g}"
    return f"from the {asked.low:g} quantile, {low:.6g}, to the {asked.high:g} quantile, {high:.6g}"


def add_reach(table: xr.Dataset, treatment: str, ends: tuple[float, float]) -> xr.Dataset:
    """Add for each cluster whether some of its rows lie at or beyond each end of the contrast."""
    low, high = min(ends), max(ends)
    return table.assign(
        reaches_low=table["minimum"].sel(node=treatment, drop=True) <= low,
        reaches_high=table["maximum"].sel(node=treatment, drop=True) >= high,
    )

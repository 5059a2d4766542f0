"""Means, spreads and extremes of every node over all clusters."""

import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.moments.pooled import between_sd, pooled_mean, pooled_within_sd
from causalcluster.panel.records import ColumnStatistics


def column_statistics(analysis: Analysis, table: xr.Dataset) -> tuple[ColumnStatistics, ...]:
    """Return one record per node."""
    means, within, between = pooled_mean(table), pooled_within_sd(table), between_sd(table)
    return tuple(
        ColumnStatistics(
            node=node.name,
            column=node.column,
            label=node.label,
            mean=float(means.sel(column=node.name)),
            sd_within=float(within.sel(column=node.name)),
            sd_between=float(between.sel(column=node.name)),
            minimum=float(table["minimum"].sel(node=node.name).min()) if "minimum" in table else None,
            maximum=float(table["maximum"].sel(node=node.name).max()) if "maximum" in table else None,
        )
        for node in analysis.nodes
    )

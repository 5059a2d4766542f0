"""Moments to the facts that design, model and reports read."""

from causalcluster.panel.describe import describe_panel
from causalcluster.panel.means import Means, take_means, treats_clusters
from causalcluster.panel.records import ColumnStatistics, Panel
from causalcluster.panel.variation import constant_inside_clusters

__all__ = [
    "ColumnStatistics",
    "Means",
    "Panel",
    "constant_inside_clusters",
    "describe_panel",
    "take_means",
    "treats_clusters",
]

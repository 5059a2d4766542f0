"""Moments to the facts that design, model and reports read."""

from causalcluster.panel.describe import describe_panel
from causalcluster.panel.records import ColumnStatistics, Panel

__all__ = ["ColumnStatistics", "Panel", "describe_panel"]

"""Tables to a validated panel."""

from causalcluster.data.files import open_table
from causalcluster.data.frames import from_frame
from causalcluster.data.load import load_panel
from causalcluster.data.panel import CLUSTER, ColumnStatistics, Panel, engine_column
from causalcluster.data.table import Table

__all__ = [
    "CLUSTER",
    "ColumnStatistics",
    "Panel",
    "Table",
    "engine_column",
    "from_frame",
    "load_panel",
    "open_table",
]

"""Tables to validated, typed rows."""

from causalcluster.data.columns import CLUSTER, PERIOD, UNIT, position_column
from causalcluster.data.files import find_files, open_table
from causalcluster.data.frames import from_frame
from causalcluster.data.read import open_rows
from causalcluster.data.row_table import Readings, RowTable, select_rows, take_rows
from causalcluster.data.rows import Counts, Rows
from causalcluster.data.survey import Survey, survey_rows
from causalcluster.data.table import Table

__all__ = [
    "CLUSTER",
    "PERIOD",
    "UNIT",
    "Counts",
    "Readings",
    "RowTable",
    "Rows",
    "Survey",
    "Table",
    "find_files",
    "from_frame",
    "open_rows",
    "open_table",
    "position_column",
    "select_rows",
    "survey_rows",
    "take_rows",
]

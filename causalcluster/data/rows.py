"""Rows: the validated, typed table of an analysis, not yet reduced."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from causalcluster.data.groups import Grouping
from causalcluster.data.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows and clusters of the table, missing values by the user's column name, and rows without any."""

    rows: int
    clusters: int
    missing: Mapping[str, int]
    complete: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """A table whose values passed every check that needs rows.

    Attributes
    ----------
    frame
        Lazy frame with the text column `CLUSTER`, where the analysis has them `UNIT` and `PERIOD`, and Float64 columns
        ``x0``, ``x1``, ...: one per node in the order of the analysis' nodes, then trials and exposures
        (`causalcluster.data.columns.numeric_columns`); missing values are nulls, no value is infinite, and all are
        values that the node's family can take.
    complete
        Its rows without any missing value.
    survey
        Rows, values present and extremes of the nodes' columns by cluster, of all rows.
    counts
        What is there and what is missing.
    name
        What messages call the table.
    file
        Absolute path or glob; empty for a frame.
    fingerprint
        'sha256:...' of a file's bytes; empty for a frame, whose moments are hashed instead.
    warnings
        Sentences on what the families of nodes meet in the data.
    periods
        Labels of the periods in order, where there are at least two and not too many.
    places
        How many steps of the calendar after the first each of them lies.
    groups
        Groups of clusters, level by level.
    """

    frame: nw.LazyFrame[Any]
    complete: nw.LazyFrame[Any]
    survey: Survey
    counts: Counts
    name: str
    file: str
    fingerprint: str
    warnings: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    groups: tuple[Grouping, ...] = ()

"""Moments: what a table is reduced to, and all that later stages need to know about it."""

from dataclasses import dataclass
from typing import Literal

import xarray as xr

from causalcluster.analysis.records import Contrast
from causalcluster.data.groups import Grouping
from causalcluster.data.rows import Counts
from causalcluster.moments.cells import Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A node and the column of the user's table behind it."""

    node: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """Moments of the rows in which the values of some nodes, and of these alone, are missing.

    Attributes
    ----------
    missing
        The nodes without a value.
    table
        As in `Moments`, of the nodes with a value and products of them; ``reaches_low`` and ``reaches_high`` only
        where the treatment has a value.
    """

    missing: tuple[str, ...]
    table: xr.Dataset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LagMoments:
    """What lagged edges need of a table.

    Attributes
    ----------
    tables
        Moments by cluster of the rows in which some columns of earlier values ('wage@1'), and these alone, are missing; as
        ``table`` of `Moments`, of the nodes and of the columns that are there.
    first
        Values of the nodes in each cluster's first period (cluster, column).
    """

    tables: tuple[xr.Dataset, ...]
    first: xr.DataArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """A table reduced to sufficient statistics.

    Attributes
    ----------
    table
        Of the complete rows: ``n`` (cluster), ``mean`` (cluster, column), ``mean_rest`` (cluster, column), what
        rounding the mean to a double left out, ``cross`` (cluster, column, column_2), the sums of squares and
        products around the cluster's means, ``reference`` (cluster, column), ``reaches_low`` and ``reaches_high``
        (cluster), whether some row lies at or beyond that end of the contrast, and, where the rows were at hand,
        ``minimum`` and ``maximum`` (cluster, node); with units ``units``, ``cross_units`` and ``longest``
        (`causalcluster.moments.units.add_units`). All in the user's units. ``column`` holds nodes and products,
        called 'law * enforcement', which are of the factors' deviations from ``reference``: the cluster's means, as
        doubles, and 0 for the products themselves. Clusters are sorted.
    incomplete
        Moments of rows with missing values, where they were asked for.
    columns
        The nodes and their columns, in the analysis' order.
    products
        Products of nodes, as tuples of their factors.
    counts
        Rows and missing values of the table.
    asked
        The contrast as the analysis asks for it.
    contrast
        Its two ends in the treatment's units.
    treatment
        The node whose contrast it is.
    cluster_column, time_column
        Names in the user's table, or None.
    missing
        The analysis' policy.
    name
        What messages call the table or file.
    file
        Absolute path or glob; empty for a frame.
    fingerprint
        'sha256:...' of the file's bytes, or of a frame's moments.
    min_cell
        Records with fewer rows were left out, of pooled moments in some of them; None where there was no such limit.
    dropped, thinned
        Clusters of which no record is left, and clusters of which some are, sorted; known where the rows were at hand.
    n_dropped, n_thinned
        How many they are.
    warnings
        Sentences for the user.
    periods
        Columns of the table that are those of periods, 'year=1981'.
    groups
        Groups of clusters, level by level.
    cells
        What rows of one cluster and period share, where some node does not vary among them.
    lags
        Moments together with values of earlier periods, where edges have lags.
    """

    table: xr.Dataset
    incomplete: tuple[Pattern, ...] = ()
    columns: tuple[Column, ...]
    products: tuple[tuple[str, ...], ...]
    counts: Counts
    asked: Contrast
    contrast: tuple[float, float]
    treatment: str
    cluster_column: str | None
    time_column: str | None
    missing: Literal["model", "drop", "error"]
    name: str
    file: str
    fingerprint: str
    min_cell: int | None = None
    dropped: tuple[str, ...] = ()
    n_dropped: int = 0
    thinned: tuple[str, ...] = ()
    n_thinned: int = 0
    warnings: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    groups: tuple[Grouping, ...] = ()
    cells: Cells | None = None
    lags: LagMoments | None = None


def product_name(factors: tuple[str, ...]) -> str:
    """Return the name of a product of nodes, 'law * enforcement'."""
    return " * ".join(factors)

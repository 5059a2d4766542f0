"""Panel: the facts about the data that later stages and reports read."""

from dataclasses import dataclass

from causalcluster.moments.available import MissingColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    """One node's column over the rows that are used, in the user's units.

    ``sd_within`` pools deviations from cluster means over ``rows - clusters`` degrees of freedom;
    ``sd_between`` is the standard deviation of the cluster means (0 with one cluster). The extremes are None where
    they are not known: moments files hold none.
    """

    node: str
    column: str
    label: str
    mean: float
    sd_within: float
    sd_between: float
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many clusters, and how many rows in them, have data that span what an intervention sets.

    Attributes
    ----------
    node, value
        The treatment, with None for both ends of the contrast; or a node and the value of ``fix`` at which it is held.
    clusters, rows
        In all.
    clusters_spanning, rows_spanning
        Of those; None where extremes are not known, as of moments files.
    """

    node: str
    value: float | None
    clusters: int
    rows: int
    clusters_spanning: int | None
    rows_spanning: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Positivity:
    """Coverage of the contrast, and of every value of ``fix``."""

    contrast: Coverage
    fixed: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The facts about a table that passed every check.

    Attributes
    ----------
    nodes
        Node names in the analysis file's order.
    rows, rows_used
        Rows of the table, and rows left after those that cannot be used were dropped.
    clusters
        Label and number of used rows of each cluster, sorted: numeric labels by value, others by code point.
        Without a cluster column there is one cluster labelled ''.
    spans_contrast
        For each cluster, whether its own rows reach both ends of the contrast.
    positivity
        How much of the data spans the contrast and the values of ``fix``.
    between_only
        Nodes that are constant inside every cluster: cluster intercepts absorb what they do.
    contrast
        The two ends of the contrast in the treatment's units.
    contrast_description
        The contrast in words.
    statistics
        One record per node.
    fingerprint
        'sha256:...' of the file's bytes, or of a frame's moments.
    file
        Absolute path or glob; empty for a frame.
    cluster_column
        Name of the cluster column in the user's table, or None.
    warnings
        Sentences for the user.
    missing
        How much is missing of every node with gaps that were kept.
    """

    nodes: tuple[str, ...]
    rows: int
    rows_used: int
    clusters: tuple[tuple[str, int], ...]
    spans_contrast: tuple[bool, ...]
    positivity: Positivity
    between_only: tuple[str, ...]
    contrast: tuple[float, float]
    contrast_description: str
    statistics: tuple[ColumnStatistics, ...]
    fingerprint: str
    file: str
    cluster_column: str | None
    warnings: tuple[str, ...]
    missing: tuple[MissingColumn, ...] = ()

"""Moments -> Panel: every check that the moments decide, wherever they come from."""

from causalcluster.analysis.records import Analysis, latent_nodes
from causalcluster.data.completeness import handle_missing
from causalcluster.errors import DataError
from causalcluster.moments.available import absorbs_units, analysed_table, available_table, missing_columns
from causalcluster.moments.contrast import describe_contrast
from causalcluster.moments.records import Moments
from causalcluster.panel.fixed_values import warn_about_fixed
from causalcluster.panel.positivity import measure_positivity, warn_about_positivity
from causalcluster.panel.records import Panel
from causalcluster.panel.statistics import column_statistics
from causalcluster.panel.variation import (
    constant_inside_clusters,
    refuse_between_only,
    refuse_constant_columns,
    refuse_single_cluster,
    warn_about_clusters,
    warn_about_lost_clusters,
)


def describe_panel(analysis: Analysis, moments: Moments) -> Panel:
    """Check that the data can answer the question and write down what is known about them.

    Parameters
    ----------
    analysis
        The analysis.
    moments
        Of its nodes and products.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        The data do not hold what the analysis needs.
    UnsupportedError
        The data are fine, but need what this version does not do.
    """
    where, table = moments.name, available_table(moments)
    groupings = {"cluster": moments.cluster_column, "time": moments.time_column}
    dropped = handle_missing(moments.counts, missing=analysis.data.missing, groupings=groupings, where=where)
    lost = warn_about_lost_clusters(table, moments.counts.clusters)
    refuse_single_cluster(analysis, table, where)
    refuse_constant_columns(analysis, table, where)
    between_only = constant_inside_clusters(analysis, analysed_table(moments))
    refuse_between_only(analysis, between_only, where, inside_units=absorbs_units(moments))
    _refuse_equal_ends(analysis, moments)
    clusters = tuple((str(label), int(n)) for label, n in zip(table["cluster"].values, table["n"].values, strict=True))
    statistics = column_statistics(analysis, table)
    spans = tuple(bool(value) for value in (table["reaches_low"] & table["reaches_high"]).values)
    positivity = measure_positivity(analysis, moments)
    return Panel(
        nodes=tuple(node.name for node in analysis.nodes),
        rows=moments.counts.rows,
        rows_used=int(table["n"].sum()),
        missing=tuple(item for item in missing_columns(moments) if item.node not in latent_nodes(analysis)),
        clusters=clusters,
        spans_contrast=spans,
        positivity=positivity,
        between_only=between_only,
        contrast=moments.contrast,
        contrast_description=describe_contrast(moments.asked, moments.contrast),
        statistics=statistics,
        fingerprint=moments.fingerprint,
        file=moments.file,
        cluster_column=analysis.data.cluster,
        warnings=(
            *moments.warnings,
            *dropped,
            *lost,
            *warn_about_clusters(analysis, clusters, spans, moments.contrast),
            *warn_about_fixed(analysis, statistics),
            *warn_about_positivity(analysis, positivity),
        ),
    )


def _refuse_equal_ends(analysis: Analysis, moments: Moments) -> None:
    low, high = moments.contrast
    if low == high:
        asked = moments.asked
        raise DataError(
            f"the {asked.low:g} and {asked.high:g} quantiles of {analysis.question.treatment!r} are both {low:g}",
            where=moments.name,
            why="A contrast needs two different values",
            fix="Give the two values: 'contrast: {from: 0, to: 1}'",
        )

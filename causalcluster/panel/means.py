"""A treatment that varies only between clusters: one observation is a cluster, and what it moves is the cluster's mean.

The mean of a cluster's rows is its true mean and a sampling error. A regression on observed means is attenuated by that
error as by any other, so the true means are latent: each is measured by the observed one, with errors whose covariance
follows from the rows inside the cluster (Luedtke et al. 2008, Psychological Methods 13; Preacher, Zyphur and Zhang 2010,
same journal 15).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis, latent_nodes
from causalcluster.data import Readings, RowTable, open_rows
from causalcluster.errors import UnsupportedError
from causalcluster.moments import Moments, absorbs_units, reduce_rows
from causalcluster.panel.variation import constant_inside_clusters, refuse_asked_slopes

Floats = NDArray[np.float64]
ERROR = "the sampling error of its cluster's mean"
"""What stands for a column of standard errors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Means:
    """An analysis of clusters' means in place of rows.

    Attributes
    ----------
    analysis
        Without clusters: each is a row. Nodes whose means have sampling errors have known errors.
    moments, rows
        Of the clusters' observed means.
    inside
        Moments of the rows themselves.
    grouping
        The column of the clusters.
    notes
        What is taken for what.
    """

    analysis: Analysis
    moments: Moments
    rows: RowTable
    inside: Moments
    grouping: str
    notes: tuple[str, ...]


def treats_clusters(analysis: Analysis, moments: Moments) -> bool:
    """Whether the treatment is one number in every cluster, and not the same in all."""
    if analysis.data.cluster is None or moments.table.sizes["cluster"] < 2 or absorbs_units(moments):
        return False
    treatment = analysis.question.treatment
    if treatment not in constant_inside_clusters(analysis, moments.table):
        return False
    means = moments.table["mean"].sel(column=treatment).values
    return bool((means != means[0]).any())


def take_means(analysis: Analysis, moments: Moments) -> Means:
    """Turn rows into clusters' means.

    Parameters
    ----------
    analysis
        Whose treatment is one number in every cluster.
    moments
        Of its complete rows.

    Raises
    ------
    DataError
        A slope that cannot vary between clusters was asked to.
    UnsupportedError
        The analysis asks for more than linear gaussian equations of complete rows in clusters.
    """
    still = constant_inside_clusters(analysis, moments.table)
    _refuse(analysis, moments, still)
    names = [node.name for node in analysis.nodes]
    table = moments.table.sel(column=names, column_2=names)
    mean = table["mean"].values + table["mean_rest"].values
    noisy = [i for i, name in enumerate(names) if name not in still]
    measured = tuple(names[i] for i in noisy)
    precision = np.linalg.inv(_error_covariance(table["cross"].values[:, noisy][:, :, noisy], table["n"].values))
    frame = pd.DataFrame({node.column: mean[:, i] for i, node in enumerate(analysis.nodes)})
    single = replace(
        analysis,
        data=replace(analysis.data, cluster=None, unit=None, time=None, moments=(), file=None, missing="drop"),
        model=replace(analysis.model, varying="none"),
    )
    with open_rows(single, frame) as opened:
        reduced = reduce_rows(single, opened)
    nodes = tuple(replace(node, se=ERROR if node.name in measured else None) for node in analysis.nodes)
    clusters = len(mean)
    return Means(
        analysis=replace(single, nodes=nodes),
        moments=replace(
            reduced,
            name=moments.name,
            file=moments.file,
            fingerprint=moments.fingerprint,
            warnings=(*moments.warnings, *reduced.warnings, _say(analysis, clusters)),
        ),
        rows=RowTable(
            clusters=("",),
            cluster=np.zeros(clusters, dtype=np.int64),
            columns={name: mean[:, i] for i, name in enumerate(names)},
            trials={},
            exposure={},
            weight=np.ones(clusters),
            readings=Readings(nodes=measured, value=mean[:, noisy], precision=precision) if noisy else None,
        ),
        inside=moments,
        grouping=str(analysis.data.cluster),
        notes=_notes(analysis, measured),
    )


def _say(analysis: Analysis, clusters: int) -> str:
    return (
        f"{analysis.question.treatment!r} is one number in every {analysis.data.cluster!r}: the {clusters} clusters are the "
        "observations, slopes are those of their true means, and effects are the same in all of them"
    )


def _notes(analysis: Analysis, measured: Sequence[str]) -> tuple[str, ...]:
    cluster = analysis.data.cluster
    first = f"Slopes live between clusters: every {cluster} is one observation."
    if not measured:
        return (first,)
    return (
        first,
        f"Of {', '.join(measured)} the mean over the rows of a {cluster} is its true mean and a sampling error, whose "
        "covariance follows from the rows; true means are averaged over.",
    )


def _error_covariance(cross: Floats, n: Floats) -> Floats:
    """Return covariances (cluster, k, k) of the errors of observed means.

    That of a cluster's rows is their own, with the pooled one counted as one row more than there are columns.
    """
    size, freedom = cross.shape[1], n.astype(float) - 1.0
    pooled = cross.sum(axis=0) / max(freedom.sum(), 1.0)
    # A column that is a sum of others has no covariance of its own to invert.
    pooled = pooled + 1e-9 * np.diag(np.diag(pooled))
    weight = size + 1.0
    found: Floats = (cross + weight * pooled) / (freedom + weight)[:, None, None] / n[:, None, None]
    return found


def _refuse(analysis: Analysis, moments: Moments, still: Sequence[str]) -> None:
    treatment, cluster = analysis.question.treatment, analysis.data.cluster
    refuse_asked_slopes(analysis, still, moments.name)
    data = analysis.data
    other = next((node for node in analysis.nodes if node.family != "gaussian"), None)
    reasons = {
        f"the node {other.name!r} is {other.family}" if other else "": other is not None,
        "there are interactions": bool(analysis.interactions),
        "edges have lags": any(edge.lag for edge in analysis.edges),
        "rows have missing values (set 'missing: drop')": bool(moments.incomplete),
        "nodes are measured with error": bool(latent_nodes(analysis)),
        "clusters lie in groups": bool(data.nested_in or data.crossed_with),
        "there are effects of periods": analysis.model.time_effects != "none",
    }
    for reason, holds in reasons.items():
        if holds:
            raise UnsupportedError(
                f"the treatment {treatment!r} varies only between clusters (it is one number in every {cluster!r}), "
                f"and {reason}",
                where=moments.name,
                why="One row is not one observation of it, and means of clusters need linear gaussian equations",
                fix="Use a coarser 'cluster', a measure that varies inside clusters, or leave the other out",
            )

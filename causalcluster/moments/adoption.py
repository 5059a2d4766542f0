"""When each cluster took up a policy that is either there or not."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.data import CLUSTER, PERIOD, Rows, position_column
from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.moments.labels import sort_labels

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_ROUNDS, _CLOSE = 2000, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A policy that clusters take up at different times and keep.

    Attributes
    ----------
    cohorts
        Labels of the clusters by the label of the period in which they took it up, in the order of periods. Clusters that
        always had it, or never, are not among them.
    always, never
        How many clusters always had it, and never.
    treated, negative
        Cells of a cluster and period with the policy, and those among them that a regression with effects of clusters and
        periods weights negatively.
    """

    cohorts: Mapping[str, tuple[str, ...]]
    always: int
    never: int
    treated: int
    negative: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Labels of clusters; by cell of a cluster and period: their places, rows and the treatment's value, 0 or 1."""

    clusters: tuple[str, ...]
    cluster: Whole
    period: Whole
    size: Floats
    value: Floats


def find_adoption(analysis: Analysis, rows: Rows) -> Adoption | None:
    """Return when clusters took up the treatment.

    Returns
    -------
    Adoption or None
        None unless the treatment is 0 or 1 in every cluster and period, is never given up, and is taken up in at least two
        different periods; and without clusters, periods, or with lagged edges.
    """
    if analysis.data.cluster is None or len(rows.periods) < 2 or any(edge.lag for edge in analysis.edges):
        return None
    cells = _take_cells(analysis, rows)
    if cells is None:
        return None
    never, treated = np.iinfo(np.int64).max, cells.value == 1.0
    first, start = np.full(len(cells.clusters), never), np.full(len(cells.clusters), never)
    np.minimum.at(first, cells.cluster[treated], cells.period[treated])
    np.minimum.at(start, cells.cluster, cells.period)
    given_up = (~treated & (cells.period > first[cells.cluster])).any()
    moved = (first > start) & (first < never)
    if given_up or len(np.unique(first[moved])) < 2:
        return None
    weight = cells.size * residuals(cells.value, cells.cluster, cells.period, cells.size)
    return Adoption(
        cohorts={
            rows.periods[when]: tuple(cells.clusters[g] for g in np.flatnonzero(moved & (first == when)))
            for when in np.unique(first[moved])
        },
        always=int((first == start).sum()),
        never=int((first == never).sum()),
        treated=int(treated.sum()),
        negative=int((weight[treated] < -_CLOSE * np.abs(weight).max()).sum()),
    )


def _take_cells(analysis: Analysis, rows: Rows) -> _Cells | None:
    """Bring the treatment's value in every cluster and period here; None where it is not one of 0 and 1 in some."""
    place = [node.name for node in analysis.nodes].index(analysis.question.treatment)
    low, high = rows.survey.minimum[:, place], rows.survey.maximum[:, place]
    if not (np.isin(low, (0.0, 1.0)).all() and np.isin(high, (0.0, 1.0)).all()):
        return None
    value = nw.col(position_column(place))
    parts = (nw.len().alias("rows"), value.min().alias("low"), value.max().alias("high"))
    found = collect_sums(rows.complete.group_by(CLUSTER, PERIOD).agg(*parts))
    lowest, highest, size = (np.array(plain_values(found[name]), dtype=float) for name in ("low", "high", "rows"))
    if (lowest != highest).any() or not np.isin(lowest, (0.0, 1.0)).all():
        return None
    labels = [str(label) for label in plain_values(found[CLUSTER])]
    clusters = tuple(sort_labels(list(set(labels))))
    code = {label: i for i, label in enumerate(clusters)}
    return _Cells(
        clusters=clusters,
        cluster=np.array([code[label] for label in labels], dtype=np.int64),
        period=np.array(plain_values(found[PERIOD]), dtype=np.int64),
        size=size,
        value=lowest,
    )


def residuals(value: Floats, cluster: Whole, period: Whole, size: Floats) -> Floats:
    """Return what effects of clusters and periods leave of values by cell, weighted by rows: by turns until nothing moves.

    The sign of what is left of a treated cell is that of its effect's weight in the regression with both effects
    (de Chaisemartin and D'Haultfoeuille 2020, American Economic Review 110).
    """
    left = value - np.average(value, weights=size)
    for _ in range(_ROUNDS):
        before = left
        for group in (cluster, period):
            total = np.maximum(np.bincount(group, size), 1.0)
            left = left - (np.bincount(group, size * left) / total)[group]
        if np.abs(left - before).max() < _CLOSE:
            break
    return left

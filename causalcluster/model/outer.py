"""Groups of clusters as the likelihood reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from causalcluster.data.groups import Grouping
from causalcluster.data.labels import sort_labels
from causalcluster.model.layers import Layers
from causalcluster.model.standard import MomentArrays

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OuterArrays:
    """N outer levels, the one with most groups first.

    Attributes
    ----------
    columns
        (N,) names of the levels.
    labels
        The groups of each level, sorted.
    combo
        (G,) which combination of groups each cluster is in.
    combos
        (M, N) the groups of each combination.
    offset
        (N + 1,) where the groups of each level begin among all.
    """

    columns: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    combo: Whole
    combos: Whole
    offset: Whole


def add_outer(arrays: MomentArrays, groups: Sequence[Grouping]) -> MomentArrays:
    """Put the clusters into their groups."""
    own = [[item.of_cluster[label] for label in arrays.clusters] for item in groups]
    labels = [tuple(sort_labels(list(set(names)))) for names in own]
    order = sorted(range(len(groups)), key=lambda level: -len(labels[level]))
    places = np.array([[labels[level].index(name) for name in own[level]] for level in order], dtype=np.int64).T
    combos, combo = np.unique(places, axis=0, return_inverse=True)
    sizes = [len(labels[level]) for level in order]
    return replace(
        arrays,
        layers=arrays.layers if arrays.layers is not None else plain_layers(arrays),
        outer=OuterArrays(
            columns=tuple(groups[level].column for level in order),
            labels=tuple(labels[level] for level in order),
            combo=np.asarray(combo.ravel(), dtype=np.int64),
            combos=np.ascontiguousarray(combos),
            offset=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        ),
    )


def plain_layers(arrays: MomentArrays) -> Layers:
    """Return one layer for each equation."""
    starts, n_equations = arrays.starts, arrays.dof.shape[1]
    n_clusters, width = len(arrays.rows), int(np.diff(starts).max())
    sxx, sxy = np.zeros((n_clusters, n_equations, width, width)), np.zeros((n_clusters, n_equations, width))
    for k in range(n_equations):
        part, size = slice(starts[k], starts[k + 1]), starts[k + 1] - starts[k]
        sxx[:, k, :size, :size], sxy[:, k, :size] = arrays.sxx[:, part, part], arrays.sxy[:, part]
    return Layers(
        equation=np.arange(n_equations),
        shock=np.full(n_equations, -1),
        fixed=np.full(n_equations, np.nan),
        size=np.zeros((n_clusters, n_equations)),
        dof=arrays.dof,
        sxx=sxx,
        sxy=sxy,
        syy=arrays.syy,
        counts=np.repeat(arrays.rows[:, None].astype(float), n_equations, axis=1),
    )

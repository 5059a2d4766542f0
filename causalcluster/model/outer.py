"""Groups of clusters as the likelihood reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from causalcluster.data.groups import Grouping
from causalcluster.data.labels import sort_labels
from causalcluster.model.layers import Layers, stack_layers
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
    parts = [slice(start, stop) for start, stop in pairwise(arrays.starts)]
    found = [
        (arrays.dof[:, k], arrays.sxx[:, part, part], arrays.sxy[:, part], arrays.syy[:, k]) for k, part in enumerate(parts)
    ]
    return stack_layers(found, counts=np.repeat(arrays.rows[:, None].astype(float), len(parts), axis=1))

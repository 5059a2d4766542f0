"""Cells, the rows of one cluster in one period: moments of nodes that are one number in a cell, and what cells share.

A node that does not vary inside cells gives one observation per cell, not one per row. Rows of a cell that such a node acts
on share a shock. With intercepts taken out of the rows by the projection M, cells' indicators Z and W = Z'MZ = U D U', the
rotated sums U'Z'MX fall apart into independent layers: direction t has the variance sigma^2 + d_t s^2, s the shocks'
standard deviation, and what is left of the rows has sigma^2. Nothing is assumed of the cells' sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ZERO = 1e-9
"""Eigenvalues below this share of the largest are zero; those apart by less than this share are equal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """What cells add to moments by cluster.

    Attributes
    ----------
    nodes
        Nodes that do not vary inside any cell, but inside clusters.
    table
        As ``table`` of `Moments`, one observation per cell: the cell's means.
    layers
        Moments of the rows, intercepts taken out, as far as cells share them: ``size`` (cluster, layer), how often a shock's
        variance counts there, 0 in a layer without observations; ``dof`` (cluster, layer) and ``cross`` (cluster, layer,
        column, column_2).
    rest
        What is left: ``dof`` (cluster) and ``cross`` (cluster, column, column_2).
    """

    nodes: tuple[str, ...]
    table: xr.Dataset
    layers: xr.Dataset
    rest: xr.Dataset


def cell_table(labels: Sequence[str], columns: Sequence[str], rows: NDArray[np.int64], mean: Floats) -> xr.Dataset:
    """Return moments by cluster of the cells' means.

    Parameters
    ----------
    labels, columns
        Of the result.
    rows
        Rows of each cell (cluster, period), 0 where there is none.
    mean
        The cells' means (cluster, period, column).
    """
    there = (rows > 0).astype(float)
    n = there.sum(axis=1)
    first = mean[np.arange(len(labels)), there.argmax(axis=1)]
    # About one of the cluster's own cells, so that a large common level costs no digits.
    away = (mean - first[:, None]) * there[:, :, None]
    centre = away.sum(axis=1) / np.maximum(n, 1.0)[:, None]
    inside = (away - centre[:, None]) * there[:, :, None]
    flat = np.abs(inside).max(axis=1) <= 1e-12 * np.maximum(np.abs(first), np.abs(centre))
    inside = np.where(flat[:, None], 0.0, inside)
    where = ("cluster", "column")
    return xr.Dataset(
        {
            "n": ("cluster", n.astype(np.int64)),
            "mean": (where, first + centre),
            "mean_rest": (where, np.zeros_like(centre)),
            "reference": (where, first + centre),
            "cross": ((*where, "column_2"), np.einsum("gti,gtj->gij", inside, inside)),
        },
        coords={"cluster": list(labels), "column": list(columns), "column_2": list(columns)},
    )


def split_layers(
    labels: Sequence[str], columns: Sequence[str], among: Floats, across: Floats, cross: Floats, dof: Floats
) -> tuple[xr.Dataset, xr.Dataset]:
    """Rotate what cells share into layers, and return these and the rest of the rows.

    Parameters
    ----------
    labels, columns
        Clusters and columns.
    among
        W (cluster, period, period).
    across
        Z'MX (cluster, period, column).
    cross, dof
        X'MX (cluster, column, column) and its degrees of freedom (cluster,).
    """
    split = [_split_cluster(among[g], across[g]) for g in range(len(labels))]
    n_layers = max([len(own) for own in split] + [1])
    n = len(columns)
    size, layer_dof = np.zeros((2, len(labels), n_layers))
    layer_cross = np.zeros((len(labels), n_layers, n, n))
    for g, own in enumerate(split):
        for k, (value, count, product) in enumerate(own):
            size[g, k], layer_dof[g, k], layer_cross[g, k] = value, count, product
    rest = cross - layer_cross.sum(axis=1)
    places = np.arange(n)
    # What cells hold whole leaves rounding behind, of either sign.
    squares, whole = rest[:, places, places], cross[:, places, places]
    kept = squares > 1e-10 * whole
    rest = np.where(kept[:, :, None] & kept[:, None, :], rest, 0.0)
    where = ("cluster", "layer", "column", "column_2")
    coords = {"cluster": list(labels), "column": list(columns), "column_2": list(columns)}
    layers = xr.Dataset(
        {"size": (where[:2], size), "dof": (where[:2], layer_dof), "cross": (where, layer_cross)}, coords=coords
    )
    remaining = xr.Dataset(
        {"dof": ("cluster", dof - layer_dof.sum(axis=1)), "cross": ((where[0], *where[2:]), rest)}, coords=coords
    )
    return layers, remaining


def _split_cluster(among: Floats, across: Floats) -> list[tuple[float, int, Floats]]:
    """Return eigenvalue, number of directions and products of the rotated sums, for each distinct eigenvalue."""
    values, vectors = np.linalg.eigh(among)
    found: list[tuple[float, int, Floats]] = []
    last = values[-1] if len(values) else 0.0
    rotated = vectors.T @ across
    for value, row in zip(values[::-1], rotated[::-1], strict=True):
        if value <= _ZERO * last or last <= 0.0:
            break
        product = np.outer(row, row) / value
        if found and found[-1][0] - value <= _ZERO * last:
            before, count, total = found[-1]
            found[-1] = (before, count + 1, total + product)
        else:
            found.append((float(value), 1, product))
    return found

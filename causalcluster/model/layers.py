"""Moments of rows that share errors in cells, on the scale of the model, in layers with residual variances of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, Equation, columns
from causalcluster.model.standard import MomentArrays, Scale, block_diagonal, emptied, standard_columns
from causalcluster.moments.cells import Cells

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """L layers, the first K of them what is left of each equation's rows; p the most coefficients of an equation.

    Attributes
    ----------
    equation
        (L,) the equation of each layer.
    shock
        (L,) which of the shocks' standard deviations counts there, -1 where none does.
    fixed
        (L,) log residual standard deviation where it is fixed, NaN where it is the equation's own.
    size
        (G, L) how often its square counts beside the residual variance.
    dof, syy
        (G, L).
    sxx, sxy
        (G, L, p, p), (G, L, p).
    counts
        (G, K) observations behind the cluster means of each equation's node.
    """

    equation: NDArray[np.int64]
    shock: NDArray[np.int64]
    fixed: Floats
    size: Floats
    dof: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats
    counts: Floats


def add_layers(arrays: MomentArrays, cells: Cells, design: Design, scale: Scale) -> MomentArrays:
    """Put equations of cells on one observation per cell, and split the rows of those with shared errors.

    Parameters
    ----------
    arrays
        From `causalcluster.model.standard.standardise`, of the rows.
    cells
        Of the same table.
    design, scale
        The equations, and scales of the columns.
    """
    names = [(node,) for node in columns(design)]
    table = standard_columns(cells.table, names, scale, list(arrays.clusters))
    known = {name: i for name, i in table.position.items()}
    units = np.array([scale.scale[name] for (name,) in names])
    own = [name for (name,) in names]
    rest = _standard_cross(cells.rest, own, units)
    shared = _standard_cross(cells.layers, own, units)
    n_layers = shared.shape[1]
    mean, rows = arrays.mean.copy(), np.repeat(arrays.rows[:, None].astype(float), len(design.equations), axis=1)
    blocks: list[tuple[int, int, Floats, Floats, Floats]] = []
    for k, equation in enumerate(design.equations):
        if equation.level == "cell":
            rows[:, k] = table.rows
            mean[:, k] = table.mean[:, known[(equation.node,)]]
            blocks.append((k, -1, np.zeros(len(rows)), np.maximum(rows[:, k] - 1.0, 0.0), table.cross))
        elif equation.shocks:
            blocks.append((k, -1, np.zeros(len(rows)), cells.rest["dof"].values, rest))
        else:
            blocks.append((k, -1, np.zeros(len(rows)), arrays.dof[:, k], rest + shared.sum(axis=1)))
    for s, k in enumerate(design.shocked):
        size, dof = cells.layers["size"].values, cells.layers["dof"].values
        blocks += [(k, s, size[:, i], dof[:, i], shared[:, i]) for i in range(n_layers)]
    return _assemble(arrays, design, blocks, names, mean, rows)


def _standard_cross(part: xr.Dataset, names: Sequence[str], units: Floats) -> Floats:
    cross = part["cross"].sel(column=list(names), column_2=list(names)).values
    standard: Floats = cross / units / units[:, None]
    return standard


def _assemble(
    arrays: MomentArrays,
    design: Design,
    blocks: Sequence[tuple[int, int, Floats, Floats, Floats]],
    names: Sequence[tuple[str, ...]],
    mean: Floats,
    rows: Floats,
) -> MomentArrays:
    found = []
    for k, _, _, dof, cross in blocks:
        x, y = _places(design.equations[k], names)
        found.append((dof, cross[:, x][:, :, x], cross[:, x, y], cross[:, y, y]))
    layers = stack_layers(
        found,
        counts=rows,
        equation=[block[0] for block in blocks],
        shock=[block[1] for block in blocks],
        size=[block[2] for block in blocks],
    )
    n_equations = rows.shape[1]
    own = found[:n_equations]
    return replace(
        arrays,
        mean=mean,
        dof=layers.dof[:, :n_equations],
        sxx=block_diagonal([item[1] for item in own]),
        sxy=np.concatenate([item[2] for item in own], axis=1),
        syy=layers.syy[:, :n_equations],
        layers=layers,
    )


LayerMoments = tuple[Floats, Floats, Floats, Floats]
"""Observations (G,), S_xx (G, p, p), S_xy (G, p) and S_yy (G,) of one layer."""


def stack_layers(
    found: Sequence[LayerMoments],
    *,
    counts: Floats,
    equation: Sequence[int] | None = None,
    shock: Sequence[int] | None = None,
    size: Sequence[Floats] | None = None,
    fixed: Sequence[float] | None = None,
) -> Layers:
    """Put the moments of layers side by side.

    Without ``equation``, ``shock``, ``size`` and ``fixed`` there is one layer for each equation, without shocks, with its
    residual standard deviation.
    """
    n_layers, n_clusters = len(found), len(found[0][0])
    width = max(item[2].shape[1] for item in found)
    sxx, sxy = np.zeros((n_clusters, n_layers, width, width)), np.zeros((n_clusters, n_layers, width))
    for layer, (_, own_xx, own_xy, _) in enumerate(found):
        p = own_xy.shape[1]
        sxx[:, layer, :p, :p], sxy[:, layer, :p] = own_xx, own_xy
    return Layers(
        equation=np.arange(n_layers) if equation is None else np.array(equation, dtype=np.int64),
        shock=np.full(n_layers, -1) if shock is None else np.array(shock, dtype=np.int64),
        fixed=np.full(n_layers, np.nan) if fixed is None else np.array(fixed),
        size=np.zeros((n_clusters, n_layers)) if size is None else np.stack(size, axis=1),
        dof=np.stack([item[0] for item in found], axis=1).astype(float),
        sxx=sxx,
        sxy=sxy,
        syy=np.stack([item[3] for item in found], axis=1),
        counts=counts,
    )


def _places(equation: Equation, names: Sequence[tuple[str, ...]]) -> tuple[list[int], int]:
    position = {name: i for i, name in enumerate(names)}
    return [position[term.factors] for term in equation.terms], position[(equation.node,)]


def layer_log_sd(log_sigma: Floats, shock_sd: Floats, layers: Layers) -> Floats:
    """Return log residual standard deviations (..., G, L) from the equations' (..., G, K) and the shocks' (..., S)."""
    own = log_sigma[..., np.minimum(layers.equation, log_sigma.shape[-1] - 1)]
    own = np.where(np.isnan(layers.fixed), own, layers.fixed)
    counted = np.where(layers.shock >= 0, layers.size, 0.0)
    square = np.square(shock_sd[..., np.maximum(layers.shock, 0)])[..., None, :] if shock_sd.shape[-1] else 0.0
    log_sd: Floats = 0.5 * np.log(np.exp(2.0 * own) + counted * square)
    return log_sd


def without_layers(layers: Layers, g: int) -> Layers:
    """Return the layers with nothing in cluster ``g``."""
    names = ("dof", "sxx", "sxy", "syy", "counts")
    kept: dict[str, Any] = {name: emptied(getattr(layers, name), g) for name in names}
    return replace(layers, **kept)

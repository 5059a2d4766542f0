"""Moments of rows that share errors in cells, on the scale of the model, in layers with residual variances of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, Equation, columns
from causalcluster.model.standard import MomentArrays, Scale, block_diagonal, standard_columns
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
    width = max(len(equation.terms) for equation in design.equations)
    n_clusters, n_equations = rows.shape
    sxx, sxy = np.zeros((n_clusters, len(blocks), width, width)), np.zeros((n_clusters, len(blocks), width))
    syy = np.zeros((n_clusters, len(blocks)))
    for layer, (k, _, _, _, cross) in enumerate(blocks):
        x, y = _places(design.equations[k], names)
        sxx[:, layer, : len(x), : len(x)] = cross[:, x][:, :, x]
        sxy[:, layer, : len(x)] = cross[:, x, y]
        syy[:, layer] = cross[:, y, y]
    dof = np.stack([block[3] for block in blocks], axis=1).astype(float)
    layers = Layers(
        equation=np.array([block[0] for block in blocks], dtype=np.int64),
        shock=np.array([block[1] for block in blocks], dtype=np.int64),
        fixed=np.full(len(blocks), np.nan),
        size=np.stack([block[2] for block in blocks], axis=1),
        dof=dof,
        sxx=sxx,
        sxy=sxy,
        syy=syy,
        counts=rows,
    )
    sizes = [len(equation.terms) for equation in design.equations]
    return replace(
        arrays,
        mean=mean,
        dof=dof[:, :n_equations],
        sxx=block_diagonal([sxx[:, k, :n, :n] for k, n in enumerate(sizes)]),
        sxy=np.concatenate([sxy[:, k, :n] for k, n in enumerate(sizes)], axis=1),
        syy=syy[:, :n_equations],
        layers=layers,
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

    def emptied(values: Floats) -> Floats:
        out = values.copy()
        out[g] = 0.0
        return out

    return replace(
        layers,
        dof=emptied(layers.dof),
        sxx=emptied(layers.sxx),
        sxy=emptied(layers.sxy),
        syy=emptied(layers.syy),
        counts=emptied(layers.counts),
    )

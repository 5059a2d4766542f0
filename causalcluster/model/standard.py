"""Moments in the user's units to the standardised arrays that the likelihood reads.

Every column is shifted by its pooled mean and divided by its pooled standard deviation inside clusters; a product
column is the product of its shifted and scaled factors. Both are linear in the columns and in products of their
deviations from any reference, so they are algebra on the moments. The moments' reference is near the cluster's own
means: only small differences from it are multiplied out, and a large common level costs no digits. Scales are fixed
inputs of the model, not parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, Equation, columns, correlated_terms, products
from causalcluster.moments.pooled import pooled_mean

if TYPE_CHECKING:
    from causalcluster.model.layers import Layers
    from causalcluster.model.outer import OuterArrays
    from causalcluster.model.row_arrays import RowEquations

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """Shift and scale of every node: (node value - shift) / scale is what the model sees.

    Attributes
    ----------
    shift, scale
        By node, in the node's own units.
    """

    shift: dict[str, float]
    scale: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MomentArrays:
    """What the marginal likelihood reads; K equations, P coefficients, G clusters.

    Attributes
    ----------
    clusters
        (G,) labels.
    rows
        (G,) numbers of rows.
    dof
        (G, K) rows, less one where the cluster intercept has been taken out.
    sxx, sxy, syy
        (G, P, P) of which only the blocks inside an equation matter, (G, P), (G, K).
    starts
        (K + 1,) the first coefficient of each equation.
    varying
        (Q,) coefficient behind each between-cluster standard deviation; the correlated ones first.
    n_correlated
        How many of them share one correlation matrix.
    mean
        (G, K) standardised cluster means of the equations' own nodes.
    column_mean
        Standardised cluster means, (G,) by node and by product of nodes.
    row_equations
        The equations whose coefficients are sampled. They are none of the K equations and P coefficients above, which
        are integrated out; ``varying`` and ``mean`` are of all equations.
    layers
        Moments of the K equations in layers with residual variances of their own, where rows share errors or clusters are
        in groups.
    outer
        The groups of clusters.
    """

    clusters: tuple[str, ...]
    rows: NDArray[np.int64]
    dof: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats
    starts: NDArray[np.int64]
    varying: NDArray[np.int64]
    n_correlated: int
    mean: Floats
    column_mean: dict[tuple[str, ...], Floats]
    row_equations: "RowEquations | None" = None
    layers: "Layers | None" = None
    outer: "OuterArrays | None" = None

    @property
    def n_gaussian(self) -> int:
        """Number of gaussian equations: those above, and those that are sampled because values are missing."""
        rows = self.row_equations
        return self.dof.shape[1] + (0 if rows is None or rows.gaps is None else rows.gaps.dof.shape[1])


def choose_scale(moments: xr.Dataset, design: Design) -> Scale:
    """Return pooled means and pooled within-cluster standard deviations of the nodes in ``design``.

    A node that is constant inside every cluster is scaled by the standard deviation of the cluster means.
    """
    rows = moments["n"].astype(float)
    means_taken = moments["units"].astype(float) if design.intercepts == "absorbed" else 1.0
    dof = float((rows - means_taken).clip(min=0.0).sum("cluster"))
    means = pooled_mean(moments[[name for name in ("n", "mean", "mean_rest") if name in moments]].fillna(0.0))
    shift: dict[str, float] = {}
    scale: dict[str, float] = {}
    for name in columns(design):
        node = base_node(name)
        if node in scale:
            shift[name], scale[name] = shift[node], scale[node]
            continue
        within = float(moments["cross"].sel(column=node, column_2=node).sum("cluster"))
        shift[node] = float(means.sel(column=node))
        scale[node] = float(np.sqrt(within / max(dof, 1.0))) or _spread_of_means(moments, node) or 1.0
        shift[name], scale[name] = shift[node], scale[node]
    return Scale(shift=shift, scale=scale)


def base_node(name: str) -> str:
    """Return the node behind the name of an earlier value, 'wage@1', or of a first one, 'wage#0'."""
    return name.partition("@")[0].partition("#")[0]


def _spread_of_means(moments: xr.Dataset, node: str) -> float:
    means = moments["mean"].sel(column=node).values[moments["n"].values > 0]
    return float(means.std(ddof=1)) if len(means) > 1 else 0.0


def standardise(moments: xr.Dataset, design: Design, scale: Scale) -> MomentArrays:
    """Turn moments into standardised arrays.

    Parameters
    ----------
    moments
        ``n`` (cluster), ``mean`` (cluster, column) and ``cross`` (cluster, column, column_2) in the user's units, and
        ``mean_rest`` and ``reference`` (cluster, column) as in `causalcluster.moments.Moments`; without them they are
        0, so that products are of the raw columns.
    design
        The equations.
    scale
        Shifts and scales, fixed for a compiled model.

    Returns
    -------
    MomentArrays
    """
    names: list[tuple[str, ...]] = [(node,) for node in columns(design)] + list(products(design))
    found = standard_columns(moments, names, scale, [str(label) for label in moments["cluster"].values])
    rows, mean, cross, position = found.rows, found.mean, found.cross, found.position
    equations = [equation for equation in design.equations if not equation.sampled]
    arrays = [equation_moments(equation, design, position, rows, mean, cross) for equation in equations]
    varying, n_correlated = varying_order(design)
    starts = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in equations])])
    none = np.zeros((len(rows), 0))
    own = np.stack([mean[:, position[(node,)]] for node in design.nodes], axis=1)
    return MomentArrays(
        clusters=tuple(str(label) for label in moments["cluster"].values),
        rows=rows,
        dof=np.repeat(np.maximum(rows - _means_taken(moments, design), 0).astype(float)[:, None], len(equations), axis=1),
        sxx=block_diagonal([none[:, None], *(item[0] for item in arrays)]),
        sxy=np.concatenate([none, *(item[1] for item in arrays)], axis=1),
        syy=np.stack([item[2] for item in arrays], axis=1) if arrays else none,
        starts=starts.astype(np.int64),
        varying=varying,
        n_correlated=n_correlated,
        mean=own,
        column_mean={name: mean[:, i] for name, i in position.items()},
    )


def varying_order(design: Design) -> tuple[NDArray[np.int64], int]:
    """Return the coefficients that vary (Q,), those that share a correlation matrix first, and how many these are."""
    correlated = correlated_terms(design)
    others = [i for i, term in enumerate(design.terms) if term.varies and i not in correlated]
    return np.array([*correlated, *others], dtype=np.int64), len(correlated)


def emptied[T: np.generic](values: NDArray[T], g: int) -> NDArray[T]:
    """Return a copy of values by cluster (G, ...) with zeros for cluster ``g``."""
    out = values.copy()
    out[g] = 0
    return out


def _means_taken(moments: xr.Dataset, design: Design) -> NDArray[np.int64]:
    """Return how many intercepts have been taken out of each cluster's rows (G,)."""
    if design.intercepts == "absorbed":
        return np.asarray(moments["units"].values, dtype=np.int64)
    return np.full(moments.sizes["cluster"], int(design.intercepts == "separate"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardTable:
    """Standardised moments of some rows: numbers of rows (G,), means (G, N) and centred cross-products (G, N, N).

    ``position`` says where a node or a product of nodes stands among the N columns.
    """

    rows: NDArray[np.int64]
    mean: Floats
    cross: Floats
    position: dict[tuple[str, ...], int]


def standard_columns(
    moments: xr.Dataset, names: Sequence[tuple[str, ...]], scale: Scale, labels: Sequence[str]
) -> StandardTable:
    """Standardise nodes and products of nodes, those of ``names`` that the moments have, over the clusters ``labels``."""
    there = {str(name) for name in moments["column"].values}
    chosen_names = [name for name in names if " * ".join(name) in there]
    columns_there = [" * ".join(name) for name in chosen_names]
    chosen = moments.sel(column=columns_there, column_2=columns_there)
    if [str(label) for label in moments["cluster"].values] != list(labels):
        chosen = chosen.drop_vars([name for name in ("reaches_low", "reaches_high") if name in chosen])
        chosen = chosen.reindex(cluster=list(labels)).fillna(0.0)
    rows = chosen["n"].values.astype(np.int64)
    reference = _known(chosen, "reference")
    transform, constant = _affine_map(chosen_names, reference, scale)
    cross = transform.transpose(0, 2, 1) @ _known(chosen, "cross") @ transform
    deviation = (_known(chosen, "mean") - reference) + _known(chosen, "mean_rest")
    mean = np.einsum("gi,gip->gp", deviation, transform) + constant
    mean[rows == 0] = 0.0
    return StandardTable(rows=rows, mean=mean, cross=cross, position={name: i for i, name in enumerate(chosen_names)})


def _known(moments: xr.Dataset, name: str) -> Floats:
    """Return a variable with 0 for what is not known."""
    values: Floats = np.nan_to_num(moments[name].values) if name in moments else np.zeros_like(moments["mean"].values)
    return values


def _affine_map(names: Sequence[tuple[str, ...]], reference: Floats, scale: Scale) -> tuple[Floats, Floats]:
    """Return (cluster, deviation, standardised column) weights and (cluster, standardised column) constants.

    Deviations are columns less their reference (cluster, column), and products of these.
    """
    position = {name: i for i, name in enumerate(names)}
    known = {tuple(sorted(name)): name for name in names}
    transform, constant = np.zeros((len(reference), len(names), len(names))), np.zeros_like(reference)
    for j, name in enumerate(names):
        unit = float(np.prod([scale.scale[factor] for factor in name]))
        places = [position[(factor,)] for factor in name]
        offsets = [reference[:, i] - scale.shift[factor] for i, factor in zip(places, name, strict=True)]
        transform[:, j, j] = 1.0 / unit
        constant[:, j] = np.prod(offsets, axis=0) / unit
        for chosen in (c for size in range(1, len(name)) for c in combinations(range(len(name)), size)):
            part = position[known[tuple(sorted(name[k] for k in chosen))]]
            rest = [offsets[k] for k in range(len(name)) if k not in chosen]
            transform[:, part, j] += np.prod(rest, axis=0) / unit
    return transform, constant


def equation_moments(
    equation: Equation,
    design: Design,
    position: dict[tuple[str, ...], int],
    rows: NDArray[np.int64],
    mean: Floats,
    cross: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return S_xx (G, p, p), S_xy (G, p) and S_yy (G,) of one equation about its shifted origin."""
    y = position[(equation.node,)]
    columns_of_x = [position[term.factors] for term in equation.terms if term.kind != "intercept"]
    has_intercept = len(columns_of_x) < len(equation.terms)
    n = rows.astype(float)
    x_mean = np.zeros((len(rows), len(columns_of_x))) if design.centred else mean[:, columns_of_x]
    y_mean = mean[:, y] if has_intercept else np.zeros(len(rows))
    sxx = cross[:, columns_of_x][:, :, columns_of_x] + n[:, None, None] * x_mean[:, :, None] * x_mean[:, None, :]
    sxy = cross[:, columns_of_x, y] + n[:, None] * x_mean * y_mean[:, None]
    syy = cross[:, y, y] + n * y_mean**2
    if has_intercept:
        top = np.concatenate([n[:, None], n[:, None] * x_mean], axis=1)
        sxx = np.concatenate([top[:, None, :], np.concatenate([n[:, None, None] * x_mean[:, :, None], sxx], axis=2)], axis=1)
        sxy = np.concatenate([(n * y_mean)[:, None], sxy], axis=1)
    return sxx, sxy, syy


def block_diagonal(blocks: list[Floats]) -> Floats:
    """Return (G, P, P) with the blocks (G, p, p) along the diagonal and zeros elsewhere."""
    size = sum(block.shape[2] for block in blocks)
    out = np.zeros((blocks[0].shape[0], size, size))
    start = 0
    for block in blocks:
        stop = start + block.shape[2]
        out[:, start:stop, start:stop] = block if stop > start else 0.0
        start = stop
    return out

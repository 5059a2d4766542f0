"""Moments of rows with their past to what the likelihood reads, on the scale of the model."""

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design, Equation
from causalcluster.model.gap_arrays import moments_about_zero
from causalcluster.model.layers import LayerMoments, stack_layers
from causalcluster.model.standard import MomentArrays, Scale, block_diagonal, standard_columns, varying_order
from causalcluster.moments import Moments

Floats = NDArray[np.float64]
FIRST_VALUE_SD = 0.05
"""Residual standard deviation of a first value, in the node's own: small, so that clusters' first values are what varies."""


def lagged_arrays(moments: Moments, design: Design, scale: Scale) -> MomentArrays:
    """Return the moments of every equation over the rows in which all its causes are seen.

    Parameters
    ----------
    moments
        With ``lags``.
    design, scale
        The equations, and scales of nodes, of their earlier and of their first values.
    """
    if moments.lags is None:
        raise ValueError("the moments hold no earlier values")
    labels = [str(label) for label in moments.table["cluster"].values]
    ordinary = [equation for equation in design.equations if equation.level != "first"]
    names = [(name,) for name in dict.fromkeys(_columns(ordinary))]
    tables = [standard_columns(part, names, scale, labels) for part in moments.lags.tables]
    found = [moments_about_zero(equation, tables) for equation in ordinary]
    firsts = [equation for equation in design.equations if equation.level == "first"]
    found += [_first_moments(equation, moments, scale) for equation in firsts]
    sizes = [len(equation.terms) for equation in design.equations]
    rows = moments.table["n"].values.astype(np.int64)
    means = standard_columns(moments.table, [(equation.node,) for equation in ordinary], scale, labels).mean
    varying, n_correlated = varying_order(design)
    fixed = [*np.full(len(ordinary), np.nan), *np.full(len(firsts), np.log(FIRST_VALUE_SD))]
    layers = stack_layers(found, counts=np.stack([item[0] for item in found], axis=1), fixed=fixed)
    return MomentArrays(
        clusters=tuple(labels),
        rows=rows,
        dof=layers.dof[:, : len(ordinary)],
        sxx=block_diagonal([item[1] for item in found]),
        sxy=np.concatenate([item[2] for item in found], axis=1),
        syy=layers.syy[:, : len(ordinary)],
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        varying=varying,
        n_correlated=n_correlated,
        mean=np.concatenate([means, *(item[2][:, :1] for item in found[len(ordinary) :])], axis=1),
        column_mean={(equation.node,): means[:, k] for k, equation in enumerate(ordinary)},
        layers=layers,
    )


def spread_of_levels(arrays: MomentArrays) -> Floats:
    """Return about how far clusters' levels lie apart (K,), net of the causes.

    With slopes from inside clusters, which are too small where a node acts on itself later on, levels lie too far apart;
    with slopes that ignore levels too close together (Bond 2002, Portuguese Economic Journal 1). The geometric mean
    of both is between them.
    """
    return np.array([_spread(arrays, k) for k in range(len(arrays.starts) - 1)])


def _spread(arrays: MomentArrays, k: int) -> float:
    own = slice(arrays.starts[k], arrays.starts[k + 1])
    there = arrays.sxx[:, arrays.starts[k], arrays.starts[k]] > 0.0
    if there.sum() < 2:
        return 1.0
    sxx, sxy = arrays.sxx[there, own, own], arrays.sxy[there, own]
    n = sxx[:, 0, :1]
    x, y = sxx[:, 0, 1:] / n, sxy[:, :1] / n
    inside_xx = (sxx[:, 1:, 1:] - (n * x)[:, :, None] * x[:, None, :]).sum(axis=0)
    inside = np.linalg.lstsq(inside_xx, (sxy[:, 1:] - n * x * y).sum(axis=0), rcond=None)[0]
    pooled = np.linalg.lstsq(sxx.sum(axis=0), sxy.sum(axis=0), rcond=None)[0][1:]
    apart = [float((y[:, 0] - x @ slopes).std(ddof=1)) for slopes in (inside, pooled)]
    return max(float(np.sqrt(apart[0] * apart[1])), 1e-3)


def _columns(equations: list[Equation]) -> list[str]:
    return [name for equation in equations for name in (equation.node, *(t.factors[0] for t in equation.terms if t.factors))]


def _first_moments(equation: Equation, moments: Moments, scale: Scale) -> LayerMoments:
    node = equation.node.partition("#")[0]
    if moments.lags is None:
        raise ValueError("the moments hold no first values")
    first = moments.lags.first

    def standard(name: str) -> Floats:
        values: Floats = (first.sel(column=name).values - scale.shift[name]) / scale.scale[name]
        return values

    value = standard(node)
    x = np.stack([standard(term.factors[0]) if term.factors else np.ones(len(value)) for term in equation.terms], axis=1)
    return np.ones(len(value)), x[:, :, None] * x[:, None, :], x * value[:, None], value**2

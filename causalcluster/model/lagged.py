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
        mean=np.concatenate([means, *(item[2] for item in found[len(ordinary) :])], axis=1),
        column_mean={(equation.node,): means[:, k] for k, equation in enumerate(ordinary)},
        layers=layers,
    )


def _columns(equations: list[Equation]) -> list[str]:
    return [name for equation in equations for name in (equation.node, *(t.factors[0] for t in equation.terms if t.factors))]


def _first_moments(equation: Equation, moments: Moments, scale: Scale) -> LayerMoments:
    node = equation.node.partition("#")[0]
    if moments.lags is None:
        raise ValueError("the moments hold no first values")
    value = (moments.lags.first.sel(column=node).values - scale.shift[node]) / scale.scale[node]
    one = np.ones(len(value))
    return one, one[:, None, None], value[:, None], value**2

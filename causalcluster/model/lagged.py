"""Moments of rows with their past to what the likelihood reads, on the scale of the model."""

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design, Equation, correlated_terms
from causalcluster.model.gap_arrays import raw_moments
from causalcluster.model.layers import Layers
from causalcluster.model.standard import MomentArrays, Scale, StandardTable, block_diagonal, standard_columns
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
    found = [_equation_moments(equation, tables) for equation in ordinary]
    firsts = [equation for equation in design.equations if equation.level == "first"]
    found += [_first_moments(equation, moments, scale) for equation in firsts]
    sizes = [len(equation.terms) for equation in design.equations]
    rows = moments.table["n"].values.astype(np.int64)
    means = standard_columns(moments.table, [(equation.node,) for equation in ordinary], scale, labels).mean
    correlated = correlated_terms(design)
    others = [i for i, term in enumerate(design.terms) if term.varies and i not in correlated]
    layers = _layers(found, sizes, len(ordinary))
    return MomentArrays(
        clusters=tuple(labels),
        rows=rows,
        dof=layers.dof[:, : len(ordinary)],
        sxx=block_diagonal([item[1] for item in found]),
        sxy=np.concatenate([item[2] for item in found], axis=1),
        syy=layers.syy[:, : len(ordinary)],
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        varying=np.array([*correlated, *others], dtype=np.int64),
        n_correlated=len(correlated),
        mean=np.concatenate([means, *(item[2] for item in found[len(ordinary) :])], axis=1),
        column_mean={(equation.node,): means[:, k] for k, equation in enumerate(ordinary)},
        layers=layers,
    )


def _columns(equations: list[Equation]) -> list[str]:
    return [name for equation in equations for name in (equation.node, *(t.factors[0] for t in equation.terms if t.factors))]


Found = tuple[Floats, Floats, Floats, Floats]
"""Rows (G,), S_xx (G, p, p), S_xy (G, p) and S_yy (G,) about zero, the intercept first."""


def _equation_moments(equation: Equation, tables: list[StandardTable]) -> Found:
    names = list(dict.fromkeys([(equation.node,), *(term.factors for term in equation.terms if term.factors)]))
    total = np.zeros((len(tables[0].rows), 1 + len(names), 1 + len(names)))
    for table in tables:
        if all(name in table.position for name in names):
            total += raw_moments(table, names)
    x = [1 + names.index(term.factors) if term.factors else 0 for term in equation.terms]
    return total[:, 0, 0], total[:, x][:, :, x], total[:, x, 1], total[:, 1, 1]


def _first_moments(equation: Equation, moments: Moments, scale: Scale) -> Found:
    node = equation.node.partition("#")[0]
    if moments.lags is None:
        raise ValueError("the moments hold no first values")
    value = (moments.lags.first.sel(column=node).values - scale.shift[node]) / scale.scale[node]
    one = np.ones(len(value))
    return one, one[:, None, None], value[:, None], value**2


def _layers(found: list[Found], sizes: list[int], n_ordinary: int) -> Layers:
    width, n_clusters = max(sizes), len(found[0][0])
    sxx, sxy = np.zeros((n_clusters, len(found), width, width)), np.zeros((n_clusters, len(found), width))
    for k, (_, own_xx, own_xy, _) in enumerate(found):
        sxx[:, k, : sizes[k], : sizes[k]], sxy[:, k, : sizes[k]] = own_xx, own_xy
    dof = np.stack([item[0] for item in found], axis=1)
    fixed = np.full(len(found), np.nan)
    fixed[n_ordinary:] = np.log(FIRST_VALUE_SD)
    return Layers(
        equation=np.arange(len(found)),
        shock=np.full(len(found), -1),
        fixed=fixed,
        size=np.zeros_like(dof),
        dof=dof,
        sxx=sxx,
        sxy=sxy,
        syy=np.stack([item[3] for item in found], axis=1),
        counts=dof,
    )

"""How regressors are distributed inside clusters: from it follow the means of nodes in clusters that were not observed."""

import numpy as np
from numpy.typing import NDArray

from causalcluster.data import RowTable
from causalcluster.design import Design, Equation
from causalcluster.effects.networks import Regressors
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FEW = 8
"""So many values a treatment may have for its distribution to be taken as it is; with more it is taken as normal."""


def describe_regressors(design: Design, scale: Scale, rows: RowTable) -> dict[str, Regressors]:
    """Describe the regressors of every equation whose node is a cause of another, where all their columns are there."""
    causes = {factor for term in design.terms for factor in term.factors}
    sizes, part = {**rows.trials, **rows.exposure}, _treatment_values(design, rows)
    found = {}
    for equation in design.equations:
        used = {name for term in equation.terms for name in term.factors}
        if equation.node in causes and used.issubset(rows.columns):
            found[equation.node] = _describe(_standard_columns(equation, scale, rows), rows, sizes.get(equation.node), part)
    return found


def _treatment_values(design: Design, rows: RowTable) -> Ints:
    """Return which of the treatment's few values each row has, 0 in all rows where it has many."""
    treatment = rows.columns.get(design.treatment)
    if treatment is None:
        return np.zeros(len(rows.cluster), np.int64)
    values, place = np.unique(treatment, return_inverse=True)
    return np.asarray(place if len(values) <= _FEW else np.zeros_like(place))


def _standard_columns(equation: Equation, scale: Scale, rows: RowTable) -> Floats:
    """Return the regressors (row, p) without the intercept."""
    columns = [
        np.prod([(rows.columns[name] - scale.shift[name]) / scale.scale[name] for name in term.factors], axis=0)
        for term in equation.terms
        if term.kind != "intercept"
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(rows.cluster), 0))


def _describe(values: Floats, rows: RowTable, size: Floats | None, part: Ints) -> Regressors:
    n_clusters, n_parts = len(rows.clusters), int(part.max(initial=0)) + 1
    cell = rows.cluster * n_parts + part
    weight = rows.weight if size is None else rows.weight * size
    away = values - _average(values, rows.weight, rows.cluster, n_clusters)[rows.cluster]
    mean = _average(away, weight, cell, n_clusters * n_parts)
    inside = away - mean[cell]
    products = [_average(inside * inside[:, [i]], weight, rows.cluster, n_clusters) for i in range(values.shape[1])]
    total = np.bincount(cell, weight, n_clusters * n_parts).reshape(n_clusters, n_parts)
    share = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-300)
    sizes = np.ones((len(rows.cluster), 1)) if size is None else size[:, None]
    return Regressors(
        size=_average(sizes, rows.weight, rows.cluster, n_clusters)[:, 0],
        share=share,
        mean=mean.reshape(n_clusters, n_parts, -1),
        covariance=np.stack(products, axis=1) if products else np.zeros((n_clusters, 0, 0)),
    )


def _average(values: Floats, weight: Floats, group: Ints, n_groups: int) -> Floats:
    """Return weighted means (group, p) of values (row, p); zero in empty groups."""
    total = np.bincount(group, weight, n_groups)
    sums = [np.bincount(group, weight * column, n_groups) for column in values.T]
    return np.array(sums).reshape(len(sums), n_groups).T / np.where(total > 0.0, total, 1.0)[:, None]

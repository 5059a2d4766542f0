"""Columns of zeros and ones, one for each period, added to moments by algebra: no such column is ever formed.

A period's column is 1 in the rows of that period, so that its products with other columns are their sums there, and its
products with other periods' are zero. Where units' means have been taken out, so has the column's own: what is left of the
products among periods follows from which periods every unit has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.data import CLUSTER, PERIOD, UNIT, Survey
from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.moments.compensated import two_sum
from causalcluster.moments.exact_sums import group_sums
from causalcluster.moments.grouped import product_basis
from causalcluster.moments.products import Monomial, expand_products

Floats = NDArray[np.float64]
CELL = (CLUSTER, PERIOD)
"""Keys of a cell: the rows of one cluster in one period."""
_BITS = 60
"""Periods of a unit that one whole number holds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeriodSums:
    """Rows (cluster, period), and sums (cluster, period, term) of terms about the cluster's reference."""

    rows: NDArray[np.int64]
    sums: Floats


def sum_periods(
    frame: nw.LazyFrame[Any],
    survey: Survey,
    reference: Floats,
    labels: Sequence[str],
    n_periods: int,
    terms: Sequence[Monomial],
    *,
    name: str,
) -> PeriodSums:
    """Sum terms over the rows of each cluster and period, in one scan.

    Parameters
    ----------
    frame, survey
        `CLUSTER`, `PERIOD` and ``x0``, ``x1``, ..., and their survey by `CELL`.
    reference
        Where deviations are taken from (cluster, column).
    labels, n_periods
        The clusters, in the order of the result, and how many periods there are.
    terms
        Products of deviations.
    name
        What messages call the table.
    """
    basis = product_basis(terms)
    found = group_sums(frame, survey, keys=CELL, monomials=basis, name=name)
    place = {label: g for g, label in enumerate(labels)}
    cluster = np.array([place[str(group[0])] for group in survey.groups])
    period = np.array([int(group[1]) for group in survey.groups])
    scale = 2 * found.bits
    mean = np.array([[found.totals[part][g] / (int(n) << scale) for part in basis] for g, n in enumerate(found.rows)])
    offset = two_sum(found.middle, -reference[cluster])
    weights, constant = expand_products(terms, basis, offset, found.spread)
    away = constant[0] + (np.einsum("gtb,gb->gt", weights, mean) + constant[1])
    rows = np.zeros((len(labels), n_periods), dtype=np.int64)
    sums = np.zeros((len(labels), n_periods, len(terms)))
    rows[cluster, period], sums[cluster, period] = found.rows, found.rows[:, None] * away
    return PeriodSums(rows=rows, sums=sums)


def shared_periods(frame: nw.LazyFrame[Any], labels: Sequence[str], n_periods: int) -> Floats:
    """Return what taking out the units' means takes off the periods' squares (cluster, period, period).

    It is the sum over units of z z' / T, with z the periods that a unit has and T their number: one grouped scan.
    """
    words = [f"w{k}" for k in range(-(-n_periods // _BITS))]
    bits = [
        sum(
            (
                nw.when(nw.col(PERIOD) == t).then(nw.lit(2 ** (t % _BITS))).otherwise(nw.lit(0))
                for t in range(_BITS * k, min(n_periods, _BITS * (k + 1)))
            ),
            start=nw.lit(0),
        )
        .cast(nw.Int64)
        .alias(word)
        for k, word in enumerate(words)
    ]
    marked = frame.select(CLUSTER, UNIT, *bits).group_by(CLUSTER, UNIT).agg(*(nw.col(word).sum() for word in words))
    found = collect_sums(marked.group_by(CLUSTER, *words).agg(nw.len().alias("units")))
    place = {label: g for g, label in enumerate(labels)}
    cluster = np.array([place[str(label)] for label in plain_values(found[CLUSTER])])
    patterns = np.array([plain_values(found[word]) for word in words], dtype=np.int64)
    z = np.stack([patterns[t // _BITS] >> (t % _BITS) & 1 for t in range(n_periods)], axis=1).astype(float)
    count = np.array(plain_values(found["units"]), dtype=float) / z.sum(axis=1)
    # In one order whatever the engine's: by cluster, then by pattern.
    order = np.lexsort([*patterns[::-1], cluster])
    shared = np.zeros((len(labels), n_periods, n_periods))
    for g in range(len(labels)):
        own = order[cluster[order] == g]
        shared[g] = (z[own] * count[own, None]).T @ z[own]
    return shared


def append_periods(table: xr.Dataset, sums: PeriodSums, kept: slice, names: Sequence[str]) -> xr.Dataset:
    """Add the columns of some periods to moments by cluster.

    Parameters
    ----------
    table
        From `causalcluster.moments.grouped.reduce_frame`.
    sums
        Of all periods and of the table's columns about its reference.
    kept, names
        Which periods get a column, and what it is called.
    """
    among, across = centre_periods(table, sums)
    cross = border(table["cross"].values, across[:, kept], among[:, kept, kept])
    share = sums.rows[:, kept] / table["n"].values[:, None]
    return _join(table, cross, share, names)


def centre_periods(table: xr.Dataset, sums: PeriodSums) -> tuple[Floats, Floats]:
    """Return the periods' products with each other (cluster, period, period) and with the table's columns.

    Both are about the clusters' means: (cluster, period, period) and (cluster, period, column).
    """
    n, rows = table["n"].values.astype(float)[:, None, None], sums.rows.astype(float)
    away = (table["mean"] - table["reference"]).values + table["mean_rest"].values
    among = np.einsum("gt,ts->gts", rows, np.eye(rows.shape[1])) - rows[:, :, None] * rows[:, None, :] / n
    return among, sums.sums - rows[:, :, None] * away[:, None, :]


def border(cross: Floats, across: Floats, among: Floats) -> Floats:
    top = np.concatenate([cross, across.transpose(0, 2, 1)], axis=2)
    return np.concatenate([top, np.concatenate([across, among], axis=2)], axis=1)


def _join(table: xr.Dataset, cross: Floats, mean: Floats, names: Sequence[str]) -> xr.Dataset:
    none = np.zeros_like(mean)
    more = {"mean": mean, "mean_rest": none, "reference": mean}
    columns = [*(str(name) for name in table["column"].values), *names]
    kept = table.drop_dims(["column", "column_2"])
    joined = {name: np.concatenate([table[name].values, value], axis=1) for name, value in more.items()}
    return kept.assign(
        {name: (("cluster", "column"), value) for name, value in joined.items()}
        | {"cross": (("cluster", "column", "column_2"), cross)}
    ).assign_coords(column=columns, column_2=columns)

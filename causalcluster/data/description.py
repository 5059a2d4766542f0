"""Rows, extremes, means and spreads of every column in every cluster."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Node
from causalcluster.data.central import central_moments, needed_monomials
from causalcluster.data.exact_sums import Monomial, group_sums
from causalcluster.data.panel import CLUSTER, ColumnStatistics, position_column

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Description:
    """Sorted clusters and, per cluster and column, extremes, means and within sums of squares."""

    labels: tuple[str, ...]
    rows: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def pooled_mean(self) -> NDArray[np.float64]:
        """Mean over rows (column,)."""
        weights = self.rows / self.rows.sum()
        # Around the first cluster's mean, so that a large common level costs no digits.
        base: NDArray[np.float64] = self.mean[0]
        pooled: NDArray[np.float64] = base + weights @ (self.mean - base)
        return pooled

    @property
    def sd_within(self) -> NDArray[np.float64]:
        """Pooled standard deviation inside clusters (column,); 0 where every cluster has one row."""
        dof = max(int((self.rows - 1).sum()), 1)
        pooled: NDArray[np.float64] = np.sqrt(self.squares.sum(axis=0) / dof)
        return pooled

    @property
    def sd_between(self) -> NDArray[np.float64]:
        """Standard deviation of the cluster means (column,); 0 with one cluster."""
        if len(self.labels) < 2:
            return np.zeros(self.mean.shape[1])
        between: NDArray[np.float64] = (self.mean - self.mean[0]).std(axis=0, ddof=1)
        return between


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Sort labels by value where all are numbers, else by code point.

    Examples
    --------
    >>> sort_labels(["10", "9"]), sort_labels(["10", "9", "a"])
    (['9', '10'], ['10', '9', 'a'])
    """
    if all(_NUMBER.fullmatch(label) for label in labels):
        return sorted(labels, key=lambda label: (Decimal(label), label))
    return sorted(labels)


def describe_clusters(frame: nw.LazyFrame[Any], *, columns: int, rows: int) -> Description:
    """Describe the typed columns per cluster in one query (two scans)."""
    basis: list[Monomial] = [(i,) for i in range(columns)]
    squares = [monomial for monomial in needed_monomials(basis) if len(set(monomial)) == 1]
    names = [position_column(i) for i in range(columns)]
    sums = group_sums(frame, key=CLUSTER, columns=names, monomials=squares, most_rows=rows)
    order = [sums.labels.index(label) for label in sort_labels(sums.labels)]
    middle, spread = sums.middle, sums.spread
    mean = np.empty_like(middle)
    within = np.empty_like(middle)
    for i in range(columns):
        scaled_mean, scaled_cross = central_moments(sums, [(i,)])
        mean[:, i] = middle[:, i] + spread[:, i] * scaled_mean[:, 0]
        within[:, i] = spread[:, i] ** 2 * scaled_cross[:, 0, 0]
    return Description(
        labels=tuple(sums.labels[g] for g in order),
        rows=sums.rows[order],
        minimum=sums.minimum[order],
        maximum=sums.maximum[order],
        mean=mean[order],
        squares=within[order],
    )


def column_statistics(nodes: Sequence[Node], description: Description) -> tuple[ColumnStatistics, ...]:
    """Return one record per node over all clusters."""
    means, within, between = description.pooled_mean, description.sd_within, description.sd_between
    return tuple(
        ColumnStatistics(
            node=node.name,
            column=node.column,
            label=node.label,
            mean=float(means[i]),
            sd_within=float(within[i]),
            sd_between=float(between[i]),
            minimum=float(description.minimum[:, i].min()),
            maximum=float(description.maximum[:, i].max()),
        )
        for i, node in enumerate(nodes)
    )

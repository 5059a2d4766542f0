"""Typed rows -> means and centred cross-products of every group, in one scan."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.data import CLUSTER, Survey
from causalcluster.moments.central import central_moments, needed_monomials
from causalcluster.moments.compensated import two_sum
from causalcluster.moments.exact_sums import GroupSums, group_sums
from causalcluster.moments.labels import sort_labels
from causalcluster.moments.products import Monomial, expand_products
from causalcluster.moments.records import product_name

Floats = NDArray[np.float64]


def reduce_frame(
    frame: nw.LazyFrame[Any],
    survey: Survey,
    nodes: Sequence[str],
    products: Sequence[Sequence[str]] = (),
    *,
    name: str = "the table",
) -> xr.Dataset:
    """Reduce typed rows without missing values, in one scan.

    Parameters
    ----------
    frame
        The text column `CLUSTER` and one Float64 column per node, ``x0``, ``x1``, ...
    survey
        Of the same rows by cluster.
    nodes
        Names of these columns.
    products
        Products of nodes, each a sequence of factors: ('law', 'enforcement').
    name
        What messages call the table.

    Returns
    -------
    xr.Dataset
        ``n``, ``mean``, ``mean_rest``, ``reference``, ``cross``, ``minimum`` and ``maximum`` as in `Moments`. Same
        rows, same bits: the order of rows, the engine and its threads do not matter.

    Notes
    -----
    With x = m + r z, z scaled into [-1/2, 1/2] inside the cluster, and c the cluster's mean, a product of deviations
    is a polynomial in the z: (x1 - c1)(x2 - c2) = d1 d2 + d1 r2 z2 + d2 r1 z1 + r1 r2 z1 z2 with d = m - c. So the
    raw product, which may be 1e18 with a spread of 1, is never formed.
    """
    (table,) = reduce_groups(frame, survey, nodes, products, keys=(CLUSTER,), name=name).values()
    return table


def reduce_groups(
    frame: nw.LazyFrame[Any],
    survey: Survey,
    nodes: Sequence[str],
    products: Sequence[Sequence[str]],
    *,
    keys: Sequence[str],
    name: str,
) -> dict[tuple[Any, ...], xr.Dataset]:
    """Return a table as in `reduce_frame` for each value of the keys after the first, which is the cluster.

    A column is present in all rows of a group or in none; moments of an absent one are without meaning.
    """
    terms = _terms(nodes, products)
    basis = product_basis(terms)
    sums = group_sums(frame, survey, keys=keys, monomials=needed_monomials(basis), name=name)
    mean, rest, cross = _term_moments(terms, basis, sums, *central_moments(sums, basis))
    reference = np.where([len(term) == 1 for term in terms], mean, 0.0)
    names = [*nodes, *(product_name(tuple(product)) for product in products)]
    groups: dict[tuple[Any, ...], dict[str, int]] = {}
    for g, group in enumerate(survey.groups):
        groups.setdefault(group[1:], {})[str(group[0])] = g
    tables = {}
    for key, places in sorted(groups.items()):
        labels = sort_labels(list(places))
        order = [places[label] for label in labels]
        tables[key] = xr.Dataset(
            {
                "n": ("cluster", survey.rows[order]),
                "mean": (("cluster", "column"), mean[order]),
                "mean_rest": (("cluster", "column"), rest[order]),
                "reference": (("cluster", "column"), reference[order]),
                "cross": (("cluster", "column", "column_2"), cross[order]),
                "minimum": (("cluster", "node"), survey.minimum[order]),
                "maximum": (("cluster", "node"), survey.maximum[order]),
            },
            coords={"cluster": labels, "column": names, "column_2": names, "node": list(nodes)},
        )
    return tables


def _terms(nodes: Sequence[str], products: Sequence[Sequence[str]]) -> list[Monomial]:
    factors = [tuple(sorted(nodes.index(name) for name in product)) for product in products]
    return [(i,) for i in range(len(nodes))] + factors


def product_basis(terms: Sequence[Monomial]) -> list[Monomial]:
    """Return every product of scaled columns that an expanded term holds, short ones first."""
    sizes = [(term, size) for term in terms for size in range(1, len(term) + 1)]
    parts = {tuple(sorted(part)) for term, size in sizes for part in combinations(term, size)}
    return sorted(parts, key=lambda part: (len(part), part))


def _term_moments(
    terms: Sequence[Monomial], basis: Sequence[Monomial], sums: GroupSums, mean: Floats, cross: Floats
) -> tuple[Floats, Floats, Floats]:
    """Map moments of scaled products (group, basis) to means, their rests and cross-products of the terms (group, term).

    The first terms are the nodes; each product is of its factors' deviations from their means.
    """
    nodes = slice(0, sums.middle.shape[1])
    node_mean, node_rest = two_sum(sums.middle, sums.spread * mean[:, nodes])
    weights, constant = expand_products(terms, basis, two_sum(sums.middle, -node_mean), sums.spread)
    term_mean, lost = two_sum(constant[0], np.einsum("gtb,gb->gt", weights, mean))
    rest = lost + constant[1]
    term_mean[:, nodes], rest[:, nodes] = node_mean, node_rest
    term_cross = np.einsum("gtb,gbc,guc->gtu", weights, cross, weights)
    return term_mean, rest, 0.5 * (term_cross + term_cross.transpose(0, 2, 1))

"""Products of columns about other points: polynomials in what is known, so algebra on its moments.

A product column holds products of its factors' deviations from the record's `reference`. With a reference near the
record's own means, nothing cancels however large the columns' common level is: raw products of two columns near 1e9
would keep none of the digits that their deviations have.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.errors import UnsupportedError
from causalcluster.moments.compensated import Pair, add_pairs, multiply_pairs, two_sum
from causalcluster.moments.records import product_name

Floats = NDArray[np.float64]
Monomial = tuple[int, ...]
"""Sorted positions of columns that are multiplied; (0, 0) is the square of the first."""


def expand_products(terms: Sequence[Monomial], basis: Sequence[Monomial], offset: Pair, unit: Floats) -> tuple[Floats, Pair]:
    """Write each term, the product of ``offset + unit * u`` over its columns, as a polynomial in products of the u.

    Parameters
    ----------
    terms
        The products to write out.
    basis
        Products of the u; every part of a term is among them.
    offset, unit
        By column (group, column).

    Returns
    -------
    tuple
        Weights (group, term, basis) and constants (group, term), these with what rounding left out.
    """
    groups = len(unit)
    weights = np.zeros((groups, len(terms), len(basis)))
    high, low = np.empty((2, groups, len(terms)))
    position = {part: i for i, part in enumerate(basis)}
    for t, term in enumerate(terms):
        constant: Pair = (np.ones(groups), np.zeros(groups))
        for column in term:
            constant = multiply_pairs(constant, (offset[0][:, column], offset[1][:, column]))
        high[:, t], low[:, t] = constant
        places = range(len(term))
        for chosen in (c for size in range(1, len(term) + 1) for c in combinations(places, size)):
            factors = [unit[:, term[i]] if i in chosen else offset[0][:, term[i]] for i in places]
            weights[:, t, position[tuple(term[i] for i in chosen)]] += np.prod(factors, axis=0)
    return weights, (high, low)


def move_reference(table: xr.Dataset, products: Sequence[tuple[str, ...]], reference: Floats) -> xr.Dataset:
    """Return the table with its products about ``reference`` (cluster, column) instead of about its own.

    Raises
    ------
    UnsupportedError
        A product of three whose products of two are not in the table.
    """
    names = [str(name) for name in table["column"].values]
    terms = _terms(names, products)
    places = [i for i, term in enumerate(terms) if len(term) > 1]
    if not places:
        return table.assign(reference=(("cluster", "column"), reference))
    old, mean, rest = (table[name].values for name in ("reference", "mean", "mean_rest"))
    weights, constant = expand_products(terms, terms, two_sum(old, -reference), np.ones_like(old))
    known = add_pairs(two_sum(mean, -old), (rest, np.zeros_like(rest)))
    lower = weights - np.eye(len(terms))
    moved = add_pairs(add_pairs(constant, known), (np.einsum("gtb,gb->gt", lower, known[0]), np.zeros_like(rest)))
    mean, rest = mean.copy(), rest.copy()
    mean[:, places], rest[:, places] = moved[0][:, places], moved[1][:, places]
    cross = weights @ table["cross"].values @ weights.transpose(0, 2, 1)
    return table.assign(
        mean=(("cluster", "column"), mean),
        mean_rest=(("cluster", "column"), rest),
        cross=(("cluster", "column", "column_2"), 0.5 * (cross + cross.transpose(0, 2, 1))),
        reference=(("cluster", "column"), reference),
    )


def _terms(names: Sequence[str], products: Sequence[tuple[str, ...]]) -> list[Monomial]:
    """Return each column as positions of the columns that it multiplies."""
    factors = {product_name(product): product for product in products}
    terms = [tuple(sorted(names.index(factor) for factor in factors.get(name, (name,)))) for name in names]
    for name, term in zip(names, terms, strict=True):
        parts = [part for size in range(2, len(term)) for part in combinations(term, size)]
        absent = next((part for part in parts if part not in terms), None)
        if absent is not None:
            raise UnsupportedError(
                f"moments of {name!r} cannot be pooled without those of {product_name(tuple(names[i] for i in absent))!r}",
                why="The product is taken about other means in the pooled moments",
                fix="Reduce again with that product too",
            )
    return terms

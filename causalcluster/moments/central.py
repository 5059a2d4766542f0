"""Central moments of scaled columns from exact sums."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

from causalcluster.moments.exact_sums import GroupSums, Monomial


def needed_monomials(basis: Sequence[Monomial]) -> tuple[Monomial, ...]:
    """Return the products whose sums give means and cross-products of ``basis``."""
    pairs = {combine(left, right) for left in basis for right in basis}
    return tuple(sorted(pairs | set(basis), key=lambda monomial: (len(monomial), monomial)))


def combine(left: Monomial, right: Monomial) -> Monomial:
    """Return the product of two monomials."""
    return tuple(sorted(left + right))


def central_moments(sums: GroupSums, basis: Sequence[Monomial]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means (group, basis) and centred cross-products (group, basis, basis) of scaled products.

    The subtraction n * sum(uv) - sum(u) * sum(v) is done in integers, so nothing cancels.
    """
    groups, size = len(sums.rows), len(basis)
    mean, cross = np.empty((groups, size)), np.empty((groups, size, size))
    shift = 2 * sums.bits
    for g in range(groups):
        rows = int(sums.rows[g])
        for i, left in enumerate(basis):
            total = sums.totals[left][g]
            mean[g, i] = total / (rows << shift)
            for j in range(i + 1):
                right = basis[j]
                product = sums.totals[combine(left, right)][g]
                numerator = ((rows * product) << shift) - total * sums.totals[right][g]
                cross[g, i, j] = cross[g, j, i] = numerator / (rows << (2 * shift))
            # Cutting at 2**(-2 * bits) can leave a constant product a hair below zero.
            cross[g, i, i] = max(cross[g, i, i], 0.0)
    return mean, cross


def mean_rest(terms: Sequence[Monomial], sums: GroupSums, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what rounding the means of raw terms (group, term) to doubles left out.

    Near 1e9 a double holds a mean to 1e-7 only; moments of several tables add up exactly with the rest kept.
    """
    rest = np.empty_like(mean)
    for g in range(len(sums.rows)):
        middle = [Fraction(float(value)) for value in sums.middle[g]]
        spread = [Fraction(float(value)) for value in sums.spread[g]]
        unit = Fraction(1, int(sums.rows[g]) << (2 * sums.bits))
        for t, term in enumerate(terms):
            exact = prod((middle[i] for i in term), start=Fraction(1))
            for chosen in (c for size in range(1, len(term) + 1) for c in combinations(range(len(term)), size)):
                weight = prod((spread[term[p]] if p in chosen else middle[term[p]] for p in range(len(term))), start=unit)
                exact += weight * sums.totals[tuple(sorted(term[p] for p in chosen))][g]
            rest[g, t] = float(exact - Fraction(float(mean[g, t])))
    return rest

"""Central moments of scaled columns from exact sums."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalcluster.moments.exact_sums import GroupSums
from causalcluster.moments.products import Monomial


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

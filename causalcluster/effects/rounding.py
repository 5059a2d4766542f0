"""Differences of differences that are nothing but rounding count as zero.

The interactions of the four-way decomposition are sums of contrasts that cancel exactly where nothing interacts. What is
left of them in floating-point numbers would be reported as an effect of 1e-17 with an interval of its own.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDING = 1e-12


def sum_terms(means: Floats, weights: Floats) -> Floats:
    """Return the weighted sum (...,) of means (..., T), zero where it is below rounding of its terms."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = means @ weights
        size = np.abs(means) @ np.abs(weights)
        return np.where(np.abs(total) < _ROUNDING * size, 0.0, total)


def add_weights(terms: Mapping[tuple[int, ...], list[Floats]]) -> dict[tuple[int, ...], Floats]:
    """Return the sum of each monomial's weights (G,), without monomials whose sums are below rounding of their parts."""
    kept = {}
    for monomial, weights in terms.items():
        total, size = np.sum(weights, axis=0), np.abs(weights).sum(axis=0)
        if np.any(np.abs(total) > _ROUNDING * size):
            kept[monomial] = total
    return kept

"""Sums and products of doubles with what rounding them left out (Dekker 1971; Knuth 1969, 4.2.2)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
"""A rounded number and the rest that rounding left out."""

_SPLITTER = 2.0**27 + 1.0


def two_sum(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return left + right rounded, and the rest, exactly."""
    total = left + right
    back = total - left
    return total, (left - (total - back)) + (right - back)


def two_product(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return left * right rounded, and the rest, exactly; both below 1e290 and no result near 1e-300."""
    product = left * right
    left_high, left_low = _split(left)
    right_high, right_low = _split(right)
    rest = ((left_high * right_high - product) + left_high * right_low + left_low * right_high) + left_low * right_low
    return product, rest


def add_pairs(left: Pair, right: Pair) -> Pair:
    """Return the sum of two pairs, to about 100 bits where they do not cancel."""
    total, rest = two_sum(left[0], right[0])
    return two_sum(total, rest + (left[1] + right[1]))


def multiply_pairs(left: Pair, right: Pair) -> Pair:
    """Return the product of two pairs, to about 100 bits; the limits are those of `two_product`."""
    product, rest = two_product(left[0], right[0])
    return two_sum(product, rest + (left[0] * right[1] + left[1] * right[0]))


def _split(value: Floats) -> tuple[Floats, Floats]:
    scaled = _SPLITTER * value
    high = scaled - (scaled - value)
    return high, value - high

"""Rounded results and their rests add up exactly."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from causalcluster.moments.compensated import add_pairs, multiply_pairs, two_product, two_sum

doubles = st.floats(-1e50, 1e50).filter(lambda value: value == 0.0 or abs(value) > 1e-50)


@given(doubles, doubles)
def test_nothing_is_lost(left, right):
    for function, exact in ((two_sum, Fraction(left) + Fraction(right)), (two_product, Fraction(left) * Fraction(right))):
        high, low = function(np.array([left]), np.array([right]))
        assert Fraction(float(high[0])) + Fraction(float(low[0])) == exact
        assert high[0] == float(exact)


@given(doubles, doubles)
def test_pairs_keep_a_hundred_bits(left, right):
    ones = [(np.array([value]), np.array([value * 2.0**-54])) for value in (left, right)]
    exact = [Fraction(value) + Fraction(value * 2.0**-54) for value in (left, right)]
    for function, expected, size in (
        (add_pairs, exact[0] + exact[1], abs(exact[0]) + abs(exact[1])),
        (multiply_pairs, exact[0] * exact[1], abs(exact[0] * exact[1])),
    ):
        high, low = function(*ones)
        assert abs(Fraction(float(high[0])) + Fraction(float(low[0])) - expected) <= size * Fraction(1, 2**100)

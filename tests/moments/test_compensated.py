"""Rounded results and their rests add up exactly."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from causalcluster.moments.compensated import two_product, two_sum

doubles = st.floats(-1e50, 1e50).filter(lambda value: value == 0.0 or abs(value) > 1e-50)


@given(doubles, doubles)
def test_nothing_is_lost(left, right):
    for function, exact in ((two_sum, Fraction(left) + Fraction(right)), (two_product, Fraction(left) * Fraction(right))):
        high, low = function(np.array([left]), np.array([right]))
        assert Fraction(float(high[0])) + Fraction(float(low[0])) == exact
        assert high[0] == float(exact)

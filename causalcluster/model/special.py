"""Special functions that compile to plain machine code, without a call into Python."""

import math

from numba import njit

_ASYMPTOTIC_FROM = 10.0


@njit(cache=True)
def digamma(x: float) -> float:
    """Return the derivative of log gamma at x > 0.

    Recurrence to at least 10, then the asymptotic series to its seventh term (Abramowitz and Stegun 1964, 6.3.5 and
    6.3.18): the remainder is below 1e-15.
    """
    total = 0.0
    while x < _ASYMPTOTIC_FROM:
        total -= 1.0 / x
        x += 1.0
    r = 1.0 / (x * x)
    series = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r / 12))))))
    return total + math.log(x) - 0.5 / x - series

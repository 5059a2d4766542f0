"""Polynomials in the coefficients of a cluster, their values and their expectations over clusters.

In a linear system the mean of an outcome in any world is a sum of products of coefficients. A polynomial maps a
monomial (a sorted tuple of coefficient positions) to its weights (G,), which may differ by cluster because they
hold the clusters' observed means. Population expectations are exact for jointly normal coefficients
(Isserlis 1918, Biometrika 12), for any correlation among them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Monomial = tuple[int, ...]
Polynomial = Mapping[Monomial, Floats]


def constant(value: Floats) -> dict[Monomial, Floats]:
    """Return the polynomial that is ``value`` (G,) whatever the coefficients."""
    return {(): value}


def add(left: Polynomial, right: Polynomial, *, factor: float = 1.0) -> dict[Monomial, Floats]:
    """Return left + factor * right; monomials whose weights cancel exactly are dropped."""
    total = dict(left)
    for monomial, weight in right.items():
        total[monomial] = total[monomial] + factor * weight if monomial in total else factor * weight
    return {monomial: weight for monomial, weight in total.items() if np.any(weight != 0.0)}


def times_coefficient(polynomial: Polynomial, coefficient: int) -> dict[Monomial, Floats]:
    """Return the polynomial multiplied by one coefficient."""
    return {tuple(sorted((*monomial, coefficient))): weight for monomial, weight in polynomial.items()}


def scale_by(polynomial: Polynomial, factor: float) -> dict[Monomial, Floats]:
    """Return the polynomial multiplied by a number."""
    return {monomial: factor * weight for monomial, weight in polynomial.items()}


def evaluate(polynomial: Polynomial, theta: Floats) -> Floats:
    """Return the polynomial's value in every cluster: theta (..., G, P) gives (..., G)."""
    total = np.zeros(theta.shape[:-1])
    for monomial, weight in polynomial.items():
        product = np.broadcast_to(weight, theta.shape[:-1])
        for coefficient in monomial:
            product = product * theta[..., coefficient]
        total += product
    return total


class NormalMoments:
    """Expectations of products of jointly normal coefficients, each computed once for all draws.

    Parameters
    ----------
    mean
        (draw, P) means of the coefficients.
    covariance
        (draw, P, P) their covariance between clusters.
    """

    def __init__(self, mean: Floats, covariance: Floats) -> None:
        self._mean = mean
        self._covariance = covariance
        self._known: dict[Monomial, Floats] = {(): np.ones(mean.shape[0])}

    def product(self, monomial: Monomial) -> Floats:
        """Return E[product of the coefficients in ``monomial``], repeats allowed, as (draw,)."""
        if monomial not in self._known:
            first, rest = monomial[0], monomial[1:]
            total = self._mean[:, first] * self.product(rest)
            for i, other in enumerate(rest):
                covariance = self._covariance[:, first, other]
                if np.any(covariance):
                    total = total + covariance * self.product(rest[:i] + rest[i + 1 :])
            self._known[monomial] = total
        return self._known[monomial]


def expectation(polynomial: Polynomial, moments: NormalMoments) -> Floats:
    """Return the polynomial's expectation over clusters (draw,), clusters' own weights averaged equally."""
    total = moments.product(()) * 0.0
    for monomial, weight in polynomial.items():
        total = total + float(np.mean(weight)) * moments.product(monomial)
    return total


def spread(polynomial: Polynomial, moments: NormalMoments) -> Floats:
    """Return the polynomial's standard deviation between clusters (draw,)."""
    items = list(polynomial.items())
    second = moments.product(()) * 0.0
    for i, (left, left_weight) in enumerate(items):
        for j, (right, right_weight) in enumerate(items[: i + 1]):
            both = float(np.mean(left_weight * right_weight)) * (1.0 if i == j else 2.0)
            if both != 0.0:
                second = second + both * moments.product(tuple(sorted(left + right)))
    first = expectation(polynomial, moments)
    return np.asarray(np.sqrt(np.maximum(second - first**2, 0.0)))

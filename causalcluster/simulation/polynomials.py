"""Polynomials in named variables: their values, and their exact moments where the variables are jointly normal."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Monomial = tuple[str, ...]
Polynomial = Mapping[Monomial, float]
"""Coefficient by monomial; a monomial is the sorted tuple of its factors, repeated for powers, () for 1."""


def add(*polynomials: Polynomial) -> dict[Monomial, float]:
    """Return the sum of polynomials.

    Examples
    --------
    >>> add({("a",): 1.0}, {("a",): 2.0, (): 1.0})
    {('a',): 3.0, (): 1.0}
    """
    total: dict[Monomial, float] = {}
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, 0.0) + coefficient
    return total


def multiply(left: Polynomial, right: Polynomial) -> dict[Monomial, float]:
    """Return the product of two polynomials.

    Examples
    --------
    >>> multiply({("a",): 2.0}, {("a",): 1.0, ("b",): 3.0})
    {('a', 'a'): 2.0, ('a', 'b'): 6.0}
    """
    product: dict[Monomial, float] = {}
    for first, scale in left.items():
        for second, coefficient in right.items():
            monomial = tuple(sorted(first + second))
            product[monomial] = product.get(monomial, 0.0) + scale * coefficient
    return product


def evaluate(polynomial: Polynomial, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the polynomial at arrays of values (all of one shape, which is the result's)."""
    shape = np.shape(next(iter(values.values())))
    total = np.zeros(shape)
    for monomial, coefficient in polynomial.items():
        term = np.full(shape, coefficient)
        for name in monomial:
            term = term * values[name]
        total = total + term
    return total


def normal_expectation(
    polynomial: Polynomial,
    *,
    names: tuple[str, ...],
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> float:
    """Return the exact expectation of a polynomial in jointly normal variables.

    Parameters
    ----------
    polynomial
        The polynomial; its factors are among `names`.
    names, mean, covariance
        The variables, their means (variable,) and covariances (variable, variable).

    Notes
    -----
    Isserlis (1918) in its recursive, non-central form (Stein's lemma):
    E[x_1 r] = mean_1 E[r] + sum_j cov(x_1, r_j) E[r without r_j].
    """
    moment = _normal_moments(names, mean, covariance)
    return float(sum(coefficient * moment(monomial) for monomial, coefficient in polynomial.items()))


def normal_sd(
    polynomial: Polynomial,
    *,
    names: tuple[str, ...],
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> float:
    """Return the exact standard deviation of a polynomial in jointly normal variables (see `normal_expectation`)."""
    expectation = normal_expectation(polynomial, names=names, mean=mean, covariance=covariance)
    # Squares of the deviation, not E[f^2] - E[f]^2: the subtraction would lose digits where the spread is small.
    deviation = add(polynomial, {(): -expectation})
    variance = normal_expectation(multiply(deviation, deviation), names=names, mean=mean, covariance=covariance)
    return float(np.sqrt(max(variance, 0.0)))


def _normal_moments(
    names: tuple[str, ...], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> Callable[[Monomial], float]:
    index = {name: position for position, name in enumerate(names)}

    @cache
    def moment(monomial: Monomial) -> float:
        if not monomial:
            return 1.0
        first, rest = index[monomial[0]], monomial[1:]
        value = float(mean[first]) * moment(rest)
        for position, name in enumerate(rest):
            value += float(covariance[first, index[name]]) * moment(rest[:position] + rest[position + 1 :])
        return value

    return moment

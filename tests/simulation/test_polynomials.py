"""Polynomials in jointly normal variables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.simulation.polynomials import add, evaluate, multiply, normal_expectation, normal_sd

NAMES = ("a", "b", "c")
MEAN = np.array([0.5, -1.0, 2.0])
FACTOR = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.3, 0.2, 0.5]])
COVARIANCE = FACTOR @ FACTOR.T

monomials = st.lists(st.sampled_from(NAMES), max_size=3).map(lambda names: tuple(sorted(names)))
polynomials = st.dictionaries(monomials, st.floats(-2, 2), min_size=1, max_size=4)


def gauss_hermite_expectation(polynomial):
    """Return the expectation by quadrature, exact up to degree 2 * 8 - 1: independent of the recursion."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    mass = np.einsum("i,j,k->ijk", weights, weights, weights).ravel()
    values = MEAN + grid @ FACTOR.T
    return float(mass @ evaluate(polynomial, dict(zip(NAMES, values.T, strict=True))))


def expectation(polynomial):
    return normal_expectation(polynomial, names=NAMES, mean=MEAN, covariance=COVARIANCE)


def test_known_moments():
    assert expectation({("a", "b"): 1.0}) == pytest.approx(0.5 * -1.0 + 0.6)
    assert expectation({("a", "a"): 1.0}) == pytest.approx(0.25 + 1.0)
    assert expectation({(): 3.0}) == 3.0
    # The fourth central moment of a standard normal is 3; the sixth is 15.
    standard = {"names": ("z",), "mean": np.zeros(1), "covariance": np.eye(1)}
    assert normal_expectation({("z",) * 4: 1.0}, **standard) == 3.0
    assert normal_expectation({("z",) * 6: 1.0}, **standard) == 15.0


@given(polynomials)
@settings(max_examples=50, deadline=None)
def test_expectation_equals_quadrature(polynomial):
    assert expectation(polynomial) == pytest.approx(gauss_hermite_expectation(polynomial), abs=1e-8, rel=1e-9)


@given(polynomials)
@settings(max_examples=50, deadline=None)
def test_sd_equals_quadrature(polynomial):
    mean = gauss_hermite_expectation(polynomial)
    deviation = add(polynomial, {(): -mean})
    variance = gauss_hermite_expectation(multiply(deviation, deviation))
    sd = normal_sd(polynomial, names=NAMES, mean=MEAN, covariance=COVARIANCE)
    assert sd**2 == pytest.approx(variance, abs=1e-7, rel=1e-8)


@given(polynomials, polynomials)
@settings(max_examples=50, deadline=None)
def test_sum_and_product_agree_with_values(left, right):
    values = {"a": np.array([1.5, -2.0]), "b": np.array([0.0, 3.0]), "c": np.array([-1.0, 0.5])}
    first, second = evaluate(left, values), evaluate(right, values)
    np.testing.assert_allclose(evaluate(add(left, right), values), first + second, atol=1e-9)
    np.testing.assert_allclose(evaluate(multiply(left, right), values), first * second, atol=1e-9)

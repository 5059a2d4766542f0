"""Coordinates of sampled coefficients: exact where the likelihood is quadratic, and differentiated rightly."""

import numpy as np
import pytest

from causalcluster.model.placement import place, place_pullback
from causalcluster.model.population import place_population, place_population_pullback

G, P, Q = 4, 3, 5


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(G, P, P))
    information, pull = factor @ factor.transpose(0, 2, 1), rng.normal(size=(G, P))
    information[1], pull[1] = 0.0, 0.0
    return rng.normal(size=P), rng.normal(size=(P, Q)), rng.normal(size=(G, Q)), information, pull


def test_a_cluster_without_rows_is_not_moved(parts):
    z, _ = place(*parts)
    np.testing.assert_array_equal(z[1], parts[2][1])


def test_with_a_quadratic_likelihood_the_coordinates_are_standard_normal(parts):
    m, c, w, information, pull = parts

    def log_density(coordinates):
        z, jacobian = place(m, c, coordinates, information, pull)
        theta = m + z @ c.T
        likelihood = np.einsum("gi,gi->", pull, theta) - 0.5 * np.einsum("gi,gij,gj->", theta, information, theta)
        return jacobian - 0.5 * (z**2).sum() + likelihood

    others = [w, np.zeros_like(w), 2.0 - w]
    away = [log_density(other) + 0.5 * (other**2).sum() for other in others]
    assert np.ptp(away) < 1e-9


def test_the_pullback_equals_finite_differences(parts):
    m, c, w, information, pull = parts
    rng = np.random.default_rng(1)
    g_z, g_jacobian = rng.normal(size=(G, Q)), 0.7

    def total(m, c, w):
        z, jacobian = place(m, c, w, information, pull)
        return (g_z * z).sum() + g_jacobian * jacobian

    z, _ = place(*parts)
    gradients = place_pullback(m, c, w, information, pull, z, g_z, g_jacobian)
    for i, gradient in enumerate(gradients):
        assert_gradient(lambda *a: total(*a), [m, c, w], i, gradient)


def assert_gradient(function, arguments, i, gradient, step=1e-6):
    numeric = np.zeros_like(arguments[i])
    for at in np.ndindex(numeric.shape):
        moved = [argument.copy() for argument in arguments]
        moved[i][at] += step
        up = function(*moved)
        moved[i][at] -= 2 * step
        numeric[at] = (up - function(*moved)) / (2 * step)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)


def test_the_population_and_its_pullback():
    """Seven coefficients, five varying (three correlated), of which three belong to equations with rows."""
    rng = np.random.default_rng(2)
    row_terms, moment_terms = np.array([1, 2, 5]), np.array([0, 3, 4, 6])
    varying = np.array([1, 5, 3, 2, 6])
    row_columns, moment_columns = np.array([0, 1, 3]), np.array([2, 4])
    factor = rng.normal(size=(G, 3, 3))
    fixed = (varying, row_terms, row_columns, moment_terms, moment_columns)
    guide = (factor @ factor.transpose(0, 2, 1), rng.normal(size=(G, 3)))
    free = [rng.normal(size=7), rng.gamma(2.0, 0.3, 5), np.array([0.4, -0.3, 0.6]), rng.normal(size=(G, 3))]
    theta, means, root, value = place_population(*free, *fixed, *guide)
    weights = [rng.normal(size=part.shape) for part in (theta, means, root)]

    def total(*arguments):
        *parts, log_density = place_population(*arguments, *fixed, *guide)
        return sum((weight * part).sum() for weight, part in zip(weights, parts, strict=True)) + 0.8 * log_density

    gradients = place_population_pullback(*free, *fixed, *guide, *weights, 0.8)
    for i, gradient in enumerate(gradients):
        assert_gradient(total, free, i, gradient)
    # Given the sampled coefficients the others have the covariance of a normal conditional.
    correlation = np.eye(3)
    correlation[1, 0] = correlation[0, 1] = 0.4
    correlation[2, 0] = correlation[0, 2] = -0.3
    correlation[2, 1] = correlation[1, 2] = 0.4 * -0.3 + 0.6 * np.sqrt((1 - 0.16) * (1 - 0.09))
    covariance = np.zeros((7, 7))
    first = varying[:3]
    covariance[np.ix_(first, first)] = correlation * np.outer(free[1][:3], free[1][:3])
    for position, sd in zip(varying[3:], free[1][3:], strict=True):
        covariance[position, position] = sd**2
    inside = covariance[np.ix_(row_terms, row_terms)]
    across = covariance[np.ix_(moment_terms, row_terms)]
    slope = across @ np.linalg.inv(inside)
    np.testing.assert_allclose(root @ root.T, covariance[np.ix_(moment_terms, moment_terms)] - slope @ across.T, atol=1e-12)
    expected = free[0][moment_terms] + (theta - free[0][row_terms]) @ slope.T
    np.testing.assert_allclose(means, expected, atol=1e-12)
    assert np.isfinite(value)

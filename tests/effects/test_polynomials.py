"""Expectations and spreads of products of jointly normal coefficients against brute force."""

import numpy as np
import pytest

from causalcluster.effects.polynomials import NormalMoments, evaluate, expectation, is_short, sampled_spread, spread


@pytest.fixture(scope="module")
def population():
    rng = np.random.default_rng(3)
    root = 0.4 * rng.standard_normal((4, 4))
    mean = np.array([0.5, -0.3, 0.8, 0.2])
    theta = mean + rng.standard_normal((2_000_000, 4)) @ root.T
    return mean, root @ root.T, theta


POLYNOMIALS = {
    "one product": {(0, 1): np.array([1.0])},
    "a path of three": {(0, 1, 2): np.array([2.0]), (3,): np.array([-1.0])},
    "a repeat": {(0, 0, 1): np.array([1.0]), (): np.array([0.3])},
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_moments_equal_brute_force(population, name):
    mean, covariance, theta = population
    moments = NormalMoments(mean[None], covariance[None])
    values = evaluate(POLYNOMIALS[name], theta[:, None, :])[:, 0]
    error = values.std() / np.sqrt(len(values))
    assert expectation(POLYNOMIALS[name], moments)[0] == pytest.approx(values.mean(), abs=5 * error)
    # The sampling error of an sd of skewed values stays well under 1% at two million draws.
    assert spread(POLYNOMIALS[name], moments)[0] == pytest.approx(values.std(), rel=0.01)


def test_the_covariance_is_part_of_the_mean_of_a_product():
    moments = NormalMoments(np.array([[0.3, 0.4]]), np.array([[[1.0, -0.25], [-0.25, 1.0]]]))
    assert moments.product((0, 1))[0] == pytest.approx(0.3 * 0.4 - 0.25)


def test_weights_that_differ_by_cluster_add_to_the_spread():
    moments = NormalMoments(np.array([[1.0]]), np.array([[[0.0]]]))
    polynomial = {(0,): np.array([1.0, 3.0])}
    assert expectation(polynomial, moments)[0] == pytest.approx(2.0)
    assert spread(polynomial, moments)[0] == pytest.approx(1.0)


def test_what_does_not_vary_has_no_spread_at_all():
    # A difference of expectations would leave rounding noise of the order of 1e-8 here.
    moments = NormalMoments(np.array([[0.3, 0.7, 1.1]]), np.diag([0.0, 0.0, 0.5])[None])
    assert spread({(0, 1): np.array([1.3]), (0, 0, 1): np.array([-0.7])}, moments)[0] == 0.0
    assert spread({(2,): np.array([1.0])}, moments)[0] == pytest.approx(np.sqrt(0.5))


def test_spread_of_long_paths_is_sampled_about_the_exact_one():
    rng = np.random.default_rng(5)
    draws, root = 400, 0.1 * rng.standard_normal((6, 6))
    mean = np.tile(rng.normal(0.4, 0.2, 6), (draws, 1))
    roots = np.tile(root, (draws, 1, 1))
    polynomial = {(0, 1, 2, 3, 4): np.array([1.0, 1.4, 0.8]), (0, 5): np.array([1.0] * 3), (1,): np.array([0.5] * 3)}
    sampled = sampled_spread(polynomial, mean, roots, random_seed=1)
    exact = spread(polynomial, NormalMoments(mean[:1], (root @ root.T)[None]))[0]
    # 256 clusters a draw: noise of a few per cent in a draw, and a bias of the ratio of the order of one in 256.
    assert sampled.mean() == pytest.approx(exact, rel=0.01)
    assert sampled.std() / exact < 0.1
    still = np.zeros_like(roots)
    assert (sampled_spread({(0, 1): np.array([2.0])}, mean, still, random_seed=1) == 0.0).all()
    long = {tuple(range(9)): np.array([1.0]), tuple(range(8)): np.array([1.0])}
    assert is_short({(0, 1): np.array([1.0])})
    assert not is_short(long)

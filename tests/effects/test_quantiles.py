"""Compiled quantiles against SciPy."""

import numpy as np
import pytest
from scipy import stats

from causalcluster.effects.quantiles import (
    beta_quantile,
    binomial_quantile,
    gamma_table,
    interpolate,
    poisson_quantile,
    student_table,
)

SCORES = np.array([-4.5, -3.0, -1.7, -0.4, 0.0, 0.3, 1.1, 2.6, 4.4])
SHARES = stats.norm.cdf(SCORES)


@pytest.mark.parametrize("mean", [0.02, 0.7, 6.3, 79.0, 81.0, 900.0, 9000.0])
def test_poisson(mean):
    found = [poisson_quantile(z, u, mean) for z, u in zip(SCORES, SHARES, strict=True)]
    np.testing.assert_array_equal(found, stats.poisson.ppf(SHARES, mean))


def test_a_large_poisson_is_approximated():
    found = [poisson_quantile(z, u, 4e5) for z, u in zip(SCORES, SHARES, strict=True)]
    np.testing.assert_allclose(found, stats.poisson.ppf(SHARES, 4e5), atol=1.0)


@pytest.mark.parametrize(("trials", "share"), [(1, 0.3), (12, 0.02), (300, 0.4), (300, 0.9), (30_000, 0.3)])
def test_binomial(trials, share):
    found = [binomial_quantile(z, u, float(trials), share) for z, u in zip(SCORES, SHARES, strict=True)]
    np.testing.assert_array_equal(found, stats.binom.ppf(SHARES, trials, share))


@pytest.mark.parametrize("mean", [0.003, 0.2, 0.5, 0.97])
@pytest.mark.parametrize("precision", [0.4, 2.0, 7.0, 90.0, 5000.0])
def test_beta(mean, precision):
    found = np.array([beta_quantile(u, mean, precision) for u in SHARES])
    wanted = stats.beta.ppf(SHARES, mean * precision, (1 - mean) * precision)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("shape", [0.2, 1.0, 4.0, 250.0, 2.5e5])
def test_gamma_of_mean_one(shape):
    table = gamma_table(np.array([shape]))
    found = np.exp([interpolate(table, 0, z) for z in SCORES])
    np.testing.assert_allclose(found, stats.gamma.ppf(SHARES, shape, scale=1 / shape), rtol=1e-4)


def test_a_gamma_of_infinite_shape_is_one():
    assert not gamma_table(np.array([np.inf])).any()


@pytest.mark.parametrize("nu", [1.5, 3.0, 8.0, 200.0])
def test_student(nu):
    table = student_table(np.array([nu]))
    found = [z * np.exp(interpolate(table, 0, abs(z))) for z in SCORES]
    np.testing.assert_allclose(found, stats.t.ppf(SHARES, nu), rtol=1e-4, atol=1e-12)

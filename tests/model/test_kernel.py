"""The numba kernel: gradients, batching over clusters, exact conditional draws."""

import numpy as np
import pytest

from causalcluster.model.kernel import (
    correlation_factor,
    covariance_root,
    draw_cluster_coefficients,
    marginal_log_likelihood,
)

STARTS = np.array([0, 2, 5], dtype=np.int64)
ROWS = np.array([3, 0, 4, 1], dtype=np.int64)  # coefficient 2 does not vary; three of the others are correlated
N_CORRELATED = 3


def moments(n_clusters, seed):
    rng = np.random.default_rng(seed)
    sxx, sxy, syy = np.zeros((n_clusters, 5, 5)), np.zeros((n_clusters, 5)), np.zeros((n_clusters, 2))
    sizes = rng.integers(1, 30, n_clusters)
    for g, n in enumerate(sizes):
        for k, block in enumerate((slice(0, 2), slice(2, 5))):
            x, y = rng.standard_normal((n, block.stop - block.start)), rng.standard_normal(n)
            sxx[g, block, block], sxy[g, block], syy[g, k] = x.T @ x, x.T @ y, y @ y
    return np.repeat(sizes[:, None], 2, axis=1).astype(float), sxx, sxy, syy


def parameters(n_clusters, seed):
    rng = np.random.default_rng(seed)
    return [
        rng.standard_normal(5),
        rng.uniform(0.2, 1.0, 4),
        rng.uniform(-0.7, 0.7, N_CORRELATED * (N_CORRELATED - 1) // 2),
        0.3 * rng.standard_normal((n_clusters, 2)),
    ]


def root_of(tau, partial):
    factor, root = np.empty((N_CORRELATED, N_CORRELATED)), np.empty((5, 4))
    correlation_factor(partial, factor)
    covariance_root(tau, factor, ROWS, root)
    return factor, root


@pytest.mark.parametrize("n_clusters", [1, 8, 9, 33, 70])
def test_batches_of_clusters_add_up(n_clusters):
    data, values = moments(n_clusters, 1), parameters(n_clusters, 2)
    whole = marginal_log_likelihood(*values, *data, STARTS, ROWS)
    single = [
        marginal_log_likelihood(*values[:3], values[3][g : g + 1], *(part[g : g + 1] for part in data), STARTS, ROWS)
        for g in range(n_clusters)
    ]
    for position in range(4):
        np.testing.assert_allclose(whole[position], sum(part[position] for part in single), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(whole[4], np.concatenate([part[4] for part in single]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("which", range(4))
def test_gradients_equal_differences(which):
    data, values = moments(11, 3), parameters(11, 4)
    gradient = marginal_log_likelihood(*values, *data, STARTS, ROWS)[1 + which]
    step = 1e-5
    for index in np.ndindex(values[which].shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = [value.copy() for value in values]
            moved[which][index] += sign * step
            ends.append(marginal_log_likelihood(*moved, *data, STARTS, ROWS)[0])
        # Central differences at 1e-5 of a function near 1e3 are good to about 1e-6 relative.
        assert gradient[index] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-4)


def test_it_stays_finite_as_a_standard_deviation_vanishes():
    data, values = moments(5, 5), parameters(5, 6)
    values[1] = np.array([0.0, 1e-300, 1e-12, 0.5])
    for part in marginal_log_likelihood(*values, *data, STARTS, ROWS):
        assert np.isfinite(part).all()


def test_the_factor_has_unit_rows_and_the_given_partials():
    partial = np.array([0.5, -0.3, 0.6])
    factor = np.empty((3, 3))
    correlation_factor(partial, factor)
    correlation = factor @ factor.T
    np.testing.assert_allclose(np.diag(correlation), 1.0, atol=1e-14)
    r12, r13, r23 = correlation[1, 0], correlation[2, 0], correlation[2, 1]
    assert (r12, r13) == (pytest.approx(0.5), pytest.approx(-0.3))
    assert (r23 - r12 * r13) / np.sqrt((1 - r12**2) * (1 - r13**2)) == pytest.approx(0.6)


def test_conditional_draws_have_the_exact_mean_and_covariance():
    _dof, sxx, sxy, _syy = moments(10, 7)
    mean, tau, partial, log_sigma = parameters(10, 8)
    _, root = root_of(tau, partial)
    n_draws = 40_000
    noise = np.random.default_rng(9).standard_normal((n_draws, 10, 4))
    out = np.empty((n_draws, 10, 5))
    draw_cluster_coefficients(
        np.repeat(mean[None], n_draws, 0),
        np.repeat(root[None], n_draws, 0),
        np.repeat(log_sigma[None], n_draws, 0),
        sxx,
        sxy,
        STARTS,
        noise,
        out,
    )
    for g in range(10):
        scale = np.repeat(np.exp(-2.0 * log_sigma[g]), [2, 3])
        information, pull = sxx[g] * scale[:, None], sxy[g] * scale
        inner = np.linalg.inv(np.eye(4) + root.T @ information @ root)
        expected = mean + root @ inner @ root.T @ (pull - information @ mean)
        covariance = root @ inner @ root.T
        sd = np.sqrt(np.diag(covariance))
        # Five Monte Carlo standard errors.
        assert (np.abs(out[:, g].mean(0) - expected) <= 5 * sd / np.sqrt(n_draws) + 1e-12).all()
        np.testing.assert_allclose(np.cov(out[:, g].T), covariance, atol=0.05 * max(sd) ** 2)

"""The numba kernel: gradients, batching over clusters, exact conditional draws."""

import numpy as np
import pytest

from causalcluster.model.kernel import draw_cluster_coefficients, marginal_log_likelihood
from causalcluster.model.roots import correlation_factor, covariance_root

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


@pytest.mark.parametrize("n_clusters", [1, 16, 17, 33, 70])
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


def dense_factor(partial, n_correlated, n_varying):
    factor = np.eye(n_varying, dtype=complex)
    pairs = iter(partial)
    for i in range(n_correlated):
        remainder = 1.0
        for j in range(i):
            z = next(pairs)
            factor[i, j], remainder = z * remainder, remainder * np.sqrt(1.0 - z * z)
        factor[i, i] = remainder
    return factor


def dense_log_likelihoods(mean, tau, partial, log_sigma, dof, sxx, sxy, syy, starts, rows):
    """The marginal log-likelihood of each cluster from dense complex matrices."""
    n_correlated = round((1 + np.sqrt(1 + 8 * len(partial))) / 2)
    root = np.zeros((len(mean), len(tau)), dtype=complex)
    root[rows] = tau[:, None] * dense_factor(partial, min(n_correlated, len(tau)), len(tau))
    inv_var = np.exp(-2.0 * log_sigma)
    scale = np.repeat(inv_var, np.diff(starts), axis=1)
    information, pull = sxx * scale[:, :, None], sxy * scale
    score = pull - information @ mean
    inner = np.eye(len(tau)) + root.T @ information @ root
    sign, magnitude = np.linalg.slogdet(inner)
    u = score @ root
    solved = np.linalg.solve(inner, u[..., None])[..., 0]
    constant = -(dof * log_sigma + 0.5 * syy * inv_var).sum(1)
    return constant + 0.5 * ((pull + score) @ mean - np.log(sign) - magnitude + (u * solved).sum(1))


def dense_gradients(values, data):
    """Complex-step differences, which lose no digits: the imaginary part of f(x + i h) over h."""
    step = 1e-40
    gradients = []
    for which in range(3):
        gradients.append(np.empty(len(values[which])))
        for index in range(len(values[which])):
            moved = [value.astype(complex) for value in values]
            moved[which][index] += step * 1j
            gradients[which][index] = dense_log_likelihoods(*moved, *data).sum().imag / step
    gradients.append(np.empty(values[3].shape))
    for k in range(values[3].shape[1]):
        moved = [value.astype(complex) for value in values]
        moved[3][:, k] += step * 1j
        gradients[3][:, k] = dense_log_likelihoods(*moved, *data).imag / step
    return gradients


def system(sizes, n_clusters, *, rows=None, n_correlated=None, tau=0.3, partial=0.3, empty=(), seed=0):
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    rows = np.arange(starts[-1]) if rows is None else np.array(rows, dtype=int)
    n_correlated = len(rows) if n_correlated is None else n_correlated
    shape, p = (n_clusters, len(sizes)), starts[-1]
    sxx, sxy, syy, n_rows = np.zeros((n_clusters, p, p)), np.zeros((n_clusters, p)), np.zeros(shape), np.zeros(shape)
    for g in set(range(n_clusters)) - set(empty):
        n_rows[g] = rng.integers(1, 60)
        for k, width in enumerate(sizes):
            block, n = slice(starts[k], starts[k + 1]), int(n_rows[g, k])
            x, y = rng.standard_normal((n, width)), rng.standard_normal(n)
            sxx[g, block, block], sxy[g, block], syy[g, k] = x.T @ x, x.T @ y, y @ y
    n_pairs = n_correlated * (n_correlated - 1) // 2
    values = [
        rng.standard_normal(p),
        np.broadcast_to(tau, len(rows)).astype(float),
        partial * rng.uniform(-1.0, 1.0, n_pairs) if partial < 0.9 else np.full(n_pairs, partial),
        0.3 * rng.standard_normal(shape),
    ]
    return values, (n_rows, sxx, sxy, syy, starts, rows.astype(np.int32))


SIZES = (1, 2, 3, 4)
SCATTERED = (7, 0, 9, 3, 4)
SYSTEMS = {
    "all vary": system(SIZES, 30),
    "many clusters": system((1, 2, 2), 500),
    "one cluster": system(SIZES, 1),
    "many coefficients": system((6, 7, 8, 9, 10), 3, n_correlated=12),
    "some vary": system(SIZES, 17, rows=SCATTERED, n_correlated=3),
    "none correlated": system(SIZES, 9, rows=SCATTERED, n_correlated=0),
    "none vary": system(SIZES, 9, rows=()),
    "clusters of no rows": system(SIZES, 18, empty=(0, 5, 17)),
    "only clusters of no rows": system(SIZES, 2, empty=(0, 1)),
    "tiny": system(SIZES, 20, tau=1e-8),
    "small": system(SIZES, 20, tau=2e-4),
    "huge": system(SIZES, 20, tau=1e3),
    "tiny, some vary": system(SIZES, 20, rows=SCATTERED, n_correlated=3, tau=1e-8),
    "huge, some vary": system(SIZES, 20, rows=SCATTERED, n_correlated=3, tau=1e3),
    "tiny and huge": system(SIZES, 20, rows=SCATTERED, n_correlated=4, tau=(1e-8, 1e3, 0.3, 1e-3, 1e-8)),
    "small and huge": system(SIZES, 20, rows=SCATTERED, n_correlated=4, tau=(2e-4, 1e3, 0.3, 1e-3, 2e-4)),
    "small and large": system(SIZES, 20, rows=SCATTERED, n_correlated=4, tau=(2e-4, 1.0, 0.3, 1e-3, 2e-4)),
    "strongly correlated": system(SIZES, 20, partial=0.95),
    "correlated, large": system(SIZES, 20, rows=SCATTERED, partial=0.9, tau=30.0),
    "nearly singular": system(SIZES, 20, rows=SCATTERED, partial=1 - 1e-9),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_value_and_gradients_equal_the_dense_formula(name):
    values, data = SYSTEMS[name]
    result = marginal_log_likelihood(*values, *data)
    expected = dense_log_likelihoods(*values, *data).sum().real
    assert result[0] == pytest.approx(expected, rel=1e-12)
    # B's condition number grows with the square of the largest standard deviation. Processors differ in how they fuse
    # operations: near-singular correlations come out to 2e-10 on some, 1e-10 on others.
    tolerance = (1e-9 if name == "nearly singular" else 1e-10) * values[1].max(initial=1.0)
    for gradient, exact in zip(result[1:], dense_gradients(values, data), strict=True):
        np.testing.assert_allclose(gradient, exact, rtol=0.0, atol=tolerance * np.abs(exact).max(initial=0.0))


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
        np.repeat(mean[None, None], n_draws, 0),
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

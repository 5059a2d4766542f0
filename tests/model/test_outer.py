"""Clusters inside countries: the kernel against dense normal densities, numerical gradients and exact conditional moments."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from causalcluster.model.layer_kernel import layered_log_likelihood
from causalcluster.model.outer_kernel import draw_outer_coefficients, outer_log_likelihood
from causalcluster.model.roots import population_root

STARTS, ROWS, EQUATION = np.array([0, 2, 5]), np.array([1, 0, 3, 4]), np.array([0, 1, 1])
CLUSTERS, P, Q = 9, 5, 4
NESTED = (np.array([0, 0, 1, 1, 1, 2, 2, 3, 3]), np.array([[0], [1], [2], [3]]), np.array([0, 4]))
CROSSED = (
    np.array([0, 1, 2, 2, 3, 3, 4, 4, 0]),
    np.array([[0, 0], [0, 1], [1, 1], [2, 0], [3, 1]]),
    np.array([0, 4, 6]),
)


def make(groups, seed=1):
    """Return a point and rows' moments: layers are two of one equation and one of the other, of 6 rows each."""
    rng, n_levels = np.random.default_rng(seed), groups[1].shape[1]
    point = {
        "m": rng.standard_normal(P),
        "tau": rng.uniform(0.3, 1.0, Q),
        "partial": rng.uniform(-0.6, 0.6, 3),
        "log_sd": 0.3 * rng.standard_normal((CLUSTERS, 3)),
        "outer_sd": rng.uniform(0.2, 0.9, (n_levels, Q)),
    }
    widths = [STARTS[k + 1] - STARTS[k] for k in EQUATION]
    x = [[rng.standard_normal((6, width)) for width in widths] for _ in range(CLUSTERS)]
    y = [[rng.standard_normal(6) for _ in widths] for _ in range(CLUSTERS)]
    sxx, sxy, syy = np.zeros((CLUSTERS, 3, 3, 3)), np.zeros((CLUSTERS, 3, 3)), np.zeros((CLUSTERS, 3))
    for g in range(CLUSTERS):
        for layer, width in enumerate(widths):
            sxx[g, layer, :width, :width] = x[g][layer].T @ x[g][layer]
            sxy[g, layer, :width], syy[g, layer] = x[g][layer].T @ y[g][layer], y[g][layer] @ y[g][layer]
    moments = (np.full((CLUSTERS, 3), 6.0), sxx, sxy, syy, EQUATION, STARTS, ROWS, *groups)
    return point, moments, x, y


def dense(point, groups, x, y):
    """Return the rows' design and mean, and covariances given nothing: of the rows, the groups and the clusters."""
    combo, combos, offset = groups
    _, c = population_root(P, point["tau"], point["partial"], ROWS)
    n_u = offset[-1] * Q
    blocks, errors, values = [], [], []
    for g in range(CLUSTERS):
        for layer, k in enumerate(EQUATION):
            row = np.zeros((6, P))
            row[:, STARTS[k] : STARTS[k + 1]] = x[g][layer]
            full = np.zeros((6, P + n_u + CLUSTERS * Q))
            full[:, :P] = row
            for level, group in enumerate(combos[combo[g]]):
                at = P + (offset[level] + group) * Q
                full[:, at : at + Q] = row[:, ROWS] * point["outer_sd"][level]
            full[:, P + n_u + g * Q : P + n_u + (g + 1) * Q] = row @ c
            blocks.append(full)
            errors.append(np.full(6, np.exp(2.0 * point["log_sd"][g, layer])))
            values.append(y[g][layer])
    return np.concatenate(blocks), np.concatenate(errors), np.concatenate(values)


def call(point, moments):
    return outer_log_likelihood(point["m"], point["tau"], point["partial"], point["log_sd"], point["outer_sd"], *moments)


@pytest.mark.parametrize("groups", [NESTED, CROSSED], ids=["nested", "crossed"])
class TestKernel:
    def test_against_the_rows_density(self, groups):
        point, moments, x, y = make(groups)
        design, errors, values = dense(point, groups, x, y)
        random = design[:, P:]
        density = multivariate_normal(design[:, :P] @ point["m"], random @ random.T + np.diag(errors)).logpdf(values)
        assert call(point, moments)[0] == pytest.approx(density + 0.5 * len(values) * np.log(2 * np.pi), abs=1e-9)

    def test_gradients(self, groups):
        point, moments, _, _ = make(groups)
        for name, gradient in zip(point, call(point, moments)[1:], strict=True):
            for place in np.ndindex(gradient.shape):
                ends = []
                for sign in (1.0, -1.0):
                    moved = {key: value.copy() for key, value in point.items()}
                    moved[name][place] += sign * 1e-5
                    ends.append(call(moved, moments)[0])
                assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-6), (name, place)

    def test_without_spread_between_groups_it_is_the_layered_one(self, groups):
        point, moments, _, _ = make(groups)
        point["outer_sd"][:] = 0.0
        plain = layered_log_likelihood(*(point[name] for name in ("m", "tau", "partial", "log_sd")), *moments[:7])
        for ours, theirs in zip(call(point, moments)[:5], plain, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)

    def test_draws_have_the_exact_conditional_moments(self, groups):
        point, moments, x, y = make(groups)
        design, errors, values = dense(point, groups, x, y)
        _, c = population_root(P, point["tau"], point["partial"], ROWS)
        combo, combos, offset = groups
        n, n_u = 40_000, offset[-1] * Q
        out_u, out = np.empty((n, offset[-1], Q)), np.empty((n, CLUSTERS, P))
        rng = np.random.default_rng(2)
        repeated = [np.repeat(value[None], n, 0) for value in (point["m"], c, point["log_sd"], point["outer_sd"])]
        draw_outer_coefficients(
            *repeated, *moments[1:3], *moments[4:], rng.standard_normal((n, n_u)), rng.standard_normal((n, CLUSTERS, Q)),
            out_u, out,
        )  # fmt: skip
        random = design[:, P:]
        precision = np.eye(random.shape[1]) + (random / errors[:, None]).T @ random
        covariance = np.linalg.inv(precision)
        mean = covariance @ (random / errors[:, None]).T @ (values - design[:, :P] @ point["m"])
        for g in range(CLUSTERS):
            into = np.zeros((P, random.shape[1]))
            for level, group in enumerate(combos[combo[g]]):
                at = (offset[level] + group) * Q
                into[ROWS, at + np.arange(Q)] = point["outer_sd"][level]
            into[:, n_u + g * Q : n_u + (g + 1) * Q] = c
            wanted, spread = point["m"] + into @ mean, np.sqrt(np.diag(into @ covariance @ into.T))
            moving = spread > 1e-9
            # Five standard errors of 40,000 draws.
            assert (np.abs(out[:, g].mean(0) - wanted) <= 5.0 * spread / np.sqrt(n) + 1e-12).all()
            np.testing.assert_allclose(out[:, g].std(0)[moving], spread[moving], rtol=0.025)
        sizes = np.concatenate([np.repeat(point["outer_sd"][[level]], offset[level + 1] - offset[level], 0)
                                for level in range(combos.shape[1])])  # fmt: skip
        apart = out_u.mean(0) - sizes * mean[:n_u].reshape(-1, Q)
        assert (np.abs(apart) <= 5.0 * sizes * np.sqrt(np.diag(covariance)[:n_u]).reshape(-1, Q) / np.sqrt(n)).all()

"""Marginal likelihood where clusters lie in groups: countries, or countries crossed with sectors.

A cluster's mean coefficients are m + sum over the outer levels of D_l u_lc, with c its group at level l, u standard
normal and D_l the standard deviations between groups. As a function of its mean a cluster's marginal likelihood is the
exponential of a quadratic (`causalcluster.model.layer_kernel`), so all u are integrated out together: with
H = I + sum of E_g' T_g E_g, T_g the cluster's information on its mean and E_g what takes u to it, and r the gradient at
u = 0,

    log L = sum of log L_g(m) + r' H^-1 r / 2 - log|H| / 2

Gradients are expectations of the clusters' own gradients over the normal posterior of u (Fisher's identity), in closed
form. H is factored inside its envelope: the groups of the first level, the one with most of them, do not touch each other.
"""

import math

import numba
import numpy as np

from causalcluster.model.layer_kernel import condition, covariance, gather, layer_quadratic
from causalcluster.model.roots import factor_pullback, population_root, root_pullback, solve_lower_transposed


@numba.njit(cache=True)
def _information_on_mean(c, information, lam_c, b, inverse, spread, across, a, tilde):  # type: ignore[no-untyped-def]
    """Fill a (P, Q) with Lambda C B^-1 and tilde (P, P) with Lambda - Lambda C B^-1 C' Lambda."""
    p, q = c.shape
    covariance(c, b, inverse, spread, across)
    for i in range(p):
        for r in range(q):
            total = 0.0
            for j in range(p):
                total += information[i, j] * across[j, r]
            a[i, r] = total
    for i in range(p):
        for j in range(p):
            total = information[i, j]
            for r in range(q):
                total -= a[i, r] * lam_c[j, r]
            tilde[i, j] = total


@numba.njit(cache=True)
def _envelope(combos, combo, offset, q):  # type: ignore[no-untyped-def]
    """Return the first place in every row of H that can be other than zero."""
    n = offset[-1] * q
    first = np.arange(n)
    for i in range(n):
        first[i] = i - i % q
    for g in range(combo.shape[0]):
        lowest = n
        for level in range(combos.shape[1]):
            start = (offset[level] + combos[combo[g], level]) * q
            lowest = min(lowest, start)
            for v in range(q):
                first[start + v] = min(first[start + v], lowest)
    return first


@numba.njit(cache=True)
def _factor_envelope(h, first):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of H by its Cholesky factor; return half the log determinant."""
    half = 0.0
    for r in range(h.shape[0]):
        for s in range(first[r], r + 1):
            total = h[r, s]
            for t in range(max(first[r], first[s]), s):
                total -= h[r, t] * h[s, t]
            if r == s:
                h[r, r] = math.sqrt(total)
                half += math.log(h[r, r])
            else:
                h[r, s] = total / h[s, s]
    return half


@numba.njit(cache=True)
def _solve_lower_envelope(h, first, x, start):  # type: ignore[no-untyped-def]
    """Replace x by L^-1 x, where x is zero before ``start``."""
    for r in range(start, h.shape[0]):
        total = x[r]
        for t in range(max(first[r], start), r):
            total -= h[r, t] * x[t]
        x[r] = total / h[r, r]


@numba.njit(cache=True)
def _solve_upper_envelope(h, first, x):  # type: ignore[no-untyped-def]
    for r in range(h.shape[0] - 1, -1, -1):
        x[r] /= h[r, r]
        for t in range(first[r], r):
            x[t] -= h[r, t] * x[r]


@numba.njit(cache=True)
def _collect(m, c, log_sd, outer_sd, sxx, sxy, equation, starts, rows, combo, combos, offset, h, r):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of H and r; return the clusters' log-likelihood at u = 0 but for terms of layers alone."""
    n_clusters, (p, q), n_levels = log_sd.shape[0], c.shape, combos.shape[1]
    information, pull, score, theta = np.empty((p, p)), np.empty(p), np.empty(p), np.empty(p)
    lam_c, b, e, inverse = np.empty((p, q)), np.empty((q, q)), np.empty(q), np.empty((q, q))
    spread, across, a, tilde = np.empty((p, p)), np.empty((p, q)), np.empty((p, q)), np.empty((p, p))
    h[:] = 0.0
    r[:] = 0.0
    for i in range(h.shape[0]):
        h[i, i] = 1.0
    value = 0.0
    for g in range(n_clusters):
        gather(log_sd[g], sxx[g], sxy[g], equation, starts, information, pull)
        value += condition(m, c, information, pull, lam_c, b, score, e, theta)
        _information_on_mean(c, information, lam_c, b, inverse, spread, across, a, tilde)
        for level in range(n_levels):
            at = (offset[level] + combos[combo[g], level]) * q
            for v in range(q):
                r[at + v] += outer_sd[level, v] * score[rows[v]]
                for other in range(level + 1):
                    to = (offset[other] + combos[combo[g], other]) * q
                    for w in range(v + 1 if other == level else q):
                        h[at + v, to + w] += outer_sd[level, v] * tilde[rows[v], rows[w]] * outer_sd[other, w]
    return value


@numba.njit(cache=True)
def _posterior_blocks(h, first, combos, offset, q):  # type: ignore[no-untyped-def]
    """Return the posterior covariance (combo, level and v, level and v) of what reaches the clusters of each combination."""
    n_combos, n_levels = combos.shape
    n, size = h.shape[0], n_levels * q
    out, columns = np.empty((n_combos, size, size)), np.empty((size, n))
    for k in range(n_combos):
        for level in range(n_levels):
            for v in range(q):
                column = columns[level * q + v]
                column[:] = 0.0
                at = (offset[level] + combos[k, level]) * q + v
                column[at] = 1.0
                _solve_lower_envelope(h, first, column, at)
        for i in range(size):
            for j in range(i + 1):
                total = 0.0
                for t in range(n):
                    total += columns[i, t] * columns[j, t]
                out[k, i, j] = total
                out[k, j, i] = total
    return out


@numba.njit(cache=True)
def _place_mean(m, outer_sd, u, rows, combo, combos, offset, mean):  # type: ignore[no-untyped-def]
    """Fill mean with m and what a cluster's groups add to it."""
    q = outer_sd.shape[1]
    mean[:] = m
    for level in range(combos.shape[1]):
        at = (offset[level] + combos[combo, level]) * q
        for v in range(q):
            mean[rows[v]] += outer_sd[level, v] * u[at + v]


@numba.njit(cache=True)
def _mean_covariance(outer_sd, block, v_cov):  # type: ignore[no-untyped-def]
    """Fill v_cov (Q, Q) with the posterior covariance of a cluster's mean coefficients."""
    n_levels, q = outer_sd.shape
    v_cov[:] = 0.0
    for level in range(n_levels):
        for other in range(n_levels):
            for v in range(q):
                for w in range(q):
                    v_cov[v, w] += outer_sd[level, v] * block[level * q + v, other * q + w] * outer_sd[other, w]


@numba.njit(cache=True)
def _widen(c, a, v_cov, rows, spread):  # type: ignore[no-untyped-def]
    """Add R V R' to spread, with R = (I - C B^-1 C' Lambda) in the columns of the coefficients that vary."""
    p, q = c.shape
    moved, half = np.zeros((p, q)), np.zeros((p, q))
    for v in range(q):
        moved[rows[v], v] = 1.0
        for i in range(p):
            for r in range(q):
                moved[i, v] -= c[i, r] * a[rows[v], r]
    for i in range(p):
        for v in range(q):
            for w in range(q):
                half[i, v] += moved[i, w] * v_cov[w, v]
    for i in range(p):
        for j in range(p):
            for v in range(q):
                spread[i, j] += half[i, v] * moved[j, v]


@numba.njit(cache=True)
def outer_log_likelihood(  # type: ignore[no-untyped-def]
    m, tau, partial, log_sd, outer_sd, dof, sxx, sxy, syy, equation, starts, rows, combo, combos, offset
):
    """Log-likelihood of all clusters and its gradients with respect to m, tau, partial, log_sd and outer_sd.

    Parameters
    ----------
    m, tau, partial, log_sd, dof, sxx, sxy, syy, equation, starts, rows
        As in `causalcluster.model.layer_kernel.layered_log_likelihood`.
    outer_sd (N, Q)
        Standard deviations between groups of each outer level, of the coefficients that vary.
    combo (G,), combos (M, N)
        Which combination of groups each cluster is in, and the groups of each.
    offset (N + 1,)
        Where the groups of each level begin among all.
    """
    n_clusters, n_layers = log_sd.shape
    p, q, n_levels = m.shape[0], tau.shape[0], combos.shape[1]
    factor, c = population_root(p, tau, partial, rows)
    n = offset[-1] * q
    h, r = np.empty((n, n)), np.empty(n)
    first = _envelope(combos, combo, offset, q)
    log_lik = _collect(m, c, log_sd, outer_sd, sxx, sxy, equation, starts, rows, combo, combos, offset, h, r)
    log_lik -= _factor_envelope(h, first)
    u = r.copy()
    _solve_lower_envelope(h, first, u, 0)
    for i in range(n):
        log_lik += 0.5 * u[i] * u[i]
    _solve_upper_envelope(h, first, u)
    blocks = _posterior_blocks(h, first, combos, offset, q)
    information, pull, score, theta = np.empty((p, p)), np.empty(p), np.empty(p), np.empty(p)
    lam_c, b, e, inverse = np.empty((p, q)), np.empty((q, q)), np.empty(q), np.empty((q, q))
    spread, across, a, tilde = np.empty((p, p)), np.empty((p, q)), np.empty((p, q)), np.empty((p, p))
    mean, v_cov, held = np.empty(p), np.empty((q, q)), np.empty((p, q))
    g_m, g_c, g_s = np.zeros(p), np.zeros((p, q)), np.empty((n_clusters, n_layers))
    g_outer = np.zeros((n_levels, q))
    for g in range(n_clusters):
        block = blocks[combo[g]]
        _place_mean(m, outer_sd, u, rows, combo[g], combos, offset, mean)
        _mean_covariance(outer_sd, block, v_cov)
        gather(log_sd[g], sxx[g], sxy[g], equation, starts, information, pull)
        condition(mean, c, information, pull, lam_c, b, score, e, theta)
        _information_on_mean(c, information, lam_c, b, inverse, spread, across, a, tilde)
        for i in range(p):
            g_m[i] += score[i]
            for v in range(q):
                held[i, v] = 0.0
                for w in range(q):
                    held[i, v] += tilde[i, rows[w]] * v_cov[w, v]
            for s in range(q):
                total = score[i] * e[s] - a[i, s]
                for v in range(q):
                    total += held[i, v] * a[rows[v], s]
                g_c[i, s] += total
        for level in range(n_levels):
            at = (offset[level] + combos[combo[g], level]) * q
            for v in range(q):
                total = score[rows[v]] * u[at + v]
                for other in range(n_levels):
                    for w in range(q):
                        total -= tilde[rows[v], rows[w]] * outer_sd[other, w] * block[other * q + w, level * q + v]
                g_outer[level, v] += total
        _widen(c, a, v_cov, rows, spread)
        for layer in range(n_layers):
            weight = math.exp(-2.0 * log_sd[g, layer])
            start, stop = starts[equation[layer]], starts[equation[layer] + 1]
            quadratic = layer_quadratic(theta, spread, sxx[g, layer], sxy[g, layer], start, stop)
            log_lik -= dof[g, layer] * log_sd[g, layer] + 0.5 * weight * syy[g, layer]
            g_s[g, layer] = weight * (syy[g, layer] + quadratic) - dof[g, layer]
    g_tau, g_factor, g_partial = np.empty(q), np.zeros_like(factor), np.empty(partial.shape[0])
    root_pullback(tau, factor, rows, g_c, g_tau, g_factor)
    factor_pullback(partial, g_factor, g_partial)
    return log_lik, g_m, g_tau, g_partial, g_s, g_outer


@numba.njit(cache=True)
def draw_outer_coefficients(  # type: ignore[no-untyped-def]
    m, c, log_sd, outer_sd, sxx, sxy, equation, starts, rows, combo, combos, offset, noise_u, noise, out_u, out
):
    """Fill out_u (S, n_groups, Q) and out (S, G, P) with groups' deviations and clusters' coefficients from their posterior.

    m (S, P), c (S, P, Q), log_sd (S, G, L) and outer_sd (S, N, Q) are posterior draws; noise_u (S, n_groups Q) and
    noise (S, G, Q) are standard normal. Deviations are in units of the coefficients.
    """
    n_draws, n_clusters = log_sd.shape[:2]
    p, q = c.shape[1:]
    n = offset[-1] * q
    h, r = np.empty((n, n)), np.empty(n)
    first = _envelope(combos, combo, offset, q)
    information, pull, score, theta = np.empty((p, p)), np.empty(p), np.empty(p), np.empty(p)
    lam_c, b, e, mean = np.empty((p, q)), np.empty((q, q)), np.empty(q), np.empty(p)
    for draw in range(n_draws):
        _collect(
            m[draw], c[draw], log_sd[draw], outer_sd[draw], sxx, sxy, equation, starts, rows, combo, combos, offset, h, r
        )
        _factor_envelope(h, first)
        _solve_lower_envelope(h, first, r, 0)
        for i in range(n):
            r[i] += noise_u[draw, i]
        _solve_upper_envelope(h, first, r)
        for g in range(n_clusters):
            _place_mean(m[draw], outer_sd[draw], r, rows, combo[g], combos, offset, mean)
            gather(log_sd[draw, g], sxx[g], sxy[g], equation, starts, information, pull)
            condition(mean, c[draw], information, pull, lam_c, b, score, e, theta)
            away = noise[draw, g].copy()
            solve_lower_transposed(b, away)
            for i in range(p):
                out[draw, g, i] = theta[i]
                for s in range(q):
                    out[draw, g, i] += c[draw, i, s] * away[s]
        for level in range(combos.shape[1]):
            for group in range(offset[level], offset[level + 1]):
                for v in range(q):
                    out_u[draw, group, v] = outer_sd[draw, level, v] * r[group * q + v]

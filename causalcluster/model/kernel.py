"""The cluster likelihood with the cluster coefficients integrated out: numba loops over clusters.

For cluster g the equations' rows enter through their moments alone. With all coefficients of all equations
stacked in theta_g (length P, ordered by equation), prior theta_g = m + C z_g, z_g ~ N(0, I_Q), and
within-equation information Lambda_g = blockdiag(S_xx,k / sigma_kg^2), h_g = S_xy,k / sigma_kg^2, Gaussian
algebra gives

    log p(y_g) = -sum_k (nu_kg log sigma_kg + S_yy,kg / (2 sigma_kg^2)) + h'm - m'Lambda m / 2
                 - log|B_g| / 2 + u' B_g^-1 u / 2,     B_g = I + C' Lambda_g C,  u = C'(h - Lambda m)

which stays regular as a standard deviation in C goes to zero, so the sampler never meets a funnel.
Gradients follow from Fisher's identity (the expectation of the complete-data score given the data).

Array names: m (P,), c (P, Q), log_sigma (G, K), dof (G, K), sxx (G, P, P) of which only the blocks inside one
equation are read, sxy (G, P), syy (G, K), starts (K + 1,) the first coefficient of each equation.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FAST = {"contract", "reassoc", "nsz", "arcp"}


@numba.njit(cache=True)
def correlation_factor(partial, factor):  # type: ignore[no-untyped-def]
    """Fill factor (R, R), lower triangular, from partial correlations in row order (canonical vine).

    Row i of the factor is the usual sine-cosine recursion on partial[i (i - 1) / 2 + j], the correlation of
    coefficients i and j given all before j (Lewandowski, Kurowicka and Joe 2009).
    """
    n = factor.shape[0]
    position = 0
    for i in range(n):
        remainder = 1.0
        for j in range(i):
            z = partial[position]
            factor[i, j] = z * remainder
            remainder *= math.sqrt(1.0 - z * z)
            position += 1
        factor[i, i] = remainder
        for j in range(i + 1, n):
            factor[i, j] = 0.0


@numba.njit(cache=True)
def _factor_pullback(partial, g_factor, g_partial):  # type: ignore[no-untyped-def]
    """Fill g_partial with the gradient that g_factor (R, R) implies for the partial correlations."""
    n = g_factor.shape[0]
    remainders = np.empty(n + 1)
    for i in range(n):
        start = i * (i - 1) // 2
        remainders[0] = 1.0
        for j in range(i):
            z = partial[start + j]
            remainders[j + 1] = remainders[j] * math.sqrt(1.0 - z * z)
        g_remainder = g_factor[i, i]
        for j in range(i - 1, -1, -1):
            z = partial[start + j]
            shrink = math.sqrt(1.0 - z * z)
            g_partial[start + j] = g_factor[i, j] * remainders[j] - g_remainder * remainders[j] * z / shrink
            g_remainder = g_factor[i, j] * z + g_remainder * shrink


@numba.njit(cache=True)
def covariance_root(tau, factor, rows, c):  # type: ignore[no-untyped-def]
    """Fill c (P, Q): row rows[q] holds tau[q] times row q of the correlation factor, then identity rows."""
    n_correlated = factor.shape[0]
    c[:, :] = 0.0
    for q in range(tau.shape[0]):
        if q < n_correlated:
            for r in range(q + 1):
                c[rows[q], r] = tau[q] * factor[q, r]
        else:
            c[rows[q], q] = tau[q]


@numba.njit(cache=True)
def _root_pullback(tau, factor, rows, g_c, g_tau, g_factor):  # type: ignore[no-untyped-def]
    n_correlated = factor.shape[0]
    for q in range(tau.shape[0]):
        if q < n_correlated:
            total = 0.0
            for r in range(q + 1):
                total += g_c[rows[q], r] * factor[q, r]
                g_factor[q, r] = g_c[rows[q], r] * tau[q]
            g_tau[q] = total
        else:
            g_tau[q] = g_c[rows[q], q]


@numba.njit(fastmath=_FAST, cache=True)
def _information_times_prior(c, inv_var, sxx, starts, lam_c):  # type: ignore[no-untyped-def]
    """Fill lam_c (P, Q) with Lambda_g C."""
    n_eq = starts.shape[0] - 1
    q = c.shape[1]
    for k in range(n_eq):
        for i in range(starts[k], starts[k + 1]):
            for r in range(q):
                lam_c[i, r] = 0.0
            for j in range(starts[k], starts[k + 1]):
                s = sxx[i, j] * inv_var[k]
                for r in range(q):
                    lam_c[i, r] += s * c[j, r]


@numba.njit(fastmath=_FAST, cache=True)
def _cholesky_of_b(c, lam_c, b):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of b (Q, Q) with the Cholesky factor of I + C' Lambda C; returns log|B|."""
    p, q = c.shape
    for r in range(q):
        for s in range(r + 1):
            b[r, s] = 0.0
        b[r, r] = 1.0
    for i in range(p):
        for r in range(q):
            value = c[i, r]
            if value != 0.0:
                for s in range(r + 1):
                    b[r, s] += value * lam_c[i, s]
    log_det = 0.0
    for r in range(q):
        for s in range(r):
            total = b[r, s]
            for t in range(s):
                total -= b[r, t] * b[s, t]
            b[r, s] = total / b[s, s]
        total = b[r, r]
        for t in range(r):
            total -= b[r, t] * b[r, t]
        if not total > 0.0:
            return np.nan
        b[r, r] = math.sqrt(total)
        log_det += math.log(total)
    return log_det


@numba.njit(fastmath=_FAST, cache=True)
def _residual_score(m, inv_var, sxx, sxy, starts, score):  # type: ignore[no-untyped-def]
    """Fill score (P,) with h - Lambda m; returns h'm - m'Lambda m / 2."""
    n_eq = starts.shape[0] - 1
    value = 0.0
    for k in range(n_eq):
        for i in range(starts[k], starts[k + 1]):
            total = 0.0
            for j in range(starts[k], starts[k + 1]):
                total += sxx[i, j] * m[j]
            score[i] = (sxy[i] - total) * inv_var[k]
            value += m[i] * (sxy[i] - 0.5 * total) * inv_var[k]
    return value


@numba.njit(fastmath=_FAST, cache=True)
def _solve_lower(b, x):  # type: ignore[no-untyped-def]
    for r in range(x.shape[0]):
        total = x[r]
        for t in range(r):
            total -= b[r, t] * x[t]
        x[r] = total / b[r, r]


@numba.njit(fastmath=_FAST, cache=True)
def _solve_lower_transposed(b, x):  # type: ignore[no-untyped-def]
    for r in range(x.shape[0] - 1, -1, -1):
        x[r] /= b[r, r]
        for t in range(r):
            x[t] -= b[r, t] * x[r]


@numba.njit(fastmath=_FAST, cache=True)
def _inverse_of_b(b, w, inverse):  # type: ignore[no-untyped-def]
    """Fill inverse (Q, Q) with B^-1 from its Cholesky factor b, using w (Q, Q) for the factor's inverse."""
    q = b.shape[0]
    for r in range(q):
        for s in range(r):
            w[r, s] = 0.0
        for t in range(r):
            value = b[r, t]
            for s in range(t + 1):
                w[r, s] -= value * w[t, s]
        for s in range(r):
            w[r, s] /= b[r, r]
        w[r, r] = 1.0 / b[r, r]
    for r in range(q):
        for s in range(q):
            inverse[r, s] = 0.0
    for t in range(q):
        for r in range(t + 1):
            value = w[t, r]
            for s in range(r + 1):
                inverse[r, s] += value * w[t, s]
    for r in range(q):
        for s in range(r):
            inverse[s, r] = inverse[r, s]


@numba.njit(fastmath=_FAST, cache=True)
def _add_gradients(c, m, e, lam_c, inverse, score, inv_var, sxx, sxy, syy, dof, starts, g_m, g_c, g_s, row):  # type: ignore[no-untyped-def]
    """Add one cluster's gradients to g_m (P,) and g_c (P, Q), and fill g_s (K,) for log sigma."""
    q = c.shape[1]
    n_eq = starts.shape[0] - 1
    for k in range(n_eq):
        trace = 0.0
        fitted = 0.0
        for i in range(starts[k], starts[k + 1]):
            resid = score[i]
            for r in range(q):
                resid -= lam_c[i, r] * e[r]
                row[r] = 0.0
            for r in range(q):
                value = lam_c[i, r]
                for s in range(q):
                    row[s] += value * inverse[r, s]
            theta_i = m[i]
            for r in range(q):
                trace += row[r] * c[i, r]
                g_c[i, r] += resid * e[r] - row[r]
                theta_i += c[i, r] * e[r]
            g_m[i] += resid
            # h - Lambda theta = resid, hence theta'(Lambda theta - 2 h) = -theta'(h + resid)
            fitted -= theta_i * (sxy[i] * inv_var[k] + resid)
        g_s[k] = -dof[k] + syy[k] * inv_var[k] + fitted + trace


@numba.njit(fastmath=_FAST, cache=True)
def _moments_log_likelihood(m, c, log_sigma, dof, sxx, sxy, syy, starts):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, c and log_sigma."""
    n_clusters, n_eq = log_sigma.shape
    p, q = c.shape
    g_m, g_c, g_s = np.zeros(p), np.zeros((p, q)), np.zeros((n_clusters, n_eq))
    lam_c, b, w, inverse = np.empty((p, q)), np.empty((q, q)), np.empty((q, q)), np.empty((q, q))
    score, e, row, inv_var = np.empty(p), np.empty(q), np.empty(q), np.empty(n_eq)
    log_lik = 0.0
    for g in range(n_clusters):
        for k in range(n_eq):
            inv_var[k] = math.exp(-2.0 * log_sigma[g, k])
            log_lik -= dof[g, k] * log_sigma[g, k] + 0.5 * syy[g, k] * inv_var[k]
        _information_times_prior(c, inv_var, sxx[g], starts, lam_c)
        log_lik += _residual_score(m, inv_var, sxx[g], sxy[g], starts, score)
        log_det = _cholesky_of_b(c, lam_c, b)
        for r in range(q):
            total = 0.0
            for i in range(p):
                total += c[i, r] * score[i]
            e[r] = total
        _solve_lower(b, e)
        for r in range(q):
            log_lik += 0.5 * e[r] * e[r]
        log_lik -= 0.5 * log_det
        _solve_lower_transposed(b, e)
        _inverse_of_b(b, w, inverse)
        _add_gradients(
            c, m, e, lam_c, inverse, score, inv_var, sxx[g], sxy[g], syy[g], dof[g], starts, g_m, g_c, g_s[g], row
        )
    return log_lik, g_m, g_c, g_s


@numba.njit(cache=True)
def marginal_log_likelihood(m, tau, partial, log_sigma, dof, sxx, sxy, syy, starts, rows):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, tau, partial and log_sigma."""
    n_varying = tau.shape[0]
    n_correlated = (1 + int(math.sqrt(1.0 + 8.0 * partial.shape[0]) + 0.5)) // 2 if n_varying > 0 else 0
    factor = np.empty((n_correlated, n_correlated))
    c = np.empty((m.shape[0], n_varying))
    correlation_factor(partial, factor)
    covariance_root(tau, factor, rows, c)
    log_lik, g_m, g_c, g_s = _moments_log_likelihood(m, c, log_sigma, dof, sxx, sxy, syy, starts)
    g_tau, g_factor, g_partial = np.empty(n_varying), np.zeros_like(factor), np.empty(partial.shape[0])
    _root_pullback(tau, factor, rows, g_c, g_tau, g_factor)
    _factor_pullback(partial, g_factor, g_partial)
    return log_lik, g_m, g_tau, g_partial, g_s


@numba.njit(cache=True)
def draw_cluster_coefficients(m, c, log_sigma, sxx, sxy, starts, noise, out):  # type: ignore[no-untyped-def]
    """Fill out (S, G, P) with theta_g = m + C z_g, z_g drawn from its exact conditional given each draw.

    m (S, P), c (S, P, Q), log_sigma (S, G, K) are posterior draws; noise (S, G, Q) is standard normal.
    """
    n_draws, n_clusters, n_eq = log_sigma.shape
    p, q = c.shape[1], c.shape[2]
    lam_c, b, score, e = np.empty((p, q)), np.empty((q, q)), np.empty(p), np.empty(q)
    inv_var = np.empty(n_eq)
    for s in range(n_draws):
        for g in range(n_clusters):
            for k in range(n_eq):
                inv_var[k] = math.exp(-2.0 * log_sigma[s, g, k])
            _information_times_prior(c[s], inv_var, sxx[g], starts, lam_c)
            _residual_score(m[s], inv_var, sxx[g], sxy[g], starts, score)
            _cholesky_of_b(c[s], lam_c, b)
            for r in range(q):
                total = 0.0
                for i in range(p):
                    total += c[s, i, r] * score[i]
                e[r] = total
            _solve_lower(b, e)
            for r in range(q):
                e[r] += noise[s, g, r]
            _solve_lower_transposed(b, e)
            for i in range(p):
                total = m[s, i]
                for r in range(q):
                    total += c[s, i, r] * e[r]
                out[s, g, i] = total

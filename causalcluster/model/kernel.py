"""The cluster likelihood with the cluster coefficients integrated out, many clusters at a time.

For cluster g the equations' rows enter through their moments alone. With all coefficients of all equations
stacked in theta_g (length P, ordered by equation), prior theta_g = m + C z_g, z_g ~ N(0, I_Q), and
within-equation information Lambda_g = blockdiag(S_xx,k / sigma_kg^2), h_g = S_xy,k / sigma_kg^2, Gaussian
algebra gives

    log p(y_g) = -sum_k (nu_kg log sigma_kg + S_yy,kg / (2 sigma_kg^2)) + h'm - m'Lambda m / 2
                 - log|B_g| / 2 + u' B_g^-1 u / 2,     B_g = I + C' Lambda_g C,  u = C'(h - Lambda m)

which stays regular as a standard deviation in C goes to zero, so the sampler never meets a funnel.
Gradients follow from Fisher's identity (the expectation of the complete-data score given the data).

The matrices are small and there is one per cluster, so the innermost loop of everything runs over clusters
(lanes), which the compiler turns into vector instructions. Lanes left over are padded with clusters of no rows.

Array names: m (P,), c (P, Q), log_sigma (G, K), dof (G, K), sxx (G, P, P) of which only the blocks inside one
equation are read, sxy (G, P), syy (G, K), starts (K + 1,) the first coefficient of each equation.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_LANES = 32
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
def _load(first, log_sigma, sxx, sxy, starts, inv_var, information, pull):  # type: ignore[no-untyped-def]
    """Fill inv_var (K, L), information (P, P, L) inside equations' blocks, and pull (P, L) with h of a batch of clusters."""
    n_lanes = inv_var.shape[-1]
    n_clusters, n_eq = log_sigma.shape
    used = min(n_lanes, n_clusters - first)
    for k in range(n_eq):
        for lane in range(n_lanes):
            inv_var[k, lane] = math.exp(-2.0 * log_sigma[first + lane, k]) if lane < used else 0.0
        for i in range(starts[k], starts[k + 1]):
            for lane in range(n_lanes):
                pull[i, lane] = sxy[first + lane, i] * inv_var[k, lane] if lane < used else 0.0
            for j in range(starts[k], starts[k + 1]):
                for lane in range(n_lanes):
                    information[i, j, lane] = sxx[first + lane, i, j] * inv_var[k, lane] if lane < used else 0.0


@numba.njit(fastmath=_FAST, cache=True)
def _score(m, information, pull, starts, score, value):  # type: ignore[no-untyped-def]
    """Fill score (P, L) with h - Lambda m and add h'm - m'Lambda m / 2 to value (L,)."""
    n_lanes = pull.shape[-1]
    for k in range(starts.shape[0] - 1):
        for i in range(starts[k], starts[k + 1]):
            for lane in range(n_lanes):
                score[i, lane] = pull[i, lane]
            for j in range(starts[k], starts[k + 1]):
                at = m[j]
                for lane in range(n_lanes):
                    score[i, lane] -= information[i, j, lane] * at
            at = 0.5 * m[i]
            for lane in range(n_lanes):
                value[lane] += at * (pull[i, lane] + score[i, lane])


@numba.njit(fastmath=_FAST, cache=True)
def _information_times_root(c, information, starts, lam_c):  # type: ignore[no-untyped-def]
    """Fill lam_c (P, Q, L) with Lambda_g C."""
    n_lanes = lam_c.shape[-1]
    for k in range(starts.shape[0] - 1):
        for i in range(starts[k], starts[k + 1]):
            lam_c[i] = 0.0
            for j in range(starts[k], starts[k + 1]):
                for r in range(c.shape[1]):
                    at = c[j, r]
                    if at != 0.0:
                        for lane in range(n_lanes):
                            lam_c[i, r, lane] += information[i, j, lane] * at


@numba.njit(fastmath=_FAST, cache=True)
def _fill_b(c, lam_c, b):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of b (Q, Q, L) with I + C' Lambda C."""
    n_lanes = b.shape[-1]
    p, q = c.shape
    b[:] = 0.0
    for r in range(q):
        b[r, r] = 1.0
    for i in range(p):
        for r in range(q):
            at = c[i, r]
            if at != 0.0:
                for s in range(r + 1):
                    for lane in range(n_lanes):
                        b[r, s, lane] += at * lam_c[i, s, lane]


@numba.njit(fastmath=_FAST, cache=True)
def _cholesky(b, value):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of b (Q, Q, L) by its Cholesky factor and take log|B| / 2 from value (L,).

    B is the identity plus a positive semi-definite matrix, so its pivots are at least one.
    """
    n_lanes = b.shape[-1]
    total = np.empty(n_lanes)
    for r in range(b.shape[0]):
        for s in range(r + 1):
            for lane in range(n_lanes):
                total[lane] = b[r, s, lane]
            for t in range(s):
                for lane in range(n_lanes):
                    total[lane] -= b[r, t, lane] * b[s, t, lane]
            if s < r:
                for lane in range(n_lanes):
                    b[r, s, lane] = total[lane] / b[s, s, lane]
        for lane in range(n_lanes):
            value[lane] -= 0.5 * math.log(total[lane])
            b[r, r, lane] = math.sqrt(total[lane])


@numba.njit(fastmath=_FAST, cache=True)
def _project(c, score, e):  # type: ignore[no-untyped-def]
    """Fill e (Q, L) with C' score."""
    n_lanes = e.shape[-1]
    p, q = c.shape
    e[:] = 0.0
    for i in range(p):
        for r in range(q):
            at = c[i, r]
            if at != 0.0:
                for lane in range(n_lanes):
                    e[r, lane] += at * score[i, lane]


@numba.njit(fastmath=_FAST, cache=True)
def _solve_lower(b, e):  # type: ignore[no-untyped-def]
    n_lanes = e.shape[-1]
    for r in range(b.shape[0]):
        for t in range(r):
            for lane in range(n_lanes):
                e[r, lane] -= b[r, t, lane] * e[t, lane]
        for lane in range(n_lanes):
            e[r, lane] /= b[r, r, lane]


@numba.njit(fastmath=_FAST, cache=True)
def _solve_lower_transposed(b, e):  # type: ignore[no-untyped-def]
    n_lanes = e.shape[-1]
    for r in range(b.shape[0] - 1, -1, -1):
        for lane in range(n_lanes):
            e[r, lane] /= b[r, r, lane]
        for t in range(r):
            for lane in range(n_lanes):
                e[t, lane] -= b[r, t, lane] * e[r, lane]


@numba.njit(fastmath=_FAST, cache=True)
def _invert(b, w, inverse):  # type: ignore[no-untyped-def]
    """Fill inverse (Q, Q, L) with B^-1 from its Cholesky factor b, using w (Q, Q, L) for the factor's inverse."""
    n_lanes = b.shape[-1]
    q = b.shape[0]
    w[:] = 0.0
    inverse[:] = 0.0
    for r in range(q):
        for t in range(r):
            for s in range(t + 1):
                for lane in range(n_lanes):
                    w[r, s, lane] -= b[r, t, lane] * w[t, s, lane]
        for s in range(r):
            for lane in range(n_lanes):
                w[r, s, lane] /= b[r, r, lane]
        for lane in range(n_lanes):
            w[r, r, lane] = 1.0 / b[r, r, lane]
    for t in range(q):
        for r in range(t + 1):
            for s in range(r + 1):
                for lane in range(n_lanes):
                    inverse[r, s, lane] += w[t, r, lane] * w[t, s, lane]
    for r in range(q):
        for s in range(r):
            for lane in range(n_lanes):
                inverse[s, r, lane] = inverse[r, s, lane]


@numba.njit(fastmath=_FAST, cache=True)
def _add_gradients(c, m, e, lam_c, inverse, score, pull, starts, g_m, g_c, quadratic):  # type: ignore[no-untyped-def]
    """Add a batch of clusters' gradients to g_m (P,) and g_c (P, Q).

    Fills quadratic (K, L) with E[theta' Lambda theta - 2 h' theta] given the data, equation by equation.
    """
    n_lanes = e.shape[-1]
    q = c.shape[1]
    resid, theta, product = np.empty(n_lanes), np.empty(n_lanes), np.empty((q, n_lanes))
    quadratic[:] = 0.0
    for k in range(starts.shape[0] - 1):
        for i in range(starts[k], starts[k + 1]):
            for lane in range(n_lanes):
                resid[lane] = score[i, lane]
                theta[lane] = m[i]
            product[:] = 0.0
            for r in range(q):
                at = c[i, r]
                for lane in range(n_lanes):
                    resid[lane] -= lam_c[i, r, lane] * e[r, lane]
                    theta[lane] += at * e[r, lane]
                for s in range(q):
                    for lane in range(n_lanes):
                        product[s, lane] += lam_c[i, r, lane] * inverse[r, s, lane]
            for r in range(q):
                total = 0.0
                at = c[i, r]
                for lane in range(n_lanes):
                    total += resid[lane] * e[r, lane] - product[r, lane]
                    quadratic[k, lane] += product[r, lane] * at
                g_c[i, r] += total
            total = 0.0
            for lane in range(n_lanes):
                total += resid[lane]
                # h - Lambda theta = resid, hence theta'(Lambda theta - 2 h) = -theta'(h + resid)
                quadratic[k, lane] -= theta[lane] * (pull[i, lane] + resid[lane])
            g_m[i] += total


@numba.njit(cache=True)
def _count_lanes(n_clusters):  # type: ignore[no-untyped-def]
    """Return a multiple of eight, the vector width, up to what the fast caches hold."""
    return min(MOST_LANES, 8 * ((n_clusters + 7) // 8))


@numba.njit(fastmath=_FAST, cache=True)
def _moments_log_likelihood(m, c, log_sigma, dof, sxx, sxy, syy, starts):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, c and log_sigma."""
    n_clusters, n_eq = log_sigma.shape
    lanes = _count_lanes(n_clusters)
    p, q = c.shape
    g_m, g_c, g_s = np.zeros(p), np.zeros((p, q)), np.zeros((n_clusters, n_eq))
    information, lam_c = np.zeros((p, p, lanes)), np.empty((p, q, lanes))
    b, w, inverse = np.empty((q, q, lanes)), np.empty((q, q, lanes)), np.empty((q, q, lanes))
    inv_var, quadratic = np.empty((n_eq, lanes)), np.empty((n_eq, lanes))
    pull, score, e, value = np.empty((p, lanes)), np.empty((p, lanes)), np.empty((q, lanes)), np.zeros(lanes)
    log_lik = 0.0
    for first in range(0, n_clusters, lanes):
        _load(first, log_sigma, sxx, sxy, starts, inv_var, information, pull)
        _score(m, information, pull, starts, score, value)
        _information_times_root(c, information, starts, lam_c)
        _fill_b(c, lam_c, b)
        _cholesky(b, value)
        _project(c, score, e)
        _solve_lower(b, e)
        for r in range(q):
            for lane in range(lanes):
                value[lane] += 0.5 * e[r, lane] * e[r, lane]
        _solve_lower_transposed(b, e)
        _invert(b, w, inverse)
        _add_gradients(c, m, e, lam_c, inverse, score, pull, starts, g_m, g_c, quadratic)
        for lane in range(min(lanes, n_clusters - first)):
            g = first + lane
            for k in range(n_eq):
                total = syy[g, k] * inv_var[k, lane]
                log_lik -= dof[g, k] * log_sigma[g, k] + 0.5 * total
                g_s[g, k] = total + quadratic[k, lane] - dof[g, k]
    return log_lik + value.sum(), g_m, g_c, g_s


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
    lanes = _count_lanes(n_clusters)
    p, q = c.shape[1], c.shape[2]
    information, lam_c, b = np.zeros((p, p, lanes)), np.empty((p, q, lanes)), np.empty((q, q, lanes))
    inv_var, value = np.empty((n_eq, lanes)), np.zeros(lanes)
    pull, score, e = np.empty((p, lanes)), np.empty((p, lanes)), np.empty((q, lanes))
    for draw in range(n_draws):
        for first in range(0, n_clusters, lanes):
            _load(first, log_sigma[draw], sxx, sxy, starts, inv_var, information, pull)
            _score(m[draw], information, pull, starts, score, value)
            _information_times_root(c[draw], information, starts, lam_c)
            _fill_b(c[draw], lam_c, b)
            _cholesky(b, value)
            _project(c[draw], score, e)
            _solve_lower(b, e)
            used = min(lanes, n_clusters - first)
            for lane in range(used):
                for r in range(q):
                    e[r, lane] += noise[draw, first + lane, r]
            _solve_lower_transposed(b, e)
            for lane in range(used):
                for i in range(p):
                    total = m[draw, i]
                    for r in range(q):
                        total += c[draw, i, r] * e[r, lane]
                    out[draw, first + lane, i] = total

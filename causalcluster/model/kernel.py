"""The cluster likelihood with the cluster coefficients integrated out, many clusters at a time.

For cluster g the equations' rows enter through their moments alone. With all coefficients of all equations
stacked in theta_g (length P, ordered by equation), prior theta_g = m + C z_g, z_g ~ N(0, I_Q), and
within-equation information Lambda_g = blockdiag(S_xx,k / sigma_kg^2), h_g = S_xy,k / sigma_kg^2, Gaussian
algebra gives

    log p(y_g) = -sum_k (nu_kg log sigma_kg + S_yy,kg / (2 sigma_kg^2)) + h'm - m'Lambda m / 2
                 - log|B_g| / 2 + u' B_g^-1 u / 2,     B_g = I + C' Lambda_g C,  u = C'(h - Lambda m)

which stays regular as a standard deviation in C goes to zero, so the sampler never meets a funnel.
Gradients follow from Fisher's identity (the expectation of the complete-data score given the data). With
e = B^-1 u and theta = m + C e the conditional means, all of them for one cluster,

    d/dm = h - Lambda theta,      d/dC = (h - Lambda theta) e' - Lambda C B^-1,
    d/d log sigma_k = S_yy,k / sigma_k^2 - nu_k - theta_k'(2 h - Lambda theta)_k + tr_k(Lambda C B^-1 C'),

tr_k the part of the trace that belongs to equation k. Nothing is divided by C, so the gradients are accurate
however small a standard deviation is. C is triangular in the varying coefficients, so only as many columns of
d/dC are formed.

The matrices are small and there is one per cluster, so every number of the algebra is a vector over LANES
clusters, which stays in the processor's registers while sums accumulate; two sums at a time share what they
read. Arrays of such vectors have shape (entries, LANES), written (entries) below; matrices are in row order,
symmetric and triangular ones by the rows of their lower triangle.

Array names: m (P,), c (P, Q), log_sigma (G, K), dof (G, K), sxx (G, P, P) of which only the blocks inside one
equation are read, sxy (G, P), syy (G, K), starts (K + 1,) the first coefficient of each equation.
"""

import math

import numba
import numpy as np

from causalcluster.model.lanes import FAST, LANES, lanes_get, lanes_put, lanes_root, lanes_spread, lanes_total
from causalcluster.model.roots import correlation_factor, covariance_root, factor_pullback, root_pullback


@numba.njit(fastmath=FAST, cache=True)
def _load(first, log_sigma, sxx, sxy, starts, inv_var, information, pull):  # type: ignore[no-untyped-def]
    """Fill inv_var (K), information (P P) inside equations' blocks, and pull (P) with h of a batch of clusters.

    Lanes left over repeat the last cluster, weighted by zero.
    """
    p = pull.shape[0]
    n_clusters, n_eq = log_sigma.shape
    last = n_clusters - 1
    for k in range(n_eq):
        for lane in range(LANES):
            inv_var[k, lane] = math.exp(-2.0 * log_sigma[first + lane, k]) if first + lane <= last else 0.0
        scale = lanes_get(inv_var, k)
        for i in range(starts[k], starts[k + 1]):
            for lane in range(LANES):
                pull[i, lane] = sxy[min(first + lane, last), i]
            lanes_put(pull, i, lanes_get(pull, i) * scale)
            for j in range(starts[k], i + 1):
                for lane in range(LANES):
                    information[i * p + j, lane] = sxx[min(first + lane, last), i, j]
                value = lanes_get(information, i * p + j) * scale
                lanes_put(information, i * p + j, value)
                lanes_put(information, j * p + i, value)


@numba.njit(cache=True)
def _load_mean(first, m, mean):  # type: ignore[no-untyped-def]
    """Fill mean (P) of a batch of clusters from m, (G, P), or (1, P) where all clusters share it."""
    last = m.shape[0] - 1
    for i in range(m.shape[1]):
        for lane in range(LANES):
            mean[i, lane] = m[min(first + lane, last), i]


@numba.njit(fastmath=FAST, cache=True)
def _score(theta, information, pull, starts, score):  # type: ignore[no-untyped-def]
    """Fill score (P) with h - Lambda theta."""
    p = pull.shape[0]
    for k in range(starts.shape[0] - 1):
        for i in range(starts[k], starts[k + 1]):
            total = lanes_get(pull, i)
            for j in range(starts[k], starts[k + 1]):
                total -= lanes_get(information, i * p + j) * lanes_get(theta, j)
            lanes_put(score, i, total)


@numba.njit(fastmath=FAST, cache=True)
def _information_times_root(c, information, starts, lam_c):  # type: ignore[no-untyped-def]
    """Fill lam_c (Q P), column by column, with Lambda_g C up to the last column that an equation uses, two at a time."""
    p = c.shape[0]
    for k in range(starts.shape[0] - 1):
        first, last = starts[k], starts[k + 1]
        width = _width(c, first, last)
        for r in range(0, width, 2):
            after = min(r + 1, width - 1)
            for i in range(first, last):
                left, right = lanes_spread(0.0), lanes_spread(0.0)
                for j in range(first, last):
                    at = lanes_get(information, i * p + j)
                    left += c[j, r] * at
                    right += c[j, after] * at
                lanes_put(lam_c, r * p + i, left)
                lanes_put(lam_c, after * p + i, right)


@numba.njit(cache=True)
def _width(c, first, last):  # type: ignore[no-untyped-def]
    """Return the number of columns of c up to the last one that is not zero in rows first to last - 1."""
    width = 0
    for i in range(first, last):
        for r in range(width, c.shape[1]):
            if c[i, r] != 0.0:
                width = r + 1
    return width


@numba.njit(cache=True)
def _find_support(c):  # type: ignore[no-untyped-def]
    """Return the rows (Q, P) where column r or r + 1 of c is not zero, and how many they are (Q)."""
    p, q = c.shape
    support, count = np.empty((q, p), np.int64), np.zeros(q, np.int64)
    for r in range(q):
        for i in range(p):
            if c[i, r] != 0.0 or c[i, min(r + 1, q - 1)] != 0.0:
                support[r, count[r]] = i
                count[r] += 1
    return support, count


@numba.njit(fastmath=FAST, cache=True)
def _fill_b(c, lam_c, support, count, b):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of b with I + C' Lambda C, two rows at a time."""
    p, q = c.shape
    for s in range(q):
        for r in range(s, q, 2):
            lower = min(r + 1, q - 1)
            first, second = lanes_spread(1.0 if r == s else 0.0), lanes_spread(0.0)
            for a in range(count[r]):
                i = support[r, a]
                at = lanes_get(lam_c, s * p + i)
                first += c[i, r] * at
                second += c[i, lower] * at
            lanes_put(b, lower * (lower + 1) // 2 + s, second)
            lanes_put(b, r * (r + 1) // 2 + s, first)


@numba.njit(fastmath=FAST, cache=True)
def _cholesky(b, scale):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of b by its Cholesky factor, the diagonal's inverse in scale (Q).

    B is the identity plus a positive semi-definite matrix, so its pivots are at least one.
    """
    for r in range(scale.shape[0]):
        row = r * (r + 1) // 2
        pivot = lanes_get(b, row + r)
        for s in range(r):
            column = s * (s + 1) // 2
            total = lanes_get(b, row + s)
            for t in range(s):
                total -= lanes_get(b, row + t) * lanes_get(b, column + t)
            total *= lanes_get(scale, s)
            lanes_put(b, row + s, total)
            pivot -= total * total
        lanes_put(scale, r, 1.0 / lanes_root(pivot))


@numba.njit(fastmath=FAST, cache=True)
def _half_log_determinant(scale):  # type: ignore[no-untyped-def]
    """Return log|B| / 2 summed over lanes from one over the factor's diagonal, a logarithm for every eight of them."""
    q = scale.shape[0]
    total, products = 0.0, np.empty((1, LANES))
    for first in range(0, q, 8):
        product = lanes_get(scale, first)
        for r in range(first + 1, min(first + 8, q)):
            product *= lanes_get(scale, r)
        lanes_put(products, 0, product)
        for lane in range(LANES):
            total -= math.log(products[0, lane])
    return total


@numba.njit(fastmath=FAST, cache=True)
def _project(c, score, e):  # type: ignore[no-untyped-def]
    """Fill e (Q) with C' score."""
    p, q = c.shape
    for r in range(q):
        total = lanes_spread(0.0)
        for i in range(p):
            if c[i, r] != 0.0:
                total += c[i, r] * lanes_get(score, i)
        lanes_put(e, r, total)


@numba.njit(fastmath=FAST, cache=True)
def _expand(mean, c, e, theta):  # type: ignore[no-untyped-def]
    """Fill theta (P) with m + C e."""
    p, q = c.shape
    for i in range(p):
        total = lanes_get(mean, i)
        for r in range(q):
            if c[i, r] != 0.0:
                total += c[i, r] * lanes_get(e, r)
        lanes_put(theta, i, total)


@numba.njit(fastmath=FAST, cache=True)
def _solve_lower(b, scale, e):  # type: ignore[no-untyped-def]
    for r in range(scale.shape[0]):
        total = lanes_get(e, r)
        for t in range(r):
            total -= lanes_get(b, r * (r + 1) // 2 + t) * lanes_get(e, t)
        lanes_put(e, r, total * lanes_get(scale, r))


@numba.njit(fastmath=FAST, cache=True)
def _solve_lower_transposed(b, scale, e):  # type: ignore[no-untyped-def]
    q = scale.shape[0]
    for r in range(q - 1, -1, -1):
        total = lanes_get(e, r)
        for t in range(r + 1, q):
            total -= lanes_get(b, t * (t + 1) // 2 + r) * lanes_get(e, t)
        lanes_put(e, r, total * lanes_get(scale, r))


@numba.njit(fastmath=FAST, cache=True)
def _condition(mean, c, support, count, information, pull, starts, theta, score, lam_c, b, scale, e):  # type: ignore[no-untyped-def]
    """Fill score with h - Lambda m, lam_c, the Cholesky factor L of B in b and scale, and e with L^-1 u."""
    for i in range(mean.shape[0]):
        lanes_put(theta, i, lanes_get(mean, i))
    _score(theta, information, pull, starts, score)
    _information_times_root(c, information, starts, lam_c)
    _fill_b(c, lam_c, support, count, b)
    _cholesky(b, scale)
    _project(c, score, e)
    _solve_lower(b, scale, e)


@numba.njit(fastmath=FAST, cache=True)
def _invert(b, scale):  # type: ignore[no-untyped-def]
    """Replace the Cholesky factor in b by the lower triangle of B^-1 = W'W, W the factor's inverse."""
    q = scale.shape[0]
    for r in range(q):
        row = r * (r + 1) // 2
        for s in range(r):
            total = lanes_get(b, row + s) * lanes_get(scale, s)
            for t in range(s + 1, r):
                total += lanes_get(b, row + t) * lanes_get(b, t * (t + 1) // 2 + s)
            lanes_put(b, row + s, total * (-1.0 * lanes_get(scale, r)))
        lanes_put(b, row + r, lanes_get(scale, r))
    for r in range(q):
        for s in range(0, r + 1, 2):  # Ends with column r, which the others need.
            after = min(s + 1, r)
            left, right = lanes_spread(0.0), lanes_spread(0.0)
            for t in range(r, q):
                row = t * (t + 1) // 2
                at = lanes_get(b, row + r)
                left += at * lanes_get(b, row + s)
                right += at * lanes_get(b, row + after)
            lanes_put(b, r * (r + 1) // 2 + s, left)
            lanes_put(b, r * (r + 1) // 2 + after, right)


@numba.njit(fastmath=FAST, cache=True)
def _add_root_gradient(i, n, width, c, inverse, e, lam_c, score, g_c):  # type: ignore[no-untyped-def]
    """Add the first n columns of row i of (h - Lambda theta) e' - Lambda C B^-1 to g_c, two at a time.

    Returns that row of Lambda C B^-1 times the row of C: a diagonal element of Lambda C B^-1 C'.
    """
    p = c.shape[0]
    trace, residual = lanes_spread(0.0), lanes_get(score, i)
    for r in range(0, n, 2):
        after = min(r + 1, n - 1)
        left, right = lanes_spread(0.0), lanes_spread(0.0)
        for s in range(min(r + 1, width)):
            at = lanes_get(lam_c, s * p + i)
            left += at * lanes_get(inverse, r * (r + 1) // 2 + s)
            right += at * lanes_get(inverse, after * (after + 1) // 2 + s)
        for s in range(r + 1, width):
            at = lanes_get(lam_c, s * p + i)
            left += at * lanes_get(inverse, s * (s + 1) // 2 + r)
            right += at * lanes_get(inverse, s * (s + 1) // 2 + after)
        g_c[i, r] += lanes_total(residual * lanes_get(e, r) - left)
        trace += c[i, r] * left
        if after > r:
            g_c[i, after] += lanes_total(residual * lanes_get(e, after) - right)
            trace += c[i, after] * right
    return trace


@numba.njit(fastmath=FAST, cache=True)
def _add_gradients(columns, c, inverse, e, lam_c, pull, theta, score, starts, g_m, g_c, quadratic):  # type: ignore[no-untyped-def]
    """Add a batch of clusters' gradients to g_m (1, P) and g_c (P, Q), of whose row i the first columns[i] matter.

    Where every cluster has a mean of its own, its gradient is its score, and g_m is left to the caller.

    Fills quadratic (K) with E[theta' Lambda theta - 2 h' theta] given the data, equation by equation.
    """
    for k in range(starts.shape[0] - 1):
        width = _width(c, starts[k], starts[k + 1])
        total = lanes_spread(0.0)
        for i in range(starts[k], starts[k + 1]):
            residual = lanes_get(score, i)
            if g_m.shape[0] == 1:
                g_m[0, i] += lanes_total(residual)
            # h - Lambda theta = residual, hence theta'(Lambda theta - 2 h) = -theta'(h + residual)
            total -= lanes_get(theta, i) * (lanes_get(pull, i) + residual)
            total += _add_root_gradient(i, columns[i], width, c, inverse, e, lam_c, score, g_c)
        lanes_put(quadratic, k, total)


@numba.njit(fastmath=FAST, cache=True)
def _moments_log_likelihood(m, c, columns, log_sigma, dof, sxx, sxy, syy, starts):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, (1, P) or (G, P), c and log_sigma."""
    n_clusters, n_eq = log_sigma.shape
    p, q = c.shape
    g_m, g_c, g_s = np.zeros(m.shape), np.zeros((p, q)), np.empty((n_clusters, n_eq))
    information, lam_c, b = np.empty((p * p, LANES)), np.empty((p * q, LANES)), np.empty((q * (q + 1) // 2, LANES))
    pull, score, theta, mean = np.empty((p, LANES)), np.empty((p, LANES)), np.empty((p, LANES)), np.empty((p, LANES))
    e, scale = np.empty((q, LANES)), np.empty((q, LANES))
    inv_var, quadratic = np.empty((n_eq, LANES)), np.empty((n_eq, LANES))
    support, count = _find_support(c)
    log_lik = 0.0
    for first in range(0, n_clusters, LANES):
        _load(first, log_sigma, sxx, sxy, starts, inv_var, information, pull)
        _load_mean(first, m, mean)
        _condition(mean, c, support, count, information, pull, starts, theta, score, lam_c, b, scale, e)
        value = lanes_spread(0.0)
        for i in range(p):
            value += 0.5 * lanes_get(mean, i) * (lanes_get(pull, i) + lanes_get(score, i))
        for r in range(q):
            value += 0.5 * lanes_get(e, r) * lanes_get(e, r)
        log_lik += lanes_total(value) - _half_log_determinant(scale)
        _solve_lower_transposed(b, scale, e)
        _expand(mean, c, e, theta)
        _score(theta, information, pull, starts, score)
        _invert(b, scale)
        _add_gradients(columns, c, b, e, lam_c, pull, theta, score, starts, g_m, g_c, quadratic)
        for lane in range(min(LANES, n_clusters - first)):
            g = first + lane
            if m.shape[0] > 1 or n_clusters == 1:
                for i in range(p):
                    g_m[g, i] = score[i, lane]
            for k in range(n_eq):
                total = syy[g, k] * inv_var[k, lane]
                log_lik -= dof[g, k] * log_sigma[g, k] + 0.5 * total
                g_s[g, k] = total + quadratic[k, lane] - dof[g, k]
    return log_lik, g_m, g_c, g_s


@numba.njit(cache=True)
def marginal_log_likelihood(m, tau, partial, log_sigma, dof, sxx, sxy, syy, starts, rows):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, tau, partial and log_sigma."""
    n_varying = tau.shape[0]
    n_correlated = (1 + int(math.sqrt(1.0 + 8.0 * partial.shape[0]) + 0.5)) // 2 if n_varying > 0 else 0
    factor = np.empty((n_correlated, n_correlated))
    c, columns = np.empty((m.shape[0], n_varying)), np.zeros(m.shape[0], np.int64)
    for v in range(n_varying):
        columns[rows[v]] = v + 1
    correlation_factor(partial, factor)
    covariance_root(tau, factor, rows, c)
    shared = m.copy().reshape((1, m.shape[0]))
    log_lik, g_m, g_c, g_s = _moments_log_likelihood(shared, c, columns, log_sigma, dof, sxx, sxy, syy, starts)
    g_tau, g_factor, g_partial = np.empty(n_varying), np.zeros_like(factor), np.empty(partial.shape[0])
    root_pullback(tau, factor, rows, g_c, g_tau, g_factor)
    factor_pullback(partial, g_factor, g_partial)
    return log_lik, g_m[0], g_tau, g_partial, g_s


@numba.njit(cache=True)
def conditional_log_likelihood(m, c, log_sigma, dof, sxx, sxy, syy, starts):  # type: ignore[no-untyped-def]
    """Log-likelihood where every cluster has a mean of its own, m (G, P); gradients with respect to m, c and log_sigma."""
    return _moments_log_likelihood(m, c, np.full(c.shape[0], c.shape[1]), log_sigma, dof, sxx, sxy, syy, starts)


@numba.njit(cache=True)
def draw_cluster_coefficients(m, c, log_sigma, sxx, sxy, starts, noise, out):  # type: ignore[no-untyped-def]
    """Fill out (S, G, P) with theta_g = m + C z_g, z_g drawn from its exact conditional given each draw.

    m (S, 1, P) or (S, G, P), c (S, P, Q), log_sigma (S, G, K) are posterior draws; noise (S, G, Q) is standard normal.
    """
    (n_draws, n_clusters, n_eq), (p, q) = log_sigma.shape, c.shape[1:]
    information, lam_c, b = np.empty((p * p, LANES)), np.empty((p * q, LANES)), np.empty((q * (q + 1) // 2, LANES))
    pull, score, theta, mean = np.empty((p, LANES)), np.empty((p, LANES)), np.empty((p, LANES)), np.empty((p, LANES))
    e, scale, inv_var = np.empty((q, LANES)), np.empty((q, LANES)), np.empty((n_eq, LANES))
    for draw in range(n_draws):
        support, count = _find_support(c[draw])
        for first in range(0, n_clusters, LANES):
            _load(first, log_sigma[draw], sxx, sxy, starts, inv_var, information, pull)
            _load_mean(first, m[draw], mean)
            _condition(mean, c[draw], support, count, information, pull, starts, theta, score, lam_c, b, scale, e)
            used = min(LANES, n_clusters - first)
            for lane in range(used):
                for r in range(q):
                    e[r, lane] += noise[draw, first + lane, r]
            _solve_lower_transposed(b, scale, e)
            _expand(mean, c[draw], e, theta)
            for lane in range(used):
                for i in range(p):
                    out[draw, first + lane, i] = theta[i, lane]

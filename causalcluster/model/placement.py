"""Coordinates for coefficients that must be sampled, in which the sampler meets neither a funnel nor a narrow ridge.

Coefficients theta_g = m + C z_g, z_g ~ N(0, I), of equations without a closed likelihood are sampled. Their rows are
summarised once by a quadratic, information Lambda_g and pull h_g (the guide). With B_g = I + C' Lambda_g C = L L' and
b_g = B_g^-1 C'(h_g - Lambda_g m),

    z_g = b_g + L^-T w_g

turns the coordinates w_g that the sampler moves into z_g. Were the likelihood that quadratic, w_g would be standard
normal whatever m, C and the data; as it is, it is nearly so, for clusters that say much, little or nothing. The
density is corrected by the Jacobian, so the guide never touches the posterior.
"""

import numba
import numpy as np

from causalcluster.model.roots import solve_lower, solve_lower_transposed


@numba.njit(cache=True)
def times(a, b):  # type: ignore[no-untyped-def]
    """Return the product of two small matrices; numba's own calls into Python's BLAS, which stored code cannot."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out


@numba.njit(cache=True)
def _rest(information, m, pull):  # type: ignore[no-untyped-def]
    """Return h - Lambda m."""
    out = pull.copy()
    for i in range(out.shape[0]):
        for j in range(out.shape[0]):
            out[i] -= information[i, j] * m[j]
    return out


@numba.njit(cache=True)
def _factor(m, c, information, pull, low, shift):  # type: ignore[no-untyped-def]
    """Fill low (Q, Q) with the Cholesky factor of I + C' Lambda C, and shift (Q,) with C'(h - Lambda m)."""
    p, q = c.shape
    lam_c, rest = times(information, c), _rest(information, m, pull)
    for r in range(q):
        shift[r] = 0.0
        for i in range(p):
            shift[r] += c[i, r] * rest[i]
        for s in range(r + 1):
            total = 1.0 if r == s else 0.0
            for i in range(p):
                total += c[i, r] * lam_c[i, s]
            for t in range(s):
                total -= low[r, t] * low[s, t]
            low[r, s] = np.sqrt(total) if r == s else total / low[s, s]


@numba.njit(cache=True)
def place(m, c, w, information, pull):  # type: ignore[no-untyped-def]
    """Return z (G, Q) and the log Jacobian summed over clusters.

    m (P,), c (P, Q), w (G, Q), information (G, P, P), pull (G, P).
    """
    n_clusters, q = w.shape
    z, low, total = np.empty((n_clusters, q)), np.zeros((q, q)), 0.0
    for g in range(n_clusters):
        shift = np.empty(q)
        _factor(m, c, information[g], pull[g], low, shift)
        solve_lower(low, shift)
        shift += w[g]
        solve_lower_transposed(low, shift)
        z[g] = shift
        for r in range(q):
            total -= np.log(low[r, r])
    return z, total


@numba.njit(cache=True)
def _cholesky_pullback(low, g_low):  # type: ignore[no-untyped-def]
    """Return the symmetric gradient (Q, Q) of B that the gradient of its Cholesky factor implies (Murray 2016)."""
    q = low.shape[0]
    inner = np.zeros((q, q))
    for r in range(q):
        for s in range(r + 1):
            total = 0.0
            for t in range(r, q):
                total += low[t, r] * g_low[t, s]
            inner[r, s] = 0.5 * total if r == s else total
    half = np.empty((q, q))
    for s in range(q):
        column = inner[:, s].copy()
        solve_lower_transposed(low, column)
        half[:, s] = column
    for r in range(q):
        row = half[r].copy()
        solve_lower_transposed(low, row)
        half[r] = row
    return 0.5 * (half + half.T)


@numba.njit(cache=True)
def place_pullback(m, c, w, information, pull, z, g_z, g_jacobian):  # type: ignore[no-untyped-def]
    """Gradients with respect to m, c and w, from those of z (G, Q) and of the log Jacobian."""
    n_clusters, q = w.shape
    g_m, g_c, g_w = np.zeros_like(m), np.zeros_like(c), np.empty_like(w)
    low, shift = np.zeros((q, q)), np.empty(q)
    for g in range(n_clusters):
        _factor(m, c, information[g], pull[g], low, shift)
        s = g_z[g].copy()
        solve_lower(low, s)
        g_w[g] = s
        v = w[g].copy()
        solve_lower_transposed(low, v)
        t = s.copy()
        solve_lower_transposed(low, t)
        g_low = np.zeros((q, q))
        for r in range(q):
            for a in range(r + 1):
                g_low[r, a] = -v[r] * s[a]
            g_low[r, r] -= g_jacobian / low[r, r]
        b = z[g] - v
        g_b = _cholesky_pullback(low, g_low)
        for r in range(q):
            for a in range(q):
                g_b[r, a] -= 0.5 * (t[r] * b[a] + t[a] * b[r])
        lam_c, rest = times(information[g], c), _rest(information[g], m, pull[g])
        g_c += 2.0 * times(lam_c, g_b)
        for i in range(m.shape[0]):
            for r in range(q):
                g_c[i, r] += rest[i] * t[r]
                g_m[i] -= lam_c[i, r] * t[r]
    return g_m, g_c, g_w

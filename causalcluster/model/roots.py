"""The square root of the covariance between clusters, and how gradients pass through it."""

import math

import numba
import numpy as np


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
def factor_pullback(partial, g_factor, g_partial):  # type: ignore[no-untyped-def]
    """Fill g_partial with the gradient that g_factor (R, R) implies for the partial correlations."""
    n = g_factor.shape[0]
    remainders, shrinks = np.empty(n + 1), np.empty(n)
    for i in range(n):
        start = i * (i - 1) // 2
        remainders[0] = 1.0
        for j in range(i):
            z = partial[start + j]
            shrinks[j] = math.sqrt(1.0 - z * z)
            remainders[j + 1] = remainders[j] * shrinks[j]
        g_remainder = g_factor[i, i]
        for j in range(i - 1, -1, -1):
            z = partial[start + j]
            g_partial[start + j] = g_factor[i, j] * remainders[j] - g_remainder * remainders[j] * z / shrinks[j]
            g_remainder = g_factor[i, j] * z + g_remainder * shrinks[j]


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
def root_pullback(tau, factor, rows, g_c, g_tau, g_factor):  # type: ignore[no-untyped-def]
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


@numba.njit(cache=True)
def population_root(n_coefficients, tau, partial, varying):  # type: ignore[no-untyped-def]
    """Return the factor of the correlations and the root C (P, Q) of the covariance between clusters."""
    n_correlated = (1 + int(math.sqrt(1.0 + 8.0 * partial.shape[0]) + 0.5)) // 2 if tau.shape[0] > 0 else 0
    factor, c = np.empty((n_correlated, n_correlated)), np.empty((n_coefficients, tau.shape[0]))
    correlation_factor(partial, factor)
    covariance_root(tau, factor, varying, c)
    return factor, c


@numba.njit(cache=True)
def solve_lower(low, vector):  # type: ignore[no-untyped-def]
    """Replace vector by L^-1 vector."""
    for r in range(vector.shape[0]):
        for t in range(r):
            vector[r] -= low[r, t] * vector[t]
        vector[r] /= low[r, r]


@numba.njit(cache=True)
def solve_lower_transposed(low, vector):  # type: ignore[no-untyped-def]
    """Replace vector by L^-T vector."""
    q = vector.shape[0]
    for r in range(q - 1, -1, -1):
        for t in range(r + 1, q):
            vector[r] -= low[t, r] * vector[t]
        vector[r] /= low[r, r]

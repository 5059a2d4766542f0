"""Marginal likelihood of moments that come in layers with residual variances of their own.

An equation's rows may share shocks: those of a cluster and period, say. Rotated so that errors are independent, they fall
into layers, each with its own residual standard deviation, a function of the equation's and of the shocks'. Every layer of
an equation has the same coefficients. With S_l the moments of layer l and w_l = exp(-2 log_sd_l), a cluster's information on
its coefficients is Lambda = sum of w_l S_l; the rest is as in `causalcluster.model.kernel`, whose one layer an equation is
faster.
"""

import math

import numba
import numpy as np

from causalcluster.model.roots import (
    factor_pullback,
    population_root,
    root_pullback,
    solve_lower,
    solve_lower_transposed,
)


@numba.njit(cache=True)
def gather(log_sd, sxx, sxy, equation, starts, information, pull):  # type: ignore[no-untyped-def]
    """Fill information (P, P) and pull (P,) of one cluster from its layers (L, p, p) and (L, p)."""
    information[:] = 0.0
    pull[:] = 0.0
    for layer in range(equation.shape[0]):
        weight = math.exp(-2.0 * log_sd[layer])
        first = starts[equation[layer]]
        for i in range(starts[equation[layer] + 1] - first):
            pull[first + i] += weight * sxy[layer, i]
            for j in range(starts[equation[layer] + 1] - first):
                information[first + i, first + j] += weight * sxx[layer, i, j]


@numba.njit(cache=True)
def _factor(c, information, lam_c, b):  # type: ignore[no-untyped-def]
    """Fill lam_c (P, Q) with Lambda C and b with the lower Cholesky factor of I + C' Lambda C; return half its log det."""
    p, q = c.shape
    for i in range(p):
        for r in range(q):
            total = 0.0
            for j in range(p):
                total += information[i, j] * c[j, r]
            lam_c[i, r] = total
    half = 0.0
    for r in range(q):
        for s in range(r + 1):
            total = 1.0 if r == s else 0.0
            for i in range(p):
                total += c[i, r] * lam_c[i, s]
            for t in range(s):
                total -= b[r, t] * b[s, t]
            if r == s:
                b[r, r] = math.sqrt(total)
                half += math.log(b[r, r])
            else:
                b[r, s] = total / b[s, s]
    return half


@numba.njit(cache=True)
def _score(theta, information, pull, score):  # type: ignore[no-untyped-def]
    for i in range(theta.shape[0]):
        total = pull[i]
        for j in range(theta.shape[0]):
            total -= information[i, j] * theta[j]
        score[i] = total


@numba.njit(cache=True)
def condition(m, c, information, pull, lam_c, b, score, e, theta):  # type: ignore[no-untyped-def]
    """Fill theta with E[theta | data], score with h - Lambda theta; return the log-likelihood less terms of layers alone."""
    p, q = c.shape
    half = _factor(c, information, lam_c, b)
    _score(m, information, pull, score)
    value = -half
    for i in range(p):
        value += 0.5 * m[i] * (pull[i] + score[i])
    for r in range(q):
        total = 0.0
        for i in range(p):
            total += c[i, r] * score[i]
        e[r] = total
    solve_lower(b, e)
    for r in range(q):
        value += 0.5 * e[r] * e[r]
    solve_lower_transposed(b, e)
    for i in range(p):
        theta[i] = m[i]
        for r in range(q):
            theta[i] += c[i, r] * e[r]
    _score(theta, information, pull, score)
    return value


@numba.njit(cache=True)
def covariance(c, b, inverse, spread, across):  # type: ignore[no-untyped-def]
    """Fill across (P, Q) with C B^-1 and spread (P, P) with C B^-1 C'."""
    p, q = c.shape
    for r in range(q):
        for s in range(q):
            inverse[r, s] = 1.0 if r == s else 0.0
        solve_lower(b, inverse[r])
        solve_lower_transposed(b, inverse[r])
    for i in range(p):
        for r in range(q):
            total = 0.0
            for s in range(q):
                total += c[i, s] * inverse[s, r]
            across[i, r] = total
        for j in range(i + 1):
            total = 0.0
            for r in range(q):
                total += across[i, r] * c[j, r]
            spread[i, j] = total
            spread[j, i] = total


@numba.njit(cache=True)
def layer_quadratic(theta, spread, sxx, sxy, first, stop):  # type: ignore[no-untyped-def]
    """Return E[theta' S theta - 2 s' theta] of one layer."""
    total = 0.0
    for i in range(first, stop):
        inner = -2.0 * sxy[i - first]
        for j in range(first, stop):
            inner += sxx[i - first, j - first] * theta[j]
            total += sxx[i - first, j - first] * spread[i, j]
        total += theta[i] * inner
    return total


@numba.njit(cache=True)
def layered_log_likelihood(m, tau, partial, log_sd, dof, sxx, sxy, syy, equation, starts, rows):  # type: ignore[no-untyped-def]
    """Log-likelihood of all clusters and its gradients with respect to m, tau, partial and log_sd.

    Parameters
    ----------
    m (P,), tau (Q,), partial (R,)
        The population: means, standard deviations and partial correlations of the varying coefficients.
    log_sd, dof, syy (G, L), sxx (G, L, p, p), sxy (G, L, p)
        Layers; p is the most coefficients of an equation.
    equation (L,), starts (K + 1,), rows (Q,)
        Equation of each layer, first coefficient of each equation, coefficient behind each standard deviation.
    """
    n_clusters, n_layers = log_sd.shape
    p, q = m.shape[0], tau.shape[0]
    factor, c = population_root(p, tau, partial, rows)
    information, pull, score, theta = np.empty((p, p)), np.empty(p), np.empty(p), np.empty(p)
    lam_c, b, e, inverse = np.empty((p, q)), np.empty((q, q)), np.empty(q), np.empty((q, q))
    spread, across = np.empty((p, p)), np.empty((p, q))
    g_m, g_c, g_s = np.zeros(p), np.zeros((p, q)), np.empty((n_clusters, n_layers))
    log_lik = 0.0
    for g in range(n_clusters):
        gather(log_sd[g], sxx[g], sxy[g], equation, starts, information, pull)
        log_lik += condition(m, c, information, pull, lam_c, b, score, e, theta)
        covariance(c, b, inverse, spread, across)
        for i in range(p):
            g_m[i] += score[i]
            for r in range(q):
                total = score[i] * e[r]
                for j in range(p):
                    total -= information[i, j] * across[j, r]
                g_c[i, r] += total
        for layer in range(n_layers):
            weight = math.exp(-2.0 * log_sd[g, layer])
            first, stop = starts[equation[layer]], starts[equation[layer] + 1]
            quadratic = layer_quadratic(theta, spread, sxx[g, layer], sxy[g, layer], first, stop)
            log_lik -= dof[g, layer] * log_sd[g, layer] + 0.5 * weight * syy[g, layer]
            g_s[g, layer] = weight * (syy[g, layer] + quadratic) - dof[g, layer]
    g_tau, g_factor, g_partial = np.empty(q), np.zeros_like(factor), np.empty(partial.shape[0])
    root_pullback(tau, factor, rows, g_c, g_tau, g_factor)
    factor_pullback(partial, g_factor, g_partial)
    return log_lik, g_m, g_tau, g_partial, g_s


@numba.njit(cache=True)
def draw_layered_coefficients(m, c, log_sd, sxx, sxy, equation, starts, noise, out):  # type: ignore[no-untyped-def]
    """Fill out (S, G, P) with the clusters' coefficients drawn from their exact conditional given each draw.

    m (S, P), c (S, P, Q), log_sd (S, G, L) are posterior draws; noise (S, G, Q) is standard normal.
    """
    n_draws, n_clusters = log_sd.shape[:2]
    p, q = c.shape[1:]
    information, pull, score, theta = np.empty((p, p)), np.empty(p), np.empty(p), np.empty(p)
    lam_c, b, e = np.empty((p, q)), np.empty((q, q)), np.empty(q)
    for draw in range(n_draws):
        for g in range(n_clusters):
            gather(log_sd[draw, g], sxx[g], sxy[g], equation, starts, information, pull)
            condition(m[draw], c[draw], information, pull, lam_c, b, score, e, theta)
            away = noise[draw, g].copy()
            solve_lower_transposed(b, away)
            for i in range(p):
                out[draw, g, i] = theta[i]
                for r in range(q):
                    out[draw, g, i] += c[draw, i, r] * away[r]

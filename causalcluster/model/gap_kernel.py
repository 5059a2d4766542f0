"""Gaussian rows with missing values: the likelihood of what is there, missing values integrated out exactly.

A group is one or more rows of one cluster in which the same values are missing. With z = (1, values) and, for every
equation e that holds a missing value, the residual L_e'z ~ N(0, sigma_e^2), the missing values u are normal given the
others: precision A = sum_e w_e L_e[u] L_e[u]', mean -A^-1 sum_e w_e L_e[u] L_e[o]'z_o, with w_e = 1 / sigma_e^2. So the
likelihood depends on the rows through n and sum z z', and its gradient is that of the complete rows with the missing
moments replaced by their expectations (Fisher's identity; Dempster, Laird and Rubin 1977).

Where values u are not seen but measured, m = u + an error of known precision S, the place of u in z holds m: A gains S, the
mean gains A^-1 S m and the value -E[(u - m)' S (u - m)] / 2. S is no parameter, so gradients stay what they are.
"""

import math

import numba
import numpy as np

OWN, SIGMA, FAMILY, LINK, PARAMETER, N_PARAMETERS, ORDERED = 0, 1, 2, 3, 4, 5, 6
"""Columns of the table of equations: own node's place in z, column of log sigma, codes, parameters, thresholds."""


@numba.njit(cache=True)
def _split(factors, t, averaged, second):  # type: ignore[no-untyped-def]
    """Return the place in z and the multiplier of term ``t``: products with a value that is there are of single rows."""
    if factors[t, 0] < 0:
        return 0, 1.0
    if factors.shape[1] == 1 or factors[t, 1] < 0:
        return factors[t, 0], 1.0
    place, value = 0, 1.0
    for k in range(factors.shape[1]):
        f = factors[t, k]
        if f < 0:
            break
        if averaged[f]:
            place = f
        else:
            value *= second[0, f] / second[0, 0]
    return place, value


@numba.njit(cache=True)
def _fill_line(theta, centre, e, equations, starts, factors, averaged, second, shift, line):  # type: ignore[no-untyped-def]
    """Fill line (d,) with the weights of z in the residual of equation ``e``."""
    line[:] = 0.0
    own = equations[e, OWN]
    line[own] = 1.0
    if averaged[own]:
        line[0] -= shift[own]
    for t in range(starts[e], starts[e + 1]):
        place, value = _split(factors, t, averaged, second)
        line[place] -= theta[t] * value
        line[0] += theta[t] * centre[t]


@numba.njit(cache=True)
def _invert(a, size):  # type: ignore[no-untyped-def]
    """Replace the leading block of a symmetric positive definite matrix by its inverse; returns its log determinant."""
    log_determinant = 0.0
    for k in range(size):
        pivot = a[k, k]
        log_determinant += math.log(pivot)
        a[k, k] = 1.0
        for j in range(size):
            a[k, j] /= pivot
        for i in range(size):
            if i != k:
                factor = a[i, k]
                a[i, k] = 0.0
                for j in range(size):
                    a[i, j] -= factor * a[k, j]
    return log_determinant


@numba.njit(cache=True)
def _complete(  # type: ignore[no-untyped-def]
    lines, weights, touches, averaged, second, precision, whole, places, inverse, pull, cross
):
    """Fill whole (d, d) with the expected moments of complete rows; returns the values averaged and log |A|.

    ``precision`` is that of what was measured, or empty. ``places`` receives the places in z of the values averaged,
    ``inverse`` A^-1, ``pull`` the weights of z in their means, and ``cross`` their expected products with z.
    """
    d, size = second.shape[0], 0
    for j in range(d):
        if averaged[j]:
            places[size] = j
            size += 1
    inverse[:size, :size] = 0.0
    cross[:size] = 0.0
    if precision.shape[0]:
        for a in range(size):
            for b in range(size):
                inverse[a, b] = precision[places[a], places[b]]
                cross[a, places[b]] = precision[places[a], places[b]]
    for e in range(touches.shape[0]):
        if touches[e]:
            for a in range(size):
                by = weights[e] * lines[e, places[a]]
                for b in range(size):
                    inverse[a, b] += by * lines[e, places[b]]
                for j in range(d):
                    if not averaged[j]:
                        cross[a, j] -= by * lines[e, j]
    log_determinant = _invert(inverse, size)
    _multiply(inverse, cross, size, size, pull)
    _multiply(pull, second, size, d, cross)
    whole[:, :] = second
    for a in range(size):
        for j in range(d):
            if not averaged[j]:
                whole[places[a], j] = whole[j, places[a]] = cross[a, j]
        for b in range(size):
            total = second[0, 0] * inverse[a, b]
            for k in range(d):
                total += pull[b, k] * cross[a, k]
            whole[places[a], places[b]] = total
    return size, log_determinant


@numba.njit(cache=True)
def _multiply(left, right, rows, inner, out):  # type: ignore[no-untyped-def]
    """Fill the first rows of ``out`` with left[:rows, :inner] @ right[:inner]."""
    for a in range(rows):
        for j in range(right.shape[1]):
            total = 0.0
            for b in range(inner):
                total += left[a, b] * right[b, j]
            out[a, j] = total


@numba.njit(cache=True)
def _prepare_group(theta, log_sigma, g, p, tables, second, shift, lines, weights):  # type: ignore[no-untyped-def]
    """Fill lines (E, d) and weights (E,) of the equations that pattern ``p`` touches."""
    equations, starts, factors, centre, averaged, touches = tables
    for e in range(equations.shape[0]):
        if touches[p, e]:
            weights[e] = math.exp(-2.0 * log_sigma[g, equations[e, SIGMA]])
            _fill_line(theta[g], centre[g], e, equations, starts, factors, averaged[p], second, shift, lines[e])


@numba.njit(cache=True)
def gaussian_gaps(  # type: ignore[no-untyped-def]
    theta, log_sigma, equations, starts, factors, centre, averaged, touches, at, second, precision, shift
):
    """Log likelihood of rows with missing values but for a constant, and its gradients.

    Parameters
    ----------
    theta (G, P), log_sigma (G, K)
        Coefficients of all sampled equations, and log residual standard deviations of all gaussian ones.
    equations (E, 7), starts (E + 1,)
        Places and codes of the sampled equations, and their first coefficients.
    factors (P, F), centre (G, P)
        Places in z of each term's factors, -1 beyond them; what is taken off the term's column.
    averaged (A, d), touches (A, E)
        By pattern: which values are integrated out, and which equations hold one.
    at (N, 2), second (N, d, d)
        Cluster and pattern of each group, and sum z z' over its rows, 0 where a value is missing, and measured values in
        place of those that are averaged.
    precision (N, d, d) or (0, d, d)
        Inverse covariance of the errors of what was measured in the rows of a group; 0 where nothing was.
    shift (d,)
        How much higher missing values are than the model says, for sensitivity.
    """
    tables = (equations, starts, factors, centre, averaged, touches)
    g_theta, g_sigma, value = np.zeros_like(theta), np.zeros_like(log_sigma), 0.0
    n_equations, d = equations.shape[0], second.shape[1]
    lines, weights, whole = np.zeros((n_equations, d)), np.zeros(n_equations), np.empty((d, d))
    places, inverse, pull = np.empty(d, dtype=np.int64), np.empty((d, d)), np.empty((d, d))
    v, cross, nothing = np.empty(d), np.empty((d, d)), np.zeros((0, d))
    for i in range(at.shape[0]):
        g, p = at[i, 0], at[i, 1]
        n = second[i, 0, 0]
        if n == 0.0:
            continue
        _prepare_group(theta, log_sigma, g, p, tables, second[i], shift, lines, weights)
        own = precision[i] if precision.shape[0] else nothing
        size, log_determinant = _complete(
            lines, weights, touches[p], averaged[p], second[i], own, whole, places, inverse, pull, cross
        )
        value += 0.5 * n * (size - log_determinant)
        if precision.shape[0]:
            for a in range(size):
                for b in range(size):
                    j, k = places[a], places[b]
                    value -= 0.5 * own[j, k] * (whole[j, k] - 2.0 * cross[a, k] + second[i, j, k])
        for e in range(n_equations):
            if not touches[p, e]:
                continue
            square = 0.0
            for j in range(d):
                total = 0.0
                for k in range(d):
                    total += whole[j, k] * lines[e, k]
                v[j] = total
                square += lines[e, j] * total
            sigma = equations[e, SIGMA]
            value -= n * log_sigma[g, sigma] + 0.5 * weights[e] * square
            g_sigma[g, sigma] += weights[e] * square - n
            for t in range(starts[e], starts[e + 1]):
                place, factor = _split(factors, t, averaged[p], second[i])
                g_theta[g, t] += weights[e] * (factor * v[place] - centre[g, t] * v[0])
    return value, g_theta, g_sigma


@numba.njit(cache=True)
def expected_moments(  # type: ignore[no-untyped-def]
    theta, log_sigma, equations, starts, factors, centre, averaged, touches, at, second, precision, shift
):
    """Expected moments of complete rows under the model, of the touched equations, about zero.

    Returns sxx (G, P, P), sxy (G, P), syy (G, E), n (G, E) and the sums (N, d) of z over every group.
    """
    tables = (equations, starts, factors, centre, averaged, touches)
    n_clusters, n_terms, n_equations, d = theta.shape[0], theta.shape[1], equations.shape[0], second.shape[1]
    sxx, sxy = np.zeros((n_clusters, n_terms, n_terms)), np.zeros((n_clusters, n_terms))
    syy, count, sums = np.zeros((n_clusters, n_equations)), np.zeros((n_clusters, n_equations)), np.zeros((at.shape[0], d))
    lines, weights, whole = np.zeros((n_equations, d)), np.zeros(n_equations), np.empty((d, d))
    places, inverse, pull = np.empty(d, dtype=np.int64), np.empty((d, d)), np.empty((d, d))
    cross, nothing = np.empty((d, d)), np.zeros((0, d))
    for i in range(at.shape[0]):
        g, p = at[i, 0], at[i, 1]
        _prepare_group(theta, log_sigma, g, p, tables, second[i], shift, lines, weights)
        known = precision[i] if precision.shape[0] else nothing
        _complete(lines, weights, touches[p], averaged[p], second[i], known, whole, places, inverse, pull, cross)
        sums[i] = whole[0]
        for e in range(n_equations):
            if not touches[p, e]:
                continue
            own = equations[e, OWN]
            syy[g, e] += whole[own, own]
            count[g, e] += second[i, 0, 0]
            for t in range(starts[e], starts[e + 1]):
                place, factor = _split(factors, t, averaged[p], second[i])
                sxy[g, t] += factor * whole[place, own]
                for s in range(starts[e], starts[e + 1]):
                    other, by = _split(factors, s, averaged[p], second[i])
                    sxx[g, t, s] += factor * by * whole[place, other]
    return sxx, sxy, syy, count, sums


@numba.njit(cache=True)
def complete_moments(theta, log_sigma, equations, starts, first, dof, sxx, sxy, syy):  # type: ignore[no-untyped-def]
    """Log likelihood of the rows in which nothing is averaged, of the sampled gaussian equations, and its gradients.

    ``first`` is the first gaussian equation; dof and syy are (G, E - first), sxx (G, P, P), sxy (G, P).
    """
    g_theta, g_sigma, value = np.zeros_like(theta), np.zeros_like(log_sigma), 0.0
    for e in range(first, equations.shape[0]):
        k, sigma = e - first, equations[e, SIGMA]
        for g in range(theta.shape[0]):
            weight = math.exp(-2.0 * log_sigma[g, sigma])
            square = syy[g, k]
            for t in range(starts[e], starts[e + 1]):
                fitted = 0.0
                for s in range(starts[e], starts[e + 1]):
                    fitted += sxx[g, t, s] * theta[g, s]
                square += theta[g, t] * (fitted - 2.0 * sxy[g, t])
                g_theta[g, t] += weight * (sxy[g, t] - fitted)
            value -= dof[g, k] * log_sigma[g, sigma] + 0.5 * weight * square
            g_sigma[g, sigma] += weight * square - dof[g, k]
    return value, g_theta, g_sigma

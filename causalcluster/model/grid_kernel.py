"""Rows with missing values where no integral has a closed form: sums over the values that may stand in the gap.

Every row comes with the points that its missing values may take, all combinations of them, and the logarithm of each
point's weight: 0 for the values of a discrete node, the spacing of the points for a continuous one. The points are
chosen once and stay: the log likelihood is smooth, and its gradient is the complete rows' gradient averaged over the
points with their posterior probabilities (Fisher's identity).
"""

import math

import numba
import numpy as np

from causalcluster.model.gap_kernel import FAMILY, LINK, N_PARAMETERS, ORDERED, OWN, PARAMETER, SIGMA
from causalcluster.model.row_densities import ORDINAL, log_density
from causalcluster.model.thresholds import rising

GAUSSIAN = -1
"""Code of a family that is not among the row densities."""


@numba.njit(cache=True)
def _levels(raw, offsets):  # type: ignore[no-untyped-def]
    """Return the thresholds of all ordinal equations, one after the other."""
    out = np.empty_like(raw)
    for k in range(offsets.shape[0] - 1):
        out[offsets[k] : offsets[k + 1]] = rising(raw[offsets[k] : offsets[k + 1]])
    return out


@numba.njit(cache=True)
def _levels_pullback(g_levels, raw, offsets):  # type: ignore[no-untyped-def]
    out = np.zeros_like(raw)
    for k in range(offsets.shape[0] - 1):
        remaining = 0.0
        for j in range(offsets[k + 1] - 1, offsets[k] - 1, -1):
            remaining += g_levels[j]
            out[j] = remaining if j == offsets[k] else remaining * math.exp(raw[j])
    return out


@numba.njit(cache=True)
def _density(row, e, theta, log_sigma, log_parameters, levels, offsets, x, y, other, starts, equations, shift, out):  # type: ignore[no-untyped-def]
    """Return a point's log density in equation ``e``; ``out`` (5,) receives slope, parameters' and thresholds' slopes."""
    eta = shift
    for t in range(starts[e], starts[e + 1]):
        eta += x[row, t] * theta[t]
    out[:] = 0.0
    if equations[e, FAMILY] == GAUSSIAN:
        log_sd = log_sigma[equations[e, SIGMA]]
        weight = math.exp(-2.0 * log_sd)
        away = y[row, e] - eta
        out[0], out[1] = weight * away, weight * away * away - 1.0
        return -0.5 * weight * away * away - log_sd
    parameters = np.zeros(2)
    for i in range(equations[e, N_PARAMETERS]):
        parameters[i] = log_parameters[equations[e, PARAMETER] + i]
    ordered = equations[e, ORDERED]
    own = levels[offsets[ordered] : offsets[ordered + 1]] if ordered >= 0 else levels[:0]
    value, out[0], out[1], out[2], out[3], out[4] = log_density(
        y[row, e], eta, other, parameters, own, equations[e, FAMILY], equations[e, LINK]
    )
    return value


@numba.njit(cache=True)
def point_densities(  # type: ignore[no-untyped-def]
    theta, log_sigma, log_parameters, raw, offsets, equations, starts, averaged, touches, at, begin, x, y, other, shift
):
    """Return the log density (Q,) of every point's completed row, all touched equations together."""
    levels, found, out = _levels(raw, offsets), np.zeros(x.shape[0]), np.empty(5)
    for i in range(at.shape[0]):
        g, p = at[i, 0], at[i, 1]
        for e in range(equations.shape[0]):
            if touches[p, e]:
                moved = shift[equations[e, OWN]] if averaged[p, equations[e, OWN]] else 0.0
                for q in range(begin[i], begin[i + 1]):
                    found[q] += _density(
                        q, e, theta[g], log_sigma[g], log_parameters, levels, offsets, x, y, other[i, e], starts, equations,
                        moved, out,
                    )  # fmt: skip
    return found


@numba.njit(cache=True)
def grid_gaps(  # type: ignore[no-untyped-def]
    theta,
    log_sigma,
    log_parameters,
    raw,
    offsets,
    equations,
    starts,
    averaged,
    touches,
    at,
    begin,
    weight,
    x,
    y,
    other,
    log_weight,
    shift,
):
    """Log likelihood of rows with missing values, and its gradients.

    Parameters
    ----------
    theta, log_sigma, equations, starts, averaged, touches, shift
        As in `causalcluster.model.gap_kernel.gaussian_gaps`.
    log_parameters (D,), raw (T,), offsets (J + 1,)
        Parameters beyond linear predictors, raw thresholds, and the first raw threshold of each ordinal equation.
    at (R, 2), begin (R + 1,), weight (R,)
        Cluster and pattern of each row, its first point, and how many rows it stands for.
    x (Q, P), y (Q, E), other (R, E), log_weight (Q,)
        Predictors and values of every point, trials or log exposure of every row, and weights of the points.
    """
    levels = _levels(raw, offsets)
    g_theta, g_sigma = np.zeros_like(theta), np.zeros_like(log_sigma)
    g_parameters, g_levels, value = np.zeros_like(log_parameters), np.zeros_like(raw), 0.0
    most = 1
    for i in range(at.shape[0]):
        most = max(most, begin[i + 1] - begin[i])
    n_equations = equations.shape[0]
    slopes, logs = np.empty((most, n_equations, 5)), np.empty(most)
    for i in range(at.shape[0]):
        g, p, first, stop = at[i, 0], at[i, 1], begin[i], begin[i + 1]
        if weight[i] == 0.0:
            continue
        top = -math.inf
        for q in range(first, stop):
            total = log_weight[q]
            for e in range(n_equations):
                if touches[p, e]:
                    moved = shift[equations[e, OWN]] if averaged[p, equations[e, OWN]] else 0.0
                    total += _density(
                        q, e, theta[g], log_sigma[g], log_parameters, levels, offsets, x, y, other[i, e], starts, equations,
                        moved, slopes[q - first, e],
                    )  # fmt: skip
            logs[q - first] = total
            top = max(top, total)
        total = 0.0
        for q in range(stop - first):
            logs[q] = math.exp(logs[q] - top)
            total += logs[q]
        value += weight[i] * (top + math.log(total))
        for q in range(first, stop):
            by = weight[i] * logs[q - first] / total
            for e in range(n_equations):
                if not touches[p, e]:
                    continue
                slope = slopes[q - first, e]
                for t in range(starts[e], starts[e + 1]):
                    g_theta[g, t] += by * slope[0] * x[q, t]
                if equations[e, FAMILY] == GAUSSIAN:
                    g_sigma[g, equations[e, SIGMA]] += by * slope[1]
                    continue
                for k in range(equations[e, N_PARAMETERS]):
                    g_parameters[equations[e, PARAMETER] + k] += by * slope[1 + k]
                if equations[e, FAMILY] == ORDINAL:
                    grade, begin_level = int(y[q, e]), offsets[equations[e, ORDERED]]
                    if grade > 0:
                        g_levels[begin_level + grade - 1] += by * slope[3]
                    if begin_level + grade < offsets[equations[e, ORDERED] + 1]:
                        g_levels[begin_level + grade] += by * slope[4]
    return value, g_theta, g_sigma, g_parameters, _levels_pullback(g_levels, raw, offsets)

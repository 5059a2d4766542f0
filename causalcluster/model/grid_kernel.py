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
def _parameters(log_parameters, equations):  # type: ignore[no-untyped-def]
    """Return the logarithms of every equation's parameters (E, 2), 0 where there are fewer."""
    out = np.zeros((equations.shape[0], 2))
    for e in range(equations.shape[0]):
        for i in range(equations[e, N_PARAMETERS]):
            out[e, i] = log_parameters[equations[e, PARAMETER] + i]
    return out


@numba.njit(cache=True)
def _own_levels(levels, offsets, ordered):  # type: ignore[no-untyped-def]
    return levels[offsets[ordered] : offsets[ordered + 1]] if ordered >= 0 else levels[:0]


@numba.njit(cache=True)
def _add_densities(  # type: ignore[no-untyped-def]
    first, stop, e, theta, log_sigma, parameters, levels, x, y, other, starts, equations, shift, logs, slopes
):
    """Add an equation's log densities at points ``first`` to ``stop`` to logs, and fill slopes (points, E, 5).

    Slopes are with respect to the linear predictor, two parameters (a gaussian's log sigma is the first) and two thresholds.
    """
    family, link = equations[e, FAMILY], equations[e, LINK]
    begin, end = starts[e], starts[e + 1]
    log_sd = log_sigma[equations[e, SIGMA]] if family == GAUSSIAN else 0.0
    weight = math.exp(-2.0 * log_sd)
    for q in range(first, stop):
        eta, at = shift, q - first
        for t in range(begin, end):
            eta += x[q, t] * theta[t]
        if family == GAUSSIAN:
            away = y[q, e] - eta
            pulled = weight * away
            logs[at] -= 0.5 * pulled * away + log_sd
            slopes[at, e, 0], slopes[at, e, 1] = pulled, pulled * away - 1.0
        else:
            value, slope, one, two, lower, upper = log_density(y[q, e], eta, other, parameters, levels, family, link)
            logs[at] += value
            slopes[at, e, 0], slopes[at, e, 1], slopes[at, e, 2] = slope, one, two
            slopes[at, e, 3], slopes[at, e, 4] = lower, upper


@numba.njit(cache=True)
def _most(begin):  # type: ignore[no-untyped-def]
    most = 1
    for i in range(begin.shape[0] - 1):
        most = max(most, begin[i + 1] - begin[i])
    return most


@numba.njit(cache=True)
def point_densities(  # type: ignore[no-untyped-def]
    theta, log_sigma, log_parameters, raw, offsets, equations, starts, averaged, touches, at, begin, x, y, other, shift
):
    """Return the log density (Q,) of every point's completed row, all touched equations together."""
    levels, parameters, found = _levels(raw, offsets), _parameters(log_parameters, equations), np.zeros(x.shape[0])
    slopes = np.empty((_most(begin), equations.shape[0], 5))
    for i in range(at.shape[0]):
        g, p = at[i, 0], at[i, 1]
        for e in range(equations.shape[0]):
            if touches[p, e]:
                moved = shift[equations[e, OWN]] if averaged[p, equations[e, OWN]] else 0.0
                own = _own_levels(levels, offsets, equations[e, ORDERED])
                _add_densities(
                    begin[i], begin[i + 1], e, theta[g], log_sigma[g], parameters[e], own, x, y, other[i, e], starts,
                    equations, moved, found[begin[i] : begin[i + 1]], slopes,
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
    levels, parameters = _levels(raw, offsets), _parameters(log_parameters, equations)
    g_theta, g_sigma = np.zeros_like(theta), np.zeros_like(log_sigma)
    g_parameters, g_levels, value = np.zeros_like(log_parameters), np.zeros_like(raw), 0.0
    n_equations = equations.shape[0]
    slopes, logs = np.empty((_most(begin), n_equations, 5)), np.empty(_most(begin))
    for i in range(at.shape[0]):
        g, p, first, stop = at[i, 0], at[i, 1], begin[i], begin[i + 1]
        if weight[i] == 0.0:
            continue
        for q in range(first, stop):
            logs[q - first] = log_weight[q]
        for e in range(n_equations):
            if touches[p, e]:
                moved = shift[equations[e, OWN]] if averaged[p, equations[e, OWN]] else 0.0
                own = _own_levels(levels, offsets, equations[e, ORDERED])
                _add_densities(
                    first, stop, e, theta[g], log_sigma[g], parameters[e], own, x, y, other[i, e], starts, equations,
                    moved, logs, slopes,
                )  # fmt: skip
        top = -math.inf
        for q in range(stop - first):
            top = max(top, logs[q])
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

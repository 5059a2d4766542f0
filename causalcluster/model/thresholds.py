"""One equation's rows given everything that is sampled; thresholds of ordinal nodes rise by construction.

Thresholds are c_1 = v_1, c_j = c_(j-1) + exp(v_j). Their prior makes the shares of the grades, at a linear predictor of
zero, uniform over the simplex: a Dirichlet with all ones. With F the link's distribution function and f its density
that is the product of f(c_j), times the Jacobian of v.
"""

import math

import numba
import numpy as np

from causalcluster.model.row_densities import CLOGLOG, ORDINAL, PROBIT
from causalcluster.model.row_kernel import row_log_likelihood


@numba.njit(cache=True)
def rising(raw):  # type: ignore[no-untyped-def]
    """Return thresholds (J - 1,) from raw (J - 1,)."""
    out = np.empty_like(raw)
    for j in range(raw.shape[0]):
        out[j] = raw[j] if j == 0 else out[j - 1] + math.exp(raw[j])
    return out


@numba.njit(cache=True)
def _log_slope(x, link):  # type: ignore[no-untyped-def]
    """Return log f(x) but for a constant, and its derivative."""
    if link == PROBIT:
        return -0.5 * x * x, -x
    if link == CLOGLOG:
        e = math.exp(min(x, 700.0))
        return x - e, 1.0 - e
    e = math.exp(-abs(x))
    tanh = (1.0 - e) / (1.0 + e)
    return -abs(x) - 2.0 * math.log1p(e), -tanh if x > 0.0 else tanh


@numba.njit(cache=True)
def equation_log_likelihood(  # type: ignore[no-untyped-def]
    theta, log_parameters, raw, starts, offsets, x, y, other, weight, cluster, equation, first, ordered, family, link
):
    """Log-likelihood of the equation's rows, and the prior of its thresholds, with gradients.

    Parameters
    ----------
    theta (G, P)
        Coefficients of all equations with rows; this one's begin at ``starts[equation]``.
    log_parameters (D,)
        Logarithms of all equations' parameters; this one's begin at ``first``.
    raw (T,)
        All equations' raw thresholds; this one's begin at ``offsets[ordered]``.
    x (R, p), y, other, weight, cluster (R,)
        The rows: predictors, value, trials or log exposure, rows that each stands for, cluster.
    """
    begin, end = starts[equation], starts[equation + 1]
    own = theta[:, begin:end].copy()
    parameters = np.zeros(2)
    for i in range(min(2, log_parameters.shape[0] - first)):
        parameters[i] = log_parameters[first + i]
    g_theta, g_parameters, g_raw = np.zeros_like(theta), np.zeros_like(log_parameters), np.zeros_like(raw)
    levels = rising(raw[offsets[ordered] : offsets[ordered + 1]]) if family == ORDINAL else np.zeros(0)
    value, g_own, g_two, g_levels = row_log_likelihood(own, parameters, levels, x, y, other, weight, cluster, family, link)
    g_theta[:, begin:end] = g_own
    for i in range(min(2, log_parameters.shape[0] - first)):
        g_parameters[first + i] = g_two[i]
    if family == ORDINAL:
        value += _add_prior(levels, g_levels, raw, offsets[ordered], g_raw, link)
    return value, g_theta, g_parameters, g_raw


@numba.njit(cache=True)
def _add_prior(levels, g_levels, raw, offset, g_raw, link):  # type: ignore[no-untyped-def]
    """Return the log prior of the raw thresholds and fill g_raw with all gradients."""
    value = 0.0
    for j in range(levels.shape[0]):
        density, slope = _log_slope(levels[j], link)
        value += density
        g_levels[j] += slope
    remaining = 0.0
    for j in range(levels.shape[0] - 1, -1, -1):
        remaining += g_levels[j]
        if j == 0:
            g_raw[offset] = remaining
        else:
            value += raw[offset + j]
            g_raw[offset + j] = remaining * math.exp(raw[offset + j]) + 1.0
    return value

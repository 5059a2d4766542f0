"""An outcome whose equation shares an error with a mediator, as compiled code, for nodes of every family.

What was fitted is how the outcome goes with the mediator and its causes as they were observed. Let V be the standard normal
score of the mediator's error: it answers m where Phi(V) is between F(m-) and F(m), a point where m is continuous. Suppose
that a unit with score V has the outcome's linear predictor kappa(a, m) + loading V, where kappa is such that averaging over
those who were observed to answer m under a gives the fitted mean. In a world in which the mediator saw another treatment
than the outcome does, those who answer m have other scores, and their mean outcome is another one. The data say nothing of
the loading, and any loading leaves the fit as it is (Franks, D'Amour and Feller 2020, JASA 115).
"""

import math

import numba
import numpy as np

from causalcluster.effects.answers import (
    BERNOULLI,
    BETA,
    BINOMIAL,
    FIRST_GRADE,
    FIRST_THRESHOLD,
    GAUSSIAN,
    LOGNORMAL,
    N_GRADES,
    NEGATIVE_BINOMIAL,
    ORDINAL,
    POISSON,
    STUDENT,
    inverse_link,
    mean_in_units,
    mean_of_normal,
    node_of_normal,
    normal_nodes,
)
from causalcluster.effects.quantiles import (
    beta_cdf,
    binomial_cdf,
    interpolate,
    negative_binomial_cdf,
    normal_quantile,
    poisson_cdf,
)

SCORES = 12
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(SCORES)
_FAR = 8.0
_LOGIT, _PROBIT = 2, 3


@numba.njit(cache=True, nogil=True, _nrt=False)
def error_scores(variable, number, grade, v, eta, at, counts, parameters):  # type: ignore[no-untyped-def]
    """Return between which scores the error of variable v lies where its predictor is eta.

    The answer is ``at``, standardised; where ``counts`` are numbers it is one of these, first to last.
    """
    family, k, link = variable[v, 0], variable[v, 1], variable[v, 2]
    sd, precision, shape, threshold, student, size = parameters
    value = number[v, 0] + number[v, 1] * at
    if family == GAUSSIAN:
        z = (at - eta) / sd[k]
        return z, z
    if family == STUDENT:
        z = _score_of_t((at - eta) / sd[k], student, k)
        return z, z
    if family == LOGNORMAL:
        z = (math.log(max(value, 1e-300)) - eta) / sd[k]
        return z, z
    if family == BETA:
        z = normal_quantile(beta_cdf(value, inverse_link(link, eta), precision[k]))
        return z, z
    if family == BERNOULLI:
        cut = -normal_quantile(inverse_link(link, eta))
        return (cut, math.inf) if value > 0.5 else (-math.inf, cut)
    if family == ORDINAL:
        n_grades, cut = variable[v, N_GRADES], variable[v, FIRST_THRESHOLD]
        digit, start = 0, variable[v, FIRST_GRADE]
        while digit < n_grades - 1 and grade[start + digit] < value - 1e-9 * (1.0 + abs(value)):
            digit += 1
        lower = normal_quantile(inverse_link(link, threshold[cut + digit - 1] - eta)) if digit > 0 else -math.inf
        upper = normal_quantile(inverse_link(link, threshold[cut + digit] - eta)) if digit < n_grades - 1 else math.inf
        return lower, upper
    first, last = (value, value) if math.isnan(counts[0]) else (counts[0], counts[1])
    below = normal_quantile(_count_cdf(family, link, eta, first - 1.0, shape[k], size))
    if last == math.inf:
        return below, math.inf
    return below, normal_quantile(_count_cdf(family, link, eta, last, shape[k], size))


@numba.njit(cache=True, nogil=True, _nrt=False)
def _count_cdf(family, link, eta, count, shape, size):  # type: ignore[no-untyped-def]
    if count < 0.0:
        return 0.0
    if family == BINOMIAL:
        return binomial_cdf(count, size, inverse_link(link, eta))
    mean = size * math.exp(min(eta, 700.0))
    if family == POISSON or not math.isfinite(shape):
        return poisson_cdf(count, mean)
    return negative_binomial_cdf(count, mean, shape)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _score_of_t(t, student, k):  # type: ignore[no-untyped-def]
    """Return the normal score of Student's t, by bisection of the table of log(t / z)."""
    size = abs(t)
    low, high = 0.0, min(size, 2.0 * _FAR)
    for _ in range(50):
        z = 0.5 * (low + high)
        if z * math.exp(interpolate(student, k, z)) < size:
            low = z
        else:
            high = z
    return math.copysign(0.5 * (low + high), t)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _fill(lower, upper, nodes, weights):  # type: ignore[no-untyped-def]
    """Fill nodes and weights (SCORES,) of a standard normal between two scores; return its mean and variance."""
    lower, upper = min(lower, _FAR), max(upper, -_FAR)
    low = max(lower, min(-5.5, upper - 4.0))
    high = min(upper, max(5.5, lower + 4.0))
    nearest = min(max(0.0, low), high)
    middle, half, total = 0.5 * (low + high), 0.5 * (high - low), 0.0
    for j in range(SCORES):
        v = middle + half * _NODES[j]
        nodes[j] = v
        weights[j] = _WEIGHTS[j] * math.exp(-0.5 * (v * v - nearest * nearest))
        total += weights[j]
    mean, square = 0.0, 0.0
    for j in range(SCORES):
        weights[j] /= total
        mean += weights[j] * nodes[j]
        square += weights[j] * nodes[j] * nodes[j]
    return mean, square - mean * mean


@numba.njit(cache=True, nogil=True, _nrt=False)
def _averaged(variable, number, grade, y, kappa, loading, nodes, weights, sd, threshold):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(SCORES):
        total += weights[j] * mean_in_units(variable, number, grade, y, kappa + loading * nodes[j], sd, threshold)
    return total


@numba.njit(cache=True, nogil=True, _nrt=False)
def _solve(variable, number, grade, y, eta, loading, mean, spread, nodes, weights, sd, threshold):  # type: ignore[no-untyped-def]
    """Return kappa at which the mean over the scores is that at eta, by secant steps from the probit's closed form."""
    link = variable[y, 2]
    bend = 0.346 if link == _LOGIT else 1.0 if link == _PROBIT else 0.6
    wanted = mean_in_units(variable, number, grade, y, eta, sd, threshold)
    after = eta * math.sqrt(1.0 + bend * loading * loading * spread) - loading * mean
    before = eta - loading * mean
    if abs(after - before) < 1e-3:
        before = after + 1e-2
    error_before = _averaged(variable, number, grade, y, before, loading, nodes, weights, sd, threshold) - wanted
    for _ in range(4):
        error = _averaged(variable, number, grade, y, after, loading, nodes, weights, sd, threshold) - wanted
        if abs(error) < 1e-9 or error == error_before:
            break
        step = error * (after - before) / (error - error_before)
        before, error_before = after, error
        after -= min(max(step, -1.0), 1.0)
    return after


@numba.njit(cache=True, nogil=True, _nrt=False)
def mean_with_shared_error(variable, number, grade, y, eta, variance, sd, threshold, loading, own, seen, scratch):  # type: ignore[no-untyped-def]
    """Return the mean outcome of variable y in its own units, of units whose mediator's error has scores between ``own``.

    Parameters
    ----------
    eta, variance
        Of the fitted linear predictor.
    loading
        What one unit of the score adds to it.
    own, seen
        Between which scores the mediator's error lies, and between which it lies in those of the same answer who were
        observed under the treatment that the outcome sees.
    scratch
        (4, SCORES).
    """
    family = variable[y, 0]
    if own[0] == seen[0] and own[1] == seen[1]:
        return mean_of_normal(variable, number, grade, y, eta, variance, sd, threshold)
    if own[0] == own[1]:
        shift = loading * (min(max(own[0], -_FAR), _FAR) - min(max(seen[0], -_FAR), _FAR))
        return mean_of_normal(variable, number, grade, y, eta + shift, variance, sd, threshold)
    mean, _ = _fill(own[0], own[1], scratch[0], scratch[1])
    seen_mean, seen_spread = _fill(seen[0], seen[1], scratch[2], scratch[3])
    if family == GAUSSIAN or family == STUDENT:
        return mean_of_normal(variable, number, grade, y, eta + loading * (mean - seen_mean), variance, sd, threshold)
    if family == LOGNORMAL or family == POISSON or family == NEGATIVE_BINOMIAL:
        above, below = 0.0, 0.0
        for j in range(SCORES):
            above += scratch[1, j] * math.exp(loading * scratch[0, j])
            below += scratch[3, j] * math.exp(loading * scratch[2, j])
        return mean_of_normal(variable, number, grade, y, eta + math.log(above / below), variance, sd, threshold)
    first, last = normal_nodes(variance)
    total = 0.0
    for h in range(first, last):
        at, weight = node_of_normal(h, eta, variance)
        kappa = _solve(
            variable, number, grade, y, at, loading, seen_mean, seen_spread, scratch[2], scratch[3], sd, threshold
        )
        total += weight * _averaged(variable, number, grade, y, kappa, loading, scratch[0], scratch[1], sd, threshold)
    return total

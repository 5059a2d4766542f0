"""Answers of nodes of every family as compiled code: probabilities of values, draws, means given the parents.

Array names as in `causalcluster.effects.programs.Program` and `causalcluster.effects.gformula_kernel.Parameters`.
"""

import math

import numba
import numpy as np

from causalcluster.effects.quantiles import (
    beta_quantile,
    binomial_quantile,
    interpolate,
    normal_cdf,
    poisson_quantile,
)

GAUSSIAN, LOGNORMAL, STUDENT, BERNOULLI, BINOMIAL, POISSON, NEGATIVE_BINOMIAL, ORDINAL, BETA = range(9)
_LOGIT, _PROBIT = 2, 3
# Columns of `Program.variable` and of `Program.number`.
FIRST_TERM, FIRST_THRESHOLD, FIRST_GRADE, N_GRADES, READY = 4, 6, 7, 8, 9
SHIFT, SCALE = 0, 1
_MOST = 700.0
_WIDEST_COUNT = 1000.0
_LARGEST_MEAN = 400.0
_NEGLIGIBLE = 1e-5
_SIZES = (1, 3, 5, 9)
_NODES = np.concatenate([np.polynomial.hermite_e.hermegauss(n)[0] for n in _SIZES])
_WEIGHTS = np.concatenate([np.polynomial.hermite_e.hermegauss(n)[1] / math.sqrt(2.0 * math.pi) for n in _SIZES])


@numba.njit(cache=True, nogil=True, _nrt=False)
def inverse_link(link, eta):  # type: ignore[no-untyped-def]
    """Return the probability at a linear predictor."""
    if link == _LOGIT:
        return 1.0 / (1.0 + math.exp(-eta)) if eta > -_MOST else 0.0
    if link == _PROBIT:
        return normal_cdf(eta)
    return -math.expm1(-math.exp(min(eta, _MOST)))


@numba.njit(cache=True, nogil=True, _nrt=False)
def grade_probability(family, link, eta, digit, n_grades, first, threshold):  # type: ignore[no-untyped-def]
    """Return the probability of value number ``digit`` of a bernoulli or ordinal node."""
    if family == BERNOULLI:
        return inverse_link(link, eta) if digit == 1 else 1.0 - inverse_link(link, eta)
    upper = inverse_link(link, threshold[first + digit] - eta) if digit < n_grades - 1 else 1.0
    lower = inverse_link(link, threshold[first + digit - 1] - eta) if digit > 0 else 0.0
    return upper - lower


@numba.njit(cache=True, nogil=True, _nrt=False)
def is_followed(family, link, eta, size, shape):  # type: ignore[no-untyped-def]
    """Whether values are followed; very wide counts are drawn."""
    if family == BERNOULLI or family == ORDINAL:
        return True
    if family == BINOMIAL:
        return size <= _WIDEST_COUNT
    mean = size * math.exp(min(eta, _MOST))
    variance = mean + (mean * mean / shape if family == NEGATIVE_BINOMIAL else 0.0)
    return mean <= _LARGEST_MEAN and mean + 6.0 * math.sqrt(variance) <= _WIDEST_COUNT


@numba.njit(cache=True, nogil=True, _nrt=False)
def _count_probability(family, link, eta, digit, before, size, shape):  # type: ignore[no-untyped-def]
    """Return the probability of a count, ``before`` that of the count below it."""
    if family == BINOMIAL:
        share = min(max(inverse_link(link, eta), 1e-15), 1.0 - 1e-15)
        if digit == 0:
            return math.exp(size * math.log1p(-share))
        return before * share / (1.0 - share) * (size - digit + 1.0) / digit
    mean = size * math.exp(min(eta, _MOST))
    if family == POISSON:
        return math.exp(-mean) if digit == 0 else before * mean / digit
    share = mean / (shape + mean)
    if digit == 0:
        return math.exp(shape * math.log1p(-share))
    return before * share * (shape + digit - 1.0) / digit


@numba.njit(cache=True, nogil=True, _nrt=False)
def group_counts(family, link, eta, count, before, reached, size, shape, most):  # type: ignore[no-untyped-def]
    """Return probability and mean of the next few counts, the count after them, the last probability and that of all so far.

    A group from ``count`` on ends when it holds ``most``, or half of what was left; what is left of less than 1e-5 joins it.
    Counts that are likely stand alone; of those in one group the mean is followed: an error of second order in its width.
    """
    mass, mean, wanted = 0.0, 0.0, min(most, 0.5 * (1.0 - reached))
    while True:
        before = _count_probability(family, link, eta, count, before, size, shape)
        mass += before
        mean += before * count
        count += 1.0
        left = 1.0 - reached - mass
        if left < _NEGLIGIBLE or count > 2.0 * _WIDEST_COUNT or (family == BINOMIAL and count > size):
            return mass + left, mean / mass, -1.0, before, 1.0
        if mass >= wanted:
            return mass, mean / mass, count, before, reached + mass


@numba.njit(cache=True, nogil=True, _nrt=False)
def _draw_share_or_count(family, link, eta, z, u, size, excess, precision):  # type: ignore[no-untyped-def]
    """Return an answer in the node's own units; ``excess`` is the log of a negative binomial's gamma."""
    if family == BINOMIAL:
        return binomial_quantile(z, u, size, inverse_link(link, eta))
    if family == BETA:
        return beta_quantile(u, inverse_link(link, eta), precision)
    return poisson_quantile(z, u, size * math.exp(min(eta + excess, _MOST)))


@numba.njit(cache=True, nogil=True, _nrt=False)
def _draw_grade(family, link, eta, u, n_grades, first, threshold):  # type: ignore[no-untyped-def]
    digit, reached = 0, grade_probability(family, link, eta, 0, n_grades, first, threshold)
    while reached < u and digit < n_grades - 1:
        digit += 1
        reached += grade_probability(family, link, eta, digit, n_grades, first, threshold)
    return digit


@numba.njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def draw_answer(variable, number, grade, v, eta, sd, precision, threshold, gamma, student, size, row, normal, uniform, i):  # type: ignore[no-untyped-def]
    """Return the standardised answer of variable v at point i."""
    family, k, link, column = variable[v, 0], variable[v, 1], variable[v, 2], variable[v, 3]
    z, u = normal[i, column], uniform[i, column]
    if family == GAUSSIAN:
        return eta + sd[k] * z
    if family == STUDENT:
        return eta + sd[k] * z * math.exp(interpolate(student, k, abs(z)))
    if family == LOGNORMAL:
        value = math.exp(min(eta + sd[k] * z, _MOST))
    elif family == BERNOULLI or family == ORDINAL:
        digit = _draw_grade(family, link, eta, u, variable[v, N_GRADES], variable[v, FIRST_THRESHOLD], threshold)
        value = grade[variable[v, FIRST_GRADE] + digit]
    else:
        excess = interpolate(gamma, k, normal[i, column + 1]) if family == NEGATIVE_BINOMIAL else 0.0
        value = _draw_share_or_count(family, link, eta, z, u, size[row, k], excess, precision[k])
    return (value - number[v, SHIFT]) / number[v, SCALE]


@numba.njit(cache=True, nogil=True, _nrt=False)
def mean_in_units(variable, number, grade, v, eta, sd, threshold):  # type: ignore[no-untyped-def]
    """Return the mean answer in the node's own units."""
    family, k, link = variable[v, 0], variable[v, 1], variable[v, 2]
    if family == GAUSSIAN or family == STUDENT:
        return number[v, SHIFT] + number[v, SCALE] * eta
    if family == LOGNORMAL:
        return math.exp(min(eta + 0.5 * sd[k] * sd[k], _MOST))
    if family == POISSON or family == NEGATIVE_BINOMIAL:
        return math.exp(min(eta, _MOST))
    if family != ORDINAL:
        return inverse_link(link, eta)
    total, n_grades = 0.0, variable[v, N_GRADES]
    for digit in range(n_grades):
        mass = grade_probability(family, link, eta, digit, n_grades, variable[v, FIRST_THRESHOLD], threshold)
        total += mass * grade[variable[v, FIRST_GRADE] + digit]
    return total


@numba.njit(cache=True, nogil=True, _nrt=False)
def mean_of_normal(variable, number, grade, v, eta, variance, sd, threshold):  # type: ignore[no-untyped-def]
    """Return the mean answer where the linear predictor is normal: exact for log and probit, else by 3 to 9 points."""
    family = variable[v, 0]
    if variance == 0.0 or family == GAUSSIAN or family == STUDENT:
        return mean_in_units(variable, number, grade, v, eta, sd, threshold)
    if family == LOGNORMAL or family == POISSON or family == NEGATIVE_BINOMIAL:
        return mean_in_units(variable, number, grade, v, eta + 0.5 * variance, sd, threshold)
    if variable[v, 2] == _PROBIT and family != ORDINAL:
        return normal_cdf(eta / math.sqrt(1.0 + variance))
    total = 0.0
    first, last = normal_nodes(variance)
    for h in range(first, last):
        at, weight = node_of_normal(h, eta, variance)
        total += weight * mean_in_units(variable, number, grade, v, at, sd, threshold)
    return total


@numba.njit(cache=True, nogil=True, _nrt=False)
def normal_nodes(variance):  # type: ignore[no-untyped-def]
    """Return the first number of a node, and that after the last, for means over a normal of this variance; 0, 1 without."""
    if variance == 0.0:
        return 0, 1
    return (1, 4) if variance < 0.05 else (4, 9) if variance < 0.5 else (9, 18)


@numba.njit(cache=True, nogil=True, _nrt=False)
def node_of_normal(number, mean, variance):  # type: ignore[no-untyped-def]
    """Return the place and weight of a node."""
    return mean + math.sqrt(variance) * _NODES[number], _WEIGHTS[number]

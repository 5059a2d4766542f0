"""Means of outcomes in many worlds at many points, for many draws: the compiled part of the g-formula.

A point is a row of context with a score for every stream of noise. All worlds and all draws see the same points. At a
point the answers behind a mean are drawn in causal order, those of discrete nodes followed through every value with its
probability (an odometer over `Program.branch`; counts that spread too widely are drawn); the outcome itself is not drawn,
its mean given its parents is taken. In the population of clusters that mean is also taken over the part of the outcome's
coefficients that is independent of everything before it: given its regressors, the linear predictor is normal. Array
names as in `Program`, `Points` and `Parameters`; s counts draws, g clusters, k equations.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from causalcluster.effects.quantiles import (
    beta_quantile,
    binomial_quantile,
    interpolate,
    normal_cdf,
    poisson_quantile,
)

_GAUSSIAN, _LOGNORMAL, _STUDENT, _BERNOULLI, _BINOMIAL, _POISSON, _NEGATIVE_BINOMIAL, _ORDINAL, _BETA = range(9)
_LOGIT, _PROBIT = 2, 3
# Columns of `Program.variable` and of `Program.number`.
_FIRST_TERM, _FIRST_THRESHOLD, _FIRST_GRADE, _N_GRADES = 4, 6, 7, 8
_SHIFT, _SCALE = 0, 1
_MOST = 700.0
_WIDEST_COUNT = 40.0
_LAST_COUNT = 127
_NEGLIGIBLE = 1e-6
_SIZES = (3, 5, 9)
_NODES = np.concatenate([np.polynomial.hermite_e.hermegauss(n)[0] for n in _SIZES])
_WEIGHTS = np.concatenate([np.polynomial.hermite_e.hermegauss(n)[1] / math.sqrt(2.0 * math.pi) for n in _SIZES])


class Parameters(NamedTuple):
    """What a draw has beyond coefficients and residual standard deviations."""

    precision: Any  # (S, K)
    shape: Any  # (S, K)
    threshold: Any  # (S, all thresholds)
    gamma: Any  # (S, K, nodes) log of a gamma of mean one with the shape of a negative binomial
    student: Any  # (S, K, nodes) log(t / z)


class Points(NamedTuple):
    """N points in groups: of one cluster, or of one new cluster."""

    start: Any  # (groups + 1,)
    row: Any  # (N,) row of context
    cluster: Any  # (N,) whose cluster means hold
    weight: Any  # (N,)
    slot: Any  # (N,) where a new cluster's means are added up
    normal: Any  # (N, noise) scores
    uniform: Any  # (N, noise) Phi of them


class Population(NamedTuple):
    """How clusters are distributed in every draw, and the scores of the new ones."""

    mean: Any  # (S, P)
    root: Any  # (S, P, Q)
    typical_log_sd: Any  # (S, K)
    spread: Any  # (S, K, nodes) log of the inverse variance over its mean
    late: Any  # (K, Q) whether a score is integrated out of the mean of an equation's node
    coefficient_score: Any  # (groups, Q)
    sd_score: Any  # (groups, K)


@numba.njit(cache=True, nogil=True)
def inverse_link(link, eta):  # type: ignore[no-untyped-def]
    """Return the probability at a linear predictor."""
    if link == _LOGIT:
        return 1.0 / (1.0 + math.exp(-eta)) if eta > -_MOST else 0.0
    if link == _PROBIT:
        return normal_cdf(eta)
    return -math.expm1(-math.exp(min(eta, _MOST)))


@numba.njit(cache=True, nogil=True, forceinline=True)
def _predict(variable, term, factor, v, theta, column_mean, cluster, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for t in range(variable[v, _FIRST_TERM], variable[v, _FIRST_TERM + 1]):
        x = 1.0
        for f in range(term[t, 2], term[t, 3]):
            x *= values[factor[f]]
        if term[t, 1] >= 0:
            x -= column_mean[cluster, term[t, 1]]
        total += theta[term[t, 0]] * x
    return total


@numba.njit(cache=True, nogil=True)
def _grade_probability(family, link, eta, digit, n_grades, first, threshold):  # type: ignore[no-untyped-def]
    """Return the probability of value number ``digit`` of a bernoulli or ordinal node."""
    if family == _BERNOULLI:
        return inverse_link(link, eta) if digit == 1 else 1.0 - inverse_link(link, eta)
    upper = inverse_link(link, threshold[first + digit] - eta) if digit < n_grades - 1 else 1.0
    lower = inverse_link(link, threshold[first + digit - 1] - eta) if digit > 0 else 0.0
    return upper - lower


@numba.njit(cache=True, nogil=True)
def _is_followed(family, link, eta, size, shape):  # type: ignore[no-untyped-def]
    """Whether so few values have any probability that each is followed."""
    if family == _BERNOULLI or family == _ORDINAL:
        return True
    if family == _BINOMIAL:
        return size <= _WIDEST_COUNT
    mean = size * math.exp(min(eta, _MOST))
    variance = mean + (mean * mean / shape if family == _NEGATIVE_BINOMIAL else 0.0)
    return mean + 6.0 * math.sqrt(variance) <= _WIDEST_COUNT


@numba.njit(cache=True, nogil=True)
def _count_probability(family, link, eta, digit, before, size, shape):  # type: ignore[no-untyped-def]
    """Return the probability of a count, ``before`` that of the count below it."""
    if family == _BINOMIAL:
        share = min(max(inverse_link(link, eta), 1e-15), 1.0 - 1e-15)
        if digit == 0:
            return math.exp(size * math.log1p(-share))
        return before * share / (1.0 - share) * (size - digit + 1.0) / digit
    mean = size * math.exp(min(eta, _MOST))
    if family == _POISSON:
        return math.exp(-mean) if digit == 0 else before * mean / digit
    share = mean / (shape + mean)
    if digit == 0:
        return math.exp(shape * math.log1p(-share))
    return before * share * (shape + digit - 1.0) / digit


@numba.njit(cache=True, nogil=True)
def _draw_share_or_count(family, link, eta, z, u, size, excess, precision):  # type: ignore[no-untyped-def]
    """Return an answer as its column holds it, counts as counts; ``excess`` is the log of a negative binomial's gamma."""
    if family == _BINOMIAL:
        return binomial_quantile(z, u, size, inverse_link(link, eta))
    if family == _BETA:
        return beta_quantile(u, inverse_link(link, eta), precision)
    return poisson_quantile(z, u, size * math.exp(min(eta + excess, _MOST)))


@numba.njit(cache=True, nogil=True)
def _draw_grade(family, link, eta, u, n_grades, first, threshold):  # type: ignore[no-untyped-def]
    digit, reached = 0, _grade_probability(family, link, eta, 0, n_grades, first, threshold)
    while reached < u and digit < n_grades - 1:
        digit += 1
        reached += _grade_probability(family, link, eta, digit, n_grades, first, threshold)
    return digit


@numba.njit(cache=True, nogil=True, forceinline=True)
def _draw(variable, number, grade, v, eta, sd, precision, threshold, gamma, student, size, row, normal, uniform, i):  # type: ignore[no-untyped-def]
    """Return the standardised answer of variable v at point i."""
    family, k, link, column = variable[v, 0], variable[v, 1], variable[v, 2], variable[v, 3]
    z, u = normal[i, column], uniform[i, column]
    if family == _GAUSSIAN:
        return eta + sd[k] * z
    if family == _STUDENT:
        return eta + sd[k] * z * math.exp(interpolate(student, k, abs(z)))
    if family == _LOGNORMAL:
        value = math.exp(min(eta + sd[k] * z, _MOST))
    elif family == _BERNOULLI or family == _ORDINAL:
        digit = _draw_grade(family, link, eta, u, variable[v, _N_GRADES], variable[v, _FIRST_THRESHOLD], threshold)
        value = grade[variable[v, _FIRST_GRADE] + digit]
    else:
        excess = interpolate(gamma, k, normal[i, column + 1]) if family == _NEGATIVE_BINOMIAL else 0.0
        value = _draw_share_or_count(family, link, eta, z, u, size[row, k], excess, precision[k])
    return (value - number[v, _SHIFT]) / number[v, _SCALE]


@numba.njit(cache=True, nogil=True)
def _mean(variable, number, grade, v, eta, sd, threshold):  # type: ignore[no-untyped-def]
    """Return the mean answer in the node's own units."""
    family, k, link = variable[v, 0], variable[v, 1], variable[v, 2]
    if family == _GAUSSIAN or family == _STUDENT:
        return number[v, _SHIFT] + number[v, _SCALE] * eta
    if family == _LOGNORMAL:
        return math.exp(min(eta + 0.5 * sd[k] * sd[k], _MOST))
    if family == _POISSON or family == _NEGATIVE_BINOMIAL:
        return math.exp(min(eta, _MOST))
    if family != _ORDINAL:
        return inverse_link(link, eta)
    total, n_grades = 0.0, variable[v, _N_GRADES]
    for digit in range(n_grades):
        mass = _grade_probability(family, link, eta, digit, n_grades, variable[v, _FIRST_THRESHOLD], threshold)
        total += mass * grade[variable[v, _FIRST_GRADE] + digit]
    return total


@numba.njit(cache=True, nogil=True)
def _mean_of_normal(variable, number, grade, v, eta, variance, sd, threshold):  # type: ignore[no-untyped-def]
    """Return the mean answer where the linear predictor is normal: exact for log and probit, else by 3 to 9 points."""
    family = variable[v, 0]
    if variance == 0.0 or family == _GAUSSIAN or family == _STUDENT:
        return _mean(variable, number, grade, v, eta, sd, threshold)
    if family == _LOGNORMAL or family == _POISSON or family == _NEGATIVE_BINOMIAL:
        return _mean(variable, number, grade, v, eta + 0.5 * variance, sd, threshold)
    if variable[v, 2] == _PROBIT and family != _ORDINAL:
        return normal_cdf(eta / math.sqrt(1.0 + variance))
    total, wide = 0.0, math.sqrt(variance)
    first, last = (0, 3) if variance < 0.05 else (3, 8) if variance < 0.5 else (8, 17)
    for h in range(first, last):
        total += _WEIGHTS[h] * _mean(variable, number, grade, v, eta + wide * _NODES[h], sd, threshold)
    return total


@numba.njit(cache=True, nogil=True)
def _late_variance(variable, term, factor, v, root, late, column_mean, cluster, values, x):  # type: ignore[no-untyped-def]
    """Return the variance of the linear predictor over the scores that are integrated out."""
    first, last, k = variable[v, _FIRST_TERM], variable[v, _FIRST_TERM + 1], variable[v, 1]
    for t in range(first, last):
        x[t - first] = 1.0
        for f in range(term[t, 2], term[t, 3]):
            x[t - first] *= values[factor[f]]
        if term[t, 1] >= 0:
            x[t - first] -= column_mean[cluster, term[t, 1]]
    variance = 0.0
    for q in range(root.shape[1]):
        if late[k, q]:
            total = 0.0
            for t in range(first, last):
                total += x[t - first] * root[term[t, 0], q]
            variance += total * total
    return variance


@numba.njit(cache=True, nogil=True)
def _add_points(
    program,
    first,
    last,
    points,
    theta,
    early,
    root,
    late,
    sd,
    precision,
    shape,
    threshold,
    gamma,
    student,
    tables,
    work,
    out,
    fixed_slot,
):  # type: ignore[no-untyped-def]
    """Add the means (T,) at points first to last - 1 to the rows of out: each point's slot, or ``fixed_slot`` if not negative.

    ``early`` (P,) are the coefficients of the outcomes' own equations; the rest of them, root (P, Q) times the scores
    that are ``late`` (K, Q), is integrated out.
    """
    variable, number, fixed, term, factor, drawn, branch_start, branch, target, grade = program
    _, rows, clusters, weights, slots, normal, uniform = points
    column_mean, context, size = tables
    values, eta, mass, digit, x, state = work
    n_variables = variable.shape[0]
    for i in range(first, last):
        row, cluster, weight = rows[i], clusters[i], weights[i]
        slot = fixed_slot if fixed_slot >= 0 else slots[i]
        for c in range(context.shape[1]):
            values[n_variables + c] = context[row, c]
        for a in range(drawn.shape[0]):
            v = drawn[a]
            at = _predict(variable, term, factor, v, theta, column_mean, cluster, values)
            values[v] = _draw(
                variable, number, grade, v, at, sd, precision, threshold, gamma, student, size, row, normal, uniform, i
            )
        for t in range(target.shape[0]):
            begin, depth = branch_start[t], branch_start[t + 1] - branch_start[t]
            d, total, returning = 0, 0.0, False
            mass[0] = 1.0
            while d >= 0:
                v = target[t] if d == depth else branch[begin + d, 0]
                if d == depth:
                    at = _predict(variable, term, factor, v, early, column_mean, cluster, values)
                    variance = 0.0
                    if root.shape[1] > 0:
                        variance = _late_variance(variable, term, factor, v, root, late, column_mean, cluster, values, x)
                    total += mass[d] * _mean_of_normal(variable, number, grade, v, at, variance, sd, threshold)
                    d -= 1
                    while d >= 0 and state[d, 2] == 0.0:
                        d -= 1
                    if d >= 0:
                        digit[d] += 1
                        returning = True
                    continue
                family, link, k = variable[v, 0], variable[v, 2], variable[v, 1]
                if not returning:
                    eta[d] = _predict(variable, term, factor, v, theta, column_mean, cluster, values)
                    digit[d] = 0
                if returning or (branch[begin + d, 1] == 1 and _is_followed(family, link, eta[d], size[row, k], shape[k])):
                    if family == _BERNOULLI or family == _ORDINAL:
                        n_grades, cut = variable[v, _N_GRADES], variable[v, _FIRST_THRESHOLD]
                        share = _grade_probability(family, link, eta[d], digit[d], n_grades, cut, threshold)
                        value = grade[variable[v, _FIRST_GRADE] + digit[d]]
                        state[d, 2] = 1.0 if digit[d] + 1 < n_grades else 0.0
                    else:
                        share = _count_probability(family, link, eta[d], digit[d], state[d, 0], size[row, k], shape[k])
                        value = float(digit[d])
                        state[d, 0] = share
                        state[d, 1] = share if digit[d] == 0 else state[d, 1] + share
                        state[d, 2] = 1.0
                        if 1.0 - state[d, 1] < _NEGLIGIBLE or digit[d] == _LAST_COUNT:
                            share += 1.0 - state[d, 1]
                            state[d, 2] = 0.0
                    mass[d + 1] = mass[d] * share
                    values[v] = (value - number[v, _SHIFT]) / number[v, _SCALE]
                else:
                    mass[d + 1] = mass[d]
                    state[d, 2] = 0.0
                    values[v] = _draw(
                        variable,
                        number,
                        grade,
                        v,
                        eta[d],
                        sd,
                        precision,
                        threshold,
                        gamma,
                        student,
                        size,
                        row,
                        normal,
                        uniform,
                        i,
                    )
                returning = False
                d += 1
            out[slot, t] += weight * total


@numba.njit(cache=True, nogil=True)
def _workspace(program, n_columns):  # type: ignore[no-untyped-def]
    n_variables, n_fixed = program.variable.shape[0], program.fixed.shape[0]
    values = np.zeros(n_variables + n_columns + n_fixed)
    values[n_variables + n_columns :] = program.fixed
    n = n_variables + 1
    return values, np.zeros(n), np.ones(n), np.zeros(n, np.int64), np.zeros(len(program.term)), np.zeros((n, 3))


@numba.njit(cache=True, nogil=True)
def _equation_of(program, n_coefficients):  # type: ignore[no-untyped-def]
    """Return the equation (P,) of each coefficient."""
    equation = np.zeros(n_coefficients, np.int64)
    for v in range(program.variable.shape[0]):
        for t in range(program.variable[v, _FIRST_TERM], program.variable[v, _FIRST_TERM + 1]):
            equation[program.term[t, 0]] = program.variable[v, 1]
    return equation


@numba.njit(cache=True, nogil=True)
def add_observed(program, parameters, theta, sd, group, points, tables, out):  # type: ignore[no-untyped-def]
    """Add up out (S, G, T) at theta (S, G, P) and sd (S, G, K), over the points of ``group`` (S, G).

    ``tables`` are cluster means (G, products), context (R, C) and trials or exposure (R, K).
    """
    work = _workspace(program, tables[1].shape[1])
    precision, shape, threshold, gamma, student = parameters
    root, late = np.zeros((0, 0)), np.zeros((0, 0), np.bool_)
    for s in range(theta.shape[0]):
        for g in range(theta.shape[1]):
            first, last = points.start[group[s, g]], points.start[group[s, g] + 1]
            of_draw = precision[s], shape[s], threshold[s], gamma[s], student[s]
            own = theta[s, g], theta[s, g], root, late, sd[s, g]
            _add_points(program, first, last, points, *own, *of_draw, tables, work, out[s], g)


@numba.njit(cache=True, nogil=True)
def add_population(program, parameters, population, points, tables, out):  # type: ignore[no-untyped-def]
    """Add up out (S, slots, T) over new clusters, one for each group of points."""
    work = _workspace(program, tables[1].shape[1])
    precision, shape, threshold, gamma, student = parameters
    mean, root, typical_log_sd, spread, late, coefficient_score, sd_score = population
    n_coefficients, n_scores = root.shape[1:]
    theta, early, sd = np.zeros(n_coefficients), np.zeros(n_coefficients), np.zeros(typical_log_sd.shape[1])
    equation = _equation_of(program, n_coefficients)
    integrates, no_root = late.any(), np.zeros((0, 0))
    for s in range(mean.shape[0]):
        of_draw = precision[s], shape[s], threshold[s], gamma[s], student[s]
        for o in range(points.start.shape[0] - 1):
            for p in range(n_coefficients):
                total, rest = mean[s, p], 0.0
                for q in range(n_scores):
                    step = root[s, p, q] * coefficient_score[o, q]
                    total += step
                    rest += step if late[equation[p], q] else 0.0
                theta[p], early[p] = total, total - rest
            for k in range(sd.shape[0]):
                sd[k] = math.exp(typical_log_sd[s, k] - 0.5 * interpolate(spread[s], k, sd_score[o, k]))
            first, last = points.start[o], points.start[o + 1]
            own = theta, early, root[s] if integrates else no_root, late, sd
            _add_points(program, first, last, points, *own, *of_draw, tables, work, out[s], -1)

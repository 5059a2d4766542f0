"""Means of outcomes in many worlds at many points, for many draws: the compiled part of the g-formula.

A point is a row of context with a score for every stream of noise. All worlds and all draws see the same points. At a
point the answers behind a mean are drawn in causal order, those of bernoulli and ordinal nodes followed through every
value with its probability (an odometer over `Program.branch`); the outcome itself is not drawn, its mean given its
parents is taken. Array names as in `Program`, `Points` and `Parameters`; s counts draws, g clusters, k equations.
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
_MOST = 700.0


class Parameters(NamedTuple):
    """What a draw has beyond coefficients and residual standard deviations."""

    precision: Any  # (S, K)
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


@numba.njit(cache=True, nogil=True)
def _predict(program, v, theta, column_mean, context, values):  # type: ignore[no-untyped-def]
    n_variables = program.family.shape[0]
    total = 0.0
    for t in range(program.term_start[v], program.term_start[v + 1]):
        x = 1.0
        for f in range(program.factor_start[t], program.factor_start[t + 1]):
            code = program.factor[f]
            if code < 0:
                x *= program.treatment[v]
            elif code < n_variables:
                x *= values[code]
            else:
                x *= context[code - n_variables]
        if program.centre[t] >= 0:
            x -= column_mean[program.centre[t]]
        total += theta[program.coefficient[t]] * x
    return total


@numba.njit(cache=True, nogil=True)
def _grade_probability(program, v, eta, s, digit, parameters):  # type: ignore[no-untyped-def]
    """Return the probability of value number ``digit`` of a bernoulli or ordinal node."""
    link, k = program.link[v], program.equation[v]
    if program.family[v] == _BERNOULLI:
        return inverse_link(link, eta) if digit == 1 else 1.0 - inverse_link(link, eta)
    at = program.first_threshold[k] + digit
    upper = inverse_link(link, parameters.threshold[s, at] - eta) if digit < program.n_grades[k] - 1 else 1.0
    lower = inverse_link(link, parameters.threshold[s, at - 1] - eta) if digit > 0 else 0.0
    return upper - lower


@numba.njit(cache=True, nogil=True)
def _grade_value(program, v, digit):  # type: ignore[no-untyped-def]
    k = program.equation[v]
    value = program.grade[program.first_grade[k] + digit]
    return (value - program.shift[k]) / program.scale[k]


@numba.njit(cache=True, nogil=True)
def _draw(program, v, eta, s, sd, parameters, size, normal, uniform):  # type: ignore[no-untyped-def]
    """Return the standardised answer of variable v at one point."""
    family, k, column = program.family[v], program.equation[v], program.noise[v]
    z, u = normal[column], uniform[column]
    if family == _GAUSSIAN:
        return eta + sd[k] * z
    if family == _STUDENT:
        return eta + sd[k] * z * math.exp(interpolate(parameters.student[s, k], abs(z)))
    value = 0.0
    if family == _LOGNORMAL:
        value = math.exp(min(eta + sd[k] * z, _MOST))
    elif family == _BINOMIAL:
        value = binomial_quantile(z, u, size[k], inverse_link(program.link[v], eta)) / size[k]
    elif family == _POISSON:
        value = poisson_quantile(z, u, size[k] * math.exp(min(eta, _MOST))) / size[k]
    elif family == _NEGATIVE_BINOMIAL:
        rate = math.exp(min(eta, _MOST) + interpolate(parameters.gamma[s, k], normal[column + 1]))
        value = poisson_quantile(z, u, size[k] * rate) / size[k]
    elif family == _BETA:
        value = beta_quantile(u, inverse_link(program.link[v], eta), parameters.precision[s, k])
    else:
        digit, most = 0, 1 if family == _BERNOULLI else program.n_grades[k] - 1
        reached = _grade_probability(program, v, eta, s, 0, parameters)
        while reached < u and digit < most:
            digit += 1
            reached += _grade_probability(program, v, eta, s, digit, parameters)
        return _grade_value(program, v, digit)
    return (value - program.shift[k]) / program.scale[k]


@numba.njit(cache=True, nogil=True)
def _mean(program, v, eta, s, sd, parameters):  # type: ignore[no-untyped-def]
    """Return the mean answer in the node's own units."""
    family, k = program.family[v], program.equation[v]
    if family == _GAUSSIAN or family == _STUDENT:
        return program.shift[k] + program.scale[k] * eta
    if family == _LOGNORMAL:
        return math.exp(min(eta + 0.5 * sd[k] * sd[k], _MOST))
    if family == _POISSON or family == _NEGATIVE_BINOMIAL:
        return math.exp(min(eta, _MOST))
    if family != _ORDINAL:
        return inverse_link(program.link[v], eta)
    total = 0.0
    for digit in range(program.n_grades[k]):
        total += program.grade[program.first_grade[k] + digit] * _grade_probability(program, v, eta, s, digit, parameters)
    return total


@numba.njit(cache=True, nogil=True)
def _add_point(program, s, theta, sd, parameters, column_mean, context, size, normal, uniform, weight, work, out):  # type: ignore[no-untyped-def]
    """Add a point's means (T,) to out."""
    values, eta, mass, digit = work
    for v in program.drawn:
        if program.family[v] < 0:
            values[v] = program.constant[v]
        else:
            at = _predict(program, v, theta, column_mean, context, values)
            values[v] = _draw(program, v, at, s, sd, parameters, size, normal, uniform)
    for t in range(program.target.shape[0]):
        target, first = program.target[t], program.branch_start[t]
        depth = program.branch_start[t + 1] - first
        d, total, returning = 0, 0.0, False
        mass[0] = 1.0
        while True:
            if d == depth:
                at = _predict(program, target, theta, column_mean, context, values)
                total += mass[d] * _mean(program, target, at, s, sd, parameters)
                d -= 1
                while d >= 0 and digit[d] + 1 >= program.radix[program.branch[first + d]]:
                    d -= 1
                if d < 0:
                    break
                digit[d] += 1
                returning = True
            v = program.branch[first + d]
            if not returning:
                digit[d] = 0
                eta[d] = _predict(program, v, theta, column_mean, context, values)
            returning = False
            mass[d + 1] = mass[d]
            if program.radix[v] > 0:
                mass[d + 1] *= _grade_probability(program, v, eta[d], s, digit[d], parameters)
                values[v] = _grade_value(program, v, digit[d])
            else:
                values[v] = _draw(program, v, eta[d], s, sd, parameters, size, normal, uniform)
            d += 1
        out[t] += weight * total


@numba.njit(cache=True, nogil=True)
def _workspace(n_variables):  # type: ignore[no-untyped-def]
    return np.zeros(n_variables), np.zeros(n_variables + 1), np.ones(n_variables + 1), np.zeros(n_variables + 1, np.int64)


@numba.njit(cache=True, nogil=True)
def add_observed(program, parameters, theta, sd, group, points, column_mean, context, size, out):  # type: ignore[no-untyped-def]
    """Add up out (S, G, T) at theta (S, G, P) and sd (S, G, K), over the points of ``group`` (S, G)."""
    work = _workspace(program.family.shape[0])
    for s in range(theta.shape[0]):
        for g in range(theta.shape[1]):
            c = group[s, g]
            for i in range(points.start[c], points.start[c + 1]):
                row = points.row[i]
                _add_point(
                    program,
                    s,
                    theta[s, g],
                    sd[s, g],
                    parameters,
                    column_mean[points.cluster[i]],
                    context[row],
                    size[row],
                    points.normal[i],
                    points.uniform[i],
                    points.weight[i],
                    work,
                    out[s, g],
                )


@numba.njit(cache=True, nogil=True)
def add_population(program, parameters, population, points, column_mean, context, size, out):  # type: ignore[no-untyped-def]
    """Add up out (S, slots, T) over new clusters, one for each group of points."""
    work = _workspace(program.family.shape[0])
    n_coefficients, n_scores = population.root.shape[1:]
    theta, sd = np.zeros(n_coefficients), np.zeros(population.typical_log_sd.shape[1])
    for s in range(population.mean.shape[0]):
        for o in range(points.start.shape[0] - 1):
            for p in range(n_coefficients):
                theta[p] = population.mean[s, p]
                for q in range(n_scores):
                    theta[p] += population.root[s, p, q] * population.coefficient_score[o, q]
            for k in range(sd.shape[0]):
                away = interpolate(population.spread[s, k], population.sd_score[o, k])
                sd[k] = math.exp(population.typical_log_sd[s, k] - 0.5 * away)
            for i in range(points.start[o], points.start[o + 1]):
                row = points.row[i]
                _add_point(
                    program,
                    s,
                    theta,
                    sd,
                    parameters,
                    column_mean[points.cluster[i]],
                    context[row],
                    size[row],
                    points.normal[i],
                    points.uniform[i],
                    points.weight[i],
                    work,
                    out[s, points.slot[i]],
                )

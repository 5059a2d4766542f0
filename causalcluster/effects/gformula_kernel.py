"""Means of outcomes in many worlds at many points, for many draws: the compiled part of the g-formula.

A point is a row of context with a score for every stream of noise. All worlds and all draws see the same points. At a
point the answers behind a mean are drawn in causal order, those of discrete nodes followed through every value with its
probability (an odometer over `Program.branch`; counts that spread too widely are drawn); the outcome itself is not drawn,
its mean given its parents is taken. In the population of clusters that mean is also taken over the part of the outcome's
coefficients that is independent of everything before it: given its regressors, the linear predictor is normal. Array
names as in `Program`, `Points` and `Parameters`; s counts draws, g clusters, k equations.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from causalcluster.effects.answers import (
    BERNOULLI,
    FIRST_GRADE,
    FIRST_TERM,
    FIRST_THRESHOLD,
    N_GRADES,
    ORDINAL,
    READY,
    SCALE,
    SHIFT,
    STUDENT,
    draw_answer,
    grade_probability,
    group_counts,
    inverse_link,
    is_followed,
    mean_of_normal,
)
from causalcluster.effects.centres import Centres, fill_centres
from causalcluster.effects.programs import Program
from causalcluster.effects.shared_errors import SCORES, error_scores, mean_with_shared_error

_GROUP, _SMALL_GROUP = 1.0 / 24.0, 1.0 / 400.0


class Parameters(NamedTuple):
    """What a draw has beyond coefficients and residual standard deviations."""

    precision: Any  # (S, K)
    shape: Any  # (S, K)
    threshold: Any  # (S, all thresholds)
    gamma: Any  # (S, K, nodes) log of a gamma of mean one with the shape of a negative binomial
    student: Any  # (S, K, nodes) log(t / z)
    loading: Any  # (S, K) of a mediator's error in an outcome's equation, in residual sds where there are any


class Points(NamedTuple):
    """N points in groups: of one cluster, or of one new cluster."""

    start: Any  # (groups + 1,)
    row: Any  # (N,) row of context
    cluster: Any  # (N,) whose cluster means hold, or what a new cluster takes over; one for each group
    weight: Any  # (N,)
    slot: Any  # (N,) where a new cluster's means are added up
    normal: Any  # (N, noise) scores
    uniform: Any  # (N, noise) Phi of them


class Workspace(NamedTuple):
    """What one thread writes to; nothing is allocated, and no reference counted, inside the compiled code."""

    values: Any  # (V + C + fixed,)
    known: Any  # (V + 1,) linear predictors that are ready
    eta: Any  # (V + 1,)
    mass: Any  # (V + 1,)
    digit: Any  # (V + 1,)
    count: Any  # (V + 1, 2) first and last count of those that are followed together
    score: Any  # (4, SCORES)
    regressor: Any  # (terms,)
    state: Any  # (V + 1, 4) a value's probability, that of all so far, whether there are more, the next count
    equation: Any  # (P,) of each coefficient
    theta: Any  # (P,)
    early: Any  # (P,)
    covariance: Any  # (P, P)
    none: Any  # (0, 0)
    mean: Any  # (N,) of nodes in a new cluster
    centre: Any  # (C,) at which products are centred


class Population(NamedTuple):
    """How clusters are distributed in every draw, and the scores of the new ones."""

    mean: Any  # (S, P)
    root: Any  # (S, P, Q)
    sd: Any  # (S, G, K) of the observed clusters
    late: Any  # (K, Q) whether a score is integrated out of the mean of an equation's node
    coefficient_score: Any  # (groups, Q)


@numba.njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _predict(variable, term, factor, v, theta, centre, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for t in range(variable[v, FIRST_TERM], variable[v, FIRST_TERM + 1]):
        x = 1.0
        for f in range(term[t, 2], term[t, 3]):
            x *= values[factor[f]]
        if term[t, 1] >= 0:
            x -= centre[term[t, 1]]
        total += theta[term[t, 0]] * x
    return total


@numba.njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _predict_normal(variable, term, factor, v, theta, covariance, centre, values, x):  # type: ignore[no-untyped-def]
    """Return mean and variance of the linear predictor over the coefficients' covariance (P, P)."""
    first, last = variable[v, FIRST_TERM], variable[v, FIRST_TERM + 1]
    mean, variance = 0.0, 0.0
    for t in range(first, last):
        at = 1.0
        for f in range(term[t, 2], term[t, 3]):
            at *= values[factor[f]]
        if term[t, 1] >= 0:
            at -= centre[term[t, 1]]
        p = term[t, 0]
        mean += theta[p] * at
        shared = 0.0
        for u in range(first, t):
            shared += covariance[p, term[u, 0]] * x[u - first]
        variance += at * (covariance[p, p] * at + 2.0 * shared)
        x[t - first] = at
    return mean, max(variance, 0.0)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _fill_late_covariance(root, late, equation, covariance):  # type: ignore[no-untyped-def]
    """Fill covariance (P, P) inside equations with that of the scores that are late (K, Q)."""
    for p in range(root.shape[0]):
        k = equation[p]
        for o in range(p + 1):
            total = 0.0
            if equation[o] == k:
                for q in range(root.shape[1]):
                    if late[k, q]:
                        total += root[p, q] * root[o, q]
            covariance[p, o] = total
            covariance[o, p] = total


@numba.njit(cache=True, nogil=True, _nrt=False)
def _add_points(program, first, last, points, coefficients, sd, parameters, s, tables, work, out, fixed_slot):  # type: ignore[no-untyped-def]
    """Add the means (T,) at points first to last - 1 to the rows of out: each point's slot, or ``fixed_slot`` from 0 on.

    ``coefficients`` are those of answers (P,), those of means (P,), and the covariance (P, P) of a normal part that the
    latter lack, which is integrated out; of shape (0, 0) where there is none.
    """
    variable, number, _, term, factor, drawn, ready, branch_start, branch, target, sharing, grade = program
    _, rows, _, weights, slots, normal, uniform = points
    _, context, size = tables
    values, known, eta, mass, digit, count, score, x, state = work[:9]
    centre = work.centre
    theta, early, covariance = coefficients
    all_precision, all_shape, all_threshold, all_gamma, all_student, loading = parameters
    precision, shape, threshold = all_precision[s], all_shape[s], all_threshold[s]
    gamma, student = all_gamma[s], all_student[s]
    n_variables = variable.shape[0]
    for i in range(first, last):
        row, weight = rows[i], weights[i]
        slot = fixed_slot if fixed_slot >= 0 else slots[i]
        for c in range(context.shape[1]):
            values[n_variables + c] = context[row, c]
        for a in range(drawn.shape[0]):
            v = drawn[a]
            at = _predict(variable, term, factor, v, theta, centre, values)
            values[v] = draw_answer(
                variable, number, grade, v, at, sd, precision, threshold, gamma, student, size, row, normal, uniform, i
            )
        for a in range(ready.shape[0]):
            known[ready[a]] = _predict(variable, term, factor, ready[a], theta, centre, values)
        for t in range(target.shape[0]):
            begin, depth = branch_start[t], branch_start[t + 1] - branch_start[t]
            d, total, returning = 0, 0.0, False
            # Scores of errors differ more inside a group than means do.
            most = _GROUP if sharing[t, 0] < 0 else _SMALL_GROUP
            mass[0] = 1.0
            while d >= 0:
                v = target[t] if d == depth else branch[begin + d, 0]
                if d == depth:
                    if covariance.shape[0] > 0:
                        at, variance = _predict_normal(variable, term, factor, v, early, covariance, centre, values, x)
                    else:
                        at, variance = _predict(variable, term, factor, v, early, centre, values), 0.0
                    if sharing[t, 0] >= 0:
                        m, seen = sharing[t, 0], sharing[t, 1]
                        own_eta = _predict(variable, term, factor, m, theta, centre, values)
                        seen_eta = _predict(variable, term, factor, seen, theta, centre, values)
                        more = sd, precision, shape, threshold, student, size[row, variable[m, 1]]
                        own_score = error_scores(variable, number, grade, m, own_eta, values[m], count[m], more)
                        seen_score = error_scores(variable, number, grade, m, seen_eta, values[m], count[m], more)
                        load = loading[s, variable[v, 1]] * (sd[variable[v, 1]] if variable[v, 0] <= STUDENT else 1.0)
                        total += mass[d] * mean_with_shared_error(
                            variable, number, grade, v, at, variance, sd, threshold, load, own_score, seen_score, score
                        )
                    else:
                        total += mass[d] * mean_of_normal(variable, number, grade, v, at, variance, sd, threshold)
                    d -= 1
                    while d >= 0 and state[d, 2] == 0.0:
                        d -= 1
                    if d >= 0:
                        digit[d] += 1
                        returning = True
                    continue
                family, link, k = variable[v, 0], variable[v, 2], variable[v, 1]
                if not returning:
                    digit[d] = 0
                    if variable[v, READY] == 1:
                        eta[d] = known[v]
                    else:
                        eta[d] = _predict(variable, term, factor, v, theta, centre, values)
                if returning or (branch[begin + d, 1] == 1 and is_followed(family, link, eta[d], size[row, k], shape[k])):
                    if family == BERNOULLI:
                        if digit[d] == 0:
                            state[d, 0] = inverse_link(link, eta[d])
                        share = state[d, 0] if digit[d] == 1 else 1.0 - state[d, 0]
                        value = float(digit[d])
                        state[d, 2] = 1.0 - digit[d]
                    elif family == ORDINAL:
                        n_grades, cut = variable[v, N_GRADES], variable[v, FIRST_THRESHOLD]
                        share = grade_probability(family, link, eta[d], digit[d], n_grades, cut, threshold)
                        value = grade[variable[v, FIRST_GRADE] + digit[d]]
                        state[d, 2] = 1.0 if digit[d] + 1 < n_grades else 0.0
                    else:
                        if digit[d] == 0:
                            state[d, 0], state[d, 1], state[d, 3] = 0.0, 0.0, 0.0
                        count[v, 0] = state[d, 3]
                        share, value, state[d, 3], state[d, 0], state[d, 1] = group_counts(
                            family, link, eta[d], state[d, 3], state[d, 0], state[d, 1], size[row, k], shape[k], most
                        )
                        count[v, 1] = state[d, 3] - 1.0 if state[d, 3] > 0.0 else np.inf
                        state[d, 2] = 1.0 if state[d, 3] > 0.0 else 0.0
                    mass[d + 1] = mass[d] * share
                    values[v] = (value - number[v, SHIFT]) / number[v, SCALE]
                else:
                    mass[d + 1] = mass[d]
                    state[d, 2] = 0.0
                    count[v, 0] = np.nan
                    values[v] = draw_answer(
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


def make_workspace(program: Program, centres: Centres, n_columns: int, n_coefficients: int) -> Workspace:
    """Return the arrays in which one thread works."""
    n = len(program.variable) + 1
    equation = np.zeros(n_coefficients, np.int64)
    for row in program.variable:
        equation[program.term[row[FIRST_TERM] : row[FIRST_TERM + 1], 0]] = row[1]
    return Workspace(
        values=np.concatenate([np.zeros(n - 1 + n_columns), program.fixed]),
        known=np.zeros(n),
        eta=np.zeros(n),
        mass=np.ones(n),
        digit=np.zeros(n, np.int64),
        count=np.full((n, 2), np.nan),
        score=np.zeros((4, SCORES)),
        regressor=np.zeros(len(program.term)),
        state=np.zeros((n, 4)),
        equation=equation,
        theta=np.zeros(n_coefficients),
        early=np.zeros(n_coefficients),
        covariance=np.zeros((n_coefficients, n_coefficients)),
        none=np.zeros((0, 0)),
        mean=np.zeros(centres.known.shape[1]),
        centre=np.zeros(centres.factor.shape[0]),
    )


@numba.njit(cache=True, nogil=True, _nrt=False)
def add_observed(program, parameters, theta, sd, group, points, tables, centres, is_new, work, out):  # type: ignore[no-untyped-def]
    """Add up out (S, G, T) at theta (S, G, P) and sd (S, G, K), over the points of ``group`` (S, G).

    ``tables`` are cluster means (G, products), context (R, C) and trials or exposure (R, K). Where ``is_new``, the clusters
    are not those whose points they take, and have means of their own.
    """
    column_mean, threshold, centre = tables[0], parameters.threshold, work.centre
    for s in range(theta.shape[0]):
        for g in range(theta.shape[1]):
            first, last = points.start[group[s, g]], points.start[group[s, g] + 1]
            like = points.cluster[first]
            if is_new:
                fill_centres(centres, column_mean, theta[s, g], sd[s, g], threshold[s], like, work.mean, centre)
            else:
                for c in range(centre.shape[0]):
                    centre[c] = column_mean[like, c]
            own = theta[s, g], theta[s, g], work.none
            _add_points(program, first, last, points, own, sd[s, g], parameters, s, tables, work, out[s], g)


@numba.njit(cache=True, nogil=True, _nrt=False)
def add_population(program, parameters, population, points, tables, centres, work, out):  # type: ignore[no-untyped-def]
    """Add up out (S, slots, T) over new clusters, one for each group of points."""
    mean, root, all_sd, late, coefficient_score = population
    n_coefficients, n_scores = root.shape[1:]
    theta, early, equation = work.theta, work.early, work.equation
    column_mean, threshold = tables[0], parameters.threshold
    integrates = late.any()
    covariance = work.covariance if integrates else work.none
    for s in range(mean.shape[0]):
        if integrates:
            _fill_late_covariance(root[s], late, equation, covariance)
        for o in range(points.start.shape[0] - 1):
            for p in range(n_coefficients):
                total, rest = mean[s, p], 0.0
                for q in range(n_scores):
                    step = root[s, p, q] * coefficient_score[o, q]
                    total += step
                    rest += step if late[equation[p], q] else 0.0
                theta[p], early[p] = total, total - rest
            first, last = points.start[o], points.start[o + 1]
            like = points.cluster[first]
            sd = all_sd[s, like]
            fill_centres(centres, column_mean, theta, sd, threshold[s], like, work.mean, work.centre)
            own = theta, early, covariance
            _add_points(program, first, last, points, own, sd, parameters, s, tables, work, out[s], -1)

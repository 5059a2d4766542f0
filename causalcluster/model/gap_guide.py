"""A first fit of gaussian equations with gaps, by expectation and maximisation.

It tells where the cluster means of columns with gaps lie, around which predictors are centred, and gives the quadratic that
places the sampler's coordinates (`causalcluster.model.placement`). The posterior does not depend on the latter, and
hardly on the former: intercepts take up a constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.model.gap_kernel import SIGMA, expected_moments, gaussian_gaps

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SLOPE_SD, INTERCEPT_SD = 0.7, 10.0
"""Spread of coefficients between clusters in the first fit, in standard deviations."""
_STEPS, _CLOSE = 300, 1e-6
_LEAST_SD = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GapInput:
    """What the first fit reads; all but the moments about zero as in `causalcluster.model.gap_arrays.GapArrays`.

    ``fixed`` (P,) are the values of coefficients that are not estimated, NaN for the others: all of an equation or none.
    """

    equations: Whole
    starts: Whole
    first: int
    factors: Whole
    averaged: NDArray[np.bool_]
    touches: NDArray[np.bool_]
    at: Whole
    second: Floats
    precision: Floats
    n: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats
    fixed: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstFit:
    """Coefficients (G, P) about zero, log residual standard deviations (K,), and sums of z over each group (N, d)."""

    theta: Floats
    log_sigma: Floats
    sums: Floats


def fit_first(given: GapInput, n_gaussian: int) -> FirstFit:
    """Fit every cluster by ridge regressions towards the pooled coefficients, missing moments at their expectation."""
    theta, log_sigma = np.zeros_like(given.sxy), np.full(n_gaussian, -0.5)
    own = range(given.first, len(given.equations))
    theta, log_sigma = _maximise(given, own, (given.sxx, given.sxy, given.syy, given.n), log_sigma)
    sums = np.zeros((len(given.at), given.second.shape[2]))
    for _ in range(_STEPS):
        sxx, sxy, syy, count, sums = _expect(given, theta, log_sigma)
        kept = slice(given.first, None)
        total = (given.sxx + sxx, given.sxy + sxy, given.syy + syy[:, kept], given.n + count[:, kept])
        new, log_sigma = _maximise(given, own, total, log_sigma)
        moved = float(np.abs(new - theta).max(initial=0.0))
        theta = new
        if moved < _CLOSE:
            break
    return FirstFit(theta=theta, log_sigma=log_sigma, sums=sums)


def _expect(given: GapInput, theta: Floats, log_sigma: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    n_clusters = len(theta)
    found: tuple[Floats, Floats, Floats, Floats, Floats] = expected_moments(
        theta,
        np.repeat(log_sigma[None], n_clusters, 0),
        given.equations,
        given.starts,
        given.factors,
        np.zeros_like(theta),
        given.averaged,
        given.touches,
        given.at,
        given.second,
        given.precision,
        np.zeros(given.second.shape[2]),
    )
    return found


def _maximise(
    given: GapInput, own: Sequence[int], total: tuple[Floats, Floats, Floats, Floats], log_sigma: Floats
) -> tuple[Floats, Floats]:
    """Return coefficients and log residual standard deviations given moments of complete rows."""
    sxx, sxy, syy, count = total
    theta, log_sigma = np.zeros_like(sxy), log_sigma.copy()
    for e in own:
        part, k = slice(given.starts[e], given.starts[e + 1]), given.equations[e, SIGMA]
        s, v = sxx[:, part, part], sxy[:, part]
        weight = np.exp(-2.0 * log_sigma[k])
        spread = np.full(s.shape[1], SLOPE_SD)
        spread[0] = INTERCEPT_SD
        penalty = np.diag(spread**-2.0)
        inverse = np.linalg.inv(weight * s + penalty)
        shrunk = weight * s @ inverse
        precision = (weight * s - shrunk @ (weight * s)).sum(0)
        pull = (weight * v - np.einsum("gij,gj->gi", shrunk, weight * v)).sum(0)
        pooled = np.linalg.lstsq(precision, pull, rcond=None)[0]
        theta[:, part] = np.einsum("gij,gj->gi", inverse, weight * v + penalty @ pooled)
        theta[:, part] = np.where(np.isnan(given.fixed[part]), theta[:, part], given.fixed[part])
        mine = theta[:, part]
        rest = syy[:, e - given.first] - 2.0 * (v * mine).sum(1) + np.einsum("gi,gij,gj->g", mine, s, mine)
        rows = max(float(count[:, e - given.first].sum()), 1.0)
        log_sigma[k] = 0.5 * np.log(max(float(rest.sum()) / rows, _LEAST_SD**2))
    return theta, log_sigma


def quadratic(given: GapInput, fit: FirstFit, centre: Floats, sxx: Floats, sxy: Floats) -> tuple[Floats, Floats]:
    """Return information (G, P, P) and pull (G, P) of every cluster's rows with centred predictors.

    Parameters
    ----------
    given, fit
        The first fit.
    centre
        (G, P) what is taken off every term's column.
    sxx, sxy
        Moments of complete rows about it.
    """
    theta = centred_theta(given, fit, centre)
    log_sigma = np.repeat(fit.log_sigma[None], len(theta), 0)
    weight = _term_weights(given, fit.log_sigma)

    def score(at: Floats) -> Floats:
        shift = np.zeros(given.second.shape[2])
        tables = (given.equations, given.starts, given.factors, centre, given.averaged, given.touches)
        found: Floats = gaussian_gaps(at, log_sigma, *tables, given.at, given.second, given.precision, shift)[1]
        return found + weight * (sxy - np.einsum("gij,gj->gi", sxx, at))

    step = 1e-4
    information = np.empty_like(sxx)
    for t in range(theta.shape[1]):
        up, down = theta.copy(), theta.copy()
        up[:, t] += step
        down[:, t] -= step
        information[:, t] = (score(down) - score(up)) / (2.0 * step)
    values, vectors = np.linalg.eigh(0.5 * (information + information.transpose(0, 2, 1)))
    information = np.einsum("gij,gj,gkj->gik", vectors, np.maximum(values, 0.0), vectors)
    return information, score(theta) + np.einsum("gij,gj->gi", information, theta)


def centred_theta(given: GapInput, fit: FirstFit, centre: Floats) -> Floats:
    """Return the first fit's coefficients for predictors less ``centre``: intercepts take up the constants."""
    theta = fit.theta.copy()
    for e in range(given.first, len(given.equations)):
        part = slice(given.starts[e], given.starts[e + 1])
        theta[:, given.starts[e]] += (fit.theta[:, part] * centre[:, part]).sum(1)
    return theta


def _term_weights(given: GapInput, log_sigma: Floats) -> Floats:
    out = np.zeros(given.sxy.shape[1])
    for e in range(given.first, len(given.equations)):
        out[given.starts[e] : given.starts[e + 1]] = np.exp(-2.0 * log_sigma[given.equations[e, SIGMA]])
    return out

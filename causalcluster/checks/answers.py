"""Answers of nodes of every family given their linear predictors: draws, and what is expected of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from causalcluster.families import Family, Link

Floats = NDArray[np.float64]
_LARGEST_COUNT = 1e15
_MOST = 30.0
_EDGE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """How a node answers, in S draws at R rows.

    Attributes
    ----------
    family, link
        Of the equation.
    other
        (R,) trials of a binomial node, logarithm of the exposure of a count; 0 elsewhere.
    sd
        (S, R) or (S, 1) of gaussian, lognormal (of the logarithm) and student.
    nu, shape, precision
        (S, 1).
    thresholds
        (S, J - 1) of an ordinal node.
    """

    family: Family
    link: Link
    other: Floats
    sd: Floats
    nu: Floats
    shape: Floats
    precision: Floats
    thresholds: Floats


def draw_answers(answer: Answer, eta: Floats, rng: np.random.Generator) -> Floats:
    """Draw values (S, R), as `causalcluster.model.row_arrays.EquationRows.y` holds them, at linear predictors (S, R)."""
    family = answer.family
    if family in ("gaussian", "lognormal"):
        return np.asarray(eta + answer.sd * rng.standard_normal(eta.shape))
    if family == "student":
        return np.asarray(eta + answer.sd * rng.standard_t(np.broadcast_to(answer.nu, eta.shape)))
    if family == "ordinal":
        return _draw_grades(answer, eta, rng)
    if family in ("poisson", "negative_binomial"):
        return _draw_counts(answer, eta, rng)
    share = np.clip(share_at(answer.link, eta), _EDGE, 1.0 - _EDGE)
    if family == "beta":
        # A beta draw may round to an end, where its density is not.
        drawn = rng.beta(share * answer.precision, (1.0 - share) * answer.precision)
        return np.asarray(np.clip(drawn, _EDGE, 1.0 - _EDGE))
    if family == "bernoulli":
        return np.asarray(rng.random(eta.shape) < share, dtype=float)
    return np.asarray(rng.binomial(answer.other.astype(np.int64), share), dtype=float)


def _draw_counts(answer: Answer, eta: Floats, rng: np.random.Generator) -> Floats:
    mean = _mean_count(answer, eta)
    if answer.family == "negative_binomial":
        mean = mean * rng.standard_gamma(np.broadcast_to(answer.shape, eta.shape)) / answer.shape
    return np.asarray(rng.poisson(np.minimum(mean, _LARGEST_COUNT)), dtype=float)


def _draw_grades(answer: Answer, eta: Floats, rng: np.random.Generator) -> Floats:
    u, grade = rng.random(eta.shape), np.zeros(eta.shape)
    for j in range(answer.thresholds.shape[1]):
        grade += u > share_at(answer.link, answer.thresholds[:, j, None] - eta)
    return grade


def _mean_count(answer: Answer, eta: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(eta + answer.other, np.log(_LARGEST_COUNT))))


def share_at(link: Link, eta: Floats) -> Floats:
    """Return the probability at a linear predictor."""
    if link == "logit":
        return np.asarray(expit(eta))
    return np.asarray(ndtr(eta)) if link == "probit" else np.asarray(-np.expm1(-np.exp(np.minimum(eta, _MOST))))


def residuals(answer: Answer, y: Floats, eta: Floats) -> Floats:
    """Return Pearson residuals (S, R) of values (R,) or (S, R): (y - mean) / sd; over the scale for student."""
    family = answer.family
    if family in ("gaussian", "lognormal", "student"):
        return np.asarray((y - eta) / answer.sd)
    if family in ("poisson", "negative_binomial"):
        mean = _mean_count(answer, eta)
        variance = mean + (mean**2 / answer.shape if family == "negative_binomial" else 0.0)
    else:
        share = np.clip(share_at(answer.link, eta), _EDGE, 1.0 - _EDGE)
        trials = answer.other if family == "binomial" else np.ones(1)
        mean, variance = trials * share, trials * share * (1.0 - share)
        if family == "beta":
            variance = variance / (1.0 + answer.precision)
    return np.asarray((y - mean) / np.sqrt(np.maximum(variance, 1e-300)))

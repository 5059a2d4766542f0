"""Effects where a mediator's error is in the outcome's equation, by numerical integration with scipy, in the user's units.

Written from the definition alone: V is the score of the mediator's error, of one mediator without context; those who answer m
under a have scores in an interval, over which g(kappa + loading V) averages to the fitted mean.
"""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from tests.oracles.worlds_by_force import Node, inverse_link

GRID = 4000
DISCRETE = ("bernoulli", "binomial", "poisson", "negative_binomial", "ordinal")


def distribution(node: Node, eta: float):
    """Return the frozen distribution of a continuous node, or values and their probabilities."""
    if node.family == "gaussian":
        return stats.norm(eta, node.sd)
    if node.family == "student":
        return stats.t(node.nu, eta, node.sd)
    if node.family == "lognormal":
        return stats.lognorm(node.sd, scale=np.exp(eta))
    if node.family == "poisson":
        return stats.poisson(np.exp(eta))
    if node.family == "negative_binomial":
        return stats.nbinom(node.shape, node.shape / (node.shape + np.exp(eta)))
    share = inverse_link(node.link, np.float64(eta))
    if node.family == "bernoulli":
        return stats.bernoulli(share)
    if node.family == "binomial":
        return stats.binom(node.trials, share)
    return stats.beta(share * node.precision, (1.0 - share) * node.precision)


def score_interval(node: Node, eta: float, m: float) -> tuple[float, float]:
    if node.family == "ordinal":
        reached = [0.0, *(float(inverse_link(node.link, np.float64(c - eta))) for c in node.thresholds), 1.0]
        digit = node.grades.index(m)
        return stats.norm.ppf(reached[digit]), stats.norm.ppf(reached[digit + 1])
    own = distribution(node, eta)
    if node.family in DISCRETE:
        return stats.norm.ppf(own.cdf(m - 1.0)), stats.norm.ppf(own.cdf(m))
    z = stats.norm.ppf(own.cdf(m))
    return z, z


def answers_of(node: Node, eta: float, v: np.ndarray) -> np.ndarray:
    if node.family == "ordinal":
        reached = np.array([float(inverse_link(node.link, np.float64(c - eta))) for c in node.thresholds])
        return np.array(node.grades)[(stats.norm.cdf(v)[:, None] > reached).sum(axis=1)]
    return distribution(node, eta).ppf(stats.norm.cdf(v))


def mean_of(node: Node, eta: np.ndarray) -> np.ndarray:
    """Return the mean outcome at linear predictors."""
    if node.family in ("gaussian", "student"):
        return np.asarray(eta)
    if node.family == "lognormal":
        return np.exp(eta + 0.5 * node.sd**2)
    if node.family in ("poisson", "negative_binomial"):
        return np.exp(eta)
    if node.family == "ordinal":
        reached = np.stack(
            [np.zeros_like(eta), *(inverse_link(node.link, c - eta) for c in node.thresholds), np.ones_like(eta)]
        )
        return np.tensordot(np.array(node.grades), np.diff(reached, axis=0), axes=1)
    return inverse_link(node.link, eta)


def scores_between(lower: float, upper: float) -> np.ndarray:
    p = stats.norm.cdf(lower) + (np.arange(400) + 0.5) / 400 * (stats.norm.cdf(upper) - stats.norm.cdf(lower))
    return stats.norm.ppf(p) if lower < upper else np.array([lower])


def mean_in_world(
    mediator: Node,
    outcome: Node,
    of_m: Callable[[float], float],
    of_y: Callable[[float, float], float],
    *,
    a: float,
    a_of_m: float,
    loading: float,
) -> float:
    """Return E[Y] with the treatment ``a`` on the outcome and ``a_of_m`` on the mediator."""

    def kappa(m: float) -> float:
        fitted = float(mean_of(outcome, np.float64(of_y(a, m))))
        v = scores_between(*score_interval(mediator, of_m(a), m))

        def error(k: float) -> float:
            return float(mean_of(outcome, k + loading * v).mean()) - fitted

        around = of_y(a, m) - loading * v.mean()
        return float(optimize.brentq(error, around - 20.0, around + 20.0, xtol=1e-12))

    if mediator.family in DISCRETE:
        nodes, weights = stats.norm.ppf((np.arange(GRID) + 0.5) / GRID), np.full(GRID, 1.0 / GRID)
    else:
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        weights = weights / weights.sum()
    nodes, weights = nodes[weights > 1e-7], weights[weights > 1e-7]
    answers = answers_of(mediator, of_m(a_of_m), nodes)
    at = {m: kappa(m) for m in np.unique(answers)}
    means = mean_of(outcome, np.array([at[m] for m in answers]) + loading * nodes)
    return float(weights @ means)

"""Effects of a one-mediator system by brute force: every unit simulated with scipy.stats, in the user's units.

Written from the definitions alone; nothing is shared with causalcluster.effects. A node's equation is a function of its
parents in their own units, and its answer a quantile at a uniform number, so that a unit can be asked in several worlds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats


def inverse_link(link: str, eta: np.ndarray) -> np.ndarray:
    return {
        "identity": lambda x: x,
        "log": np.exp,
        "logit": lambda x: 1.0 / (1.0 + np.exp(-x)),
        "probit": stats.norm.cdf,
        "cloglog": lambda x: 1.0 - np.exp(-np.exp(x)),
    }[link](eta)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A family with its link and parameters; gaussian and student have sd in the node's own units."""

    family: str
    link: str
    sd: float = 1.0
    nu: float = 5.0
    shape: float = 2.0
    precision: float = 8.0
    trials: int = 6
    thresholds: tuple[float, ...] = (-0.6, 0.5)
    grades: tuple[float, ...] = (1.0, 2.0, 4.0)

    def answer(self, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one draw for each linear predictor."""
        if self.family == "gaussian":
            return stats.norm.rvs(eta, self.sd, random_state=rng)
        if self.family == "student":
            return eta + self.sd * stats.t.rvs(self.nu, size=eta.shape, random_state=rng)
        if self.family == "lognormal":
            return stats.lognorm.rvs(self.sd, scale=np.exp(eta), random_state=rng)
        if self.family == "poisson":
            return stats.poisson.rvs(np.exp(eta), random_state=rng).astype(float)
        if self.family == "negative_binomial":
            mean = np.exp(eta)
            return stats.nbinom.rvs(self.shape, self.shape / (self.shape + mean), random_state=rng).astype(float)
        if self.family == "ordinal":
            reached = np.stack([inverse_link(self.link, c - eta) for c in self.thresholds])
            return np.array(self.grades)[(rng.random(eta.shape) > reached).sum(axis=0)]
        share = inverse_link(self.link, eta)
        if self.family == "bernoulli":
            return stats.bernoulli.rvs(share, random_state=rng).astype(float)
        if self.family == "binomial":
            return stats.binom.rvs(self.trials, share, random_state=rng).astype(float)
        return stats.beta.rvs(share * self.precision, (1.0 - share) * self.precision, random_state=rng)


Equation = Callable[..., np.ndarray]


def one_mediator(
    mediator: Node,
    outcome: Node,
    mediator_equation: Equation,
    outcome_equation: Equation,
    context: np.ndarray,
    *,
    contrast: tuple[float, float],
    fixed: float,
    n: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return effects with standard errors; the equations take (a, c) and (a, m, c) in the user's units.

    Every mean of an outcome is over draws of the outcome itself, each world with noise of its own.
    """
    rng = np.random.default_rng(seed)

    def mean(a: float, a_of_m: float | None) -> tuple[float, float]:
        c = rng.choice(context, n)
        m = np.full(n, fixed) if a_of_m is None else mediator.answer(mediator_equation(np.full(n, a_of_m), c), rng)
        y = outcome.answer(outcome_equation(np.full(n, a), m, c), rng)
        # Effects are on the share of successes; as a cause a count is a count.
        y = y / outcome.trials if outcome.family == "binomial" else y
        return y.mean(), y.var() / n

    low, high = contrast
    worlds = {"00": mean(low, low), "10": mean(high, low), "01": mean(low, high), "11": mean(high, high)}
    worlds |= {"0m": mean(low, None), "1m": mean(high, None)}
    pairs = {
        "total": ("11", "00"),
        "nde": ("10", "00"),
        "nie": ("11", "10"),
        "tnde": ("11", "01"),
        "pnie": ("01", "00"),
        "cde": ("1m", "0m"),
    }
    return {
        name: (worlds[plus][0] - worlds[minus][0], (worlds[plus][1] + worlds[minus][1]) ** 0.5)
        for name, (plus, minus) in pairs.items()
    }

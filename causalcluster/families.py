"""The distributions that a node may have: their links, their further parameters, and whether rows are needed.

Means are on the node's own scale: a probability for bernoulli and binomial (successes over trials), a count per unit of
exposure for poisson and negative_binomial, the expected grade for ordinal, a share for beta, the median's exponential
times exp(sd^2 / 2) for lognormal, the location for student.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "gaussian",
    "lognormal",
    "student",
    "bernoulli",
    "binomial",
    "poisson",
    "negative_binomial",
    "ordinal",
    "beta",
]
Link = Literal["identity", "log", "logit", "probit", "cloglog"]
EffectScale = Literal["difference", "ratio", "odds_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyTraits:
    """What the package knows of a family.

    Attributes
    ----------
    links
        Links that it takes; the first is the default.
    parameters
        Parameters beyond the linear predictor, one value for each equation: 'sd' (residual standard deviation of the
        value, or of its logarithm), 'nu' (degrees of freedom), 'shape' (of the gamma that a negative binomial mixes
        over: variance = mean + mean^2 / shape), 'precision' (of a beta: variance = mean (1 - mean) / (1 + precision)).
        The thresholds of an ordinal node are kept apart, since their number depends on the data.
    standardised
        Whether the response is shifted and scaled before it is fitted.
    """

    links: tuple[Link, ...]
    parameters: tuple[str, ...] = ()
    standardised: bool = False


FAMILIES: Mapping[Family, FamilyTraits] = {
    "gaussian": FamilyTraits(links=("identity",), parameters=("sd",), standardised=True),
    "lognormal": FamilyTraits(links=("log",), parameters=("sd",)),
    "student": FamilyTraits(links=("identity",), parameters=("sd", "nu"), standardised=True),
    "bernoulli": FamilyTraits(links=("logit", "probit", "cloglog")),
    "binomial": FamilyTraits(links=("logit", "probit", "cloglog")),
    "poisson": FamilyTraits(links=("log",)),
    "negative_binomial": FamilyTraits(links=("log",), parameters=("shape",)),
    "ordinal": FamilyTraits(links=("logit", "probit", "cloglog")),
    "beta": FamilyTraits(links=("logit", "probit", "cloglog"), parameters=("precision",)),
}


def default_link(family: Family) -> Link:
    """Return the link of a family where none is given.

    Examples
    --------
    >>> default_link("poisson")
    'log'
    """
    return FAMILIES[family].links[0]


def needs_rows(family: Family) -> bool:
    """Whether the likelihood of a family needs rows; that of a gaussian needs moments only."""
    return family != "gaussian"


_POSITIVE: tuple[Family, ...] = ("lognormal", "bernoulli", "binomial", "poisson", "negative_binomial", "beta")
_SHARES: tuple[Family, ...] = ("bernoulli", "binomial", "beta")


def scales_of(family: Family) -> tuple[EffectScale, ...]:
    """Return the scales on which effects on a node of ``family`` make sense.

    A ratio needs means that are positive and count from a true zero; an odds ratio needs means between 0 and 1. Grades have
    neither: their numbers may begin anywhere.

    Examples
    --------
    >>> scales_of("poisson")
    ('difference', 'ratio')
    """
    if family in _SHARES:
        return ("difference", "ratio", "odds_ratio")
    return ("difference", "ratio") if family in _POSITIVE else ("difference",)

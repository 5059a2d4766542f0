"""Rows from coefficients, written from the model's definition and not from its code, with their log-likelihood."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from causalcluster.design import Design, Equation
from tests.calibration.sbc.systems import CLUSTERS, GRADES, ROWS, TRIALS

LARGEST_COUNT, LARGEST_VALUE = 1e6, 100.0
CLUSTER = np.repeat(np.arange(CLUSTERS), ROWS)


class RefusedError(Exception):
    """A table that is left out because of what stands in it, which leaves the ranks of the others uniform."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """S sets of parameters on the model's scale, which is the columns' own: all shifts are 0 and all scales 1.

    Attributes
    ----------
    theta, sd
        (S, G, P) coefficients, and (S, G, K) residual standard deviations.
    nu, shape, precision
        (S, K).
    thresholds
        (S, J - 1) by ordinal node.
    intercept
        (S, G, K) where intercepts are apart from the coefficients, else None.
    """

    theta: np.ndarray
    sd: np.ndarray
    nu: np.ndarray
    shape: np.ndarray
    precision: np.ndarray
    thresholds: Mapping[str, np.ndarray]
    intercept: np.ndarray | None


def fixed_treatment() -> np.ndarray:
    """Return the treatment (row,), the same in every table: mean 0, pooled standard deviation 1 inside clusters."""
    rng = np.random.default_rng(11)
    inside = rng.standard_normal((CLUSTERS, ROWS))
    inside -= inside.mean(axis=1, keepdims=True)
    inside /= np.sqrt((inside**2).sum() / (CLUSTERS * (ROWS - 1)))
    means = 0.5 * rng.standard_normal((CLUSTERS, 1))
    return (inside + means - means.mean()).ravel()


def typical_values(design: Design) -> Values:
    """Return one set of middling values, for the table that the scaling constants come from."""
    size = (1, len(design.equations))
    theta = np.array([0.0 if term.kind == "intercept" else 0.3 for term in design.terms])
    return Values(
        theta=np.broadcast_to(theta, (1, CLUSTERS, len(theta))),
        sd=np.full((1, CLUSTERS, size[1]), 0.6),
        nu=np.full(size, 8.0),
        shape=np.full(size, 3.0),
        precision=np.full(size, 8.0),
        thresholds={e.node: logit(np.arange(1, GRADES) / GRADES)[None] for e in design.equations if e.family == "ordinal"},
        intercept=np.linspace(-1.0, 1.0, CLUSTERS)[None, :, None] * np.ones((1, 1, size[1])),
    )


def draw_table(design: Design, values: Values, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the rows of one set of values, node by node; predictors are deviations from their cluster means.

    Raises
    ------
    RefusedError
        A value or a count too large for any table, or a grade that occurs nowhere.
    """
    table = pd.DataFrame({"district": [f"d{g}" for g in CLUSTER], "law": fixed_treatment(), "workers": TRIALS})
    for k, equation in enumerate(design.equations):
        eta = linear_predictor(design, k, values, table)[0]
        table[equation.node] = _draw(equation, k, values, eta, rng)
        if equation.family in ("gaussian", "student") and table[equation.node].abs().max() > LARGEST_VALUE:
            raise RefusedError("a value a hundred times the column's scale")
    return table


def linear_predictor(design: Design, k: int, values: Values, table: pd.DataFrame) -> np.ndarray:
    """Return (S, R) linear predictors of one equation."""
    start = sum(len(equation.terms) for equation in design.equations[:k])
    eta = np.zeros((len(values.theta), len(table)))
    for i, term in enumerate(design.equations[k].terms, start):
        x = np.ones(len(table)) if term.kind == "intercept" else _centred(table, term.factors)
        eta += values.theta[:, CLUSTER, i] * x
    if values.intercept is not None and design.intercepts == "separate":
        eta += values.intercept[:, CLUSTER, k]
    return eta


def _centred(table: pd.DataFrame, factors: tuple[str, ...]) -> np.ndarray:
    product = table[list(factors)].prod(axis=1)
    return (product - product.groupby(CLUSTER).transform("mean")).to_numpy()


def _draw(equation: Equation, k: int, values: Values, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    family, sd = equation.family, values.sd[0, CLUSTER, k]
    if family in ("poisson", "negative_binomial"):
        rate = np.exp(np.minimum(eta, 40.0))
        if family == "negative_binomial":
            rate = rate * rng.gamma(values.shape[0, k], 1.0 / values.shape[0, k], len(eta))
        if rate.max() > 1e12:
            raise RefusedError("a count above a million")
        counts = rng.poisson(rate)
        if counts.max() > LARGEST_COUNT:
            raise RefusedError("a count above a million")
        return counts
    if family == "ordinal":
        grade = (eta + rng.logistic(size=len(eta)) > values.thresholds[equation.node][0][:, None]).sum(axis=0)
        if len(np.unique(grade)) < GRADES:
            raise RefusedError("a grade that occurs nowhere")
        return grade + 1
    phi, share = values.precision[0, k], expit(eta)
    draws = {
        "gaussian": lambda: eta + sd * rng.standard_normal(len(eta)),
        "student": lambda: eta + sd * rng.standard_t(values.nu[0, k], len(eta)),
        "lognormal": lambda: np.exp(eta + sd * rng.standard_normal(len(eta))),
        "bernoulli": lambda: rng.binomial(1, share),
        "binomial": lambda: rng.binomial(TRIALS, share),
        "beta": lambda: rng.beta(np.maximum(share * phi, 1e-300), np.maximum((1.0 - share) * phi, 1e-300)),
    }
    return draws[family]()


def log_likelihood(design: Design, values: Values, table: pd.DataFrame) -> np.ndarray:
    """Return the log-likelihood (S,) of all rows given each set of values."""
    total = np.zeros(len(values.theta))
    for k, equation in enumerate(design.equations):
        y, eta = table[equation.node].to_numpy(), linear_predictor(design, k, values, table)
        total += _log_density(equation, k, values, y, eta).sum(axis=1)
    return total


def _log_density(equation: Equation, k: int, values: Values, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    family, sd, phi = equation.family, values.sd[:, CLUSTER, k], values.precision[:, k, None]
    share = expit(eta)
    if family == "ordinal":
        ends = np.full((len(eta), 1), np.inf)
        levels = np.concatenate([-ends, values.thresholds[equation.node], ends], axis=1)
        grade = y.astype(int)
        return np.log(np.maximum(expit(levels[:, grade] - eta) - expit(levels[:, grade - 1] - eta), 1e-300))
    shape = values.shape[:, k, None]
    densities = {
        "gaussian": lambda: stats.norm.logpdf(y, eta, sd),
        "student": lambda: stats.t.logpdf(y, values.nu[:, k, None], eta, sd),
        "lognormal": lambda: stats.norm.logpdf(np.log(y), eta, sd),
        "bernoulli": lambda: stats.bernoulli.logpmf(y, share),
        "binomial": lambda: stats.binom.logpmf(y, TRIALS, share),
        "poisson": lambda: stats.poisson.logpmf(y, np.exp(eta)),
        "negative_binomial": lambda: stats.nbinom.logpmf(y, shape, shape / (shape + np.exp(eta))),
        "beta": lambda: stats.beta.logpdf(y, share * phi, (1.0 - share) * phi),
    }
    return densities[family]()


def marginal_log_likelihood(
    design: Design, values: Values, table: pd.DataFrame, mean: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return the log-likelihood (S,) of gaussian rows with normal cluster intercepts integrated out.

    Residuals inside clusters and cluster means are independent: the latter are normal with variance
    spread^2 + sd^2 / rows. ``mean`` and ``spread`` are (S, K).
    """
    total = np.zeros(len(values.theta))
    for k, equation in enumerate(design.equations):
        y = table[equation.node]
        inside = _centred(table, (equation.node,)) - linear_predictor(design, k, replace(values, intercept=None), table)
        sd = values.sd[:, :, k]
        squares = np.stack([(inside[:, g == CLUSTER] ** 2).sum(axis=1) for g in range(CLUSTERS)], axis=1)
        total += (-(ROWS - 1) * np.log(sd) - 0.5 * squares / sd**2).sum(axis=1)
        centre = y.groupby(CLUSTER).mean().to_numpy()
        total += stats.norm.logpdf(centre, mean[:, None, k], np.sqrt(spread[:, None, k] ** 2 + sd**2 / ROWS)).sum(axis=1)
    return total

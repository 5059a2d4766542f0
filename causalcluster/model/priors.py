"""Priors as data, on the standardised scale, for the PyMC model and for plain draws alike.

A mean slope of 1 moves the target by one of its standard deviations inside clusters when the predictor moves by one
of its own: Normal(0, 1) is weak there. Between-cluster standard deviations get a Gamma of shape 2, whose density is
zero at zero: the posterior mode stays off the boundary with few clusters (Chung et al. 2013, Psychometrika 78).
Partial correlations of coefficients that share a path are uniform on (-1, 1); the others are Beta-distributed and
narrow as the vector grows, so that a large vector does not squeeze the correlations that mediated effects depend on
(the vine of Lewandowski, Kurowicka and Joe 2009 with unequal margins).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from causalcluster.analysis.records import ModelSpec
from causalcluster.design import Design, Term, correlated_terms, share_a_path
from causalcluster.errors import UnsupportedError
from causalcluster.families import FAMILIES
from causalcluster.graph import CausalGraph, summary_digraph
from causalcluster.model.lagged import spread_of_levels
from causalcluster.model.row_arrays import EquationRows, parameter_guesses
from causalcluster.model.standard import MomentArrays, Scale, base_node

Floats = NDArray[np.float64]

SLOPE_SD = 1.0
BETWEEN_SD_MEAN = 0.4
PERIOD_SD_MEAN = 0.4
"""Mean of the Gamma prior (shape 2) of the standard deviation of random effects of periods, in the node's own."""
SHOCK_SD_MEAN = 0.4
"""Mean of the Gamma prior (shape 2) of the standard deviation of errors that rows of a cell share, in the node's own."""
FIXED_PERIOD_SD = 2.5
"""Standard deviation of the normal prior of a fixed effect of a period, in the node's standard deviations."""
INTERCEPT_SD = 2.5
RESIDUAL_LOG_MEAN, RESIDUAL_LOG_SD = -0.5, 1.0
RESIDUAL_SPREAD_MEAN = 0.25
INDEPENDENT_SD = 2.5
"""Standard deviation of every slope of every cluster where clusters share nothing."""
SIGN_WIDTH = 0.05
"""Standard deviations of a coefficient's prior within which the prior of its sign goes from one side to the other."""
FLAT_SD = 1e3
FLAT_LOG_SD = 5.0
PARAMETER_LOG_SD = {"sd": 1.0, "nu": 1.0, "shape": 1.5, "precision": 1.5}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priors:
    """Prior hyperparameters on the standardised scale; P coefficients, Q of them varying.

    Attributes
    ----------
    mean, sd
        (P,) normal prior of each mean coefficient.
    tau_shape, tau_rate
        Gamma prior of the between-cluster standard deviations: a number and (Q,).
    partial_alpha
        (R,) partial correlation + 1 over 2 is Beta(alpha, alpha), in row order of the correlation factor.
    log_sigma_mean, log_sigma_sd
        Normal prior of the log of an equation's typical residual standard deviation.
    spread_shape, spread_rate
        Gamma prior of the spread of log residual standard deviations over clusters.
    intercept_scale
        (K,) standard deviation of the observed cluster means, in the node's standardised units.
    mean_free
        (P,) 1, or 0 for the mean intercept of an ordinal node, whose place its thresholds take, and where the mean is given.
    parameter_mean, parameter_sd
        (D,) normal prior of the logarithms of the parameters that families have beyond the linear predictor.
    independent_sd
        (Q,) standard deviation of the clusters' coefficients where clusters share nothing.
    period_to
        (P,) equation of a random effect of a period, whose ``mean`` is in units of the equation's standard deviation of
        such effects; -1 for all other coefficients.
    period_unit
        (P,) what such an effect is multiplied with for the standardised column of its period; 1 for all others.
    positive
        (P,) probability that a mean coefficient is positive: 0.5 but for those whose sign has a prior of its own. Its size
        has the same prior whatever the sign.
    """

    mean: Floats
    sd: Floats
    tau_shape: float
    tau_rate: Floats
    partial_alpha: Floats
    log_sigma_mean: float
    log_sigma_sd: float
    spread_shape: float
    spread_rate: float
    intercept_scale: Floats
    mean_free: Floats
    parameter_mean: Floats
    parameter_sd: Floats
    independent_sd: Floats
    period_to: NDArray[np.int64]
    period_unit: Floats
    positive: Floats

    @property
    def signed(self) -> bool:
        """Whether some sign has a prior of its own."""
        return bool((self.positive != 0.5).any())

    @property
    def random_periods(self) -> bool:
        """Whether effects of periods are drawn from a distribution of their own."""
        return bool((self.period_to >= 0).any())


def set_priors(
    spec: ModelSpec,
    design: Design,
    graph: CausalGraph,
    arrays: MomentArrays,
    scale: Scale,
    signs: Mapping[tuple[str, str], float] | None = None,
) -> Priors:
    """Choose the priors that ``spec`` asks for; ``signs`` are probabilities of positive slopes by cause and effect.

    Raises
    ------
    UnsupportedError
        For an override of a coefficient that the model does not have, or of any without pooling.
    """
    terms = design.terms
    between = spread_of_levels(arrays) if design.lagged else _spread_of_means(arrays)
    flat = spec.priors == "flat"
    rows = {} if arrays.row_equations is None else {item.node: item for item in arrays.row_equations.equations}
    mean = np.array(
        [rows[term.target].origin if term.kind == "intercept" and term.target in rows else 0.0 for term in terms]
    )
    sd = np.array([_mean_sd(term, design, between, rows.get(term.target), flat=flat) for term in terms])
    for i, term in enumerate(terms):
        if _is_random(term, spec):
            sd[i] = 1.0
        elif term.kind == "period" and not flat:
            sd[i] = FIXED_PERIOD_SD * scale.scale[term.factors[0]]
    fixed = np.array([term.fixed is not None for term in terms])
    mean[fixed] = [term.fixed for term in terms if term.fixed is not None]
    tau_mean = np.array([_tau_mean(terms[i], design, between, rows.get(terms[i].target)) for i in arrays.varying])
    tau_shape = 1.0 if flat else 2.0
    tau_mean = np.full_like(tau_mean, FLAT_SD) if flat else tau_mean
    _apply_overrides(spec, design, arrays, scale, mean, sd, tau_mean)
    return Priors(
        mean=mean,
        sd=sd,
        tau_shape=tau_shape,
        tau_rate=tau_shape / tau_mean,
        partial_alpha=_partial_alphas(design, graph),
        log_sigma_mean=RESIDUAL_LOG_MEAN,
        log_sigma_sd=FLAT_SD if flat else RESIDUAL_LOG_SD,
        spread_shape=2.0,
        spread_rate=2.0 / RESIDUAL_SPREAD_MEAN,
        intercept_scale=between,
        mean_free=np.array([0.0 if _is_ordinal_intercept(term, rows) or term.fixed is not None else 1.0 for term in terms]),
        parameter_mean=np.array([value for value, _ in _parameter_priors(rows.values())]),
        parameter_sd=np.array([FLAT_LOG_SD if flat else value for _, value in _parameter_priors(rows.values())]),
        independent_sd=np.array([_independent_sd(terms[i], design, between, rows) for i in arrays.varying]),
        period_to=np.array([design.nodes.index(term.target) if _is_random(term, spec) else -1 for term in terms]),
        period_unit=np.array([scale.scale[term.factors[0]] if _is_random(term, spec) else 1.0 for term in terms]),
        positive=np.array([_positive(term, mean[i], signs or {}) for i, term in enumerate(terms)]),
    )


def _positive(term: Term, mean: float, signs: Mapping[tuple[str, str], float]) -> float:
    """A prior of the analyst's own with a mean is left as it is."""
    if term.kind != "slope" or mean != 0.0:
        return 0.5
    return signs.get((term.factors[0], term.target), 0.5)


def sign_density(mean: Any, sd: Any, positive: Any, *, cdf: Callable[[Any], Any]) -> Any:
    """Return what the density of mean coefficients is multiplied with by the prior of their signs: 1 where there is none.

    It goes from 2 (1 - p) to 2 p within a small part of the prior's spread, so that the sampler meets no cliff; its values
    at a coefficient and at the opposite one add up to 2, so the prior of the size is what it was.
    """
    return 2.0 * ((1.0 - positive) + (2.0 * positive - 1.0) * cdf(mean / (SIGN_WIDTH * sd)))


def _is_random(term: Term, spec: ModelSpec) -> bool:
    return term.kind == "period" and spec.time_effects == "random"


def scale_periods(mean: Floats, period_sd: Floats, priors: Priors) -> Floats:
    """Return coefficients (..., P) from the sampler's, whose random effects of periods are in units of their own spread.

    ``period_sd`` (..., K) is that spread by equation.
    """
    random = priors.period_to >= 0
    unit = np.where(random, period_sd[..., np.maximum(priors.period_to, 0)] * priors.period_unit, 1.0)
    scaled: Floats = mean * unit
    return scaled


def draw_priors(priors: Priors, n_draws: int, *, random_seed: int) -> dict[str, Floats]:
    """Draw mean coefficients (draw, P), between-cluster sds (draw, Q) and partial correlations (draw, R)."""
    rng = np.random.default_rng(random_seed)
    mean = priors.mean + priors.sd * rng.standard_normal((n_draws, len(priors.mean)))
    if priors.signed:
        # The opposite of a draw has the share of the density that the draw lacks.
        turned = rng.random(mean.shape) > 0.5 * sign_density(mean, priors.sd, priors.positive, cdf=ndtr)
        mean = np.where(turned & (priors.positive != 0.5), -mean, mean)
    if priors.random_periods:
        n_equations = len(priors.intercept_scale)
        mean = scale_periods(mean, rng.gamma(2.0, PERIOD_SD_MEAN / 2.0, (n_draws, n_equations)), priors)
    return {
        "mean": mean,
        "tau": rng.gamma(priors.tau_shape, 1.0 / priors.tau_rate, (n_draws, len(priors.tau_rate))),
        "partial": 2.0 * rng.beta(priors.partial_alpha, priors.partial_alpha, (n_draws, len(priors.partial_alpha))) - 1.0,
    }


def _spread_of_means(arrays: MomentArrays) -> Floats:
    used = arrays.mean[arrays.rows > 0]
    spread = used.std(axis=0, ddof=1) if len(used) > 1 else np.ones(used.shape[1])
    return np.asarray(np.maximum(spread, 1e-3), dtype=float)


def _is_ordinal_intercept(term: Term, rows: Mapping[str, EquationRows]) -> bool:
    return term.kind == "intercept" and term.target in rows and rows[term.target].family == "ordinal"


def _parameter_priors(rows: Iterable[EquationRows]) -> Iterator[tuple[float, float]]:
    """Yield mean and standard deviation of the log of every parameter beyond linear predictors."""
    for item in rows:
        guesses = parameter_guesses(item)
        for i, name in enumerate(FAMILIES[item.family].parameters):
            yield float(guesses[i]), PARAMETER_LOG_SD[name]


def _mean_sd(term: Term, design: Design, between: Floats, rows: EquationRows | None, *, flat: bool) -> float:
    if flat:
        return FLAT_SD
    if rows is not None:
        return rows.unit * (INTERCEPT_SD if term.kind == "intercept" else SLOPE_SD)
    if term.kind == "intercept":
        return INTERCEPT_SD * max(1.0, float(between[design.nodes.index(term.target)]))
    return SLOPE_SD


def _tau_mean(term: Term, design: Design, between: Floats, rows: EquationRows | None) -> float:
    if rows is not None:
        return rows.unit * BETWEEN_SD_MEAN
    if term.kind == "intercept":
        # The mode of a Gamma of shape 2 is half its mean: over time it is at the guess, so that it pulls neither way there.
        return (2.0 if design.lagged else 1.0) * float(between[design.nodes.index(term.target)])
    return BETWEEN_SD_MEAN


def _independent_sd(term: Term, design: Design, between: Floats, rows: Mapping[str, EquationRows]) -> float:
    """Cluster means of a gaussian node may lie many standard deviations inside clusters apart."""
    far = term.kind == "intercept" and term.target not in rows
    return INDEPENDENT_SD * (max(1.0, float(between[design.nodes.index(term.target)])) if far else 1.0)


def response_unit(design: Design, node: str, scale: Scale) -> float:
    """Return what a linear predictor counts in: the node's standard deviation, or 1 on a link's scale."""
    family = next(equation.family for equation in design.equations if equation.node == node)
    return scale.scale[node] if FAMILIES[family].standardised else 1.0


def _partial_alphas(design: Design, graph: CausalGraph) -> Floats:
    chosen = [design.terms[i] for i in correlated_terms(design)]
    unrelated = 2.0 + len(chosen) / 2.0
    return np.array(
        [
            1.0 if _go_together(design, graph, chosen[i], chosen[j]) else unrelated
            for i in range(len(chosen))
            for j in range(i)
        ]
    )


def _go_together(design: Design, graph: CausalGraph, first: Term, second: Term) -> bool:
    """Whether an effect multiplies two coefficients, or both are levels over time, which each other's past brings about."""
    if not design.lagged:
        return share_a_path(design, graph, first, second)
    kinds = {first.kind, second.kind}
    if len(kinds) > 1:
        return False
    if kinds == {"intercept"}:
        return True
    summary = summary_digraph(graph)

    def precedes(one: Term, other: Term) -> bool:
        source = base_node(other.factors[0])
        return one.target == source or bool(nx.has_path(summary, one.target, source))

    return precedes(first, second) or precedes(second, first)


def _apply_overrides(
    spec: ModelSpec,
    design: Design,
    arrays: MomentArrays,
    scale: Scale,
    mean: Floats,
    sd: Floats,
    tau_mean: Floats,
) -> None:
    names = [term.name for term in design.terms]
    if spec.prior_overrides and design.pooling == "none":
        raise UnsupportedError(
            "priors are given for coefficients, and clusters share nothing ('pooling: none')",
            where="model: priors",
            why="They are priors of means and spreads over the population of clusters, which this model does not have",
            fix="take the priors out, or write 'pooling: partial'",
        )
    for override in spec.prior_overrides:
        source, target = override.edge
        name = f"{source} -> {target}"
        if name not in names:
            raise UnsupportedError(
                f"priors name '{name}', which is not a coefficient of the model",
                why="only equations between the treatment and the outcomes are fitted",
                fix=f"name one of: {', '.join(names)}",
            )
        i = names.index(name)
        unit = response_unit(design, target, scale) / scale.scale[source]
        mean[i] = override.mean / unit if override.mean is not None else mean[i]
        sd[i] = override.sd / unit if override.sd is not None else sd[i]
        if override.between_sd is not None:
            where = np.flatnonzero(arrays.varying == i)
            if len(where) == 0:
                raise UnsupportedError(
                    f"priors give '{name}' a between_sd, but it does not vary by cluster",
                    fix="take between_sd out, or let the coefficient vary",
                )
            tau_mean[where] = override.between_sd / unit

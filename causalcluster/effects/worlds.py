"""Means of an outcome in the worlds of docs/outputs.md, as polynomials in a cluster's coefficients.

A world says what value the treatment takes on its arrow into each node. In it every node responds to its parents;
cluster means stay as observed, so with centred predictors a node is its cluster's intercept plus slopes times
deviations from observed means. A cluster that was not observed has means of its own: that of a node with an equation is its
intercept. Values are on the standardised scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design, Equation
from causalcluster.effects.polynomials import Monomial, Polynomial, add, constant, scale_by, times_coefficient
from causalcluster.errors import UnsupportedError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """The equations with the standardised cluster means that centring needs.

    Attributes
    ----------
    design
        The equations.
    column_mean
        Standardised cluster means (G,) by factors of a term.
    context_at
        Standardised values at which columns without an equation are set in every row.
    own_means
        Whether the clusters are new ones, which take the context from observed ones, but whose nodes with equations have
        means of their own.
    covariance
        Standardised covariances (G, terms, terms) inside clusters of the regressors of a node's equation, by node. From
        these follow covariances of the node with its causes in new clusters; without them those of observed ones hold.
    """

    design: Design
    column_mean: Mapping[tuple[str, ...], Floats]
    context_at: Mapping[str, float] = field(default_factory=dict)
    own_means: bool = False
    covariance: Mapping[str, Floats] = field(default_factory=dict)


def mean_outcome(
    system: System,
    outcome: str,
    treatment_at: Mapping[str, float],
    *,
    held: Mapping[str, Polynomial] | None = None,
) -> dict[Monomial, Floats]:
    """Return the outcome's mean given a cluster's coefficients.

    Parameters
    ----------
    system
        Equations and cluster means.
    outcome
        The node asked for.
    treatment_at
        The standardised treatment value on its arrow into each node that has an equation.
    held
        Nodes that do not respond, and the standardised mean at which an intervention holds them.

    Returns
    -------
    dict
        Polynomial in the coefficients of `Design.terms`.
    """
    design = system.design
    values: dict[str, Polynomial] = {}
    start = 0
    for equation in design.equations:
        if held is not None and equation.node in held:
            values[equation.node] = held[equation.node]
        else:
            values[equation.node] = _respond(system, equation, start, treatment_at[equation.node], values)
        start += len(equation.terms)
        if equation.node == outcome:
            return dict(values[equation.node])
    raise KeyError(outcome)


def _respond(
    system: System, equation: Equation, start: int, treatment: float, values: Mapping[str, Polynomial]
) -> dict[Monomial, Floats]:
    total: dict[Monomial, Floats] = {}
    for position, term in enumerate(equation.terms, start):
        regressor = _regressor(system, term.factors, treatment, values)
        if system.design.centred and term.kind != "intercept":
            regressor = add(regressor, _centre(system, term.factors), factor=-1.0)
        total = add(total, times_coefficient(regressor, position))
    return total


def _centre(system: System, factors: tuple[str, ...]) -> Polynomial:
    """Return the mean of a product inside a cluster: as observed; in a new cluster a responding factor has its own mean.

    There it is the product of the two means plus a covariance, which the node's slopes make where the rest of the product is
    a regressor of the node.
    """
    observed = constant(system.column_mean[factors])
    responding = [name for name in factors if name in system.design.nodes]
    if not (system.own_means and responding):
        return observed
    intercept = next(
        i for i, term in enumerate(system.design.terms) if term.target == responding[0] and term.kind == "intercept"
    )
    rest = [name for name in factors if name != responding[0]]
    others = _mean_of_others(system, rest)
    own: Polynomial = {(intercept,): others}
    made = _covariance_of(system, responding[0], rest)
    if made is None:
        made = constant(system.column_mean[factors] - others * system.column_mean[(responding[0],)])
    return add(own, made)


def _covariance_of(system: System, node: str, rest: list[str]) -> Polynomial | None:
    """Return the covariance of a node with one of its own regressors, which its slopes make; None where it is not known."""
    own = system.covariance.get(node)
    start = 0
    for equation in system.design.equations:
        for position, term in enumerate(equation.terms):
            if own is not None and equation.node == node and rest and sorted(term.factors) == sorted(rest):
                slopes = (i for i, other in enumerate(equation.terms) if other.kind != "intercept")
                return {(start + i,): own[:, position, i] for i in slopes}
        start += len(equation.terms)
    return None


def covariances_inside(design: Design, sxx: Floats, rows: NDArray[np.int64]) -> dict[str, Floats]:
    """Return the covariances that `System` holds, of centred equations that are fitted to moments.

    Parameters
    ----------
    design
        The equations.
    sxx
        (G, P, P) centred cross-products of the regressors of these equations, equation after equation.
    rows
        (G,) numbers of rows.
    """
    found: dict[str, Floats] = {}
    start = 0
    for equation in design.equations:
        if not equation.sampled:
            stop = start + len(equation.terms)
            found[equation.node] = sxx[:, start:stop, start:stop] / np.maximum(rows, 1)[:, None, None]
            start = stop
    return found if design.centred else {}


def _mean_of_others(system: System, factors: list[str]) -> Floats:
    """Return the cluster means (G,) of a product of which no factor responds; of constants they are a product of means."""
    wanted = sorted(factors)
    known = next((mean for name, mean in system.column_mean.items() if sorted(name) == wanted), None)
    if known is None:
        known = everywhere(system, 1.0)
        for name in factors:
            known = known * system.column_mean[(name,)]
    return known


def has_own_levels(design: Design) -> bool:
    """Whether effects in new clusters may depend on where these are centred: a product holds a node with an equation."""
    responding = set(design.nodes)
    return design.centred and any(
        term.kind == "interaction" and not responding.isdisjoint(term.factors) for term in design.terms
    )


def _regressor(
    system: System, factors: tuple[str, ...], treatment: float, values: Mapping[str, Polynomial]
) -> dict[Monomial, Floats]:
    """Return the mean of a product of one node with an equation, or of context, with what is the same in all rows."""
    number = 1.0
    responding: list[Polynomial] = []
    context: list[str] = []
    still: list[Floats] = []
    for factor in factors:
        if factor == system.design.treatment:
            number *= treatment
        elif factor in values:
            responding.append(values[factor])
        elif factor in system.context_at:
            number *= system.context_at[factor]
        elif factor in system.design.constant:
            still.append(system.column_mean[(factor,)])
        else:
            context.append(factor)
    if len(responding) > 1 or (responding and context):
        raise UnsupportedError(
            f"the mean of {' * '.join(factors)} is not the product of its factors' means",
            fix="simulate effects in this system: causalcluster.effects.gformula",
        )
    if context:
        responding.append(constant(_context_mean(system, context)))
    result = scale_by(responding[0], number) if responding else constant(everywhere(system, number))
    for mean in still:
        result = {monomial: weight * mean for monomial, weight in result.items()}
    return result


def _context_mean(system: System, factors: list[str]) -> Floats:
    """Return the clusters' means (G,) of a product of columns, in whatever order it was named."""
    wanted = sorted(factors)
    return next(mean for name, mean in system.column_mean.items() if sorted(name) == wanted)


def everywhere(system: System, value: float) -> Floats:
    """Return ``value`` for every cluster (G,)."""
    size = next(iter(system.column_mean.values())).shape
    return np.full(size, value)

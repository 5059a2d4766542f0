"""Effects where something unmeasured moves a mediator and the outcome, in linear systems: no refit, exact per draw.

Let the errors of a mediator M and of the outcome Y of one row have correlation rho given the cluster's coefficients
(Imai, Keele and Tingley 2010, Psychological Methods 15; Imai, Keele and Yamamoto 2010, Statistical Science 25). The
regression of Y on its causes then takes up E[error of Y | error of M] = delta (M - its linear predictor), with

    delta = rho / sqrt(1 - rho^2) * sigma_Y|M / sigma_M,

the ratio of the two residual standard deviations of the fit. Taking that off gives Y's own coefficients: M's is less by
delta, and that of each cause of M more by delta times its coefficient on M. So every effect is what was estimated plus
delta times a polynomial in the same coefficients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammaln

from causalcluster.design import Design
from causalcluster.effects.estimands import Estimand
from causalcluster.effects.levels import evaluate_effects
from causalcluster.effects.networks import SystemDraws
from causalcluster.effects.polynomials import Monomial, Polynomial, add, times_coefficient
from causalcluster.sensitivity.curves import Bent, Key

Floats = NDArray[np.float64]
LEVELS = ("population", "sample", "cluster")
EFFECTS = ("nde", "nie")
_LEAST_SHAPE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confounded:
    """One effect that depends on the correlation of a mediator's error with the outcome's.

    Attributes
    ----------
    mediator
        The mediator.
    estimand
        The effect.
    change
        What one unit of delta, on the standardised scale, adds to it.
    """

    mediator: str
    estimand: Estimand
    change: Polynomial


def why_not(design: Design, mediator: str, outcome: str) -> str:
    """Return why the effects of a correlation between two errors are not computed, or nothing."""
    if design.lagged:
        return "edges have lags"
    if design.layered:
        return "rows of a cluster and period share errors"
    own = {term.factors for term in design.terms if term.target == mediator and term.kind in ("slope", "interaction")}
    its = {term.factors for term in design.terms if term.target == outcome}
    if (mediator,) not in its:
        return f"{mediator} is no cause of {outcome}"
    if own - its:
        missing = " * ".join(sorted(own - its)[0])
        return (
            f"{missing} acts on {mediator} and not on {outcome}, so that the data themselves tell of the correlation: draw "
            f"the edge {missing} -> {outcome} for a sensitivity analysis that does not lean on its absence"
        )
    return ""


def confounded_effects(estimands: Sequence[Estimand], design: Design, mediators: Sequence[str]) -> Iterator[Confounded]:
    """Yield the natural effects that move with the correlation between the errors of a mediator and their outcome."""
    for estimand in estimands:
        if estimand.effect not in EFFECTS or estimand.at:
            continue
        for mediator in mediators:
            if why_not(design, mediator, estimand.outcome):
                continue
            change = _derivative(estimand.polynomial, design, mediator, estimand.outcome)
            if change:
                yield Confounded(mediator=mediator, estimand=estimand, change=change)


def _derivative(polynomial: Polynomial, design: Design, mediator: str, outcome: str) -> Polynomial:
    """Return what one unit of delta adds to a polynomial, in which each coefficient of the outcome occurs once at most."""
    place = {(term.target, term.factors): i for i, term in enumerate(design.terms)}
    slope = place[outcome, (mediator,)]
    instead = {place[outcome, factors]: i for (target, factors), i in place.items() if target == mediator and factors}
    out: dict[Monomial, Floats] = {}
    for monomial, weight in polynomial.items():
        if slope in monomial:
            rest = list(monomial)
            rest.remove(slope)
            out = add(out, {tuple(rest): -weight})
        for own, other in instead.items():
            if own in monomial:
                moved = list(monomial)
                moved.remove(own)
                out = add(out, times_coefficient({tuple(moved): weight}, other))
    return out


def bend_effects(
    confounded: Sequence[Confounded], design: Design, draws: SystemDraws, *, random_seed: int
) -> tuple[Bent, ...]:
    """Evaluate effects and how they move with the correlation, at the levels `LEVELS`.

    Residual standard deviations of clusters go with their ratio in each cluster; in the population, where they are
    independent of coefficients, with its expectation.
    """
    if not confounded:
        return ()
    found: list[Bent] = []
    for mediator in dict.fromkeys(item.mediator for item in confounded):
        own = [item for item in confounded if item.mediator == mediator]
        for outcome in dict.fromkeys(item.estimand.outcome for item in own):
            these = [item for item in own if item.estimand.outcome == outcome]
            found += _bend(these, mediator, outcome, design, draws, random_seed)
    return tuple(found)


def _bend(
    these: Sequence[Confounded], mediator: str, outcome: str, design: Design, draws: SystemDraws, seed: int
) -> Iterator[Bent]:
    place = {node: k for k, node in enumerate(design.nodes)}
    clusters, population = _ratios(draws, place[outcome], place[mediator])
    value = evaluate_effects([item.estimand for item in these], draws.coefficients, random_seed=seed, levels=LEVELS)
    changes = [replace(item.estimand, polynomial=item.change, denominator=None, elsewhere=None) for item in these]
    change = evaluate_effects(changes, draws.coefficients, random_seed=seed, levels=LEVELS)
    keys = _keys(value)
    where = {key: i for i, key in enumerate(_keys(change))}
    label = {name: g for g, name in enumerate(draws.coefficients.clusters)}
    present = draws.coefficients.rows > 0
    single = draws.coefficients.clusters == ("",)
    for i, (effect, via, level, cluster) in enumerate(keys):
        own = change["effect"].values[..., where[effect, via, level, cluster]]
        if level == "population":
            slope = population * own
        elif level == "cluster":
            slope = clusters[..., label[cluster]] * own
        elif single:
            slope = clusters[..., 0] * own
        else:
            by_cluster = [
                clusters[..., g] * change["effect"].values[..., where[effect, via, "cluster", name]]
                for name, g in label.items()
                if present[g]
            ]
            slope = np.mean(by_cluster, axis=0)
        yield Bent(
            key=Key(outcome=outcome, effect=effect, via=via, level=level, cluster=cluster, mediator=mediator),
            value=value["effect"].values[..., i].ravel(),
            slope=slope.ravel(),
        )


def _keys(effects: xr.Dataset) -> list[tuple[str, str, str, str]]:
    names = ("estimand", "via", "level", "cluster")
    return list(zip(*(map(str, effects[name].values) for name in names), strict=True))


def _ratios(draws: SystemDraws, outcome: int, mediator: int) -> tuple[Floats, Floats]:
    """Return sd of the outcome's error over that of the mediator's: (chain, draw, G) in clusters, (chain, draw) expected."""
    clusters = draws.sd[..., outcome] / draws.sd[..., mediator]
    if draws.typical_log_sd is None or draws.sd_spread is None:
        return clusters, clusters.mean(axis=-1)
    typical = draws.typical_log_sd[..., outcome] - draws.typical_log_sd[..., mediator]
    above, below = (_log_moment(draws.sd_spread[..., k], power) for k, power in ((outcome, -0.5), (mediator, 0.5)))
    return clusters, np.exp(typical + above + below)


def _log_moment(spread: Floats, power: float) -> Floats:
    """Return log E[G^power] of a gamma G with mean 1 and shape 1 / (4 spread^2): inverse variances of clusters' errors."""
    shape = np.maximum(0.25 * np.maximum(spread, 1e-3) ** -2.0, _LEAST_SHAPE)
    found: Floats = gammaln(shape + power) - gammaln(shape) - power * np.log(shape)
    return found

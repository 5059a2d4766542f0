"""Sufficient statistics of gaussian nodes, replicated from their sampling distributions given the observed parents.

A cluster's mean, standard deviation and correlations with the parents are functions of X'X, X'y and y'y. Given X'X and the
cluster's parameters, X'y is normal and the residual sum of squares an independent scaled chi-square: no row is drawn.
Fitted to these very numbers, a cluster's own parameters reproduce them whatever they are; the parameters are therefore
drawn anew from the population of clusters (the mixed predictive checks of Marshall and Spiegelhalter 2007, Bayesian
Analysis 2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.checks.draws import SomeDraws, new_coefficients, new_sds
from causalcluster.checks.statistics import Replicated, correlation_name
from causalcluster.design import Design, Equation
from causalcluster.model.standard import MomentArrays, Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_ROUNDING = 1e-10
_NUMBERS_AT_ONCE = 2_000_000
LEAST_FOR_SD, LEAST_FOR_CORRELATION = 3, 4


def replicate_moments(
    design: Design, scale: Scale, arrays: MomentArrays, draws: SomeDraws, rng: np.random.Generator
) -> list[Replicated]:
    """Replicate the moments of every node whose equation is fitted to them; none without a population of clusters.

    Equations in which missing values are averaged over are left out: what was seen in them is no random choice of rows.

    Where cluster intercepts have a distribution of their own, apart from the slopes, means are not replicated.
    """
    if not draws.has_population:
        return []
    found: list[Replicated] = []
    term = moment_term = own = 0
    for k, equation in enumerate(design.equations):
        size = len(equation.terms)
        if not equation.sampled:
            xx = arrays.sxx[:, moment_term : moment_term + size, moment_term : moment_term + size]
            xy, yy = arrays.sxy[:, moment_term : moment_term + size], arrays.syy[:, own]
            rows = arrays.dof[:, own].astype(np.int64) if design.gaps else arrays.rows
            sums = _given(equation, rows, arrays.dof[:, own], xx)
            found += _replicate(sums, xy, yy, scale, draws, slice(term, term + size), k, rng)
            moment_term, own = moment_term + size, own + 1
        term += size
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """What is given in an equation.

    Attributes
    ----------
    equation
        Its node and terms.
    rows, dof
        (G,) rows and degrees of freedom.
    xx, root, rank
        X'X (G, p, p), a square root of it whose last columns alone are not zero, and how many of them (G,).
    """

    equation: Equation
    rows: Ints
    dof: Floats
    xx: Floats
    root: Floats
    rank: Ints

    @property
    def intercept(self) -> int | None:
        """Position of the intercept among the terms."""
        return next((i for i, term in enumerate(self.equation.terms) if term.kind == "intercept"), None)


def _given(equation: Equation, rows: Ints, dof: Floats, xx: Floats) -> _Sums:
    values, vectors = np.linalg.eigh(xx)
    kept = values > _ROUNDING * np.maximum(values.max(axis=1, initial=0.0), 1e-300)[:, None]
    root = vectors * np.sqrt(np.where(kept, values, 0.0))[:, None, :]
    return _Sums(equation=equation, rows=rows, dof=dof, xx=xx, root=root, rank=kept.sum(axis=1))


def _replicate(
    sums: _Sums,
    xy: Floats,
    yy: Floats,
    scale: Scale,
    draws: SomeDraws,
    terms: slice,
    k: int,
    rng: np.random.Generator,
) -> Iterator[Replicated]:
    n_clusters, n_draws = len(sums.rows), len(draws.theta)
    observed = _statistics(sums, slice(None), xy[None], yy[None])
    replicated = {name: np.empty((n_draws, n_clusters)) for name in observed}
    at_once = max(1, _NUMBERS_AT_ONCE // (n_draws * max(sums.xx.shape[1], 1)))
    for start in range(0, n_clusters, at_once):
        part = slice(start, min(start + at_once, n_clusters))
        drawn = _draw_sums(sums, part, draws, terms, k, rng)
        for name, values in _statistics(sums, part, *drawn).items():
            replicated[name][:, part] = values
    node, unit = sums.equation.node, scale.scale[sums.equation.node]
    for name in observed:
        shift, factor = {"mean": (scale.shift[node], unit), "sd": (0.0, unit)}.get(name, (0.0, 1.0))
        kept = np.flatnonzero(_is_defined(sums, name) & np.isfinite(observed[name][0]))
        yield Replicated(
            node=node,
            statistic=name,
            coefficients="population",
            clusters=tuple(draws.clusters[g] for g in kept),
            rows=sums.rows[kept],
            observed=shift + factor * observed[name][0, kept],
            replicated=shift + factor * replicated[name][:, kept],
        )


def _is_defined(sums: _Sums, name: str) -> NDArray[np.bool_]:
    least = {"mean": 1, "sd": LEAST_FOR_SD}.get(name, LEAST_FOR_CORRELATION)
    return np.asarray(sums.rows >= least)


def _draw_sums(
    sums: _Sums, part: slice, draws: SomeDraws, terms: slice, k: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw X'y (S, g, p) and y'y (S, g) of new clusters with the observed X'X."""
    n_clusters = len(sums.rows[part])
    theta, sd = new_coefficients(draws, terms, n_clusters, rng), new_sds(draws, k, n_clusters, rng)
    score = rng.standard_normal(theta.shape)
    noise = np.einsum("gij,sgj->sgi", sums.root[part], score)
    fitted = np.einsum("gij,sgj->sgi", sums.xx[part], theta)
    explained = np.square(score).sum(axis=2, where=np.arange(theta.shape[2]) >= theta.shape[2] - sums.rank[part, None])
    rest = 2.0 * rng.standard_gamma(np.broadcast_to(0.5 * np.maximum(sums.dof - sums.rank, 0.0)[part], sd.shape))
    yy = (theta * fitted).sum(axis=2) + 2.0 * sd * (theta * noise).sum(axis=2) + sd**2 * (explained + rest)
    return fitted + sd[..., None] * noise, yy


def _statistics(sums: _Sums, part: slice, xy: Floats, yy: Floats) -> dict[str, Floats]:
    """Return statistics (S, g) on the standardised scale from X'y (S, g, p) and y'y (S, g)."""
    n, xx, found = np.maximum(sums.rows[part], 1).astype(float), sums.xx[part], {}
    size = xx.shape[1]
    x_sum, y_sum = np.zeros((len(n), size)), np.zeros_like(yy)
    if sums.intercept is not None:
        x_sum, y_sum = xx[:, sums.intercept], xy[..., sums.intercept]
        found["mean"] = y_sum / n
    squares = np.maximum(yy - y_sum**2 / n, 0.0)
    found["sd"] = np.sqrt(squares / np.maximum(n - 1.0, 1.0))
    for j, term in enumerate(sums.equation.terms):
        if term.kind == "intercept":
            continue
        own = np.maximum(xx[:, j, j] - x_sum[:, j] ** 2 / n, 0.0)
        still = own <= _ROUNDING * np.maximum(xx[:, j, j], 1e-300)
        both = xy[..., j] - x_sum[:, j] * y_sum / n
        size_of = np.sqrt(np.where(still, np.nan, own) * np.where(squares > 0.0, squares, np.nan))
        found[correlation_name(term)] = np.clip(both / size_of, -1.0, 1.0)
    return found

"""Answers of rows, replicated given their observed parents, and their statistics by cluster.

What a cluster's own coefficients are fitted to (its mean, its correlations with the parents) is replicated with coefficients
drawn anew from the population of clusters; what they are not fitted to (dispersion, zeros, grades, shape of the residuals)
with the cluster's own, which is the sharper check of the family.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from causalcluster.checks.answers import Answer, draw_answers, residuals
from causalcluster.checks.draws import SomeDraws, new_coefficients, new_sds
from causalcluster.checks.rows import CheckedRows
from causalcluster.checks.statistics import EVERY, Replicated, Source, correlation_name
from causalcluster.design import Design, Equation
from causalcluster.families import FAMILIES, needs_rows

Floats = NDArray[np.float64]
Statistics = dict[str, Floats]
LEAST_ROWS = {"mean": 1, "dispersion": 4, "absolute residual": 4, "skewness": 8, "kurtosis": 8}
LEAST_FOR_CORRELATION = 4


def replicate_rows(
    design: Design, checked: dict[str, CheckedRows], draws: SomeDraws, rng: np.random.Generator
) -> list[Replicated]:
    """Replicate the rows of every equation of which there are some."""
    found: list[Replicated] = []
    start = 0
    for k, equation in enumerate(design.equations):
        terms = slice(start, start + len(equation.terms))
        start = terms.stop
        rows = checked.get(equation.node)
        if rows is None or not len(rows.y):
            continue
        if draws.has_population and needs_rows(equation.family):
            found += _against_population(equation, rows, draws, terms, k, rng)
        found += _against_own(equation, rows, draws, terms, k, rng)
    return found


def _answer(equation: Equation, rows: CheckedRows, draws: SomeDraws, k: int, sd: Floats) -> Answer:
    thresholds = draws.thresholds.get(equation.node, np.zeros((len(sd), 0)))
    return Answer(
        family=equation.family,
        link=equation.link,
        other=rows.other,
        sd=sd[:, rows.place] if "sd" in FAMILIES[equation.family].parameters else sd[:, :1],
        nu=draws.nu[:, k, None],
        shape=draws.shape[:, k, None],
        precision=draws.precision[:, k, None],
        thresholds=thresholds,
    )


def _predictor(rows: CheckedRows, theta: Floats) -> Floats:
    """Return linear predictors (S, R) at coefficients (S, C, p) of the clusters that have rows."""
    eta = np.zeros((len(theta), len(rows.y)))
    for j in range(theta.shape[2]):
        eta += theta[:, rows.place, j] * rows.x[:, j]
    return eta


def _against_population(
    equation: Equation, rows: CheckedRows, draws: SomeDraws, terms: slice, k: int, rng: np.random.Generator
) -> Iterator[Replicated]:
    n_clusters = len(rows.present)
    sd = draws.sd[:, rows.present, k] if draws.typical_log_sd is None else new_sds(draws, k, n_clusters, rng)
    eta = _predictor(rows, new_coefficients(draws, terms, n_clusters, rng))
    drawn = draw_answers(_answer(equation, rows, draws, k, sd), eta, rng)
    observed, replicated = (_fitted_statistics(equation, rows, y) for y in (rows.y[None], drawn))
    yield from _name(equation, rows, draws, observed, replicated, "population")


def _fitted_statistics(equation: Equation, rows: CheckedRows, y: Floats) -> Statistics:
    """Return the mean, and correlations with the parents, by cluster (S, C)."""
    values = rows.in_units(y)
    mean = rows.average(values)
    away = values - mean[:, rows.place]
    squares, found = rows.average(away * away), {"mean": mean}
    for j, term in enumerate(equation.terms):
        if term.kind == "intercept":
            continue
        x = rows.x[:, j] - rows.average(rows.x[None, :, j])[0, rows.place]
        x_squares = rows.average(x[None] ** 2)
        size = np.sqrt(np.where(x_squares > 1e-20, x_squares, np.nan) * squares)
        both = rows.average(x * away)
        # Where all values are one, as all zeros, nothing goes with the parent.
        found[correlation_name(term)] = np.where(
            np.isnan(size), np.nan, np.divide(both, size, where=size > 0.0, out=0.0 * both)
        )
    return found


def _against_own(
    equation: Equation, rows: CheckedRows, draws: SomeDraws, terms: slice, k: int, rng: np.random.Generator
) -> Iterator[Replicated]:
    names = _shape_statistics(equation, rows)
    if not names:
        return
    answer = _answer(equation, rows, draws, k, draws.sd[:, rows.present, k])
    eta = _predictor(rows, draws.theta[:, rows.present, terms])
    drawn = draw_answers(answer, eta, rng)
    observed, replicated = (_shapes(names, rows, y, residuals(answer, y, eta)) for y in (rows.y[None], drawn))
    yield from _name(equation, rows, draws, observed, replicated, "own")


def _shape_statistics(equation: Equation, rows: CheckedRows) -> dict[str, float | None]:
    """Return the statistics that a cluster's coefficients are not fitted to; of shares with the value counted, else None."""
    family = equation.family
    grouped = family == "binomial" and bool((rows.other > 1.0).any())
    found: dict[str, float | None] = {}
    if family in ("poisson", "negative_binomial", "beta", "lognormal") or grouped:
        found["dispersion"] = None
    if family == "student":
        found["absolute residual"] = None
    if family in ("poisson", "negative_binomial") or grouped:
        found["share of zeros"] = 0.0
    if family == "ordinal":
        found |= {f"share of {value:g}": float(grade) for grade, value in enumerate(rows.grades)}
    if family in ("lognormal", "student") or (family == "gaussian" and not rows.has_two_values):
        found |= {"skewness": None, "kurtosis": None}
    return found


def _shapes(names: dict[str, float | None], rows: CheckedRows, y: Floats, away: Floats) -> Statistics:
    """Return statistics (1 or S, C + 1), all rows together last, of values (1 or S, R) with residuals (S, R).

    Skewness and kurtosis are of residuals around the cluster's mean residual.
    """
    found: Statistics = {}
    for name, value in names.items():
        if value is not None:
            found[name] = rows.average((y == value).astype(float), together=True)
    if "dispersion" in names:
        found["dispersion"] = rows.average(away * away, together=True)
    if "absolute residual" in names:
        # The square of a student's residual may have no mean.
        found["absolute residual"] = rows.average(np.abs(away), together=True)
    if "skewness" in names:
        away = away - rows.average(away)[:, rows.place]
        squares = away * away
        size = np.maximum(rows.average(squares, together=True), 1e-300)
        found["skewness"] = rows.average(squares * away, together=True) / size**1.5
        found["kurtosis"] = rows.average(squares * squares, together=True) / size**2
    return found


def _name(
    equation: Equation, rows: CheckedRows, draws: SomeDraws, observed: Statistics, replicated: Statistics, source: Source
) -> Iterator[Replicated]:
    """Yield statistics (S, C or C + 1) for the clusters in which they are defined; of several, also for all together."""
    labels = [draws.clusters[g] for g in rows.present]
    for name, values in replicated.items():
        together = values.shape[1] > len(labels)
        least = LEAST_ROWS.get(name, LEAST_FOR_CORRELATION if name.startswith("correlation") else 1)
        kept = (rows.sizes >= least) & np.isfinite(observed[name][0, : len(labels)])
        chosen = [int(c) for c in np.flatnonzero(kept)]
        if together and len(labels) > 1:
            chosen.append(len(labels))
        yield Replicated(
            node=equation.node,
            statistic=name,
            coefficients=source,
            clusters=tuple([*labels, EVERY][c] for c in chosen),
            rows=np.array([*rows.sizes, rows.sizes.sum()])[chosen],
            observed=observed[name][:, chosen],
            replicated=values[:, chosen],
        )

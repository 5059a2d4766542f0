"""Rows of the equations whose likelihood needs them, on the scale of the model, and the guide of their coefficients."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtri

from causalcluster.data import RowTable, select_rows
from causalcluster.design import Design, Equation
from causalcluster.families import FAMILIES, Family, Link, needs_rows
from causalcluster.model.gap_arrays import GapArrays, sampled_equations, sampled_terms, without_gaps
from causalcluster.model.row_densities import FAMILY_CODES, LINK_CODES
from causalcluster.model.row_kernel import row_information
from causalcluster.model.standard import MomentArrays, Scale, block_diagonal
from causalcluster.model.thresholds import rising

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

GUIDE_BETWEEN_SD = 0.7
_GUIDE_STEPS = 30
_LINK_UNIT: Mapping[Link, float] = {"logit": 1.7, "probit": 1.0, "cloglog": 1.2, "log": 1.0, "identity": 1.0}
_GUESSES: Mapping[str, float] = {"sd": -0.5, "nu": 2.3, "shape": 1.0, "precision": 2.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquationRows:
    """One equation with rows; R rows, p coefficients.

    Attributes
    ----------
    node, family, link
        The equation.
    x
        (R, p) standardised predictors in the order of its terms.
    y
        (R,) the value: successes, count, logarithm (lognormal), standardised value (student), share, or grade 0 to J - 1.
    other
        (R,) trials, or the logarithm of the exposure; 0 elsewhere.
    weight, cluster
        (R,) rows that each stands for, and the position of its cluster.
    grades
        The values of an ordinal node, in rising order.
    unit
        The prior's unit on the scale of the linear predictor: what a standard deviation is for a gaussian.
    origin
        The linear predictor of a typical row.
    """

    node: str
    family: Family
    link: Link
    x: Floats
    y: Floats
    other: Floats
    weight: Floats
    cluster: Whole
    grades: tuple[float, ...]
    unit: float
    origin: float

    @property
    def codes(self) -> tuple[int, int]:
        """Family and link as the compiled densities read them."""
        return FAMILY_CODES[self.family], LINK_CODES[self.link]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowEquations:
    """All equations with rows, where their coefficients stand, and the guide of `causalcluster.model.placement`.

    Attributes
    ----------
    equations
        In causal order.
    starts
        (K + 1,) first coefficient of each among ``terms``.
    terms, moment_terms
        Positions of the coefficients of equations with rows, and of all others, in the design's order.
    columns, moment_columns
        Columns of the covariance root that reach an equation with rows, and the others.
    information, pull
        (G, P_rows, P_rows) and (G, P_rows): each cluster's rows as a quadratic.
    at
        (G, P_rows) the coefficients around which the quadratic was taken.
    parameters
        Node and name of each parameter beyond the linear predictors.
    offsets
        (J + 1,) first raw threshold of each ordinal equation.
    raw_thresholds
        (T,) raw thresholds at which the grades have their observed shares.
    gaps
        Gaussian equations that are sampled too, because values are missing; their coefficients follow the others'.
    """

    equations: tuple[EquationRows, ...]
    starts: Whole
    terms: Whole
    columns: Whole
    moment_terms: Whole
    moment_columns: Whole
    information: Floats
    pull: Floats
    parameters: tuple[tuple[str, str], ...]
    offsets: Whole
    raw_thresholds: Floats
    at: Floats
    gaps: GapArrays | None = None


def with_rows(arrays: MomentArrays, design: Design, values: RowTable, scale: Scale) -> MomentArrays:
    """Return standardised moments together with the rows of the equations that need them."""
    rows = prepare_rows(design, values, scale, arrays.column_mean, arrays.varying)
    return replace(arrays, row_equations=rows)


def row_labels(rows: RowEquations | None) -> dict[str, list[Any]]:
    """Return the labels of the dims that equations with rows add to the model."""
    if rows is None:
        return {}
    return {
        "row_column": list(range(len(rows.columns))),
        "parameter": [f"{name} of {node}" for node, name in rows.parameters],
        "threshold": list(range(len(rows.raw_thresholds))),
    }


def prepare_rows(
    design: Design,
    values: RowTable | None,
    scale: Scale,
    column_mean: Mapping[tuple[str, ...], Floats],
    varying: Whole,
) -> RowEquations:
    """Take rows to the scale of the model.

    Parameters
    ----------
    design
        The equations, some of them with families that need rows.
    values
        The rows; None where only gaussian equations are sampled.
    scale
        Shifts and scales of the columns.
    column_mean
        Standardised cluster means (G,) by factors.
    varying
        (Q,) coefficient behind each between-cluster standard deviation.
    """
    equations = [
        _prepare_equation(equation, design, usable_rows(equation, design, values), scale, column_mean)
        for equation in design.equations
        if values is not None and needs_rows(equation.family)
    ]
    own, n_terms = sampled_terms(design), len(design.terms)
    others = np.setdiff1d(np.arange(n_terms), own)
    reached = np.isin(varying, own)
    n_clusters = len(next(iter(column_mean.values())))
    guides = [_guide(item, n_clusters) for item in equations]
    sizes = [len(equation.terms) for equation in sampled_equations(design)]
    raw = [_raw_thresholds(item) for item in equations if item.family == "ordinal"]
    return RowEquations(
        equations=tuple(equations),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        terms=own,
        columns=np.flatnonzero(reached),
        moment_terms=others,
        moment_columns=np.flatnonzero(np.logical_not(reached)),
        information=block_diagonal([np.zeros((n_clusters, 0, 0)), *(item.information for item in guides)]),
        pull=np.concatenate([np.zeros((n_clusters, 0)), *(item.pull for item in guides)], axis=1),
        at=np.concatenate([np.zeros((n_clusters, 0)), *(item.at for item in guides)], axis=1),
        parameters=tuple((item.node, name) for item in equations for name in FAMILIES[item.family].parameters),
        offsets=np.concatenate([[0], np.cumsum([len(item) for item in raw])]).astype(np.int64),
        raw_thresholds=np.concatenate([*raw, np.zeros(0)]),
    )


def without_rows(rows: RowEquations, g: int) -> RowEquations:
    """Return rows in which cluster ``g`` has none."""
    equations = tuple(replace(item, weight=np.where(item.cluster == g, 0.0, item.weight)) for item in rows.equations)
    information, pull = rows.information.copy(), rows.pull.copy()
    information[g], pull[g] = 0.0, 0.0
    gaps = None if rows.gaps is None else without_gaps(rows.gaps, g)
    return replace(rows, equations=equations, information=information, pull=pull, gaps=gaps)


def without_rows_of(rows: RowEquations, design: Design, hidden: Collection[str]) -> RowEquations:
    """Return rows of which none are left in equations that hold ``hidden`` nodes; grades and the guide stay."""
    held = {e.node for e in design.equations if not {e.node, *(f for t in e.terms for f in t.factors)}.isdisjoint(hidden)}

    def empty(item: EquationRows) -> EquationRows:
        arrays = ("x", "y", "other", "weight", "cluster")
        kept: dict[str, Any] = {name: getattr(item, name)[:0] for name in arrays}
        return replace(item, **kept)

    return replace(rows, equations=tuple(empty(item) if item.node in held else item for item in rows.equations))


def _prepare_equation(
    equation: Equation,
    design: Design,
    values: RowTable,
    scale: Scale,
    column_mean: Mapping[tuple[str, ...], Floats],
) -> EquationRows:
    node, family = equation.node, equation.family
    x = np.column_stack([regressor(term.factors, design, values, scale, column_mean) for term in equation.terms])
    raw = values.columns[node]
    grades: tuple[float, ...] = ()
    y, other = raw, np.zeros_like(raw)
    if family == "lognormal":
        y = np.log(raw)
    elif family == "student":
        y = (raw - scale.shift[node]) / scale.scale[node]
    elif family == "ordinal":
        found, grade = np.unique(raw, return_inverse=True)
        y = grade.astype(float)
        grades = tuple(float(value) for value in found)
    if family in ("bernoulli", "binomial"):
        other = np.asarray(values.trials.get(node, np.ones_like(raw)), dtype=float)
    elif family in ("poisson", "negative_binomial") and node in values.exposure:
        other = np.log(values.exposure[node])
    kept = _collapse(np.column_stack([values.cluster, y, other, x]), values.weight)
    table, weight = kept
    return EquationRows(
        node=node,
        family=family,
        link=equation.link,
        x=np.ascontiguousarray(table[:, 3:]),
        y=np.ascontiguousarray(table[:, 1]),
        other=np.ascontiguousarray(table[:, 2]),
        weight=weight,
        cluster=table[:, 0].astype(np.int64),
        grades=grades,
        unit=_unit(family, equation.link, y, values),
        origin=_origin(family, equation.link, y, other, values.weight),
    )


def usable_rows(equation: Equation, design: Design, values: RowTable) -> RowTable:
    """Return the rows that say something about an equation: its values are there, and nothing in it is averaged."""
    if not design.gaps:
        return values
    names = {equation.node, *(factor for term in equation.terms for factor in term.factors)}
    keep = np.all([np.isfinite(values.columns[name]) for name in names], axis=0)
    return select_rows(values, keep)


def regressor(
    factors: tuple[str, ...],
    design: Design,
    values: RowTable,
    scale: Scale,
    column_mean: Mapping[tuple[str, ...], Floats],
) -> Floats:
    """Return the standardised predictor (R,) of a term: a product of nodes, centred where the design is; 1 for none."""
    column = np.ones(len(values.cluster))
    for factor in factors:
        column = column * (values.columns[factor] - scale.shift[factor]) / scale.scale[factor]
    return column - column_mean[factors][values.cluster] if factors and design.centred else column


def _collapse(table: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Join equal rows where that halves them at least; rows stay sorted by cluster."""
    distinct, inverse = np.unique(table, axis=0, return_inverse=True)
    if 2 * len(distinct) > len(table):
        return table, np.asarray(weight, dtype=float)
    return distinct, np.bincount(inverse.ravel(), weights=weight, minlength=len(distinct))


def _unit(family: Family, link: Link, y: Floats, values: RowTable) -> float:
    if family != "lognormal":
        return _LINK_UNIT[link]
    total, squares = np.bincount(values.cluster, values.weight), np.bincount(values.cluster, values.weight * y)
    mean = squares / np.maximum(total, 1.0)
    rest = float((values.weight * (y - mean[values.cluster]) ** 2).sum())
    return float(np.sqrt(rest / max(float(total.sum()) - len(total), 1.0))) or 1.0


def _origin(family: Family, link: Link, y: Floats, other: Floats, weight: Floats) -> float:
    """Return the link of the overall mean; zero where the response is standardised or thresholds take its place."""
    if family in ("student", "ordinal"):
        return 0.0
    if family == "lognormal":
        return float(np.average(y, weights=weight))
    if family in ("poisson", "negative_binomial"):
        return float(np.log(max((weight * y).sum(), 0.5) / (weight * np.exp(other)).sum()))
    trials = other if family != "beta" else np.ones_like(y)
    p = float(((weight * y).sum() + 0.5) / ((weight * trials).sum() + 1.0))
    return float(link_of_share(np.asarray(p), link))


def link_of_share(p: Floats, link: Link) -> Floats:
    """Return the linear predictor at which a share is ``p``."""
    if link == "probit":
        return np.asarray(ndtri(p), dtype=float)
    return np.asarray(np.log(-np.log1p(-p)) if link == "cloglog" else logit(p), dtype=float)


def _raw_thresholds(item: EquationRows) -> Floats:
    """Thresholds at the observed shares of the grades, on the raw scale."""
    counts = np.bincount(item.y.astype(int), item.weight, minlength=len(item.grades)) + 0.5
    shares = np.cumsum(counts)[:-1] / counts.sum()
    levels = link_of_share(shares, item.link)
    return np.concatenate([levels[:1], np.log(np.diff(levels))])


def parameter_guesses(item: EquationRows) -> Floats:
    """Logarithms of the parameters (2,) that a first look suggests."""
    out = np.zeros(2)
    for i, name in enumerate(FAMILIES[item.family].parameters):
        out[i] = _GUESSES[name] + (np.log(item.unit) if name == "sd" else 0.0)
    return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Guide:
    """A quadratic of every cluster around ``at`` (G, p)."""

    information: Floats
    pull: Floats
    at: Floats


def _guide(item: EquationRows, n_clusters: int) -> _Guide:
    """Fit every cluster by penalised Newton steps towards the pooled fit; returns its quadratic around that point."""
    levels = rising(_raw_thresholds(item)) if item.family == "ordinal" else np.zeros(0)
    parameters, p = parameter_guesses(item), item.x.shape[1]
    family, link = item.codes
    arguments = (item.x, item.y, item.other, item.weight, item.cluster, family, link)
    start = np.zeros(p)
    start[0] = item.origin
    one = np.zeros_like(item.cluster)
    pooled = _newton(
        start, np.full(p, 1.0 / (2.5 * item.unit) ** 2), parameters, levels, (*arguments[:4], one, family, link), 1
    )
    penalty = np.full(p, 1.0 / (GUIDE_BETWEEN_SD * item.unit) ** 2)
    at = _newton(pooled[0], penalty, parameters, levels, arguments, n_clusters)
    score, information = row_information(at, parameters, levels, *arguments)
    return _Guide(information=information, pull=score + np.einsum("gij,gj->gi", information, at), at=at)


def _newton(
    centre: Floats, penalty: Floats, parameters: Floats, levels: Floats, arguments: tuple[object, ...], n_clusters: int
) -> Floats:
    at = np.repeat(centre[None], n_clusters, 0)
    for _ in range(_GUIDE_STEPS):
        score, information = row_information(at, parameters, levels, *arguments)
        step = np.linalg.solve(information + np.diag(penalty), (score - penalty * (at - centre))[..., None])[..., 0]
        # Long steps come from far starts, where the curvature says little.
        step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / 2.0)
        at = at + step
        if np.abs(step).max() < 1e-6:
            break
    return at

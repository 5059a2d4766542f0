"""What the likelihood of rows with missing values reads, on the scale of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, Equation, columns, products
from causalcluster.families import FAMILIES
from causalcluster.model.grid_kernel import GAUSSIAN
from causalcluster.model.row_densities import FAMILY_CODES, LINK_CODES
from causalcluster.model.standard import Scale, StandardTable, emptied, standard_columns

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

GROUPS = ("factors", "centre", "averaged", "touches", "at", "second", "precision", "shift")
"""What `causalcluster.model.gap_kernel.gaussian_gaps` reads beside the equations, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridRows:
    """Rows whose missing values are summed over: R rows, Q points, as in `causalcluster.model.grid_kernel.grid_gaps`.

    ``row`` (R,) is the row's place in the table, ``share`` (Q,) the probability of each point in its row at the first fit.
    """

    row: Whole
    share: Floats
    at: Whole
    begin: Whole
    weight: Floats
    x: Floats
    y: Floats
    other: Floats
    log_weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GapArrays:
    """Equations that are sampled because values are missing, and the rows with gaps that they read.

    E sampled equations, those with rows first; K_s of them gaussian; P coefficients; d columns of z.

    Attributes
    ----------
    nodes
        The gaussian ones.
    first
        Place of the first gaussian one among the sampled equations.
    integrated
        Places of the equations that are integrated out among all gaussian ones.
    dof, sxx, sxy, syy
        (G, K_s), (G, P, P), (G, P), (G, K_s): moments of the rows in which nothing is averaged.
    equations, factors, centre, averaged, touches, at, second, precision
        As in `causalcluster.model.gap_kernel.gaussian_gaps`.
    shift
        (d,) how much higher missing values are than the model says, in standard deviations.
    columns
        The nodes of z after the 1.
    grid
        Rows whose missing values are summed over.
    """

    nodes: tuple[str, ...]
    first: int
    integrated: Whole
    dof: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats
    equations: Whole
    factors: Whole
    centre: Floats
    averaged: Flags
    touches: Flags
    at: Whole
    second: Floats
    precision: Floats
    shift: Floats
    columns: tuple[str, ...]
    grid: GridRows


def without_gaps(gaps: GapArrays, g: int) -> GapArrays:
    """Return the same in which cluster ``g`` has no rows."""
    kept: dict[str, Any] = {name: emptied(getattr(gaps, name), g) for name in ("dof", "sxx", "sxy", "syy")}
    second = np.where((gaps.at[:, 0] == g)[:, None, None], 0.0, gaps.second)
    weight = np.where(gaps.grid.at[:, 0] == g, 0.0, gaps.grid.weight)
    return replace(gaps, second=second, grid=replace(gaps.grid, weight=weight), **kept)


def sampled_equations(design: Design) -> tuple[Equation, ...]:
    """Return the equations whose coefficients are sampled: those with rows, then gaussian ones with gaps."""
    sampled = [equation for equation in design.equations if equation.sampled]
    return tuple(sorted(sampled, key=lambda equation: equation.family == "gaussian"))


def sampled_terms(design: Design) -> Whole:
    """Return the places of the sampled coefficients among the design's terms, equation by equation."""
    start = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in design.equations])])
    place = {equation.node: i for i, equation in enumerate(design.equations)}
    parts = [np.arange(start[place[e.node]], start[place[e.node] + 1]) for e in sampled_equations(design)]
    return np.concatenate([np.zeros(0), *parts]).astype(np.int64)


def gaussian_nodes(design: Design) -> list[str]:
    """Return the nodes with gaussian equations, whose residual standard deviations differ between clusters.

    First values are not among them: theirs are fixed.
    """
    return [item.node for item in design.equations if item.family == "gaussian" and item.level != "first"]


def equation_table(design: Design) -> Whole:
    """Return the table of sampled equations that compiled code reads: see `causalcluster.model.gap_kernel`."""
    place = {node: 1 + i for i, node in enumerate(columns(design))}
    sigma = {node: i for i, node in enumerate(gaussian_nodes(design))}
    rows, parameter, ordered = [], 0, 0
    for equation in sampled_equations(design):
        if equation.family == "gaussian":
            rows.append((place[equation.node], sigma[equation.node], GAUSSIAN, 0, 0, 0, -1))
            continue
        count = len(FAMILIES[equation.family].parameters)
        codes = FAMILY_CODES[equation.family], LINK_CODES[equation.link]
        rows.append((place[equation.node], -1, *codes, parameter, count, ordered if equation.family == "ordinal" else -1))
        parameter += count
        ordered += equation.family == "ordinal"
    return np.array(rows, dtype=np.int64).reshape(-1, 7)


def factor_table(design: Design) -> Whole:
    """Return the places in z of the factors of every sampled term, -1 beyond them."""
    place = {node: 1 + i for i, node in enumerate(columns(design))}
    terms = [term for equation in sampled_equations(design) for term in equation.terms]
    width = max((len(term.factors) for term in terms), default=1) or 1
    out = np.full((len(terms), width), -1, dtype=np.int64)
    for t, term in enumerate(terms):
        out[t, : len(term.factors)] = [place[factor] for factor in term.factors]
    return out


def pattern_flags(design: Design) -> tuple[Flags, Flags]:
    """Return by pattern which places of z are averaged (A, d) and which sampled equations are touched (A, E)."""
    names, equations = columns(design), sampled_equations(design)
    averaged = np.zeros((len(design.gaps), 1 + len(names)), dtype=bool)
    touches = np.zeros((len(design.gaps), len(equations)), dtype=bool)
    for a, gap in enumerate(design.gaps):
        averaged[a, 1:] = [name in gap.averaged for name in names]
        touches[a] = [equation.node in gap.touched for equation in equations]
    return averaged, touches


def raw_moments(table: StandardTable, names: Sequence[tuple[str, ...]]) -> Floats:
    """Return sums of products (G, 1 + N, 1 + N) of 1 and of standardised columns about zero; 0 for columns not there."""
    n = table.rows.astype(float)
    out = np.zeros((len(n), 1 + len(names), 1 + len(names)))
    out[:, 0, 0] = n
    there = [i for i, name in enumerate(names) if name in table.position]
    at = [table.position[names[i]] for i in there]
    mean, cross = table.mean[:, at], table.cross[:, at][:, :, at]
    places = 1 + np.array(there, dtype=np.int64)
    out[:, 0, places] = out[:, places, 0] = n[:, None] * mean
    out[:, places[:, None], places[None, :]] = cross + n[:, None, None] * mean[:, :, None] * mean[:, None, :]
    return out


def standard_tables(
    table: xr.Dataset, patterns: Sequence[xr.Dataset], labels: Sequence[str], design: Design, scale: Scale
) -> list[StandardTable]:
    """Return standardised columns of the complete rows and of every pattern, over the same clusters."""
    names: list[tuple[str, ...]] = [(node,) for node in columns(design)] + list(products(design))
    return [standard_columns(part, names, scale, labels) for part in (table, *patterns)]


def available_moments(
    equation: Equation, tables: Sequence[StandardTable], design: Design
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return rows (G,), S_xx (G, p, p), S_xy (G, p) and S_yy (G,) about zero of the rows in which nothing is averaged."""
    touched = [False, *(equation.node in gap.touched for gap in design.gaps)]
    return moments_about_zero(equation, [table for table, out in zip(tables, touched, strict=True) if not out])


def moments_about_zero(equation: Equation, tables: Sequence[StandardTable]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return rows (G,), S_xx (G, p, p), S_xy (G, p) and S_yy (G,) about zero of the tables that have all columns."""
    names = list(dict.fromkeys([(equation.node,), *(term.factors for term in equation.terms if term.factors)]))
    total = np.zeros((len(tables[0].rows), 1 + len(names), 1 + len(names)))
    for table in tables:
        if all(name in table.position for name in names):
            total += raw_moments(table, names)
    x = [1 + names.index(term.factors) if term.factors else 0 for term in equation.terms]
    y = 1 + names.index((equation.node,))
    return total[:, 0, 0], total[:, x][:, :, x], total[:, x, y], total[:, y, y]


def recentre(sxx: Floats, sxy: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """Take ``centre`` (G, p) off predictors whose first is the intercept, in moments about zero."""
    transform = np.broadcast_to(np.eye(sxx.shape[1]), sxx.shape).copy()
    transform[:, :, 0] -= centre
    return transform @ sxx @ transform.transpose(0, 2, 1), np.einsum("gij,gj->gi", transform, sxy)


def pattern_groups(tables: Sequence[StandardTable], design: Design) -> tuple[Whole, Floats]:
    """Return cluster and pattern (N, 2) and second moments (N, d, d) of the patterns that moments serve."""
    names: list[tuple[str, ...]] = [(node,) for node in columns(design)]
    at, second = [], []
    for a, (gap, table) in enumerate(zip(design.gaps, tables[1:], strict=True)):
        if gap.touched and gap.method == "moments":
            own = np.flatnonzero(table.rows)
            at.append(np.column_stack([own, np.full(len(own), a)]))
            second.append(raw_moments(table, names)[own])
    size = 1 + len(names)
    return np.concatenate([np.zeros((0, 2)), *at]).astype(np.int64), np.concatenate([np.zeros((0, size, size)), *second])


def term_centres(design: Design, column_mean: Mapping[tuple[str, ...], Floats], n_clusters: int) -> Floats:
    """Return what is taken off every sampled term's column (G, P)."""
    terms = [term for equation in sampled_equations(design) for term in equation.terms]
    out = np.zeros((n_clusters, len(terms)))
    if design.centred:
        for t, term in enumerate(terms):
            # A first indicator is the value it measures plus an error: no constant may be moved to its intercept.
            if term.factors and term.fixed is None:
                out[:, t] = column_mean[term.factors]
    return out

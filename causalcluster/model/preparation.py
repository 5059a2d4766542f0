"""Moments and rows to everything that the model reads, whether or not values are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from causalcluster.data import RowTable
from causalcluster.data.labels import sort_labels
from causalcluster.design import Design, Equation, columns, products
from causalcluster.model.gap_arrays import (
    GapArrays,
    available_moments,
    equation_table,
    factor_table,
    gaussian_nodes,
    moments_about_zero,
    pattern_flags,
    pattern_groups,
    recentre,
    sampled_equations,
    standard_tables,
    term_centres,
)
from causalcluster.model.gap_groups import row_groups
from causalcluster.model.gap_guide import FirstFit, GapInput, centred_theta, fit_first, quadratic
from causalcluster.model.grid_rows import grid_rows
from causalcluster.model.lagged import lagged_arrays
from causalcluster.model.layers import add_layers
from causalcluster.model.outer import add_outer
from causalcluster.model.row_arrays import RowEquations, prepare_rows, with_rows, without_rows_of
from causalcluster.model.standard import MomentArrays, Scale, StandardTable, block_diagonal, standardise, varying_order
from causalcluster.moments import Moments, analysed_table
from causalcluster.moments.latent import hide_nodes, hide_values

Floats = NDArray[np.float64]
Means = Mapping[tuple[str, ...], Floats]
FIRST_ERROR_SD = 0.7
"""Residual standard deviation of a first indicator where it stands for what it measures itself: half of it is error."""


def prepare_arrays(moments: Moments, design: Design, scale: Scale, rows: RowTable | None) -> MomentArrays:
    """Take moments, and rows where equations need them, to the scale of the model.

    Parameters
    ----------
    moments
        Of complete rows, and by pattern of missing values.
    design
        The equations.
    scale
        Shifts and scales of the columns, fixed for a compiled model.
    rows
        Where some equation or some pattern needs them: with the incomplete ones, where there are such patterns.

    Returns
    -------
    MomentArrays
    """
    if design.lagged:
        return lagged_arrays(moments, design, scale)
    if not design.gaps:
        arrays = standardise(analysed_table(moments), design, scale)
        if design.layered and moments.cells is not None:
            arrays = add_layers(arrays, moments.cells, design, scale)
        if design.outer:
            arrays = add_outer(arrays, moments.groups)
        own = any(equation.sampled for equation in design.equations)
        return arrays if rows is None or not own else with_rows(arrays, design, rows, scale)
    return _with_gaps(moments, design, scale, rows)


def _with_gaps(moments: Moments, design: Design, scale: Scale, rows: RowTable | None) -> MomentArrays:
    hidden, seen = hide_nodes(moments, design.latent), rows and hide_values(rows, design.latent)
    patterns = [pattern.table for pattern in hidden.incomplete]
    labels = sort_labels(list({str(label) for part in (hidden.table, *patterns) for label in part["cluster"].values}))
    tables = standard_tables(hidden.table, patterns, labels, design, scale)
    given = _first_input(design, tables, seen, scale)
    guide, shown, fit = _fit_first(design, given, tables, moments, labels, scale)
    means = _column_means(design, shown, guide, fit)
    arrays = _integrated(design, tables, means, labels)
    if not any(equation.sampled for equation in design.equations):
        return arrays
    # Grades and a guide need values of what indicators measure: the first one's serve there, and nowhere else.
    sampled = without_rows_of(prepare_rows(design, rows, scale, means, arrays.varying), design, design.latent)
    return replace(arrays, row_equations=_add_gaps(sampled, design, given, guide, fit, means, seen, scale))


def _fit_first(
    design: Design, given: GapInput, tables: Sequence[StandardTable], moments: Moments, labels: Sequence[str], scale: Scale
) -> tuple[GapInput, Sequence[StandardTable], FirstFit]:
    """Fit once before sampling, and return what was fitted, with the columns behind it.

    Where a node that indicators measure is summed over, its first indicator stands for it here.
    """
    n_gaussian = len(gaussian_nodes(design))
    summed = {node for gap in design.gaps if gap.method == "grid" for node in gap.averaged}
    if summed.isdisjoint(design.latent):
        return given, tables, fit_first(given, n_gaussian)
    tables = standard_tables(moments.table, [pattern.table for pattern in moments.incomplete], labels, design, scale)
    own = [equation for equation in sampled_equations(design) if equation.family == "gaussian"]
    found = [moments_about_zero(equation, tables) for equation in own]
    before = int(given.starts[given.first])
    guide = replace(
        given,
        n=np.stack([item[0] for item in found], axis=1),
        sxx=block_diagonal([given.sxx[:, :before, :before], *(item[1] for item in found)]),
        sxy=np.concatenate([given.sxy[:, :before], *(item[2] for item in found)], axis=1),
        syy=np.stack([item[3] for item in found], axis=1),
        at=given.at[:0],
        second=given.second[:0],
        precision=given.precision[:0],
    )
    fit = fit_first(guide, n_gaussian)
    firsts = [any(term.fixed is not None for term in equation.terms) for equation in _gaussian(design)]
    return guide, tables, replace(fit, log_sigma=np.where(firsts, np.log(FIRST_ERROR_SD), fit.log_sigma))


def _gaussian(design: Design) -> list[Equation]:
    nodes = gaussian_nodes(design)
    return [equation for equation in design.equations if equation.node in nodes]


def _first_input(design: Design, tables: Sequence[StandardTable], rows: RowTable | None, scale: Scale) -> GapInput:
    """Gather what the first fit reads: moments of rows without an averaged value, and groups of rows with one."""
    equations = sampled_equations(design)
    own = [equation for equation in equations if equation.family == "gaussian"]
    starts = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in equations])]).astype(np.int64)
    first, found = len(equations) - len(own), [available_moments(equation, tables, design) for equation in own]
    n_clusters = len(tables[0].rows)
    before = int(starts[first])
    none = np.zeros((n_clusters, before))
    at, second = pattern_groups(tables, design)
    more = row_groups(design, rows, scale)
    averaged, touches = pattern_flags(design)
    empty = np.zeros((n_clusters, 0))
    return GapInput(
        equations=equation_table(design),
        starts=starts,
        first=first,
        factors=factor_table(design),
        averaged=averaged,
        touches=touches,
        at=np.concatenate([at, more.at]),
        second=np.concatenate([second, more.second]),
        # Groups of a pattern's moments have no measurement; they come before those of single rows.
        precision=np.concatenate([np.zeros_like(second), more.precision]) if len(more.precision) else more.precision,
        n=np.stack([item[0] for item in found], axis=1) if found else empty,
        sxx=block_diagonal([np.zeros((n_clusters, before, before)), *(item[1] for item in found)]),
        sxy=np.concatenate([none, *(item[2] for item in found)], axis=1),
        syy=np.stack([item[3] for item in found], axis=1) if found else empty,
        fixed=np.array([np.nan if term.fixed is None else term.fixed for e in equations for term in e.terms]),
    )


def _column_means(
    design: Design, tables: Sequence[StandardTable], given: GapInput, fit: FirstFit
) -> dict[tuple[str, ...], Floats]:
    """Return cluster means (G,) of nodes and products, missing values of nodes at their expectation in the first fit."""
    names: list[tuple[str, ...]] = [(node,) for node in columns(design)]
    places = {name: 1 + i for i, name in enumerate(names)}
    out = {}
    for name in [*names, *products(design)]:
        there = [table for table in tables if name in table.position]
        count = sum((table.rows for table in there), np.zeros(len(tables[0].rows))).astype(float)
        total = sum((table.rows * table.mean[:, table.position[name]] for table in there), np.zeros(len(count)))
        if name in places and len(given.at):
            missing = given.averaged[given.at[:, 1], places[name]]
            cluster = given.at[missing, 0]
            total += np.bincount(cluster, fit.sums[missing, places[name]], len(count))
            count += np.bincount(cluster, given.second[missing, 0, 0], len(count))
        overall = total.sum() / max(count.sum(), 1.0)
        out[name] = np.where(count > 0.0, total / np.maximum(count, 1.0), overall)
    return out


def _integrated(design: Design, tables: Sequence[StandardTable], means: Means, labels: Sequence[str]) -> MomentArrays:
    """Return the moments of the equations that are integrated out, over the rows in which all their values are there."""
    equations = [equation for equation in design.equations if not equation.sampled]
    n_clusters = len(labels)
    rows, sxx, sxy, syy = [], [np.zeros((n_clusters, 0, 0))], [np.zeros((n_clusters, 0))], []
    for equation in equations:
        n, own_xx, own_xy, own_yy = available_moments(equation, tables, design)
        own_xx, own_xy = recentre(own_xx, own_xy, _centres(equation.terms, means, design, n_clusters))
        rows.append(n)
        sxx.append(own_xx)
        sxy.append(own_xy)
        syy.append(own_yy)
    varying, n_correlated = varying_order(design)
    starts = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in equations])])
    empty = np.zeros((n_clusters, 0))
    return MomentArrays(
        clusters=tuple(labels),
        rows=np.sum([table.rows for table in tables], axis=0).astype(np.int64),
        dof=np.stack(rows, axis=1) if rows else empty,
        sxx=block_diagonal(sxx),
        sxy=np.concatenate(sxy, axis=1),
        syy=np.stack(syy, axis=1) if syy else empty,
        starts=starts.astype(np.int64),
        varying=varying,
        n_correlated=n_correlated,
        mean=np.stack([means[(node,)] for node in design.nodes], axis=1),
        column_mean=dict(means),
    )


def _centres(terms: Sequence[object], means: Means, design: Design, n_clusters: int) -> Floats:
    out = np.zeros((n_clusters, len(terms)))
    for t, term in enumerate(terms):
        factors = term.factors  # type: ignore[attr-defined]
        if factors and design.centred:
            out[:, t] = means[factors]
    return out


def _centred_moments(given: GapInput, centre: Floats) -> tuple[Floats, Floats]:
    sxx, sxy = np.zeros_like(given.sxx), np.zeros_like(given.sxy)
    for e in range(given.first, len(given.equations)):
        part = slice(given.starts[e], given.starts[e + 1])
        sxx[:, part, part], sxy[:, part] = recentre(given.sxx[:, part, part], given.sxy[:, part], centre[:, part])
    return sxx, sxy


def _add_gaps(
    sampled: RowEquations,
    design: Design,
    given: GapInput,
    guide: GapInput,
    fit: FirstFit,
    means: Means,
    rows: RowTable | None,
    scale: Scale,
) -> RowEquations:
    """Put the gaussian equations with gaps beside those with rows: their moments, groups, and part of the guide."""
    centre = term_centres(design, means, len(fit.theta))
    sxx, sxy = _centred_moments(given, centre)
    information, pull = quadratic(guide, fit, centre, *_centred_moments(guide, centre))
    before = int(given.starts[given.first])
    theta = centred_theta(guide, fit, centre)
    theta[:, :before] = sampled.at
    information[:, :before, :before], pull[:, :before] = sampled.information, sampled.pull
    nodes = [equation.node for equation in sampled_equations(design)[given.first :]]
    integrated = [i for i, node in enumerate(gaussian_nodes(design)) if node not in nodes]
    gaps = GapArrays(
        nodes=tuple(nodes),
        first=given.first,
        integrated=np.array(integrated, dtype=np.int64),
        dof=given.n,
        sxx=sxx,
        sxy=sxy,
        syy=given.syy,
        equations=given.equations,
        factors=given.factors,
        centre=centre,
        averaged=given.averaged,
        touches=given.touches,
        at=given.at,
        second=given.second,
        precision=given.precision,
        shift=np.zeros(given.averaged.shape[1]),
        columns=columns(design),
        grid=grid_rows(design, rows, scale, means, sampled, theta, fit.log_sigma, information),
    )
    return replace(sampled, information=information, pull=pull, at=theta, gaps=gaps)

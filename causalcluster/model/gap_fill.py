"""Missing values of causes that no effect moves, drawn once at the first fit: the context that effects are averaged over."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from causalcluster.data import RowTable, select_rows
from causalcluster.design import Design, columns
from causalcluster.model.gap_arrays import GapArrays, sampled_equations
from causalcluster.model.gap_groups import precisions, row_patterns, single_rows
from causalcluster.model.gap_kernel import OWN, expected_moments
from causalcluster.model.residuals import pooled_log_sigma
from causalcluster.model.row_arrays import RowEquations
from causalcluster.model.standard import MomentArrays, Scale

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def fill_rows(design: Design, rows: RowTable, scale: Scale, arrays: MomentArrays, *, random_seed: int) -> RowTable:
    """Return rows in which no node of the equations is missing.

    An averaged value is drawn given what its row has, at the first fit; one that drops out of its row's likelihood is
    taken from another row of its cluster, or of all, where the cluster has none.
    """
    rng = np.random.default_rng([random_seed, 7])
    values = {name: column.copy() for name, column in rows.columns.items()}
    sampled = arrays.row_equations
    if sampled is not None and sampled.gaps is not None:
        _fill_from_points(design, sampled.gaps, sampled, values, scale, rng)
        _fill_normal(design, sampled, rows, values, scale, arrays, rng)
    for name in columns(design):
        _fill_from_others(values[name], rows.cluster, rng)
    return replace(rows, columns=values)


def _fill_from_points(
    design: Design,
    gaps: GapArrays,
    sampled: RowEquations,
    values: Mapping[str, Floats],
    scale: Scale,
    rng: np.random.Generator,
) -> None:
    """Choose one of the points of every row that is summed over."""
    grid = gaps.grid
    if not len(grid.row):
        return
    before = np.concatenate([[0.0], np.cumsum(grid.share)])
    at = before[grid.begin[:-1]] + rng.uniform(size=len(grid.row)) * (before[grid.begin[1:]] - before[grid.begin[:-1]])
    chosen = np.clip(np.searchsorted(before, at, side="right") - 1, grid.begin[:-1], grid.begin[1:] - 1)
    grades = {item.node: np.array(item.grades) for item in sampled.equations if item.family == "ordinal"}
    for e, equation in enumerate(sampled_equations(design)):
        own = gaps.averaged[grid.at[:, 1], gaps.equations[e, OWN]]
        drawn, node = grid.y[chosen[own], e], equation.node
        if equation.family == "gaussian":
            drawn = drawn * scale.scale[node] + scale.shift[node]
        elif equation.family == "lognormal":
            drawn = np.exp(drawn)
        elif equation.family == "ordinal":
            drawn = grades[node][drawn.astype(int)]
        values[node][grid.row[own]] = drawn


def _fill_normal(
    design: Design,
    sampled: RowEquations,
    rows: RowTable,
    values: Mapping[str, Floats],
    scale: Scale,
    arrays: MomentArrays,
    rng: np.random.Generator,
) -> None:
    """Draw values whose distribution given the row is normal."""
    gaps = sampled.gaps
    pattern = row_patterns(design, rows)
    wanted = [a for a, gap in enumerate(design.gaps) if gap.touched and gap.method != "grid"]
    place = np.flatnonzero(np.isin(pattern, wanted))
    if gaps is None or not len(place):
        return
    own = select_rows(replace(rows, weight=np.ones(len(rows.weight))), place)
    second = single_rows(design, own, scale)
    _, _, squares, _, sums = expected_moments(
        sampled.at[own.cluster],
        np.repeat(pooled_log_sigma(arrays)[None], len(place), 0),
        gaps.equations,
        sampled.starts,
        gaps.factors,
        gaps.centre[own.cluster],
        gaps.averaged,
        gaps.touches,
        np.column_stack([np.arange(len(place)), pattern[place]]),
        second,
        precisions(design, own, scale),
        np.zeros(second.shape[2]),
    )
    for e in range(gaps.first, len(gaps.equations)):
        node, column = gaps.nodes[e - gaps.first], gaps.equations[e, OWN]
        drawn = gaps.averaged[pattern[place], column]
        mean = sums[drawn, column]
        spread = np.sqrt(np.maximum(squares[drawn, e] - mean**2, 0.0))
        values[node][place[drawn]] = (mean + spread * rng.standard_normal(len(mean))) * scale.scale[node] + scale.shift[node]


def _fill_from_others(column: Floats, cluster: Whole, rng: np.random.Generator) -> None:
    absent = np.isnan(column)
    there = np.flatnonzero(np.logical_not(absent))
    for g in np.unique(cluster[absent]):
        gaps = np.flatnonzero(absent & (cluster == g))
        donors = there[cluster[there] == g]
        column[gaps] = column[rng.choice(donors if len(donors) else there, len(gaps))]

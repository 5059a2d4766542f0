"""The rows that are replicated: each by itself, sorted by cluster, at most so many."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.data import RowTable
from causalcluster.design import Design, Equation
from causalcluster.families import FAMILIES, needs_rows
from causalcluster.model.row_arrays import EquationRows, regressor, usable_rows
from causalcluster.model.standard import MomentArrays, Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_ROWS = 5_000
"""Of larger tables so many rows are replicated, drawn at random."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedRows:
    """Rows of one equation; R rows in C clusters that have some.

    Attributes
    ----------
    x, y, other
        (R, p), (R,) and (R,) as in `causalcluster.model.row_arrays.EquationRows`.
    place, present, sizes
        Each row's position among the clusters that have rows (R,), ascending; these clusters' positions among all (C,), and
        their numbers of rows here (C,).
    grades
        Values of an ordinal node.
    of_trials
        Whether y is successes among ``other`` trials.
    shift, unit
        Else, value in the node's units = shift + unit y.
    """

    x: Floats
    y: Floats
    other: Floats
    place: Ints
    present: Ints
    sizes: Ints
    grades: tuple[float, ...]
    of_trials: bool
    shift: float
    unit: float

    @property
    def has_two_values(self) -> bool:
        """Whether the node is a yes or no: a gaussian equation of it is a linear probability model, with other residuals."""
        return len(np.unique(self.y)) <= 2

    def in_units(self, y: Floats) -> Floats:
        """Return values of the node in its own units: grades by their values, shares of trials."""
        if self.grades:
            return np.asarray(np.array(self.grades)[y.astype(np.int64)])
        return y / self.other if self.of_trials else np.asarray(self.shift + self.unit * y)

    def average(self, values: Floats, *, together: bool = False) -> Floats:
        """Return averages by cluster (S, C) of values (S, R), with that of all rows last where it is asked for."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        sums = np.add.reduceat(values, starts, axis=1)
        if not together:
            return np.asarray(sums / self.sizes)
        every = sums.sum(axis=1, keepdims=True)
        return np.concatenate([sums / self.sizes, every / self.sizes.sum()], axis=1)


def choose_rows(
    design: Design,
    scale: Scale,
    arrays: MomentArrays,
    table: RowTable | None,
    rng: np.random.Generator,
    *,
    most: int = MOST_ROWS,
) -> dict[str, CheckedRows]:
    """Return rows by node: of equations fitted to rows, and of gaussian ones where ``table`` has them.

    Equations in which missing values are averaged over are left out: what was seen in them is no random choice of rows.
    """
    own: Mapping[str, EquationRows] = {}
    if arrays.row_equations is not None:
        own = {item.node: item for item in arrays.row_equations.equations}
    found: dict[str, CheckedRows] = {}
    for equation in design.equations:
        node = equation.node
        if equation.incomplete:
            continue
        if needs_rows(equation.family):
            found[node] = _pick(own[node], scale, most, rng)
        elif table is not None:
            found[node] = _pick(_gaussian_rows(equation, design, table, scale, arrays), scale, most, rng)
    return found


def _gaussian_rows(equation: Equation, design: Design, table: RowTable, scale: Scale, arrays: MomentArrays) -> EquationRows:
    node, table = equation.node, usable_rows(equation, design, table)
    x = [regressor(term.factors, design, table, scale, arrays.column_mean) for term in equation.terms]
    y = (table.columns[node] - scale.shift[node]) / scale.scale[node]
    return EquationRows(
        node=node,
        family=equation.family,
        link=equation.link,
        x=np.column_stack(x) if x else np.zeros((len(y), 0)),
        y=y,
        other=np.zeros_like(y),
        weight=table.weight,
        cluster=table.cluster,
        grades=(),
        unit=1.0,
        origin=0.0,
    )


def _pick(item: EquationRows, scale: Scale, most: int, rng: np.random.Generator) -> CheckedRows:
    """Write rows out as often as they occur, or draw ``most`` of them without putting any back."""
    last = np.cumsum(item.weight.astype(np.int64))
    total = int(last[-1]) if len(last) else 0
    places = np.arange(total) if total <= most else np.sort(rng.choice(total, size=most, replace=False, shuffle=False))
    chosen = np.searchsorted(last, places, side="right")
    present, place, sizes = np.unique(item.cluster[chosen], return_inverse=True, return_counts=True)
    standardised = FAMILIES[item.family].standardised
    return CheckedRows(
        x=item.x[chosen],
        y=item.y[chosen],
        other=item.other[chosen],
        place=place.astype(np.int64),
        present=present.astype(np.int64),
        sizes=sizes.astype(np.int64),
        grades=item.grades,
        of_trials=item.family in ("bernoulli", "binomial"),
        shift=scale.shift[item.node] if standardised else 0.0,
        unit=scale.scale[item.node] if standardised else 1.0,
    )

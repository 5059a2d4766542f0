"""Rows with missing values one by one: their patterns, and groups whose integral is normal but differs between rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.data import RowTable, select_rows
from causalcluster.design import Design, columns
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Cluster and pattern (N, 2), second moments and precisions (N, d, d), as in `causalcluster.model.gap_kernel`."""

    at: Whole
    second: Floats
    precision: Floats


def row_patterns(design: Design, rows: RowTable) -> Whole:
    """Return for each row the place of its pattern among the design's, or -1 where nothing is missing."""
    absent = {name: np.isnan(values) for name, values in rows.columns.items()}
    out = np.full(len(rows.cluster), -1, dtype=np.int64)
    for a, gap in enumerate(design.gaps):
        out[np.all([absent[name] == (name in gap.missing) for name in absent], axis=0)] = a
    return out


def row_groups(design: Design, rows: RowTable | None, scale: Scale) -> Groups:
    """Return the rows of patterns whose integral is normal but differs from row to row.

    Rows of a cluster that are measured equally well are one group, unless an equation multiplies what they lack.
    """
    size = 1 + len(columns(design))
    wanted = [a for a, gap in enumerate(design.gaps) if gap.touched and gap.method == "rows"]
    none = np.zeros((0, size, size))
    if rows is None or not wanted:
        return Groups(at=np.zeros((0, 2), dtype=np.int64), second=none, precision=none)
    pattern = row_patterns(design, rows)
    keep = np.isin(pattern, wanted)
    own = select_rows(rows, keep)
    at = np.column_stack([own.cluster, pattern[keep]])
    second, precision = single_rows(design, own, scale), precisions(design, own, scale)
    if not len(precision):
        return Groups(at=at, second=second, precision=precision)
    multiplied = {term.target for term in design.terms if term.kind == "interaction"}
    alone = [a for a in wanted if not multiplied.isdisjoint(design.gaps[a].touched)]
    place = np.where(np.isin(at[:, 1], alone), np.arange(len(at)), -1)
    keys = np.column_stack([at, place, precision.reshape(len(at), -1)])
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    total = np.zeros((len(first), size, size))
    np.add.at(total, group.ravel(), second)
    return Groups(at=at[first], second=total, precision=precision[first])


def single_rows(design: Design, rows: RowTable, scale: Scale) -> Floats:
    """Return the weighted products z z' (R, d, d) of every row, 0 where a value is missing and was not measured."""
    values = {name: rows.columns[name] for name in columns(design)}
    if rows.readings is not None:
        for k, name in enumerate(rows.readings.nodes):
            if name in values:
                values[name] = rows.readings.value[:, k]
    parts = [(column - scale.shift[name]) / scale.scale[name] for name, column in values.items()]
    z = np.nan_to_num(np.column_stack([np.ones(len(rows.cluster)), *parts]))
    found: Floats = rows.weight[:, None, None] * z[:, :, None] * z[:, None, :]
    return found


def precisions(design: Design, rows: RowTable, scale: Scale) -> Floats:
    """Return inverse covariances (R, d, d) of the errors of what was measured; (0, d, d) where nothing was."""
    names, found = columns(design), rows.readings
    size = 1 + len(names)
    if found is None:
        return np.zeros((0, size, size))
    kept = [i for i, node in enumerate(found.nodes) if node in names]
    place = np.array([1 + names.index(found.nodes[i]) for i in kept], dtype=np.int64)
    by = np.array([scale.scale[found.nodes[i]] for i in kept])
    out = np.zeros((len(rows.cluster), size, size))
    out[:, place[:, None], place[None, :]] = found.precision[:, kept][:, :, kept] * by * by[:, None]
    return out

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
    """Cluster and pattern (N, 2), and second moments (N, d, d), as in `causalcluster.model.gap_kernel`."""

    at: Whole
    second: Floats


def row_patterns(design: Design, rows: RowTable) -> Whole:
    """Return for each row the place of its pattern among the design's, or -1 where nothing is missing."""
    absent = {name: np.isnan(values) for name, values in rows.columns.items()}
    out = np.full(len(rows.cluster), -1, dtype=np.int64)
    for a, gap in enumerate(design.gaps):
        out[np.all([absent[name] == (name in gap.missing) for name in absent], axis=0)] = a
    return out


def row_groups(design: Design, rows: RowTable | None, scale: Scale) -> Groups:
    """Return the rows of patterns whose integral is normal but differs from row to row."""
    size = 1 + len(columns(design))
    wanted = [a for a, gap in enumerate(design.gaps) if gap.touched and gap.method == "rows"]
    if rows is None or not wanted:
        return Groups(at=np.zeros((0, 2), dtype=np.int64), second=np.zeros((0, size, size)))
    pattern = row_patterns(design, rows)
    keep = np.isin(pattern, wanted)
    return Groups(
        at=np.column_stack([rows.cluster[keep], pattern[keep]]), second=single_rows(design, select_rows(rows, keep), scale)
    )


def single_rows(design: Design, rows: RowTable, scale: Scale) -> Floats:
    """Return the weighted products z z' (R, d, d) of every row, 0 where a value is missing."""
    parts = [(rows.columns[name] - scale.shift[name]) / scale.scale[name] for name in columns(design)]
    z = np.nan_to_num(np.column_stack([np.ones(len(rows.cluster)), *parts]))
    found: Floats = rows.weight[:, None, None] * z[:, :, None] * z[:, None, :]
    return found

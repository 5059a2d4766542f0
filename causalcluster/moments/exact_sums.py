"""Sums per group that do not depend on the order of rows, on threads or on the engine.

A floating-point sum depends on the order of its terms, and a multi-threaded engine fixes no order. Here each
column is first mapped into [-1/2, 1/2] inside its group, z = (x - middle) / range, which also removes the
cancellation that raw sums of squares suffer (a wage near 1e6 with a standard deviation of 1e3). Every product of
z is then cut into two doubles: a high part, a multiple of ``2 ** -bits``, and a low part, the rest rounded to a
multiple of ``2 ** (-2 * bits)``. In these units both are whole numbers of at most ``bits - 1`` bits, and with
``bits = 52 - bit_length(rows of the largest group)`` every partial sum stays below ``2 ** 53``: a sum of doubles
that is exact in any order. Every engine that adds doubles gives the same bits. The scan counts rows, and values
inside the extremes, so that a table that changed after these were found is refused.

Accuracy: two rows of a group lie at -1/2 and 1/2, so a column's sum of squares is at least 1/2. Rounding the
products adds at most ``rows * 2 ** -55``, the cut at most ``rows * 2 ** (-2 * bits - 1)``, which is below
``rows ** 3 * 2 ** -103``: relative to the least possible sum of squares 1e-12 at a million rows in one group and
3e-9 at ten million in one group; relative to a usual one (a twelfth of the rows) below 3e-15 in both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from causalcluster.data.attachment import Columns, attach
from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.data.columns import position_column
from causalcluster.data.survey import Survey
from causalcluster.errors import DataError
from causalcluster.moments.products import Monomial

_CHUNK = 1 << 18
"""Rows of a frame in memory that are worked on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupSums:
    """Exact sums of products of scaled columns.

    Attributes
    ----------
    rows
        Rows (group,), in the order of the survey's groups.
    middle, spread
        Shift and unit of each column in each group (group, column): z = (x - middle) / spread.
    totals
        For each monomial one integer per group: the sum times ``2 ** (2 * bits)``.
    bits
        Bits of each of the two parts that a value is cut into.
    """

    rows: NDArray[np.int64]
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    totals: dict[Monomial, list[int]]
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Met:
    """Rows that the scan met, and values among them inside the survey's extremes (group,)."""

    rows: NDArray[np.int64]
    inside: NDArray[np.int64]


def group_sums(
    frame: nw.LazyFrame[Any], survey: Survey, *, keys: Sequence[str], monomials: Sequence[Monomial], name: str
) -> GroupSums:
    """Sum products of scaled columns in each group, in one scan.

    Parameters
    ----------
    frame
        Rows without infinite values; a column is present in all rows of a group or in none.
    survey
        Of the same rows and keys.
    keys
        Columns that name the group.
    monomials
        The products to sum; where a column of one is absent, the sum is 0.
    name
        What messages call the table.

    Returns
    -------
    GroupSums

    Raises
    ------
    DataError
        The scan met other rows than the survey.
    """
    bits, count = cut_bits(survey), survey.minimum.shape[1]
    middle, spread = column_units(survey)
    units = np.where(spread > 0.0, spread, 1.0)
    place: Columns = {
        **{key: [group[i] for group in survey.groups] for i, key in enumerate(keys)},
        "code": list(range(len(survey.groups))),
        **{f"m{i}": middle[:, i].tolist() for i in range(count)},
        **{f"s{i}": units[:, i].tolist() for i in range(count)},
    }
    totals: dict[Monomial, list[int]] = {monomial: [0] * len(survey.groups) for monomial in monomials}
    met = _Met(rows=np.zeros_like(survey.rows), inside=np.zeros_like(survey.rows))
    for piece in _pieces(frame):
        _add_piece(attach(piece, place, on=keys), count, totals, bits, met)
    _refuse_other_rows(met, survey, name)
    return GroupSums(rows=survey.rows, middle=middle, spread=spread, totals=totals, bits=bits)


def cut_bits(survey: Survey) -> int:
    """Return how many bits each of the two parts of a value may have for sums over any group to be exact."""
    return 52 - int(survey.rows.max()).bit_length()


def column_units(survey: Survey) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shift and range of each column in each group (group, column), which map it into [-1/2, 1/2]."""
    middle = np.nan_to_num(survey.minimum + (survey.maximum - survey.minimum) * 0.5)
    return middle, np.nan_to_num(survey.maximum - survey.minimum)


def split_exactly(frame: nw.LazyFrame[Any], columns: Mapping[str, tuple[str, str]], bits: int) -> nw.LazyFrame[Any]:
    """Cut columns of numbers up to 1 in size into a high and a low part, named by ``columns``, whose sums are exact."""
    # Adding and taking away such a number rounds a double to a multiple of the wanted power of two.
    coarse, fine = 1.5 * 2.0 ** (52 - bits), 1.5 * 2.0 ** (52 - 2 * bits)
    high = [((nw.col(own) + coarse) - coarse).alias(above) for own, (above, _) in columns.items()]
    low = [(((nw.col(own) - nw.col(above)) + fine) - fine).alias(below) for own, (above, below) in columns.items()]
    # All at once: pandas warns of tables to which many columns are added one by one.
    kept = [nw.col(name) for name in frame.collect_schema().names()]
    uppers = [nw.col(above) for above, _ in columns.values()]
    cut: nw.LazyFrame[Any] = frame.select(*kept, *high).select(*kept, *uppers, *low)
    return cut


def _pieces(frame: nw.LazyFrame[Any]) -> Iterator[nw.LazyFrame[Any]]:
    """Yield the rows of a frame in memory in chunks, so that products of columns stay small; else the frame."""
    implementation = frame.implementation
    if not (implementation.is_pandas_like() or implementation.is_pyarrow()):
        yield frame
        return
    rows = frame.collect()
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK].lazy()


def _refuse_other_rows(met: _Met, survey: Survey, name: str) -> None:
    """Raise DataError where the rows are not those of the survey: sums of other rows are not exact."""
    if np.array_equal(met.rows, survey.rows) and np.array_equal(met.inside, survey.present.sum(axis=1)):
        return
    raise rows_changed(int(survey.rows.sum()), int(met.rows.sum()), name)


def rows_changed(before: int, after: int, name: str) -> DataError:
    """Return the error for a table whose rows differ between two passes; the numbers are its rows in each."""
    how = f"{before} rows at first, then {after}" if before != after else "other values, or rows in other clusters"
    return DataError(
        f"the table changed while it was read ({how})",
        where=name,
        why="Its extremes are found in one pass and its sums in the next, and both must be of the same rows",
        fix="Read a copy that nobody writes to, or a query that gives the same rows each time",
    )


def _add_piece(rows: nw.LazyFrame[Any], count: int, totals: dict[Monomial, list[int]], bits: int, met: _Met) -> None:
    span = range(len(totals))
    scaled = [((nw.col(position_column(i)) - nw.col(f"m{i}")) / nw.col(f"s{i}")).alias(f"z{i}") for i in range(count)]
    products = [reduce(mul, (nw.col(f"z{i}") for i in monomial)).alias(f"v{j}") for j, monomial in enumerate(totals)]
    # Rounding can move a value that is an extreme beyond 1/2, by at most as much again.
    inside = [nw.when(nw.col(f"z{i}").abs() <= 1.0).then(nw.lit(1)).otherwise(nw.lit(0)) for i in range(count)]
    known = sum(inside[1:], start=inside[0]).alias("inside")
    values = rows.select("code", *scaled).select("code", known, *products)
    parts = split_exactly(values, {f"v{j}": (f"h{j}", f"l{j}") for j in span}, bits)
    sums = [nw.col(f"{stem}{j}").sum() for stem in "hl" for j in span]
    found = collect_sums(parts.group_by("code").agg(nw.len().alias("rows"), nw.col("inside").sum(), *sums))
    groups = [int(code) for code in found["code"].to_list()]
    met.rows[groups] += np.array(plain_values(found["rows"]), dtype=np.int64)
    met.inside[groups] += np.array(plain_values(found["inside"]), dtype=np.int64)
    for j, total in enumerate(totals.values()):
        highs, lows = plain_values(found[f"h{j}"]), plain_values(found[f"l{j}"])
        for group, big, small in zip(groups, highs, lows, strict=True):
            total[group] += (int((big or 0.0) * 2.0**bits) << bits) + int((small or 0.0) * 2.0 ** (2 * bits))

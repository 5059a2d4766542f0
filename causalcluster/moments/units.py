"""Moments inside units: every unit's own mean is taken out exactly, in the engine that holds the rows.

A unit's mean is found from sums that do not depend on the order of rows (`causalcluster.moments.exact_sums`), taken off
its rows, and what is left is reduced like any table. By the theorem of Frisch, Waugh and Lovell the slopes from these
moments are those of a regression with an intercept for every unit.
"""

from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr

from causalcluster.data import CLUSTER, PERIOD, UNIT, Survey, position_column
from causalcluster.data.attachment import Columns, attach
from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.moments.exact_sums import column_units, cut_bits, split_exactly

_NOTHING = 2.0**-40
"""Deviations from a unit's mean below this share of the column's range in the cluster are rounding: they count as none."""


def are_absorbed(table: xr.Dataset) -> bool:
    """Whether the units' means are taken out: where some unit has more than one row."""
    return "longest" in table and int(table["longest"]) > 1


def count_units(frame: nw.LazyFrame[Any]) -> tuple[dict[str, int], int]:
    """Return the number of units by cluster, and the most rows of one."""
    sizes = frame.group_by(CLUSTER, UNIT).agg(nw.len().alias("rows"))
    found = collect_sums(sizes.group_by(CLUSTER).agg(nw.len().alias("units"), nw.col("rows").max().alias("longest")))
    labels = [str(label) for label in plain_values(found[CLUSTER])]
    units = {label: int(count) for label, count in zip(labels, plain_values(found["units"]), strict=True)}
    return units, max(int(rows) for rows in plain_values(found["longest"]))


def demean_units(frame: nw.LazyFrame[Any], survey: Survey) -> nw.LazyFrame[Any]:
    """Return the rows with every column less its unit's mean.

    A column that is constant inside a unit comes out as exactly zero there.
    """
    count, bits = survey.minimum.shape[1], cut_bits(survey)
    middle, spread = column_units(survey)
    unit = np.where(spread > 0.0, spread, 1.0)
    place: Columns = {
        CLUSTER: [str(group[0]) for group in survey.groups],
        **{f"m{i}": middle[:, i].tolist() for i in range(count)},
        **{f"s{i}": unit[:, i].tolist() for i in range(count)},
    }
    kept = [name for name in (UNIT, PERIOD) if name in frame.collect_schema().names()]
    scaled = [((nw.col(position_column(i)) - nw.col(f"m{i}")) / nw.col(f"s{i}")).alias(f"z{i}") for i in range(count)]
    sizes = [nw.col(f"s{i}") for i in range(count)]
    rows = attach(frame, place, on=[CLUSTER]).select(CLUSTER, *kept, *sizes, *scaled)
    # The sums of both parts are exact, so that their sum and the mean are the same in any order of rows.
    parts = split_exactly(rows, {f"z{i}": (f"h{i}", f"l{i}") for i in range(count)}, bits)
    sums = [nw.col(f"{stem}{i}").sum() for stem in "hl" for i in range(count)]
    found = parts.group_by(CLUSTER, UNIT).agg(nw.len().alias("size"), *sums)
    means = [((nw.col(f"h{i}") + nw.col(f"l{i}")) / nw.col("size").cast(nw.Float64)).alias(f"c{i}") for i in range(count)]
    joined = rows.join(found.select(CLUSTER, UNIT, *means), on=[CLUSTER, UNIT], how="inner")
    away = [(nw.col(f"z{i}") - nw.col(f"c{i}")).alias(f"d{i}") for i in range(count)]
    left = [
        nw.when(nw.col(f"d{i}").abs() > _NOTHING).then(nw.col(f"d{i}") * nw.col(f"s{i}")).otherwise(nw.lit(0.0))
        for i in range(count)
    ]
    named = [expression.alias(position_column(i)) for i, expression in enumerate(left)]
    away_frame = joined.select(CLUSTER, *kept, *(nw.col(f"s{i}") for i in range(count)), *away)
    demeaned: nw.LazyFrame[Any] = away_frame.select(CLUSTER, *kept, *named)
    return demeaned

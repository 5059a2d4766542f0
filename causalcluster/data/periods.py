"""One row per unit, or per cluster, and period."""

from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect
from causalcluster.data.columns import CLUSTER, TIME, UNIT
from causalcluster.data.series import period_label
from causalcluster.data.table import Wanted
from causalcluster.errors import DataError


def refuse_repeated_periods(frame: nw.LazyFrame[Any], wanted: Wanted, *, where: str) -> None:
    """Raise DataError where a unit, or a cluster where there are no units, has two rows in one period (one pass).

    Parameters
    ----------
    frame
        Typed rows with the columns `CLUSTER`, `TIME` and, where there are units, `UNIT`.
    wanted
        The user's names of these columns.
    where
        What messages call the table.
    """
    keys = [CLUSTER, *([UNIT] if wanted.unit is not None else []), TIME]
    counts = frame.group_by(*keys).agg(nw.len().alias("rows"))
    repeated = collect(counts.filter(nw.col("rows") > 1))
    if len(repeated) == 0:
        return
    *labels, period, rows = min(zip(*(repeated[key].to_list() for key in (*keys, "rows")), strict=True))
    named = [f"unit {labels[1]!r}"] if wanted.unit is not None else []
    named += [f"cluster {labels[0]!r}"] if wanted.cluster is not None else []
    one = "unit" if wanted.unit is not None else "cluster"
    fix = "Remove the repeated rows, or leave 'time' out where the rows are separate observations"
    if wanted.unit is None:
        fix += "; where they are of several units, name the units' column under 'unit'"
    raise DataError(
        f"{' of '.join(named) or 'the table'} has {rows} rows with {wanted.time!r} = {period_label(period)}; "
        f"{len(repeated)} such repetition(s) in all",
        where=where,
        why=f"With 'time' a {one} has one row in each period",
        fix=fix,
    )

"""One row per cluster and period."""

from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect
from causalcluster.data.columns import CLUSTER, TIME
from causalcluster.errors import DataError


def refuse_repeated_periods(frame: nw.LazyFrame[Any], *, time: str, cluster: str | None, where: str) -> None:
    """Raise DataError where a cluster has two rows in one period (one pass).

    Parameters
    ----------
    frame
        Typed rows with the columns `CLUSTER` and `TIME`.
    time, cluster
        The user's names of these columns.
    where
        What messages call the table.
    """
    counts = frame.group_by(CLUSTER, TIME).agg(nw.len().alias("rows"))
    repeated = collect(counts.filter(nw.col("rows") > 1))
    if len(repeated) == 0:
        return
    labels, periods = repeated[CLUSTER].to_list(), repeated[TIME].to_list()
    first = min(zip(labels, periods, repeated["rows"].to_list(), strict=True))
    group = f"cluster {first[0]!r}" if cluster is not None else "the table"
    raise DataError(
        f"{group} has {first[2]} rows with {time!r} = {first[1]}; {len(repeated)} such repetition(s) in all",
        where=where,
        why="With 'time' a cluster has one row in each period, and panels of several units inside a cluster "
        "('unit') are not available in this version",
        fix="Remove the repeated rows, or leave 'time' out where the rows are separate observations",
    )

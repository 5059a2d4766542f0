"""The periods of a panel: which there are, in order, and each row's place among them."""

import datetime
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect
from causalcluster.data.columns import PERIOD, TIME
from causalcluster.errors import DataError

_MICROSECONDS = 10**13
"""Whole numbers beyond are dates, read from text as microseconds since 1970."""
MOST_PERIODS = 400
"""Time effects and panels of units are available with so many periods."""


def find_periods(frame: nw.LazyFrame[Any]) -> tuple[Any, ...]:
    """Return the distinct periods, in order."""
    found = collect(frame.group_by(TIME).agg(nw.len().alias("rows")))
    return tuple(sorted(value for value in found[TIME].to_list() if value is not None))


def period_label(period: Any) -> str:
    """Return a period as the user would write it."""
    if isinstance(period, int) and period > _MICROSECONDS:
        period = datetime.datetime.fromtimestamp(period / 1e6, tz=datetime.UTC).replace(tzinfo=None)
    if isinstance(period, datetime.datetime):
        midnight = period.time() == datetime.time()
        return period.date().isoformat() if midnight else period.isoformat(sep=" ")
    return f"{period:g}" if isinstance(period, float) else str(period)


def number_periods(frame: nw.LazyFrame[Any], periods: Sequence[Any]) -> nw.LazyFrame[Any]:
    """Add the column `PERIOD`, each row's place among ``periods``."""
    places = [nw.when(nw.col(TIME) == period).then(nw.lit(k)).otherwise(nw.lit(0)) for k, period in enumerate(periods)]
    return frame.with_columns(sum(places[1:], start=places[0]).cast(nw.Int64).alias(PERIOD))


def refuse_periods(periods: Sequence[Any], time: str, where: str, *, effects: bool) -> None:
    """Raise DataError where effects of the period cannot be told from intercepts, or there are too many periods.

    ``effects`` says whether there are any; without them rows of units are sorted by cluster and period.
    """
    if effects and len(periods) < 2:
        raise DataError(
            f"the data hold one period only ({time!r} = {period_label(periods[0])})",
            where=where,
            why="An effect of the period cannot be told from the intercepts",
            fix="Write 'time_effects: none'",
        )
    if len(periods) > MOST_PERIODS:
        raise DataError(
            f"{time!r} holds {len(periods)} periods; time effects, and panels of units, of more than {MOST_PERIODS} are not "
            "available",
            where=where,
            fix="Give longer periods, such as years, or leave out 'time_effects' and 'unit'",
        )


def period_columns(time_effects: str, time: str | None, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the periods' columns of zeros and ones, 'year=1981'.

    Fixed effects leave out the first period, whose effect the intercepts hold; random ones, about a mean of their own, have
    them all.
    """
    own = {"none": (), "fixed": labels[1:], "random": labels}[time_effects]
    return tuple(f"{time}={label}" for label in own)

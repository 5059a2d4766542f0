"""The periods of a panel: which there are, in order, and each row's place among them."""

import datetime
import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect
from causalcluster.data.columns import PERIOD, TIME
from causalcluster.errors import DataError

_MICROSECONDS = 10**13
"""Whole numbers beyond are dates, read from text as microseconds since 1970."""
MOST_PERIODS = 400
"""Time effects, lags and panels of units are available with so many periods."""


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


def calendar(periods: Sequence[Any]) -> tuple[int, ...]:
    """Return how many steps after the first each period lies.

    Whole numbers are as many steps apart as their differences say, in units of the largest step that divides all of them:
    2000, 2002 and 2006 are 0, 1 and 3. Dates count by their order in the table.
    """
    if not all(isinstance(period, int) and period <= _MICROSECONDS for period in periods):
        return tuple(range(len(periods)))
    step = math.gcd(*(period - periods[0] for period in periods)) or 1
    return tuple((period - periods[0]) // step for period in periods)


def number_periods(
    frame: nw.LazyFrame[Any], periods: Sequence[Any], places: Sequence[int], *, by: str = TIME, name: str = PERIOD
) -> nw.LazyFrame[Any]:
    """Add the column ``name``: one of ``places`` for each of ``periods``, the values of the column ``by``."""
    found = [
        nw.when(nw.col(by) == period).then(nw.lit(place)).otherwise(nw.lit(0))
        for period, place in zip(periods, places, strict=True)
    ]
    return frame.with_columns(sum(found[1:], start=found[0]).cast(nw.Int64).alias(name))


def refuse_periods(periods: Sequence[Any], time: str, where: str, *, effects: bool, lags: bool) -> None:
    """Raise DataError where one period is too few for effects of periods or for lags, or there are too many periods."""
    if (effects or lags) and len(periods) < 2:
        raise DataError(
            f"the data hold one period only ({time!r} = {period_label(periods[0])})",
            where=where,
            why="Nothing came before it" if lags else "An effect of the period cannot be told from the intercepts",
            fix="Draw the edges without lags" if lags else "Write 'time_effects: none'",
        )
    if len(periods) > MOST_PERIODS:
        raise DataError(
            f"{time!r} holds {len(periods)} periods; time effects, lags and panels of units with more than {MOST_PERIODS} "
            "are not available",
            where=where,
            fix="Give longer periods, such as years, or leave out time effects, lags and 'unit'",
        )


def period_columns(time_effects: str, time: str | None, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the periods' columns of zeros and ones, 'year=1981'.

    Fixed effects leave out the first period, whose effect the intercepts hold; random ones, about a mean of their own, have
    them all.
    """
    own = {"none": (), "fixed": labels[1:], "random": labels}[time_effects]
    return tuple(f"{time}={label}" for label in own)

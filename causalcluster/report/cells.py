"""Cells of the report's tables."""

from typing import Literal

from causalcluster.report import words
from causalcluster.report.records import Cell

type Mark = Literal["", "good", "bad", "open", "muted"]


def text_cell(text: str) -> Cell:
    """Return a cell of words."""
    return Cell(text=text)


def number_cell(value: float | None, decimals: int) -> Cell:
    """Return a cell of a number, which keeps its full precision beside the rounded text."""
    return Cell(text=words.number(value, decimals), number=value, numeric=True)


def percent_cell(value: float | None) -> Cell:
    """Return a cell of a probability in percent."""
    return Cell(text=words.percent(value), number=value, numeric=True)


def plain_cell(value: float | None) -> Cell:
    """Return a cell of a number in four significant digits."""
    return Cell(text=words.plain(value), number=value, numeric=True)


def interval_cell(lower: float | None, upper: float | None, decimals: int) -> Cell:
    """Return a cell of an interval, a dash where it has no ends."""
    if lower is None or upper is None:
        return Cell(text=words.EMPTY, numeric=True)
    return Cell(text=f"{words.number(lower, decimals)} to {words.number(upper, decimals)}", numeric=True)


def verdict_cell(text: str, mark: Mark) -> Cell:
    """Return a cell of a verdict, coloured beside being said in words."""
    return Cell(text=text, mark=mark)


def estimate_cell(mean: float | None, lower: float | None, upper: float | None, decimals: int) -> Cell:
    """Return a mean with the ends of its interval in brackets, which are left out where there is nothing between them."""
    if mean is None or lower is None or upper is None:
        return Cell(text=words.EMPTY, numeric=True)
    ends = "" if lower == upper else f" ({interval_cell(lower, upper, decimals).text})"
    return Cell(text=f"{words.number(mean, decimals)}{ends}", number=mean, numeric=True)

"""Values that a node's family cannot take: told from the survey's extremes where these suffice, else in one query."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from causalcluster.analysis.records import Analysis, Node
from causalcluster.data.collection import Found, collect, first_where, plain_values
from causalcluster.data.columns import engine_column, numeric_columns
from causalcluster.data.survey import Survey
from causalcluster.errors import DataError

MOST_GRADES = 20
"""Grades of an ordinal node beyond which it is better taken for a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What no row may hold.

    ``suspected`` is whether the extremes show that a row does, or None where rows must be asked. ``others`` are the
    further engine columns that ``broken`` uses; ``tell`` says what such a row holds.
    """

    column: str
    broken: nw.Expr
    suspected: bool | None
    others: tuple[str, ...] = ()
    tell: Callable[[Found], str]
    why: str
    fix: str


def refuse_impossible_values(analysis: Analysis, frame: nw.LazyFrame[Any], survey: Survey, where: str) -> None:
    """Raise DataError for the first value that its node's family, trials or exposure cannot take.

    Parameters
    ----------
    analysis
        The analysis; families other than gaussian and student are checked, whatever the node's role.
    frame
        Typed rows, missing values as nulls, which are passed over.
    survey
        Of all numeric columns of these rows.
    where
        What messages call the table.
    """
    rules = [rule for node in analysis.nodes for rule in _rules(analysis, node, survey)]
    unknown = [rule for rule in rules if rule.suspected is None]
    asked = iter(_ask(frame, unknown))
    for rule in rules:
        if next(asked) if rule.suspected is None else rule.suspected:
            found = first_where(frame, rule.broken, rule.column, *rule.others)
            if found is not None:
                raise DataError(rule.tell(found), where=where, why=rule.why, fix=rule.fix)


def read_grades(frame: nw.LazyFrame[Any], analysis: Analysis, node: Node, where: str) -> tuple[int, ...]:
    """Return the grades that an ordinal node has, in order (one query).

    Raises
    ------
    DataError
        There is one grade only, or more than `MOST_GRADES`.
    """
    column = engine_column(analysis, node.column)
    distinct = frame.filter(~nw.col(column).is_null()).group_by(column).agg(nw.len().alias("rows"))
    grades = sorted(int(value) for value in plain_values(collect(distinct.head(MOST_GRADES + 1))[column]))
    if len(grades) > MOST_GRADES:
        raise DataError(
            f"{_name(node)} holds more than {MOST_GRADES} different grades",
            where=where,
            why="Each grade needs a threshold of its own, and so many are hardly told apart",
            fix=f"Leave 'family' out, so that node {node.name!r} is gaussian, or merge grades",
        )
    if len(grades) == 1:
        raise DataError(
            f"{_name(node)} holds one grade only, {grades[0]}",
            where=where,
            why="What does not vary tells nothing about causes or effects",
            fix=f"Take the node {node.name!r} out of the diagram or give a table in which it varies",
        )
    return tuple(grades)


def _ask(frame: nw.LazyFrame[Any], rules: Sequence[_Rule]) -> list[bool]:
    """Return for each rule whether some row breaks it, from one query."""
    if not rules:
        return []
    names = [f"broken_{i}" for i in range(len(rules))]
    marks = [rule.broken.cast(nw.Int64).alias(name) for name, rule in zip(names, rules, strict=True)]
    counted = collect(frame.select(*marks).select(*(nw.col(name).sum() for name in names)))
    return [bool(plain_values(counted[name])[0]) for name in names]


def _rules(analysis: Analysis, node: Node, survey: Survey) -> Iterator[_Rule]:
    if node.trials is not None:
        yield from _trials(analysis, node, survey)
    if node.exposure is not None:
        yield _above_zero(analysis, node, node.exposure, survey, "the exposure", *_EXPOSURE)
    if node.se is not None:
        yield _above_zero(analysis, node, node.se, survey, "the standard error", *_STANDARD_ERROR)
    column, low, high = _extremes(analysis, node.column, survey)
    value = nw.col(column)
    match node.family:
        case "bernoulli":
            broken = (value != 0.0) & (value != 1.0)
            yield _own(node, column, broken, True if low < 0 or high > 1 else None, *_BERNOULLI)
        case "binomial" | "poisson" | "negative_binomial":
            yield _own(node, column, value < 0.0, low < 0, "A count is 0 or more", "Correct the value")
            yield _own(node, column, _fractional(value), None, *(_SUCCESSES if node.family == "binomial" else _COUNT))
            if node.trials is not None:
                yield _beyond_trials(analysis, node, node.trials)
        case "ordinal":
            yield _own(node, column, _fractional(value), None, *_ORDINAL)
        case "lognormal":
            yield _own(node, column, value <= 0.0, low <= 0, *_LOGNORMAL)
        case "beta":
            outside = (value <= 0.0) | (value >= 1.0)
            yield _own(node, column, outside, low <= 0 or high >= 1, _BETA, _advise_shares(low, high))


def _trials(analysis: Analysis, node: Node, survey: Survey) -> Iterator[_Rule]:
    column, low, _ = _extremes(analysis, str(node.trials), survey)
    value = nw.col(column)
    name = f"column {node.trials!r}, the trials of node {node.name!r},"
    why, fix = "Trials are whole numbers from 1", "Correct the value, or leave out rows without trials"
    for broken, suspected in ((value < 1.0, low < 1), (_fractional(value), None)):
        yield _Rule(column=column, broken=_present(broken, column), suspected=suspected, tell=_holds(name), why=why, fix=fix)


def _above_zero(analysis: Analysis, node: Node, name: str, survey: Survey, what: str, why: str, fix: str) -> _Rule:
    column, low, _ = _extremes(analysis, name, survey)
    return _Rule(
        column=column,
        broken=_present(nw.col(column) <= 0.0, column),
        suspected=low <= 0,
        tell=_holds(f"column {name!r}, {what} of node {node.name!r},"),
        why=why,
        fix=fix,
    )


def _beyond_trials(analysis: Analysis, node: Node, trials: str) -> _Rule:
    column, other = engine_column(analysis, node.column), engine_column(analysis, trials)

    def tell(found: Found) -> str:
        return f"{_holds(_name(node))(found)}, more than its {shown(found.others[0])} trials ({trials!r})"

    return _Rule(
        column=column,
        broken=_present(nw.col(column) > nw.col(other), column, other),
        suspected=None,
        others=(other,),
        tell=tell,
        why="Successes are counted among the trials",
        fix="Correct the two columns; perhaps they are swapped",
    )


def _own(node: Node, column: str, broken: nw.Expr, suspected: bool | None, why: str, fix: str) -> _Rule:
    tell = _holds(_name(node))
    return _Rule(column=column, broken=_present(broken, column), suspected=suspected, tell=tell, why=why, fix=fix)


def _fractional(value: nw.Expr) -> nw.Expr:
    return value != value.floor()


def _present(broken: nw.Expr, *columns: str) -> nw.Expr:
    """Return the predicate for rows without missing values; a missing value is unequal to everything in some engines."""
    for column in columns:
        broken = broken & ~nw.col(column).is_null()
    return broken


def _extremes(analysis: Analysis, column: str, survey: Survey) -> tuple[str, float, float]:
    """Return the engine's name, the smallest and the largest value of a column."""
    position = numeric_columns(analysis).index(column)
    low, high = np.nanmin(survey.minimum[:, position]), np.nanmax(survey.maximum[:, position])
    return engine_column(analysis, column), float(low), float(high)


def _name(node: Node) -> str:
    return f"column {node.column!r} of the {node.family} node {node.name!r}"


def _holds(name: str) -> Callable[[Found], str]:
    def tell(found: Found) -> str:
        return f"{name} holds {shown(found.value)}" + (f" in data row {found.row}" if found.row is not None else "")

    return tell


def shown(value: float) -> str:
    """Return a number as a user would write it.

    Examples
    --------
    >>> shown(2.0), shown(0.1)
    ('2', '0.1')
    """
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _advise_shares(low: float, high: float) -> str:
    if low >= 0 and 1 < high <= 100:
        return "Divide percentages by 100; where 0 or 100 percent occur, choose binomial (with 'trials') or gaussian"
    return (
        "Where shares of exactly 0 or 1 are real, declare the node binomial with 'trials' if its counts are known, "
        "or gaussian; or move them inside, (y (n - 1) + 0.5) / n with n rows (Smithson and Verkuilen 2006)"
    )


_BERNOULLI = (
    "A bernoulli node takes 0 and 1 only (true and false count as 1 and 0), and this is a third value",
    "Recode the column as 0 and 1, or choose another family",
)
_SUCCESSES = (
    "A binomial node counts successes among its trials",
    "Give the number of successes instead of their share, or choose the family beta",
)
_EXPOSURE = (
    "An exposure is above 0: the expected count is a rate times it",
    "Correct the value, or leave out rows that were not exposed",
)
_STANDARD_ERROR = (
    "A standard error is above 0",
    "Correct the value; where a value is exact, write an error that is small beside the differences between rows",
)
_COUNT = ("A count is a whole number", "Give the count, with 'exposure' where it is a rate, or choose another family")
_ORDINAL = ("Grades are whole numbers", "Number the grades in their order, or leave 'family' out (gaussian)")
_LOGNORMAL = (
    "A lognormal node is above 0: its logarithm is what is modelled",
    "Correct the value, or choose the family gaussian",
)
_BETA = "A beta node lies strictly between 0 and 1"

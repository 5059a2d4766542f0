"""Conditions: values of moderators at which effects are asked for, by the question and by claims."""

import math
from collections.abc import Iterator, Sequence

from causalcluster.analysis.claim_records import EffectTerm, number_text
from causalcluster.analysis.records import Analysis, Condition, Edge, Hypothesis, Question
from causalcluster.analysis.yaml_lines import Document, Place


def make_condition(pairs: Sequence[tuple[str, float]]) -> Condition:
    """Return pairs of node and value in the order in which ``at`` lists them, whatever order they were given in."""
    return tuple(sorted(pairs, key=lambda pair: f"{pair[0]}="))


def condition_text(condition: Condition) -> str:
    """Return a condition as it stands in the column ``at``.

    Examples
    --------
    >>> condition_text((("age", 40.0), ("size", 0.5)))
    'age=40;size=0.5'
    """
    return ";".join(f"{name}={number_text(value)}" for name, value in condition)


def claimed_condition(term: EffectTerm) -> Condition:
    """Return the condition of an effect in a claim; values that are no numbers come back as NaN."""
    pairs = [pair.rpartition("=") for pair in term.at.split(";")] if term.at else []
    return make_condition([(name, _number(value)) for name, _, value in pairs])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def list_conditions(analysis: Analysis) -> tuple[Condition, ...]:
    """Return every condition at which effects are wanted: the question's, then those that only claims name."""
    claimed = [claimed_condition(term) for item in analysis.hypotheses for _, term in item.claim.terms if term.at]
    return tuple(dict.fromkeys((*analysis.question.at, *claimed)))


def reached_nodes(start: str, edges: Sequence[Edge]) -> set[str]:
    """Return the nodes that edges within one period lead to from ``start``."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        heirs = {edge.target for edge in edges if edge.source == node and edge.lag == 0} - found
        found |= heirs
        waiting += heirs
    return found


def check_moderators(
    question: Question, hypotheses: Sequence[Hypothesis], edges: Sequence[Edge], document: Document
) -> None:
    """Refuse conditions on nodes that the treatment moves, and conditions of claims that cannot be met.

    Raises
    ------
    AnalysisFileError
        Names the key, its line and what to do instead.
    """
    moved = reached_nodes(question.treatment, edges)
    for place, name in _moderators(question, hypotheses):
        role = _role(name, question, moved)
        if role:
            raise document.error(
                place,
                f"effects cannot be given at a value of '{name}', {role}",
                why="A moderator says for whom the effect is, so it must not be a consequence of the treatment",
                fix="Name a node that the treatment does not reach, such as one of the context"
                + ("; a mediator is held by 'fix'" if name in question.mediators else ""),
            )
    for position, hypothesis in enumerate(hypotheses):
        for _, term in hypothesis.claim.terms:
            _check_claimed(term, hypothesis.id, ("hypotheses", position, "claim"), document)


def _moderators(question: Question, hypotheses: Sequence[Hypothesis]) -> Iterator[tuple[Place, str]]:
    for position, condition in enumerate(question.at):
        for name, _ in condition:
            yield ("question", "at", position, name), name
    for position, hypothesis in enumerate(hypotheses):
        for _, term in hypothesis.claim.terms:
            for name, _ in claimed_condition(term):
                yield ("hypotheses", position, "claim"), name


def _role(name: str, question: Question, moved: set[str]) -> str:
    if name == question.treatment:
        return "the treatment"
    if name in question.mediators:
        return "a mediator"
    if name in question.outcomes:
        return "an outcome"
    return f"which '{question.treatment}' affects" if name in moved else ""


def _check_claimed(term: EffectTerm, name: str, place: Place, document: Document) -> None:
    if term.at and term.effect == "path":
        raise document.error(
            place,
            f"the claim of '{name}' asks for a path at a value of a moderator",
            why="Paths are reported only where their equations have no products, and then no moderator changes them",
            fix="Claim something about total, nde, nie or cde at that value",
        )
    for moderator, value in claimed_condition(term):
        if math.isnan(value):
            what = f"the claim of '{name}' gives the moderator '{moderator}' a value that is not a number"
            raise document.error(place, what, fix=f"Write it as at={{{moderator}: 0}}")

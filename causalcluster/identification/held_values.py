"""The values at which controlled direct effects hold mediators, and their keys."""

from collections.abc import Sequence
from itertools import product

from causalcluster.analysis.records import Question

__all__ = ["Held", "cde_via", "held_together", "references"]

type Held = tuple[tuple[str, float], ...]
"""Mediators and the values at which they are held together."""


def cde_via(held: Sequence[tuple[str, float]]) -> str:
    """Return the key of a controlled direct effect: ``enforcement=0``, or ``enforcement=0;unions=1`` for several."""
    return ";".join(f"{name}={int(value) if float(value).is_integer() else float(value)!r}" for name, value in held)


def held_together(fix: Sequence[tuple[str, float]]) -> tuple[Held, ...]:
    """Return what controlled direct effects hold: each value of ``fix`` alone, then all its mediators at every combination.

    Examples
    --------
    >>> [cde_via(held) for held in held_together((("m", 0.0), ("m", 1.0), ("k", 2.0)))]
    ['m=0', 'm=1', 'k=2', 'm=0;k=2', 'm=1;k=2']
    """
    grids: dict[str, list[tuple[str, float]]] = {}
    for name, value in fix:
        grids.setdefault(name, []).append((name, value))
    alone = tuple((entry,) for entry in fix)
    return (*alone, *product(*grids.values())) if len(grids) > 1 else alone


def references(question: Question) -> tuple[Held, ...]:
    """Return the values of ``fix`` that hold every mediator: where the four-way decomposition has its reference."""
    mediators = set(question.mediators)
    return tuple(held for held in held_together(question.fix) if mediators and {name for name, _ in held} == mediators)

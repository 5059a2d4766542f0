"""Moderators against equations and data: what cannot be told apart is refused, what needs a word of caution gets one."""

from collections.abc import Iterable

from causalcluster.analysis.moderators import condition_text, list_conditions
from causalcluster.analysis.records import Analysis
from causalcluster.design import Design
from causalcluster.errors import UnsupportedError
from causalcluster.graph import CausalGraph, children, descendants
from causalcluster.panel import Panel


def check_moderators(analysis: Analysis, graph: CausalGraph, design: Design, panel: Panel) -> tuple[str, ...]:
    """Return warnings about the moderators at whose values effects are asked for.

    Raises
    ------
    UnsupportedError
        A moderator enters no equation, or what it does cannot be told from cluster intercepts on which effects depend.
    """
    conditions = list_conditions(analysis)
    warnings = []
    for name in dict.fromkeys(name for condition in conditions for name, _ in condition):
        _refuse_absent(name, analysis, graph, design, panel)
        if not _matters(_beyond(graph, design, [name]), design, own=name):
            where = [condition_text(condition) for condition in conditions if name in dict(condition)]
            warnings.append(
                f"No effect can depend on {name}: every equation is linear, and no product holds {name} or what it moves. "
                f"Effects at {' and '.join(where)} repeat those without it."
            )
    pairs = dict.fromkeys(pair for condition in conditions for pair in condition)
    return (*warnings, *(text for name, value in pairs for text in _outside(name, value, panel)))


def _refuse_absent(name: str, analysis: Analysis, graph: CausalGraph, design: Design, panel: Panel) -> None:
    used = any(name in term.factors for term in design.terms)
    targets = [node for node in children(graph, name) if node in design.nodes]
    where = f"{analysis.path}: effects at a value of {name}"
    if not targets:
        raise UnsupportedError(
            f"{name!r} enters no equation of this question",
            where=where,
            why="Only what acts on a mediator or an outcome, or on a node between, can change their effects",
            fix="Take it out of 'at', or draw its edges",
        )
    absorbed = [node for node in targets if name in panel.between_only]
    if not used or (absorbed and _matters(_beyond(graph, design, absorbed), design)):
        what = "in no product" if not used else f"and effects depend on the level of {' and '.join(absorbed)}"
        raise UnsupportedError(
            f"{name!r} is constant inside every cluster, {what}",
            where=where,
            why="What it does to a level is part of the cluster intercepts, so the level at another value is not known",
            fix="Add a product of it with the treatment or a mediator under 'interactions'"
            if not used
            else "Take it out of 'at' and compare the clusters' own effects, or use a moderator that varies inside clusters",
        )


def _beyond(graph: CausalGraph, design: Design, starts: Iterable[str]) -> set[str]:
    """Return ``starts`` with everything behind them that has an equation."""
    found = set(starts)
    for name in tuple(found):
        found |= set(descendants(graph, name)).intersection(design.nodes)
    return found


def _matters(nodes: set[str], design: Design, *, own: str = "") -> bool:
    """Whether effects depend on the values of some nodes: through a link, or a product with one of them."""
    moved = nodes.difference({own})
    curved = any(equation.link != "identity" for equation in design.equations if equation.node in moved)
    return curved or any(term.kind == "interaction" and not nodes.isdisjoint(term.factors) for term in design.terms)


def _outside(name: str, value: float, panel: Panel) -> Iterable[str]:
    found = next(item for item in panel.statistics if item.node == name)
    if found.minimum is None or found.maximum is None:
        yield f"Moments hold no extremes, so whether {name}={value:g} lies inside the data is not known here."
    elif not found.minimum <= value <= found.maximum:
        yield (
            f"{name}={value:g} lies outside the data, which reach from {found.minimum:g} to {found.maximum:g}: "
            "effects there are extrapolated."
        )

"""Orders of the mediators that a diagram admits, and the effects that enter at each mediator under them.

`nie` via M_k is E[Y in W_k] - E[Y in W_(k-1)]: what it is depends on which mediators are moved before M_k, and on
nothing else of the order (Daniel, De Stavola, Cousens and Vansteelandt 2015, Biometrics 71). So each distinct pair of a
mediator and a set before it is evaluated once, however many orders share it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from causalcluster.analysis.records import Question
from causalcluster.effects.estimands import Estimand, with_elsewhere
from causalcluster.effects.networks import Network, World, WorldEffect, standardised
from causalcluster.effects.polynomials import Polynomial, add, scale_by
from causalcluster.effects.worlds import System, has_own_levels, mean_outcome
from causalcluster.graph import CausalGraph, ancestors
from causalcluster.model.standard import Scale

MOST_ORDERS = 24
"""So many orders are shown side by side at most."""
_MOST_COUNTED = 16

Order = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Orders of the mediators that agree with the diagram.

    Attributes
    ----------
    chosen
        The declared order first; at most `MOST_ORDERS`.
    number
        How many there are in all; None where there are too many mediators to count.
    """

    chosen: tuple[Order, ...]
    number: int | None

    @property
    def cut(self) -> bool:
        """Whether there are more than the chosen ones."""
        return self.number is None or self.number > len(self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What enters at one mediator, on one outcome, after some others have been moved.

    Attributes
    ----------
    outcome, mediator
        Nodes.
    before
        The mediators moved before it, in declared order.
    """

    outcome: str
    mediator: str
    before: Order

    @property
    def key(self) -> str:
        """A name that no other part on this outcome has."""
        return ">".join((*self.before, self.mediator))


def admissible_orders(graph: CausalGraph, mediators: Sequence[str], *, most: int = MOST_ORDERS) -> Orders:
    """Return the orders of ``mediators`` in which none comes before one of its causes.

    Parameters
    ----------
    graph
        The diagram.
    mediators
        In declared order, which is one of them.
    most
        How many to return. Where there are more, they are those in which each mediator comes as late and as early as it
        can, then others in dictionary order.

    Returns
    -------
    Orders

    Examples
    --------
    >>> from causalcluster import parse_analysis, simulate
    >>> from causalcluster.graph import build_graph
    >>> made = simulate("linear", clusters=3, rows=20, seed=1)
    >>> graph = build_graph(parse_analysis(made.analysis_text, path="analysis.yaml"))
    >>> admissible_orders(graph, ("enforcement", "unions")).chosen
    (('enforcement', 'unions'),)
    """
    declared = tuple(mediators)
    causes = {name: frozenset(ancestors(graph, name)) & frozenset(declared) for name in declared}
    chosen = dict.fromkeys([declared])
    for name in declared:
        chosen.setdefault(_as_late_as_can_be(declared, causes, name))
        chosen.setdefault(_as_early_as_can_be(declared, causes, name))
    for order in islice(_every_order(declared, causes, ()), most):
        chosen.setdefault(order)
    return Orders(chosen=tuple(chosen)[:most], number=_count(declared, causes))


def _every_order(declared: Order, causes: Mapping[str, frozenset[str]], begun: Order) -> Iterator[Order]:
    if len(begun) == len(declared):
        yield begun
    for name in declared:
        if name not in begun and causes[name].issubset(begun):
            yield from _every_order(declared, causes, (*begun, name))


def _as_late_as_can_be(declared: Order, causes: Mapping[str, frozenset[str]], late: str) -> Order:
    held = {late} | {name for name in declared if late in causes[name]}
    return (*(name for name in declared if name not in held), *(name for name in declared if name in held))


def _as_early_as_can_be(declared: Order, causes: Mapping[str, frozenset[str]], early: str) -> Order:
    first = causes[early] | {early}
    return (*(name for name in declared if name in first), *(name for name in declared if name not in first))


def _count(declared: Order, causes: Mapping[str, frozenset[str]]) -> int | None:
    """Count the orders by the sets of mediators with which they can begin."""
    if len(declared) > _MOST_COUNTED:
        return None
    ways: dict[frozenset[str], int] = {frozenset(): 1}
    for _ in declared:
        longer: dict[frozenset[str], int] = {}
        for begun, number in ways.items():
            for name in declared:
                if name not in begun and causes[name] <= begun:
                    longer[begun | {name}] = longer.get(begun | {name}, 0) + number
        ways = longer
    return sum(ways.values())


def list_parts(
    question: Question, orders: Sequence[Order], *, identified: Collection[tuple[str, str, str]]
) -> tuple[Part, ...]:
    """Return the distinct parts of `nie` under ``orders``, of the (outcome, effect, via) that are identified."""
    wanted = frozenset(identified)
    return tuple(
        dict.fromkeys(
            part_of(question, outcome, order, position)
            for outcome in question.outcomes
            for order in orders
            for position, name in enumerate(order)
            if (outcome, "nie", name) in wanted
        )
    )


def part_of(question: Question, outcome: str, order: Order, position: int) -> Part:
    """Return the part that enters at the mediator at ``position`` of an order."""
    before = frozenset(order[:position])
    declared = tuple(name for name in question.mediators if name in before)
    return Part(outcome=outcome, mediator=order[position], before=declared)


def list_order_estimands(
    parts: Sequence[Part], question: Question, system: System, scale: Scale, contrast: tuple[float, float]
) -> tuple[Estimand, ...]:
    """Write down parts in closed form, each under its `Part.key`; arguments as in `causalcluster.effects.estimands`."""
    table = _parts_in(parts, question, system, scale, contrast)
    if not has_own_levels(system.design):
        return tuple(table)
    new = _parts_in(parts, question, replace(system, own_means=True), scale, contrast)
    return tuple(with_elsewhere(item, other) for item, other in zip(table, new, strict=True))


def _parts_in(
    parts: Sequence[Part], question: Question, system: System, scale: Scale, contrast: tuple[float, float]
) -> list[Estimand]:
    low, high = (standardised(value, question.treatment, scale) for value in contrast)
    known: dict[tuple[str, frozenset[str]], Polynomial] = {}

    def mean(outcome: str, moved: frozenset[str]) -> Polynomial:
        if (outcome, moved) not in known:
            values = _treatment_in(question, system.design.nodes, outcome, moved, low, high)
            known[outcome, moved] = mean_outcome(system, outcome, values)
        return known[outcome, moved]

    found = []
    for part in parts:
        before = frozenset(part.before)
        change = add(mean(part.outcome, before | {part.mediator}), mean(part.outcome, before), factor=-1.0)
        polynomial = scale_by(change, scale.scale[part.outcome])
        found.append(Estimand(outcome=part.outcome, effect="nie", via=part.key, polynomial=polynomial))
    return found


def list_order_worlds(
    parts: Sequence[Part], question: Question, network: Network, contrast: tuple[float, float]
) -> tuple[WorldEffect, ...]:
    """Write down parts as contrasts of worlds, each under its `Part.key`, for equations of any family."""
    low, high = (standardised(value, question.treatment, network.scale) for value in contrast)
    known: dict[tuple[str, frozenset[str]], World] = {}

    def world(outcome: str, moved: frozenset[str]) -> World:
        if (outcome, moved) not in known:
            values = _treatment_in(question, network.design.nodes, outcome, moved, low, high)
            known[outcome, moved] = World(treatment=values)
        return known[outcome, moved]

    found = []
    for part in parts:
        before = frozenset(part.before)
        terms = ((1.0, world(part.outcome, before | {part.mediator})), (-1.0, world(part.outcome, before)))
        found.append(WorldEffect(outcome=part.outcome, effect="nie", via=part.key, terms=terms))
    return tuple(found)


def _treatment_in(
    question: Question, nodes: Sequence[str], outcome: str, moved: frozenset[str], low: float, high: float
) -> dict[str, float]:
    """Return the treatment on its arrow into every node: high into ``moved`` mediators, low into the others, else high."""
    values = dict.fromkeys(nodes, high)
    values.update({name: high if name in moved else low for name in question.mediators})
    values[outcome] = high
    return values

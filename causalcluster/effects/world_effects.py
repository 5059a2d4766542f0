"""The estimands of docs/outputs.md as contrasts of worlds, for equations of any family.

Definitions: natural effects and effects entering at ordered mediators as in `causalcluster.effects.estimands`;
interventional effects (Vansteelandt and Daniel 2017, Epidemiology 28), which hold mediators at random draws from their
distribution under a treatment value given context and cluster; the four-way decomposition (VanderWeele 2014,
Epidemiology 25).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from causalcluster.analysis.moderators import condition_text
from causalcluster.analysis.records import Condition, Question
from causalcluster.effects.networks import Network, World, WorldEffect, standardised
from causalcluster.errors import UnsupportedError
from causalcluster.families import EffectScale, scales_of
from causalcluster.identification import cde_via, held_together, references

Weighted = tuple[tuple[float, World], ...]
Held = Mapping[str, float | World]


def list_world_effects(
    question: Question,
    network: Network,
    contrast: tuple[float, float],
    *,
    identified: Iterable[tuple[str, str, str]],
    at: Sequence[Condition] = (),
    scales: Iterable[EffectScale] = ("difference",),
) -> tuple[WorldEffect, ...]:
    """Write down every wanted effect of the question.

    Parameters
    ----------
    question
        What is asked.
    network
        Equations and scales.
    contrast
        Treatment values from and to, in the treatment's units.
    identified
        The (outcome, effect, via) that are wanted: total, nde, nie, tnde, pnie, cde, int_ref, int_med, ide, iie, overall
        and prop_mediated.
    at
        Values of context columns, in their units, at which every effect is wanted too.
    scales
        Which scales; a family's that has no such scale are left out.

    Returns
    -------
    tuple of WorldEffect
        By outcome, condition and scale. Paths are products of coefficients: `causalcluster.effects.estimands`.
    """
    wanted, asked = set(identified), tuple(scales)
    families = {equation.node: equation.family for equation in network.design.equations}
    found: list[WorldEffect] = []
    for outcome in question.outcomes:
        for values in ((), *at):
            table = list(_Outcome.make(outcome, question, network, contrast, values).rows())
            table = [item for item in table if (item.outcome, item.effect, item.via) in wanted]
            for scale in (scale for scale in asked if scale in scales_of(families[outcome])):
                found += [_on_scale(item, scale) for item in table if scale == "difference" or _is_contrast(item)]
    return tuple(found)


def _is_contrast(item: WorldEffect) -> bool:
    return len(item.terms) == 2 and not item.whole


def _on_scale(item: WorldEffect, scale: EffectScale) -> WorldEffect:
    return WorldEffect(
        outcome=item.outcome,
        effect=item.effect,
        via=item.via,
        at=item.at,
        scale=scale,
        terms=item.terms,
        whole=item.whole,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outcome:
    """One outcome's worlds at one condition; ``low`` and ``high`` are standardised treatment values."""

    outcome: str
    question: Question
    network: Network
    low: float
    high: float
    values: Condition
    set_context: Mapping[str, float]

    @classmethod
    def make(
        cls,
        outcome: str,
        question: Question,
        network: Network,
        contrast: tuple[float, float],
        values: Condition,
    ) -> "_Outcome":
        for node, _ in values:
            if node not in network.context.columns:
                raise UnsupportedError(
                    f"effects cannot be given at a value of {node}",
                    why="it is not a context column of the equations",
                    fix=f"use one of: {', '.join(network.context.columns) or 'none'}",
                )
        low, high = (standardised(value, question.treatment, network.scale) for value in contrast)
        fixed = {node: standardised(value, node, network.scale) for node, value in values}
        return cls(outcome=outcome, question=question, network=network, low=low, high=high, values=values, set_context=fixed)

    def world(self, level: float, held: Held | None = None) -> World:
        """Return the world in which every arrow carries ``level``."""
        return World(treatment=dict.fromkeys(self.network.design.nodes, level), held={**self.set_context, **(held or {})})

    def drawn(self, level: float, shared: Sequence[str], stream: str) -> World:
        """Return a world from which mediators are drawn: nodes that are not ``shared`` have noise of their own.

        A drawn mediator may keep its own noise, which nothing else that the outcome sees depends on. Then draws differ
        from natural values only where the definitions differ, and Monte Carlo errors cancel between them.
        """
        nodes = self.network.design.nodes
        streams = {node: "" if node in shared else stream for node in nodes}
        return World(treatment=dict.fromkeys(nodes, level), held=self.set_context, streams=streams)

    def stepped(self, moved: int) -> World:
        """Return world W_k: the treatment high into the first k mediators, low into the others, high elsewhere."""
        mediators = self.question.mediators
        treatment = dict.fromkeys(self.network.design.nodes, self.high)
        treatment.update(dict.fromkeys(mediators[moved:], self.low))
        treatment[self.outcome] = self.high
        return World(treatment=treatment, held=self.set_context)

    def row(self, effect: str, via: str, terms: Weighted, whole: Weighted = ()) -> WorldEffect:
        at = condition_text(self.values)
        return WorldEffect(outcome=self.outcome, effect=effect, via=via, at=at, terms=terms, whole=whole)

    def rows(self) -> Iterator[WorldEffect]:
        """Yield every effect there is, in the order of effects.csv."""
        low, high = self.world(self.low), self.world(self.high)
        total = _minus(high, low)
        yield self.row("total", "", total)
        mediators = self.question.mediators
        if not mediators:
            yield from self.controlled()
            return
        steps = [self.stepped(k) for k in range(len(mediators) + 1)]
        natural: Held = {node: high for node in mediators}
        crossed = self.world(self.low, natural)
        indirect = {"all": _minus(steps[-1], steps[0])}
        indirect |= {name: _minus(steps[k + 1], steps[k]) for k, name in enumerate(mediators)}
        yield self.row("nde", "", _minus(steps[0], low))
        for via, terms in indirect.items():
            yield self.row("nie", via, terms)
        yield self.row("tnde", "", _minus(high, crossed))
        yield self.row("pnie", "all", _minus(crossed, low))
        yield from self.controlled()
        yield from self.interactions(total, steps[0], crossed)
        yield from self.interventional()
        for via, terms in indirect.items():
            yield self.row("prop_mediated", via, terms, whole=total)

    def controlled(self) -> Iterator[WorldEffect]:
        for fixed in held_together(self.question.fix):
            yield self.row("cde", cde_via(fixed), self.controlled_terms(fixed))

    def controlled_terms(self, fixed: Sequence[tuple[str, float]]) -> Weighted:
        held: Held = {node: standardised(value, node, self.network.scale) for node, value in fixed}
        return _minus(self.world(self.high, held), self.world(self.low, held))

    def interventional(self) -> Iterator[WorldEffect]:
        """Yield ide, iie and overall: mediators held at draws from worlds with noise of their own."""
        mediators = self.question.mediators

        def drawn(level: float) -> Held:
            return dict.fromkeys(mediators, self.drawn(level, mediators, "joint"))

        none, some = self.world(self.low, drawn(self.low)), self.world(self.high, drawn(self.low))
        every = self.world(self.high, drawn(self.high))
        yield self.row("ide", "", _minus(some, none))
        yield self.row("iie", "all", _minus(every, some))
        steps = [self.margins(k) for k in range(len(mediators) + 1)]
        for k, name in enumerate(mediators):
            yield self.row("iie", name, _minus(steps[k + 1], steps[k]))
        if len(mediators) > 1:
            rest = (*_minus(every, some), *((-weight, world) for weight, world in _minus(steps[-1], steps[0])))
            yield self.row("iie", "dependence", rest)
        yield self.row("overall", "", _minus(every, none))

    def margins(self, moved: int) -> World:
        """Return the world with mediators held at independent draws, the first k under high, the others under low."""
        held: dict[str, float | World] = {}
        for position, node in enumerate(self.question.mediators):
            level = self.high if position < moved else self.low
            # A single mediator's margin is its joint distribution.
            stream = f"margin of {node}" if len(self.question.mediators) > 1 else "joint"
            held[node] = self.drawn(level, (node,), stream)
        return self.world(self.high, held)

    def interactions(self, total: Weighted, some: World, crossed: World) -> Iterator[WorldEffect]:
        """Yield what the four-way decomposition has beside cde and pnie; ``some`` is W_0, ``crossed`` M(a1) under a0."""
        high, low = total[0][1], total[1][1]
        for fixed in references(self.question):
            against = tuple((-weight, world) for weight, world in self.controlled_terms(fixed))
            yield self.row("int_ref", cde_via(fixed), (*_minus(some, low), *against))
        yield self.row("int_med", "all", (*_minus(high, some), *_minus(low, crossed)))


def _minus(left: World, right: World) -> Weighted:
    return ((1.0, left), (-1.0, right))

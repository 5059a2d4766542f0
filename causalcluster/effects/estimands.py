"""The estimands of docs/outputs.md: one row per effect, as a polynomial in a cluster's coefficients.

Definitions: total, natural direct and indirect effects (Pearl 2001; Imai, Keele and Yamamoto 2010), effects entering
at each of several ordered mediators (Daniel, De Stavola, Cousens and Vansteelandt 2015, Biometrics 71; Steen et al.
2017), controlled direct effects, and products along single directed paths.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from causalcluster.analysis.moderators import condition_text
from causalcluster.analysis.records import Condition, Question
from causalcluster.effects.polynomials import Floats, Monomial, Polynomial, add, constant, scale_by, times_coefficient
from causalcluster.effects.rounding import add_weights
from causalcluster.effects.worlds import System, everywhere, has_own_levels, mean_outcome
from causalcluster.graph import CausalGraph, directed_paths
from causalcluster.identification import cde_via, held_together, references
from causalcluster.model.standard import Scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimand:
    """One effect on one outcome.

    Attributes
    ----------
    outcome, effect, via
        The row's key.
    polynomial
        The effect in the outcome's units, given a cluster's coefficients; of the numerator for a proportion.
    denominator
        The total effect, for a proportion mediated; None otherwise.
    at
        The values of moderators at which it is, 'size=0'; empty where context is as observed.
    elsewhere
        The same effect in clusters that were not observed, where it is another polynomial: their nodes' means are their own.
    """

    outcome: str
    effect: str
    via: str
    polynomial: Polynomial
    denominator: Polynomial | None = None
    at: str = ""
    elsewhere: "Estimand | None" = None


def list_estimands(
    question: Question,
    graph: CausalGraph,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
    *,
    identified: Iterable[tuple[str, str, str]],
    at: Sequence[Condition] = (),
) -> tuple[Estimand, ...]:
    """Write down every identified effect of the question.

    Parameters
    ----------
    question, graph
        What is asked, on which diagram.
    system, scale
        Equations with cluster means, and the scales of the columns.
    contrast
        Treatment values from and to, in the treatment's units.
    identified
        The (outcome, effect, via) that are identified.
    at
        Conditions at which every effect but paths is wanted too.

    Returns
    -------
    tuple of Estimand
        By outcome: total, nde, nie, tnde, pnie, cde, int_ref, int_med, ide, iie, overall, prop_mediated, path; then the
        same by condition.
    """
    wanted = set(identified)
    found: list[Estimand] = []
    for outcome in question.outcomes:
        table = _effects_everywhere(outcome, question, system, scale, contrast)
        if any(key[:2] == (outcome, "path") for key in wanted):
            table += _paths(outcome, question, graph, system, scale, contrast)
        for condition in at:
            values = {node: _standardised(value, node, scale) for node, value in condition}
            conditional = _effects_everywhere(outcome, question, replace(system, context_at=values), scale, contrast)
            table += [replace(item, at=condition_text(condition)) for item in conditional]
        found += [item for item in table if (item.outcome, item.effect, item.via) in wanted]
    return tuple(found)


def list_paths(
    question: Question,
    graph: CausalGraph,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
    *,
    identified: Iterable[tuple[str, str, str]],
) -> tuple[Estimand, ...]:
    """Write down every identified path whose equations are linear and do not interact; arguments of `list_estimands`."""
    wanted = set(identified)
    found = [item for outcome in question.outcomes for item in _paths(outcome, question, graph, system, scale, contrast)]
    return tuple(item for item in found if (item.outcome, item.effect, item.via) in wanted)


def _effects_everywhere(
    outcome: str, question: Question, system: System, scale: Scale, contrast: tuple[float, float]
) -> list[Estimand]:
    """Return effects in observed clusters, with those in new ones where they differ."""
    table = _effects_on(outcome, question, system, scale, contrast)
    if not has_own_levels(system.design):
        return table
    new = _effects_on(outcome, question, replace(system, own_means=True), scale, contrast)
    return [with_elsewhere(item, other) for item, other in zip(table, new, strict=True)]


def with_elsewhere(observed: Estimand, new: Estimand) -> Estimand:
    """Return an effect with its form in new clusters, where that is another one."""
    pairs = ((observed.polynomial, new.polynomial), (observed.denominator or {}, new.denominator or {}))
    same = all(
        left.keys() == right.keys() and all(np.array_equal(left[key], right[key]) for key in left) for left, right in pairs
    )
    return observed if same else replace(observed, elsewhere=new)


def _effects_on(
    outcome: str,
    question: Question,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
) -> list[Estimand]:
    low, high = (_standardised(value, question.treatment, scale) for value in contrast)
    unit = scale.scale[outcome]
    mediators = question.mediators

    def world(moved: Iterable[str], *, own: float, others: float) -> Polynomial:
        """Mean outcome with treatment high into ``moved`` mediators, low into the other mediators."""
        moved = set(moved)
        values = {node: others for node in system.design.nodes}
        values.update({node: high if node in moved else low for node in mediators})
        values[outcome] = own
        return mean_outcome(system, outcome, values)

    def difference(left: Polynomial, right: Polynomial) -> Polynomial:
        return scale_by(add(left, right, factor=-1.0), unit)

    none = world((), own=low, others=low)
    steps = [world(mediators[:k], own=high, others=high) for k in range(len(mediators) + 1)]
    total = difference(steps[-1], none)
    rows = [Estimand(outcome=outcome, effect="total", via="", polynomial=total)]
    if mediators:
        indirect = {"all": difference(steps[-1], steps[0])}
        indirect |= {name: difference(steps[k + 1], steps[k]) for k, name in enumerate(mediators)}
        crossed = _all_mediators_high(system, outcome, mediators, low, high)
        rows.append(Estimand(outcome=outcome, effect="nde", via="", polynomial=difference(steps[0], none)))
        rows += [Estimand(outcome=outcome, effect="nie", via=via, polynomial=p) for via, p in indirect.items()]
        rows.append(Estimand(outcome=outcome, effect="tnde", via="", polynomial=difference(steps[-1], crossed)))
        rows.append(Estimand(outcome=outcome, effect="pnie", via="all", polynomial=difference(crossed, none)))
    rows += _controlled(outcome, question, system, scale, low, high)
    if mediators:
        rows += _interactions(rows, question)
        rows += _interventional(outcome, mediators, system, scale, low, high)
        rows += [
            Estimand(outcome=outcome, effect="prop_mediated", via=via, polynomial=p, denominator=total)
            for via, p in indirect.items()
        ]
    return rows


def _all_mediators_high(system: System, outcome: str, mediators: tuple[str, ...], low: float, high: float) -> Polynomial:
    """Return E[Y(a0, M(a1))]: mediators as they naturally are under a1, all else of the outcome's causes under a0.

    The nodes between treatment and outcome are answered twice: once under a1, for the mediators' sake, and once under
    a0 with the mediators held at those answers.
    """
    design = system.design
    natural = {node: high for node in design.nodes}
    held = {node: mean_outcome(system, node, natural) for node in mediators if node in design.nodes}
    return mean_outcome(system, outcome, {node: low for node in design.nodes}, held=held)


def _interactions(rows: Sequence[Estimand], question: Question) -> list[Estimand]:
    """Return what the four-way decomposition has beside cde and pnie: nde - cde at reference values, and nie - pnie."""
    known = {(row.effect, row.via): row.polynomial for row in rows}
    pairs = [("int_ref", cde_via(held), ("nde", ""), ("cde", cde_via(held))) for held in references(question)]
    pairs.append(("int_med", "all", ("nie", "all"), ("pnie", "all")))
    found = []
    for effect, via, left, right in pairs:
        terms: dict[Monomial, list[Floats]] = {}
        for sign, polynomial in ((1.0, known[left]), (-1.0, known[right])):
            for monomial, weight in polynomial.items():
                terms.setdefault(monomial, []).append(sign * weight)
        found.append(Estimand(outcome=rows[0].outcome, effect=effect, via=via, polynomial=add_weights(terms)))
    return found


def _interventional(
    outcome: str, mediators: tuple[str, ...], system: System, scale: Scale, low: float, high: float
) -> list[Estimand]:
    """Return ide, iie and overall: mediators drawn from their distribution under a treatment value, all else responding.

    The outcome is linear in every mediator, so that draws enter by their means and nothing is left over for `dependence`.
    """
    design = system.design
    drawn = {
        level: {
            node: mean_outcome(system, node, dict.fromkeys(design.nodes, level))
            for node in mediators
            if node in design.nodes
        }
        for level in (low, high)
    }

    def world(level: float, moved: int) -> Polynomial:
        """Mean outcome with the first mediators drawn under high, the others under low."""
        held = {node: drawn[high if k < moved else low][node] for k, node in enumerate(mediators) if node in drawn[low]}
        return mean_outcome(system, outcome, dict.fromkeys(design.nodes, level), held=held)

    def row(effect: str, via: str, left: Polynomial, right: Polynomial) -> Estimand:
        polynomial = scale_by(add(left, right, factor=-1.0), scale.scale[outcome])
        return Estimand(outcome=outcome, effect=effect, via=via, polynomial=polynomial)

    none, steps = world(low, 0), [world(high, k) for k in range(len(mediators) + 1)]
    rows = [row("ide", "", steps[0], none), row("iie", "all", steps[-1], steps[0])]
    rows += [row("iie", name, steps[k + 1], steps[k]) for k, name in enumerate(mediators)]
    if len(mediators) > 1:
        rows.append(row("iie", "dependence", none, none))
    return [*rows, row("overall", "", steps[-1], none)]


def _paths(
    outcome: str,
    question: Question,
    graph: CausalGraph,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
) -> list[Estimand]:
    size = scale.scale[outcome] * (contrast[1] - contrast[0]) / scale.scale[question.treatment]
    positions = {term.name: i for i, term in enumerate(system.design.terms)}
    bent = {term.target for term in system.design.terms if term.kind == "interaction"}
    bent |= {equation.node for equation in system.design.equations if equation.link != "identity"}
    rows = []
    for path in directed_paths(graph, question.treatment, outcome):
        if bent.intersection(path[1:]):
            continue
        product: Polynomial = {(): everywhere(system, size)}
        for source, target in pairwise(path):
            product = times_coefficient(product, positions[f"{source} -> {target}"])
        via = ">".join(path[1:-1]) or "direct"
        rows.append(Estimand(outcome=outcome, effect="path", via=via, polynomial=product))
    return rows


def _controlled(outcome: str, question: Question, system: System, scale: Scale, low: float, high: float) -> list[Estimand]:
    rows = []
    for fixed in held_together(question.fix):
        held = {node: constant(everywhere(system, _standardised(value, node, scale))) for node, value in fixed}
        ends = [mean_outcome(system, outcome, dict.fromkeys(system.design.nodes, at), held=held) for at in (low, high)]
        polynomial = scale_by(add(ends[1], ends[0], factor=-1.0), scale.scale[outcome])
        rows.append(Estimand(outcome=outcome, effect="cde", via=cde_via(fixed), polynomial=polynomial))
    return rows


def _standardised(value: float, node: str, scale: Scale) -> float:
    return (value - scale.shift[node]) / scale.scale[node]

"""The decision for each kind of effect: conditions of the diagram first, then the estimator's route."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import networkx as nx

from causalcluster.graph import CausalGraph, count_directed_paths, directed_paths
from causalcluster.identification.adjustment import backdoor_set, smallest
from causalcluster.identification.conditions import (
    Setting,
    Violation,
    affected_confounder,
    controlled_backdoor,
    mediator_mediator,
    mediator_outcome,
    shared_district,
    treatment_mediator,
    treatment_outcome,
    undeclared_causes,
)
from causalcluster.identification.estimator import (
    any_confounded,
    cde_route,
    first_confounded,
    mediation_route,
    path_route,
    total_route,
)
from causalcluster.identification.mediation_sets import ignorability, mediation_set
from causalcluster.identification.separation import open_path, without_outgoing
from causalcluster.identification.wording import given, listed, set_of, why_not

__all__ = [
    "MOST_PATHS",
    "NO_PATH",
    "Finding",
    "controlled",
    "entering",
    "interventional",
    "natural",
    "paths",
    "proportion",
    "total_effect",
]

MOST_PATHS = 200
"""Path effects are listed up to this many directed paths per outcome; a dense diagram has millions."""
NO_PATH = "no path in the diagram"
"""What identifies an effect that is zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict without its key; `assumptions` holds those of the diagram alone."""

    identified: bool
    reason: str
    by: str = ""
    adjustment: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    instead: str = ""


def total_effect(setting: Setting) -> Finding:
    """Decide the total effect: backdoor adjustment, by a system of regressions that adds up to it."""
    if not setting.on_path:
        return _zero(f"no directed path leads from {setting.treatment} to {setting.outcome}")
    backdoor = treatment_outcome(setting, setting.covariates)
    adjustment = smallest(setting.covariates, lambda names: treatment_outcome(setting, names) is None)
    route = total_route(setting, adjustment)
    if backdoor or route:
        return _total_not_recovered(setting, backdoor, route)
    pair = f"{setting.treatment} and {setting.outcome}"
    reason = given(adjustment, f"no backdoor path between {pair} is open")
    if any_confounded(setting):
        reason += " Single equations are confounded, yet their paths add up to the total effect."
    return Finding(
        identified=True,
        by="backdoor adjustment",
        adjustment=adjustment,
        assumptions=(given(adjustment, f"nothing unmeasured causes both {pair}"),),
        reason=reason,
    )


def _total_not_recovered(setting: Setting, backdoor: Violation | None, route: Violation | None) -> Finding:
    """Say whether the total effect is beyond the diagram or only beyond this version's estimator."""
    found = route or backdoor
    why = why_not(setting, found) if found else ""
    elsewhere = backdoor_set(setting.digraph, setting.treatment, setting.outcome)
    if elsewhere is not None:
        absent = [name for name in (*elsewhere, setting.treatment) if not _causes(setting, name)]
        reason = (
            f"The total effect is itself identified {_by_adjusting(elsewhere)}, but this version adds it up from "
            f"regressions of each node on its parents alone. {why}"
        )
        if absent:
            reason += f" If {listed(absent)} may act on {setting.outcome} directly, draw that edge."
    elif _front_door(setting):
        reason = (
            f"The total effect is itself identified by the front-door criterion through {listed(setting.mediators)} "
            f"(Pearl 1995), which this version's estimator does not use. {why}"
        )
    else:
        reason = why
    return Finding(identified=False, reason=reason)


def _by_adjusting(names: tuple[str, ...]) -> str:
    return f"by adjusting for {set_of(names)}" if names else "without adjustment"


def _causes(setting: Setting, name: str) -> bool:
    return bool(setting.digraph.has_edge(name, setting.outcome))


def _front_door(setting: Setting) -> bool:
    around = nx.DiGraph(setting.digraph)
    around.remove_nodes_from(setting.mediators)
    if not setting.mediators or bool(nx.has_path(around, setting.treatment, setting.outcome)):
        return False
    return bool(treatment_mediator(setting, ()) is None and mediator_outcome(setting, ()) is None)


def natural(setting: Setting, total: Finding) -> tuple[Finding, Finding]:
    """Decide the direct effect and the effect through all mediators, in both splits of the total.

    Returns
    -------
    direct, mediated : Finding
        For ``nde`` and ``tnde``, and for ``nie`` and ``pnie`` through ``all``.
    """
    heads = [name for name in setting.on_path if setting.digraph.has_edge(setting.treatment, name)]
    entered = [name for name in heads if name in setting.mediators]
    if not setting.on_path:
        return total, total
    if heads == entered:
        nothing = f"every directed path from {setting.treatment} to {setting.outcome} starts into a mediator"
        return _zero(nothing), _same_as_total(total, "direct")
    witness = affected_confounder(setting)
    if not entered and witness is None:
        return _same_as_total(total, "mediated"), _no_entry(setting, "the mediators")
    violation = witness or ignorability(setting, setting.covariates) or mediation_route(setting, separate=False)
    if violation:
        reason = why_not(setting, violation)
        elsewhere = mediation_set(setting)
        if elsewhere is not None:
            reason = (
                f"The split is itself identified {_by_adjusting(elsewhere)}, but this version makes it from regressions of "
                f"each node on its parents alone. {reason}"
            )
        finding = Finding(identified=False, reason=reason, instead=_instead(setting, violation, total))
        return finding, finding
    finding = _ignorable(setting, between=False)
    return finding, finding


def entering(setting: Setting, mediator: str, mediated: Finding) -> Finding:
    """Decide the effect that enters at one mediator, given the decision for all mediators together."""
    if mediator not in setting.mediators:
        return _zero(f"{mediator} is on no directed path from {setting.treatment} to {setting.outcome}")
    entered = [name for name in setting.mediators if setting.digraph.has_edge(setting.treatment, name)]
    silent = any(nx.has_path(setting.digraph, name, mediator) for name in _silent(setting))
    if mediator not in entered and (mediated.identified or not silent):
        return _no_entry(setting, mediator)
    if not mediated.identified or len(entered) == 1:
        return mediated
    violation = mediator_mediator(setting, setting.covariates) or mediation_route(setting, separate=True)
    if violation:
        return Finding(
            identified=False,
            reason=why_not(setting, violation),
            instead="The indirect effect through all mediators together (nie, via=all).",
        )
    return _ignorable(setting, between=True)


def _ignorable(setting: Setting, *, between: bool) -> Finding:
    def fails(names: tuple[str, ...]) -> bool:
        return bool(ignorability(setting, names) or (between and mediator_mediator(setting, names)))

    adjustment = smallest(setting.covariates, lambda names: not fails(names))
    treatment, outcome = setting.treatment, setting.outcome
    cross_world = (
        "Cross-world independence: the errors of different equations are independent, so mediators under one "
        f"value of {treatment} may be combined with {outcome} under the other."
    )
    sentences = [
        given(adjustment, f"nothing unmeasured causes both {treatment} and {outcome}"),
        given(adjustment, f"nothing unmeasured causes both {treatment} and {_either(setting.mediators)}"),
        given(
            (treatment, *adjustment),
            f"nothing unmeasured causes both {_either(setting.mediators)} and {outcome}",
        ),
        f"Nothing that {treatment} affects, other than the mediators, causes both a mediator and {outcome}.",
        cross_world,
    ]
    if between:
        two = f"{'two of' if len(setting.mediators) > 2 else 'both'} {listed(setting.mediators)}"
        sentences.insert(3, given((treatment, *adjustment), f"nothing unmeasured causes {two}"))
    clause = f"no backdoor path between {listed((treatment, *setting.mediators, outcome))} is open"
    return Finding(
        identified=True,
        by="sequential ignorability, mediators in order" if between else "sequential ignorability, mediators jointly",
        adjustment=adjustment,
        assumptions=tuple(sentences),
        reason=" ".join((given(adjustment, clause), *_accounting(setting))),
    )


def _either(names: tuple[str, ...]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


def _accounting(setting: Setting) -> list[str]:
    """Return a sentence on what reaches a mediator through undeclared nodes, which counts as direct."""
    silent = _silent(setting)
    if not silent:
        return []
    verb = "is not a declared mediator" if len(silent) == 1 else "are not declared mediators"
    return [f"What runs through {listed(silent)}, which {verb}, counts as direct."]


def _silent(setting: Setting) -> tuple[str, ...]:
    """Return undeclared causes of a mediator that the treatment reaches without passing a mediator."""
    around = nx.DiGraph(setting.digraph)
    around.remove_nodes_from(setting.mediators)
    return tuple(name for name in undeclared_causes(setting) if nx.has_path(around, setting.treatment, name))


def _instead(setting: Setting, violation: Violation, total: Finding) -> str:
    """Return what a user gets where natural effects are not identified."""
    reported = _total_or_nothing(total)
    if violation.condition != "affected_confounder":
        return reported
    if interventional(setting, total).identified:
        reported += " The interventional effects (ide, iie, overall)."
    return f"{reported} With {violation.nodes[0]} declared as a mediator as well, the split may be identified."


def interventional(setting: Setting, total: Finding) -> Finding:
    """Decide the interventional direct and indirect effects (VanderWeele, Vansteelandt and Robins 2014).

    Causes of mediator and outcome that the treatment affects may be there, as long as they are measured: they respond
    to the treatment, while mediators are drawn anew.
    """
    names = undeclared_causes(setting)
    if not total.identified:
        return Finding(identified=False, reason=total.reason)
    cut = without_outgoing(setting.digraph, setting.mediators)
    blocked = (setting.treatment, *setting.covariates, *names)
    violation = treatment_mediator(setting, setting.covariates)
    if violation is None:
        path = open_path(cut, setting.mediators, {setting.outcome}, blocked)
        violation = Violation(condition="mediator_outcome", nodes=(path[0], setting.outcome), path=path) if path else None
    violation = violation or first_confounded(setting)
    if violation:
        return Finding(identified=False, reason=why_not(setting, violation), instead=_total_or_nothing(total))
    treatment, outcome = setting.treatment, setting.outcome
    sentences = (
        *total.assumptions,
        given(setting.covariates, f"nothing unmeasured causes both {treatment} and {_either(setting.mediators)}"),
        given(
            (treatment, *setting.covariates, *names),
            f"nothing unmeasured causes both {_either(setting.mediators)} and {outcome}",
        ),
    )
    reason = (
        "Mediators are drawn at random from their distribution under a value of the treatment, so no worlds are combined."
    )
    if names:
        reason += f" {listed(names)}, which {treatment} may affect, responds to it on the way to {outcome}."
    return Finding(
        identified=True,
        by="interventional effects, sequential exchangeability",
        adjustment=setting.covariates,
        assumptions=sentences,
        reason=reason,
    )


def _total_or_nothing(total: Finding) -> str:
    return "The total effect (total)." if total.identified else ""


def paths(setting: Setting, graph: CausalGraph) -> Iterator[tuple[str, Finding]]:
    """Decide the effect along each directed path; the key is ``direct`` or the nodes between, ``M1>M2``."""
    number = count_directed_paths(graph, setting.treatment, setting.outcome)
    if number > MOST_PATHS:
        reason = f"There are {number} directed paths; path effects are reported up to {MOST_PATHS}."
        yield (
            "",
            Finding(identified=False, reason=reason, instead="The effects nde and nie, where identified."),
        )
        return
    for path in directed_paths(graph, setting.treatment, setting.outcome):
        yield ">".join(path[1:-1]) or "direct", _path(setting, path)


def _path(setting: Setting, path: tuple[str, ...]) -> Finding:
    bent = [term for term in setting.products if term.target in path]
    if bent:
        product = " * ".join(bent[0].factors)
        reason = f"The equation of {bent[0].target} holds the interaction {product}, so the path has no effect of its own."
        return Finding(identified=False, reason=reason, instead="The effects nde and nie, where identified.")
    curved = [name for name in setting.curved if name in path]
    if curved:
        reason = f"The equation of {curved[0]} is not linear, so the path has no effect of its own."
        return Finding(identified=False, reason=reason, instead="The effects nde and nie, where identified.")
    violation = affected_confounder(setting, path) or path_route(setting, path) or shared_district(setting, path[1])
    if violation:
        return Finding(identified=False, reason=why_not(setting, violation))
    parents = {name for node in path[1:] for name in setting.digraph.predecessors(node)}
    arrows = " -> ".join(path)
    return Finding(
        identified=True,
        by="single-door criterion along the path",
        adjustment=tuple(name for name in setting.covariates if name in parents),
        assumptions=(f"In each equation on {arrows}, nothing unmeasured causes both the node and its cause there.",),
        reason=f"Each regression on {arrows} adjusts for all parents of its node, and no backdoor path stays open.",
    )


def controlled(setting: Setting, fixed: tuple[str, ...], total: Finding) -> Finding:
    """Decide the controlled direct effect with nodes held at values."""
    treatment, outcome = setting.treatment, setting.outcome
    around = nx.DiGraph(setting.digraph)
    around.remove_nodes_from(fixed)
    if not nx.has_path(around, treatment, outcome):
        return _zero(
            f"every directed path from {treatment} to {outcome} passes {' or '.join(fixed)}"
            if setting.on_path
            else f"no directed path leads from {treatment} to {outcome}"
        )
    route = cde_route(setting, fixed)
    if route:
        return Finding(identified=False, reason=why_not(setting, route), instead=_total_or_nothing(total))
    covariates = tuple(name for name in setting.covariates if name not in fixed)
    if controlled_backdoor(setting, fixed, covariates) is None:
        adjustment = smallest(covariates, lambda names: controlled_backdoor(setting, fixed, names) is None)
        affected: tuple[str, ...] = ()
    else:
        adjustment = covariates
        affected = tuple(
            name for name in setting.on_path if name not in fixed and name != outcome and nx.has_path(around, name, outcome)
        )
    ends = " or ".join((treatment, *fixed))
    pair = f"{ends} on the one side and {outcome} on the other"
    reason = given(adjustment, f"no backdoor path from {ends} to {outcome} is open")
    if affected:
        causes = f"{' or '.join(fixed)} and {outcome} have common causes that {treatment} affects"
        reason = f"{causes}; their own equations account for them."
    return Finding(
        identified=True,
        by="sequential backdoor adjustment",
        adjustment=adjustment,
        assumptions=(given((*adjustment, *affected), f"nothing unmeasured causes both {pair}"),),
        reason=reason,
    )


def proportion(setting: Setting, part: Finding, total: Finding) -> Finding:
    """Decide the proportion mediated: the part and the total must both be identified, and the total not zero."""
    if not setting.on_path:
        reason = f"No directed path leads from {setting.treatment} to {setting.outcome}: there is nothing to divide."
        return Finding(identified=False, reason=reason)
    if not part.identified:
        return part
    if not total.identified:
        return replace(total, instead="The indirect effect (nie).")
    sentences = tuple(dict.fromkeys((*part.assumptions, *total.assumptions)))
    return replace(part, assumptions=sentences)


def _zero(clause: str) -> Finding:
    return Finding(
        identified=True,
        by=NO_PATH,
        assumptions=("The edges left out of the diagram are absent.",),
        reason=f"Zero by the diagram: {clause}.",
    )


def _no_entry(setting: Setting, what: str) -> Finding:
    clause = f"{setting.treatment} has no edge of its own into {what}"
    finding = _zero(clause)
    return replace(finding, reason=" ".join((finding.reason, *_accounting(setting))))


def _same_as_total(total: Finding, other: str) -> Finding:
    return replace(total, reason=f"The {other} part is zero by the diagram, so this is the total effect. {total.reason}")

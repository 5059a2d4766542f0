"""One verdict per effect: whether diagram and estimator identify it, by what, and what stands in for it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from causalcluster.analysis.records import Analysis, Decomposition, Question
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.identification.conditions import Setting, affected_confounder, make_setting
from causalcluster.identification.decisions import (
    MOST_PATHS,
    Finding,
    controlled,
    entering,
    interventional,
    natural,
    paths,
    proportion,
    total_effect,
)
from causalcluster.identification.four_way import mediated_interaction, reference_interaction
from causalcluster.identification.held_values import cde_via, held_together, references
from causalcluster.identification.remedies import find_remedies
from causalcluster.identification.wording import assumptions_at_conditions, general_assumptions

INTERVENTIONAL = ("ide", "iie", "overall")
"""Reported where natural effects are barred by what the treatment affects, or where the question or a claim names them."""
INTERACTIONS = ("int_ref", "int_med")
"""Reported where the question asks for the four-way decomposition, or a claim names them."""

__all__ = [
    "INTERACTIONS",
    "INTERVENTIONAL",
    "MOST_PATHS",
    "Verdict",
    "cde_via",
    "held_together",
    "identify",
    "references",
    "verdict_to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one effect is identified.

    Parameters
    ----------
    outcome, effect, via
        The key of the effect, as in effects.csv.
    identified
        Whether the effect is identified and this version's estimator recovers it.
    by
        What identifies it; empty where nothing does.
    adjustment
        A minimal set of measured covariates that closes the backdoor paths, in topological order.
    assumptions
        Plain sentences; empty where the effect is not identified.
    reason
        Why, in one or two sentences.
    instead
        What is reported in its place where it is not identified.
    remedy
        Which declared unmeasured causes would have to be measured to identify it; empty where that would not do.
    """

    outcome: str
    effect: str
    via: str
    identified: bool
    by: str
    adjustment: tuple[str, ...]
    assumptions: tuple[str, ...]
    reason: str
    instead: str
    remedy: str = ""


def identify(analysis: Analysis, graph: CausalGraph, *, constant_inside: Collection[str] = ()) -> tuple[Verdict, ...]:
    """Decide for every effect of the question whether it is identified.

    Parameters
    ----------
    analysis
        The validated analysis file.
    graph
        Its diagram, from `causalcluster.graph.build_graph`.
    constant_inside
        Nodes that the data show to be constant inside clusters. Where the treatment or a mediator is one of
        them, centring within clusters does not remove unmeasured causes that act on the cluster.

    Returns
    -------
    tuple of Verdict
        For each outcome, in the order of the question: ``total``, ``nde``, ``nie`` (``all`` and each
        mediator), ``tnde``, ``pnie``, ``path`` (each directed path; one verdict with an empty ``via`` where
        there are more than `MOST_PATHS`), ``cde`` (`held_together`), the `INTERACTIONS` and
        ``prop_mediated``. Without mediators: ``total``, ``path`` and ``cde``.

    Notes
    -----
    An effect counts as identified only where the fitted system, each node regressed on all its parents,
    recovers it; all decisions take polynomial time and do not depend on hashing.
    """
    outcomes = analysis.question.outcomes
    found = tuple(verdict for outcome in outcomes for verdict in _for_outcome(analysis, graph, outcome, constant_inside))
    refused = [(v.outcome, v.effect, v.via) for v in found if not v.identified]
    if not refused or not analysis.unobserved:
        return found

    def decide(other: Analysis) -> set[tuple[str, str, str]]:
        own = build_graph(other)
        verdicts = (v for outcome in outcomes for v in _for_outcome(other, own, outcome, constant_inside))
        return {(v.outcome, v.effect, v.via) for v in verdicts if v.identified}

    remedies = find_remedies(analysis, refused, decide)
    return tuple(replace(v, remedy=remedies.get((v.outcome, v.effect, v.via), "")) for v in found)


def verdict_to_json(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as plain JSON data, tuples as lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(verdict).items()}


def _asked(analysis: Analysis, outcome: str, decomposition: Decomposition, effects: tuple[str, ...]) -> bool:
    """Whether the question asks for a decomposition, or a claim about the outcome names an effect of it."""
    terms = (term for hypothesis in analysis.hypotheses for _, term in hypothesis.claim.terms)
    claimed = any(term.effect in effects and term.outcome == outcome for term in terms)
    return claimed or decomposition in analysis.question.decompositions


def _wants_interventional(analysis: Analysis, setting: Setting, direct: Finding) -> bool:
    """Whether interventional effects are asked for, or a cause that the treatment affects bars natural ones."""
    asked = _asked(analysis, setting.outcome, "interventional", INTERVENTIONAL)
    return asked or (not direct.identified and affected_confounder(setting) is not None)


def _controlled(question: Question, setting: Setting, total: Finding) -> dict[str, Finding]:
    """Decide every controlled direct effect; what is identified does not depend on the values held."""
    found: dict[tuple[str, ...], Finding] = {}
    for held in held_together(question.fix):
        names = tuple(name for name, _ in held)
        found[names] = found.get(names) or controlled(setting, names, total)
    return {cde_via(held): found[tuple(name for name, _ in held)] for held in held_together(question.fix)}


def _interactions(
    analysis: Analysis, outcome: str, direct: Finding, mediated: Finding, fixed: Mapping[str, Finding]
) -> Iterator[tuple[str, str, Finding]]:
    """Decide what the four-way decomposition has beside cde and pnie, where it is asked for."""
    if _asked(analysis, outcome, "four_way", INTERACTIONS):
        for via in map(cde_via, references(analysis.question)):
            yield "int_ref", via, reference_interaction(direct, fixed[via])
        yield "int_med", "all", mediated_interaction(direct, mediated)


def _verdict(
    analysis: Analysis, outcome: str, effect: str, via: str, finding: Finding, constant_inside: Collection[str]
) -> Verdict:
    """Put a finding and what every identified effect assumes together."""
    general: tuple[str, ...] = ()
    if finding.identified:
        general = general_assumptions(analysis, finding.adjustment, constant_inside)
        general += assumptions_at_conditions(analysis) if effect != "path" else ()
    return Verdict(
        outcome=outcome,
        effect=effect,
        via=via,
        identified=finding.identified,
        by=finding.by,
        adjustment=finding.adjustment,
        assumptions=(*finding.assumptions, *general),
        reason=finding.reason,
        instead=finding.instead,
    )


def _for_outcome(
    analysis: Analysis, graph: CausalGraph, outcome: str, constant_inside: Collection[str]
) -> Iterator[Verdict]:
    setting = make_setting(analysis, graph, outcome, constant_inside)

    def verdict(effect: str, via: str, finding: Finding) -> Verdict:
        return _verdict(analysis, outcome, effect, via, finding, constant_inside)

    total = total_effect(setting)
    yield verdict("total", "", total)
    mediators = analysis.question.mediators
    parts: dict[str, Finding] = {}
    fixed = _controlled(analysis.question, setting, total)
    if mediators:
        direct, parts["all"] = natural(setting, total)
        parts |= {name: entering(setting, name, parts["all"]) for name in mediators}
        yield verdict("nde", "", direct)
        for via, finding in parts.items():
            yield verdict("nie", via, finding)
        yield verdict("tnde", "", direct)
        yield verdict("pnie", "all", parts["all"])
        if _wants_interventional(analysis, setting, direct):
            drawn = interventional(setting, total)
            yield verdict("ide", "", drawn)
            for via in ("all", *mediators, *(("dependence",) if len(mediators) > 1 else ())):
                yield verdict("iie", via, drawn)
            yield verdict("overall", "", drawn)
        for effect, via, finding in _interactions(analysis, outcome, direct, parts["all"], fixed):
            yield verdict(effect, via, finding)
    for via, finding in paths(setting, graph):
        yield verdict("path", via, finding)
    for via, finding in fixed.items():
        yield verdict("cde", via, finding)
    for via, finding in parts.items():
        yield verdict("prop_mediated", via, proportion(setting, finding, total))

"""Plain sentences for verdicts: what is assumed, what fails and along which path."""

from collections.abc import Container, Sequence

from causalcluster.analysis.moderators import condition_text, list_conditions
from causalcluster.analysis.records import Analysis
from causalcluster.identification.conditions import Setting, Violation, confounding_levels
from causalcluster.identification.separation import describe_path

__all__ = ["assumptions_at_conditions", "general_assumptions", "given", "listed", "set_of", "why_not"]


def listed(names: Sequence[str]) -> str:
    """Return names as a plain enumeration: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def set_of(names: Sequence[str]) -> str:
    """Return names as a set: ``{a, b}``."""
    return "{" + ", ".join(names) + "}"


def given(names: Sequence[str], clause: str) -> str:
    """Return a clause as a sentence, conditional on names where there are any."""
    return f"Given {listed(names)}, {clause}." if names else f"{clause[:1].upper()}{clause[1:]}."


def why_not(setting: Setting, violation: Violation) -> str:
    """Return one sentence that names the condition which fails and the path that shows it."""
    path = describe_path(setting.digraph, violation.path)
    first, last = violation.nodes[0], violation.nodes[-1]
    match violation.condition:
        case "treatment_outcome":
            return f"The treatment and the outcome are confounded: {path}, which no adjustment made here blocks."
        case "treatment_mediator":
            return f"The treatment and the mediator {last} are confounded: {path}, which no adjustment made here blocks."
        case "mediator_outcome":
            return f"The mediator {first} and the outcome are confounded: {path}, which no adjustment made here blocks."
        case "mediator_mediator":
            return (
                f"{first} and {last} are confounded: {path}, so what enters at the one cannot be told from what "
                "enters at the other."
            )
        case "affected_confounder":
            return (
                f"{first} is affected by {setting.treatment} and causes both {violation.nodes[1]} and {last}: {path}. "
                "Neither with nor without adjusting for it can the direct effect be told from the mediated one."
            )
        case "equation":
            return f"The regression of {last} on its parents is confounded: {path}."


def general_assumptions(
    analysis: Analysis, adjustment: Sequence[str], constant_inside: Container[str] = ()
) -> tuple[str, ...]:
    """Return what every effect needs besides the conditions read off the diagram."""
    treatment = analysis.question.treatment
    covariates = f" and at every value of {listed(adjustment)}" if adjustment else ""
    everywhere = f"in every cluster{covariates}" if analysis.data.cluster else covariates.removeprefix(" and ")
    sentences = [
        f"Consistency: what follows from a value of {treatment} does not depend on how that value came about.",
        f"No interference: {treatment} in one row or cluster does not change the mediators or outcomes of another.",
        f"Positivity: both values of {treatment} could occur {everywhere}".rstrip() + ".",
        _functional_form(analysis),
        *_removed_by_centring(analysis, constant_inside),
    ]
    return tuple(sentences)


def _functional_form(analysis: Analysis) -> str:
    """Return what the equations take for granted about their shape and their errors."""
    others = [f"{node.name} ({node.family})" for node in analysis.nodes if node.family != "gaussian"]
    if not others:
        return "Linearity: every equation is linear in its parents and the declared products, with Gaussian errors."
    return (
        "Form: every equation is linear in its parents and the declared products on the scale of its link, with the "
        f"family that is named: {listed(others)}; the others have Gaussian errors."
    )


def assumptions_at_conditions(analysis: Analysis) -> tuple[str, ...]:
    """Return what effects at values of moderators are."""
    texts = [condition_text(condition) for condition in list_conditions(analysis)]
    if not texts:
        return ()
    return (
        f"Conditions: at {listed(texts)} every row takes this value and the rest of its context stays as observed. Effects "
        "at two values differ by what goes with the moderator, which need not be what changing it would do.",
    )


def _removed_by_centring(analysis: Analysis, constant_inside: Container[str]) -> list[str]:
    """Return what centring within clusters removes, and on what condition."""
    if "cluster" in confounding_levels(analysis, constant_inside):
        return []
    column = analysis.data.cluster
    declared = [f"{cause.left} <-> {cause.right}" for cause in analysis.unobserved if cause.level == "cluster"]
    stable = (
        f"Stable differences: whatever is unmeasured and constant within a cluster ({column}) adds the same amount "
        "to all its rows, so centring within clusters removes it."
    )
    sentences = [stable]
    if declared:
        sentences.append(f"The declared unmeasured common causes of this kind are {listed(declared)}.")
    return sentences

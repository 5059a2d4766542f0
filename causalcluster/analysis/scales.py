"""Which scales effects are reported on, held against the outcomes' families."""

from collections.abc import Sequence
from dataclasses import replace

from causalcluster.analysis.records import Hypothesis, Node, Question
from causalcluster.analysis.schema import QuestionSection
from causalcluster.analysis.yaml_lines import Document
from causalcluster.families import FAMILIES, EffectScale, Family, scales_of

ARTICLES = {"ratio": "a ratio", "odds_ratio": "an odds ratio"}
_ORDER: tuple[EffectScale, ...] = ("difference", "ratio", "odds_ratio")


def choose_scales(
    section: QuestionSection,
    question: Question,
    nodes: Sequence[Node],
    hypotheses: Sequence[Hypothesis],
    document: Document,
) -> tuple[Question, tuple[str, ...]]:
    """Give the question its scales: differences always, what it lists, and what a claim names.

    Returns
    -------
    question : Question
        With ``scales``.
    warnings : tuple of str
        A sentence for each listed scale that some of the outcomes do not have.

    Raises
    ------
    AnalysisFileError
        A scale is listed twice, no outcome has a listed scale, or a claim names one that its outcome does not have.
    """
    families: dict[str, Family] = {node.name: node.family for node in nodes if node.name in question.outcomes}
    warnings = []
    for position, scale in enumerate(section.scales):
        place = ("question", "scales", position)
        if scale in section.scales[:position]:
            raise document.error(place, f"'{scale}' is listed twice", fix="Keep one of them")
        lacking = [name for name in question.outcomes if scale not in scales_of(families[name])]
        if len(lacking) == len(question.outcomes):
            what = f"no outcome has effects on the scale '{scale}': {_listed(lacking, families)}"
            raise document.error(place, what, why=_families_with(scale), fix="Leave it out, or declare the outcome's family")
        if lacking:
            warnings.append(
                f"Effects on {_listed(lacking, families)} are not reported on the scale '{scale}'. {_families_with(scale)}."
            )
    claimed = _claimed(hypotheses, families, document)
    asked = {"difference", *section.scales, *claimed}
    return replace(question, scales=tuple(scale for scale in _ORDER if scale in asked)), tuple(warnings)


def _claimed(hypotheses: Sequence[Hypothesis], families: dict[str, Family], document: Document) -> set[str]:
    found: set[str] = set()
    for position, hypothesis in enumerate(hypotheses):
        for _, term in hypothesis.claim.terms:
            family = families[term.outcome]
            if term.scale not in scales_of(family):
                raise document.error(
                    ("hypotheses", position, "claim"),
                    f"the claim of '{hypothesis.id}' is about {ARTICLES[term.scale]} of {term.outcome} ({family})",
                    why=_families_with(term.scale),
                    fix="Leave 'scale' out, or declare the outcome's family",
                )
            found.add(term.scale)
    return found


def _families_with(scale: str) -> str:
    families = [family for family in FAMILIES if scale in scales_of(family)]
    return f"{ARTICLES[scale].capitalize()} exists for the families {', '.join(families)}"


def _listed(names: Sequence[str], families: dict[str, Family]) -> str:
    return ", ".join(f"{name} ({families[name]})" for name in names)

"""The paper's hypotheses as claims on an analysis' own effects, where it names the concepts in the right places."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from causalcluster.framework.load import load_framework
from causalcluster.resources import dataset_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTemplate:
    """One part of a hypothesis, written by hand.

    Attributes
    ----------
    id, hypothesis
        'H1a' of 'H1'.
    treatments, mediators
        Concepts of which one has to be named; no mediators where none is needed.
    outcomes
        For each outcome of the claim the concepts of which one has to be named.
    claim
        With {Y}, {Y1}, {Y2} and {M} for nodes; empty where the hypothesis is no claim on one analysis.
    scope
        Where it holds, or why it is no claim.
    """

    id: str
    hypothesis: str
    treatments: tuple[str, ...]
    mediators: tuple[str, ...]
    outcomes: tuple[tuple[str, ...], ...]
    claim: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkClaim:
    """A part of a hypothesis that an analysis can be asked; ``claim`` is empty where it cannot, and ``reason`` says why."""

    id: str
    hypothesis: str
    claim: str
    reason: str


@cache
def claim_templates() -> tuple[ClaimTemplate, ...]:
    """Return the templates, in the paper's order."""
    with (dataset_path("framework") / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        ClaimTemplate(
            id=row["id"],
            hypothesis=row["hypothesis"],
            treatments=tuple(row["treatment"].split("|")),
            mediators=tuple(filter(None, row["mediator"].split("|"))),
            outcomes=tuple(tuple(item.split("|")) for item in row["outcome"].split(";")),
            claim=row["claim"],
            scope=row["scope"],
        )
        for row in rows
    )


def framework_claims(
    concepts: Mapping[str, str], treatment: str, mediators: Sequence[str], outcomes: Sequence[str]
) -> Iterator[FrameworkClaim]:
    """Yield every part of H1 to H20, as a claim for each choice of nodes, or with the reason why it is none here.

    Parameters
    ----------
    concepts
        Concept by node.
    treatment, mediators, outcomes
        Nodes of the question. A component of the concept that is asked for counts as that concept.
    """
    for template in claim_templates():
        treated = _measures(treatment, template.treatments, concepts)
        carriers = [node for node in mediators if _measures(node, template.mediators, concepts)]
        results = [[node for node in outcomes if _measures(node, wanted, concepts)] for wanted in template.outcomes]
        reason = _why_not(template, treated, carriers, results)
        if reason:
            yield FrameworkClaim(id=template.id, hypothesis=template.hypothesis, claim="", reason=reason)
            continue
        choices = [(m, ys) for m in carriers or [""] for ys in product(*results)]
        for m, ys in choices:
            names = {"M": m, "Y": ys[0], **{f"Y{k}": y for k, y in enumerate(ys, start=1)}}
            suffix = f" ({', '.join(filter(None, (m, *ys)))})" if len(choices) > 1 else ""
            yield FrameworkClaim(
                id=f"{template.id}{suffix}",
                hypothesis=template.hypothesis,
                claim=template.claim.format(**names),
                reason=template.scope,
            )


def _measures(node: str, wanted: Sequence[str], concepts: Mapping[str, str]) -> bool:
    """Whether a node measures one of the concepts, or a part of one that the paper adds up to it."""
    concept = concepts.get(node)
    if concept is None:
        return False
    parts = {item.id: item for item in load_framework().nodes}
    whole = "" if parts[concept].reversed_in_composite else parts[concept].component_of
    return concept in wanted or whole in wanted


def _why_not(template: ClaimTemplate, treated: bool, carriers: Sequence[str], results: Sequence[Sequence[str]]) -> str:
    if not treated:
        return f"it is about {' or '.join(template.treatments)}, which is not the treatment here"
    missing = next((wanted for wanted, found in zip(template.outcomes, results, strict=True) if not found), None)
    if missing is not None:
        return f"it is about {' or '.join(missing)}, which is no outcome here"
    if template.mediators and not carriers:
        return f"it is about {' or '.join(template.mediators)}, which is no mediator here"
    return "" if template.claim else template.scope

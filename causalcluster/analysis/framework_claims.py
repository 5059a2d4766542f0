"""`hypotheses: framework`: the paper's hypotheses that an analysis can be asked, and why not the others."""

from collections.abc import Sequence

from causalcluster.analysis.records import Node, Question, Unclaimed
from causalcluster.analysis.schema import HypothesisSection
from causalcluster.framework.claims import framework_claims


def read_framework_claims(
    nodes: Sequence[Node], question: Question
) -> tuple[list[HypothesisSection], tuple[Unclaimed, ...]]:
    """Return the claims as they would stand in the file, and the parts of hypotheses that are none here.

    Where the column of the treatment or of an outcome measures its concept the other way round, a claim would be about the
    opposite: it is left out, with the reason.
    """
    concepts = {node.name: node.concept for node in nodes if node.concept is not None}
    turned = [node.name for node in nodes if node.reversed and node.name in (question.treatment, *question.outcomes)]
    found: list[HypothesisSection] = []
    others: list[Unclaimed] = []
    for item in framework_claims(concepts, question.treatment, question.mediators, question.outcomes):
        if item.claim and turned:
            others.append(Unclaimed(id=item.id, reason=f"{turned[0]} measures its concept the other way round"))
        elif item.claim:
            found.append(HypothesisSection(id=item.id, claim=item.claim))
        else:
            others.append(Unclaimed(id=item.id, reason=item.reason))
    return found, tuple(others)

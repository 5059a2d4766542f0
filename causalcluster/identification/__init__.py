"""Which effects the diagram identifies, under which conditions, and which it does not."""

from causalcluster.identification.adjustment import backdoor_set, is_backdoor_set
from causalcluster.identification.held_values import cde_via, held_together, references
from causalcluster.identification.verdicts import INTERACTIONS, Verdict, identify, verdict_to_json

__all__ = [
    "INTERACTIONS",
    "Verdict",
    "backdoor_set",
    "cde_via",
    "held_together",
    "identify",
    "is_backdoor_set",
    "references",
    "verdict_to_json",
]

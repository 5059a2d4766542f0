"""Which effects the diagram identifies, under which conditions, and which it does not."""

from causalcluster.identification.adjustment import backdoor_set, is_backdoor_set
from causalcluster.identification.verdicts import Verdict, cde_via, held_together, identify, verdict_to_json

__all__ = ["Verdict", "backdoor_set", "cde_via", "held_together", "identify", "is_backdoor_set", "verdict_to_json"]

"""Sets of covariates with which direct and mediated effects can be told apart."""

import networkx as nx

from causalcluster.graph import is_latent
from causalcluster.identification.adjustment import smallest
from causalcluster.identification.conditions import (
    Setting,
    Violation,
    mediator_outcome,
    treatment_mediator,
    treatment_outcome,
)

__all__ = ["ignorability", "mediation_set"]


def mediation_set(setting: Setting) -> tuple[str, ...] | None:
    """Return a minimal set of covariates that the treatment does not move with which conditions 1 to 3 hold, or None.

    If any such set does, so do all such ancestors of treatment, mediators and outcome, as for one separation
    (van der Zander, Liskiewicz and Textor 2014): the mediators lie on the way to the outcome.
    """
    ends = {setting.treatment, setting.outcome, *setting.mediators}
    digraph = setting.digraph
    before = set().union(*(nx.ancestors(digraph, name) for name in ends))
    barred = nx.descendants(digraph, setting.treatment) | ends
    allowed = tuple(name for name in digraph.nodes if name in before and name not in barred and not is_latent(digraph, name))
    if not setting.mediators or ignorability(setting, allowed) is not None:
        return None
    return smallest(allowed, lambda names: ignorability(setting, names) is None)


def ignorability(setting: Setting, names: tuple[str, ...]) -> Violation | None:
    """Return the first of conditions 2, 1 and 3 that fails; 2 first, since its path is part of any longer one."""
    return treatment_mediator(setting, names) or treatment_outcome(setting, names) or mediator_outcome(setting, names)

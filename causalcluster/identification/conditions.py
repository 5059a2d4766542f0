"""The conditions of mediation analysis, each decided by d-separation in the diagram.

Numbered as in VanderWeele (2015, section 2.3): no unmeasured (1) treatment-outcome, (2) treatment-mediator and
(3) mediator-outcome confounding, and (4) no mediator-outcome confounder that the treatment affects (Pearl
2001; Avin, Shpitser and Pearl 2005). Effects that enter at one mediator need besides (5) no unmeasured
confounding among the mediators (Daniel et al. 2015; Steen et al. 2017).
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

import networkx as nx

from causalcluster.analysis.records import Analysis, Interaction, node_by_name
from causalcluster.families import default_link
from causalcluster.graph import CausalGraph, is_latent, to_admg_networkx, to_networkx
from causalcluster.identification.separation import open_path, without_outgoing

__all__ = [
    "Condition",
    "Setting",
    "Violation",
    "affected_confounder",
    "confounding_levels",
    "controlled_backdoor",
    "make_setting",
    "mediator_mediator",
    "mediator_outcome",
    "shared_district",
    "treatment_mediator",
    "treatment_outcome",
    "undeclared_causes",
]

type Condition = Literal[
    "treatment_outcome",
    "treatment_mediator",
    "mediator_outcome",
    "affected_confounder",
    "mediator_mediator",
    "equation",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """The part of a question that concerns one outcome.

    Parameters
    ----------
    digraph
        The diagram with those unmeasured common causes that the estimator does not remove.
    treatment, outcome
        Names of nodes.
    mediators
        The declared mediators on a directed path from the treatment to this outcome, in declared order.
    on_path
        Every node on such a path but the treatment, the outcome included, in topological order; empty where
        there is no path.
    covariates
        Parents of the nodes in `on_path` that are not descendants of the treatment: what the equations
        adjust for.
    products
        Interactions whose target is in `on_path`.
    curved
        Nodes in `on_path` whose equation has another link than the identity.
    """

    digraph: "nx.DiGraph[str]"
    treatment: str
    outcome: str
    mediators: tuple[str, ...]
    on_path: tuple[str, ...]
    covariates: tuple[str, ...]
    products: tuple[Interaction, ...]
    curved: tuple[str, ...] = ()

    @property
    def nonlinear(self) -> bool:
        """Whether sums of products of coefficients along paths are no effects: products, or links, stand in the way."""
        return bool(self.products or self.curved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A condition that fails, with the open path that shows it."""

    condition: Condition
    nodes: tuple[str, ...]
    path: tuple[str, ...]


def confounding_levels(analysis: Analysis, constant_inside: Container[str] = ()) -> tuple[str, ...]:
    """Return the levels at which a declared unmeasured common cause biases the regressions.

    Centring within clusters beside varying intercepts removes what adds a constant to all rows of a cluster,
    as long as treatment and mediators vary inside clusters; nothing removes the other levels.

    Parameters
    ----------
    analysis
        The validated analysis file.
    constant_inside
        Nodes known to be constant inside clusters.
    """
    varying = analysis.model.varying
    intercepts = varying == "all" or (varying != "none" and "intercepts" in varying)
    varying_inside = not any(name in constant_inside for name in (analysis.question.treatment, *analysis.question.mediators))
    centred = analysis.data.cluster is not None and analysis.model.centre == "within" and intercepts
    centred = centred and varying_inside
    return ("cluster_time", "row", "all") if centred else ("cluster", "cluster_time", "row", "all")


def make_setting(analysis: Analysis, graph: CausalGraph, outcome: str, constant_inside: Container[str] = ()) -> Setting:
    """Collect what the conditions for one outcome need."""
    treatment = analysis.question.treatment
    observed = to_networkx(graph)
    between = nx.descendants(observed, treatment) & (nx.ancestors(observed, outcome) | {outcome})
    on_path = tuple(name for name in graph.nodes if name in between)
    adjusted = {parent for name in on_path for parent in observed.predecessors(name)} - between - {treatment}
    return Setting(
        digraph=to_admg_networkx(graph, confounding_levels(analysis, constant_inside)),
        treatment=treatment,
        outcome=outcome,
        mediators=tuple(name for name in analysis.question.mediators if name in between),
        on_path=on_path,
        covariates=tuple(name for name in graph.nodes if name in adjusted),
        products=tuple(term for term in graph.interactions if term.target in between),
        curved=tuple(name for name in on_path if default_link(node_by_name(analysis, name).family) != "identity"),
    )


def treatment_outcome(setting: Setting, given: tuple[str, ...]) -> Violation | None:
    """Condition 1: no backdoor path from the treatment to the outcome is open."""
    cut = without_outgoing(setting.digraph, [setting.treatment])
    path = open_path(cut, [setting.treatment], {setting.outcome}, given)
    return _violation("treatment_outcome", (setting.treatment, setting.outcome), path)


def treatment_mediator(setting: Setting, given: tuple[str, ...]) -> Violation | None:
    """Condition 2: no backdoor path from the treatment to a mediator is open."""
    cut = without_outgoing(setting.digraph, [setting.treatment])
    path = open_path(cut, [setting.treatment], set(setting.mediators), given)
    return _violation("treatment_mediator", (setting.treatment, path[-1] if path else ""), path)


def mediator_outcome(setting: Setting, given: tuple[str, ...], mediators: tuple[str, ...] | None = None) -> Violation | None:
    """Condition 3: given the treatment, no backdoor path from the mediators, jointly, to the outcome is open."""
    tested = setting.mediators if mediators is None else mediators
    cut = without_outgoing(setting.digraph, tested)
    path = open_path(cut, tested, {setting.outcome}, (setting.treatment, *given))
    return _violation("mediator_outcome", (path[0] if path else "", setting.outcome), path)


def affected_confounder(setting: Setting, among: Container[str] | None = None) -> Violation | None:
    """Condition 4: no undeclared node that the treatment affects causes both a mediator and the outcome.

    The second cause must be by a directed path that avoids the mediators: else the node only passes on what
    the mediators carry.

    Parameters
    ----------
    setting
        The question.
    among
        The nodes looked at; None for all.
    """
    direct = nx.DiGraph(setting.digraph)
    direct.remove_nodes_from(setting.mediators)
    for name in undeclared_causes(setting):
        if (among is None or name in among) and nx.has_path(direct, name, setting.outcome):
            mediator = next(m for m in setting.mediators if nx.has_path(setting.digraph, name, m))
            left = tuple(reversed(nx.shortest_path(setting.digraph, name, mediator)))
            right = tuple(nx.shortest_path(direct, name, setting.outcome))
            return Violation(
                condition="affected_confounder",
                nodes=(name, mediator, setting.outcome),
                path=left + right[1:],
            )
    return None


def undeclared_causes(setting: Setting) -> tuple[str, ...]:
    """Return the undeclared nodes that the treatment affects and that affect a mediator, in topological order."""
    before = set().union(*(nx.ancestors(setting.digraph, name) for name in setting.mediators))
    return tuple(name for name in setting.on_path if name in before and name not in setting.mediators)


def mediator_mediator(setting: Setting, given: tuple[str, ...], only: str | None = None) -> Violation | None:
    """Condition 5: given the treatment, no backdoor path joins an earlier mediator to a later one.

    Parameters
    ----------
    setting, given
        The question and the covariates conditioned on.
    only
        A mediator that must be one of the two; None for every pair.
    """
    for position, later in enumerate(setting.mediators):
        earlier = setting.mediators[:position]
        cut = without_outgoing(setting.digraph, earlier)
        tested = [name for name in earlier if only in (None, name, later)]
        path = open_path(cut, tested, {later}, (setting.treatment, *given)) if tested else None
        if path is not None:
            return _violation("mediator_mediator", (path[0], later), path)
    return None


def controlled_backdoor(setting: Setting, fixed: tuple[str, ...], given: tuple[str, ...]) -> Violation | None:
    """Joint backdoor condition for the treatment and nodes held at values."""
    ends = (setting.treatment, *fixed)
    path = open_path(without_outgoing(setting.digraph, ends), ends, {setting.outcome}, given)
    return _violation("treatment_outcome", (path[0] if path else "", setting.outcome), path)


def shared_district(setting: Setting, first: str) -> Violation | None:
    """Return how unmeasured causes join the first node of a path to another node the treatment points at.

    The treatment would have to take one value for the first and another for the second although their errors
    depend on each other (a recanting district: Shpitser 2013).
    """
    latent = [name for name in setting.digraph if is_latent(setting.digraph, name)]
    kept = setting.digraph.edge_subgraph(
        [(name, end) for name in latent for end in setting.digraph.successors(name) if end in setting.on_path]
    ).to_undirected()
    if first not in kept:
        return None
    joined = nx.shortest_path(kept, first)
    for other in setting.on_path:
        if other != first and other in joined and setting.digraph.has_edge(setting.treatment, other):
            return Violation(condition="mediator_mediator", nodes=(first, other), path=tuple(joined[other]))
    return None


def _violation(condition: Condition, nodes: tuple[str, ...], path: tuple[str, ...] | None) -> Violation | None:
    return None if path is None else Violation(condition=condition, nodes=nodes, path=path)

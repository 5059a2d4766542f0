"""Whether the system of regressions recovers an effect: one equation per node, on all its parents.

Each node is regressed on its parents in the diagram and effects add up products of coefficients along paths.
Two routes make such a sum right, for linear equations with correlated errors where something is unmeasured:

- every coefficient used is a structural one (the single-door criterion, Pearl 2009, theorem 5.3.1);
- the regressions, composed in causal order, are the regression of the last node on the first ones: by
  iterated expectation this holds if each node is independent of the first ones given its own parents. The sum
  is then the adjusted regression, whether or not its parts are structural. For instance, an unmeasured common
  cause of mediator and outcome biases both paths, not their sum, as long as the outcome's equation holds the
  treatment.
"""

from collections.abc import Iterable
from itertools import pairwise

import networkx as nx

from causalcluster.graph import is_latent
from causalcluster.identification.conditions import Setting, Violation, controlled_backdoor, undeclared_causes
from causalcluster.identification.separation import open_path, without_edges

__all__ = [
    "any_confounded",
    "cde_route",
    "confounded_edge",
    "first_confounded",
    "mediation_route",
    "path_route",
    "total_route",
]


def total_route(setting: Setting, adjustment: tuple[str, ...]) -> Violation | None:
    """Return why adding up all paths does not give the total effect, or None where it does.

    Parameters
    ----------
    setting
        The question.
    adjustment
        A smaller set of covariates that closes the backdoor paths, tried where conditioning on all of them
        opens a path (a covariate of a mediator that shares an unmeasured cause with the outcome does so).
    """
    biased = _first_confounded(setting, setting.on_path)
    if biased is None or setting.nonlinear:
        return biased
    first = (setting.treatment,)
    found = _not_composed(setting, setting.on_path, (*first, *setting.covariates))
    if found is None:
        return None
    others = set(setting.covariates).difference(adjustment)
    # Covariates left out must not pass on the treatment, or paths through them would be added up too.
    if open_path(setting.digraph, first, others, adjustment) is None:
        found = found and _not_composed(setting, setting.on_path, (*first, *adjustment))
    return found


def any_confounded(setting: Setting) -> bool:
    """Return whether some coefficient on a path from treatment to outcome is not a structural one."""
    return first_confounded(setting) is not None


def first_confounded(setting: Setting) -> Violation | None:
    """Return the first equation between treatment and outcome that is confounded, or None."""
    return _first_confounded(setting, setting.on_path)


def mediation_route(setting: Setting, *, separate: bool) -> Violation | None:
    """Return why the paths do not split into direct and mediated ones, or None where they do.

    Parameters
    ----------
    setting
        The question.
    separate
        Whether the mediated part is itself split by the mediator at which it enters.

    Notes
    -----
    The equations up to the mediators must give their regression on treatment and covariates, the later ones
    the outcome's on treatment, mediators and covariates. Conditions 1 to 4 are taken to hold.
    """
    before = set(setting.mediators).union(*(nx.ancestors(setting.digraph, name) for name in setting.mediators))
    early = tuple(name for name in setting.on_path if name in before)
    late = tuple(name for name in setting.on_path if name not in before)
    biased_early, biased_late = _first_confounded(setting, early), _first_confounded(setting, late)
    if biased_early and (separate or setting.nonlinear or undeclared_causes(setting)):
        return biased_early
    if biased_late and setting.nonlinear:
        return biased_late
    found = biased_early and _not_composed(setting, early, (setting.treatment, *setting.covariates))
    return found or (
        biased_late and _not_composed(setting, late, (setting.treatment, *setting.mediators, *setting.covariates))
    )


def path_route(setting: Setting, path: tuple[str, ...]) -> Violation | None:
    """Return the first confounded equation on one directed path, or None."""
    for source, target in pairwise(path):
        found = confounded_edge(setting, source, target)
        if found:
            return found
    return None


def cde_route(setting: Setting, fixed: tuple[str, ...]) -> Violation | None:
    """Return why the paths around fixed nodes do not add up to their controlled direct effect, or None."""
    around = nx.DiGraph(setting.digraph)
    around.remove_nodes_from(fixed)
    reached = nx.descendants(around, setting.treatment) & (nx.ancestors(around, setting.outcome) | {setting.outcome})
    moved = tuple(name for name in setting.on_path if name in reached)
    skipped = () if setting.nonlinear else fixed
    biased = _first_confounded(setting, moved, skipped)
    if biased is None:
        return None
    ends = (setting.treatment, *fixed)
    covariates = tuple(name for name in setting.covariates if name not in fixed)
    if (
        controlled_backdoor(setting, fixed, covariates)
        or setting.nonlinear
        or any(nx.has_path(setting.digraph, name, held) for name in moved for held in fixed)
    ):
        return biased
    return _not_composed(setting, moved, (*ends, *covariates))


def confounded_edge(setting: Setting, source: str, target: str) -> Violation | None:
    """Return the open path that biases one coefficient in the regression of a node on all its parents."""
    others = tuple(name for name in _observed_parents(setting, target) if name != source)
    path = open_path(without_edges(setting.digraph, [(source, target)]), [source], {target}, others)
    return _violation(source, target, path)


def _first_confounded(setting: Setting, targets: Iterable[str], skipped: tuple[str, ...] = ()) -> Violation | None:
    """Return the first equation in which a coefficient on a node moved by the treatment is biased."""
    moved = {setting.treatment, *setting.on_path}.difference(skipped)
    for target in targets:
        own = _observed_parents(setting, target)
        used = [name for name in own if name in moved]
        others = tuple(name for name in own if name not in moved)
        # All used edges go at once: a bias in one coefficient then shows as that parent's own open path.
        cut = without_edges(setting.digraph, [(name, target) for name in used])
        path = open_path(cut, used, {target}, others)
        if path:
            return _violation(path[0], target, path)
    return None


def _not_composed(setting: Setting, targets: Iterable[str], first: tuple[str, ...]) -> Violation | None:
    """Return a node that is not independent of the first nodes given its own parents."""
    for target in targets:
        own = _observed_parents(setting, target)
        rest = [name for name in first if name not in own and name != target]
        path = open_path(setting.digraph, rest, {target}, own)
        if path:
            return _first_confounded(setting, (target,)) or _violation(path[0], target, path)
    return None


def _observed_parents(setting: Setting, name: str) -> tuple[str, ...]:
    return tuple(parent for parent in setting.digraph.predecessors(name) if not is_latent(setting.digraph, parent))


def _violation(source: str, target: str, path: tuple[str, ...] | None) -> Violation | None:
    return None if path is None else Violation(condition="equation", nodes=(source, target), path=path)

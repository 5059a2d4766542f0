"""Our diagram handed to DoWhy: its answer on backdoor adjustment and d-separation, as a second opinion.

DoWhy's own mediation code is not used: with several mediators it picks one in the order of a hash set. Only
functions that answer in polynomial time and do not depend on hashing are called. The library is imported when
it is asked, since that takes seconds.
"""

import importlib
import warnings
from collections.abc import Collection
from itertools import combinations
from typing import Any

from causalcluster.analysis.records import Analysis
from causalcluster.graph import CausalGraph, ancestors, descendants, to_admg_networkx
from causalcluster.identification.adjustment import backdoor_set, is_backdoor_set
from causalcluster.identification.conditions import confounding_levels
from causalcluster.identification.dowhy_answer import DowhyAnswer

__all__ = ["DowhyAnswer", "ask_dowhy", "dowhy_backdoor_set", "dowhy_routes", "dowhy_separates"]

MOST_DOORS = 3


def ask_dowhy(analysis: Analysis, graph: CausalGraph) -> tuple[DowhyAnswer, ...]:
    """Compare backdoor adjustment with DoWhy, outcome by outcome.

    Parameters
    ----------
    analysis
        The validated analysis file.
    graph
        Its diagram.

    Returns
    -------
    tuple of DowhyAnswer
        In the order of the question's outcomes.
    """
    treatment, levels = analysis.question.treatment, confounding_levels(analysis)
    digraph = to_admg_networkx(graph, levels)
    answers = []
    for outcome in analysis.question.outcomes:
        ours = backdoor_set(digraph, treatment, outcome)
        theirs = dowhy_backdoor_set(graph, treatment, outcome, levels)
        if ours is None or theirs is None:
            agrees = ours is theirs
        else:
            accepted = is_backdoor_set(digraph, treatment, outcome, theirs)
            agrees = accepted and dowhy_separates(graph, treatment, outcome, ours, levels, backdoor=True)
        routes = {} if ours is not None else dowhy_routes(graph, treatment, outcome, levels)
        answers.append(DowhyAnswer(outcome=outcome, ours=ours, theirs=theirs, agrees=agrees, **routes))
    return tuple(answers)


def dowhy_routes(graph: CausalGraph, treatment: str, outcome: str, levels: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return what identifies a total effect beside adjustment: the smallest front-door set, and instruments.

    Front-door sets of at most `MOST_DOORS` nodes are looked for among the nodes between treatment and outcome.
    """
    surgeon = _module("dowhy.graph")
    digraph = to_admg_networkx(graph, levels)
    found = set(surgeon.get_instruments(digraph, [treatment], [outcome]))
    between = set(descendants(graph, treatment)) & set(ancestors(graph, outcome))
    door: tuple[str, ...] = ()
    candidates = [name for name in graph.nodes if name in between]
    for size in range(1, MOST_DOORS + 1):
        sets = combinations(candidates, size)
        door = next((item for item in sets if _is_front_door(surgeon, digraph, treatment, outcome, item)), ())
        if door:
            break
    return {"front_door": door, "instruments": tuple(name for name in graph.nodes if name in found)}


def _is_front_door(surgeon: Any, digraph: Any, treatment: str, outcome: str, nodes: Collection[str]) -> bool:
    """Pearl's three conditions: all directed paths are cut, and no back door is open to the nodes or from them."""
    forced = surgeon.do_surgery(digraph, [treatment], remove_incoming_edges=True)
    before = surgeon.do_surgery(digraph, [treatment], remove_outgoing_edges=True)
    after = surgeon.do_surgery(digraph, list(nodes), remove_outgoing_edges=True)
    return bool(
        surgeon.check_valid_frontdoor_set(digraph, [treatment], [outcome], list(nodes), new_graph=forced)
        and surgeon.check_dseparation(before, [treatment], list(nodes), [])
        and surgeon.check_dseparation(after, list(nodes), [outcome], [treatment])
    )


def dowhy_backdoor_set(graph: CausalGraph, treatment: str, outcome: str, levels: Collection[str]) -> tuple[str, ...] | None:
    """Return DoWhy's minimal adjustment set in topological order, or None where it finds none."""
    identifier = _module("dowhy.causal_identifier.auto_identifier")
    found = identifier.identify_generalized_adjustment_set(
        to_admg_networkx(graph, levels), [treatment], [outcome], list(graph.nodes)
    )
    if not found:
        return None
    chosen = set(found[0].get_adjustment_variables())
    return tuple(name for name in graph.nodes if name in chosen)


def dowhy_separates(
    graph: CausalGraph,
    left: str,
    right: str,
    given: Collection[str],
    levels: Collection[str],
    *,
    backdoor: bool = False,
) -> bool:
    """Return whether DoWhy finds two nodes d-separated.

    Parameters
    ----------
    graph
        The diagram.
    left, right, given
        The two nodes and what is conditioned on.
    levels
        The levels of unmeasured common causes that count.
    backdoor
        Whether the edges that leave `left` are removed first.
    """
    surgeon = _module("dowhy.graph")
    digraph = to_admg_networkx(graph, levels)
    cut = surgeon.do_surgery(digraph, [left], remove_outgoing_edges=True) if backdoor else digraph
    return bool(surgeon.check_dseparation(cut, [left], [right], list(given)))


def _module(name: str) -> Any:
    """Import a module of DoWhy without the warnings that compiling its source gives where no bytecode is kept."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="invalid escape sequence", category=SyntaxWarning)
        return importlib.import_module(name)

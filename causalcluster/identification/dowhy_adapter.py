"""Our diagram handed to DoWhy: its answer on backdoor adjustment and d-separation, as a second opinion.

DoWhy's own mediation code is not used: with several mediators it picks one in the order of a hash set. Only
functions that answer in polynomial time and do not depend on hashing are called. The library is imported when
it is asked, since that takes seconds.
"""

import importlib
import warnings
from collections.abc import Collection
from typing import Any

from causalcluster.analysis.records import Analysis
from causalcluster.graph import CausalGraph, to_admg_networkx
from causalcluster.identification.adjustment import backdoor_set, is_backdoor_set
from causalcluster.identification.conditions import confounding_levels
from causalcluster.identification.dowhy_answer import DowhyAnswer

__all__ = ["DowhyAnswer", "ask_dowhy", "dowhy_backdoor_set", "dowhy_separates"]


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
        answers.append(DowhyAnswer(outcome=outcome, ours=ours, theirs=theirs, agrees=agrees))
    return tuple(answers)


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

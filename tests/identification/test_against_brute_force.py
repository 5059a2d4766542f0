"""Verdicts against an oracle that shares nothing with them: networkx's d-separation, and every subset of the covariates.

Two thousand random diagrams of up to eight nodes with unmeasured common causes.
"""

from itertools import chain, combinations

import networkx as nx
import numpy as np
import pytest

from causalcluster.graph import build_graph, to_admg_networkx
from causalcluster.identification import identify
from causalcluster.identification.adjustment import backdoor_set
from causalcluster.identification.conditions import make_setting
from causalcluster.identification.mediation_sets import mediation_set

DIAGRAMS = 2000
LEVELS = ("cluster", "cluster_time", "row", "all")


def random_diagram(generator):
    """Names in causal order, edges, unmeasured pairs, mediators."""
    size = int(generator.integers(3, 9))
    names = [f"V{i}" for i in range(size)]
    first, last = sorted(generator.choice(size, 2, replace=False))
    names[first], names[last] = "A", "Y"
    pairs = [(names[i], names[j]) for j in range(size) for i in range(j)]
    edges = [pair for pair in pairs if generator.random() < 0.45]
    hidden = [pair for pair in pairs if generator.random() < 0.1]
    observed = nx.DiGraph(edges)
    observed.add_nodes_from(names)
    between = nx.descendants(observed, "A") & nx.ancestors(observed, "Y")
    mediators = [name for name in names if name in between and generator.random() < 0.6]
    return names, edges, hidden, mediators


def graph_of(names, edges, hidden):
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(names)
    for k, (left, right) in enumerate(hidden):
        graph.add_edges_from([(f"U{k}", left), (f"U{k}", right)])
    return graph


def subsets(names):
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


def separated(graph, cut, left, right, given):
    """Whether two sets are d-separated once arrows out of ``cut`` are gone."""
    kept = graph.copy()
    kept.remove_edges_from(list(kept.out_edges(cut)))
    return nx.is_d_separator(kept, set(left) - set(given), set(right), set(given))


def backdoor_sets(graph, covariates):
    """All sets of covariates that close every backdoor path from A to Y (Pearl 2009, definition 3.3.1)."""
    return [set(chosen) for chosen in subsets(covariates) if separated(graph, ["A"], ["A"], ["Y"], chosen)]


def mediation_sets(graph, covariates, mediators):
    """All sets with which VanderWeele's (2015) conditions hold: A and Y, A and the mediators, the mediators and Y."""
    return [
        set(chosen)
        for chosen in subsets(covariates)
        if separated(graph, ["A"], ["A"], ["Y"], chosen)
        and separated(graph, ["A"], ["A"], mediators, chosen)
        and separated(graph, mediators, mediators, ["Y"], {"A", *chosen})
    ]


@pytest.fixture(scope="module", name="cases")
def _cases(diagram):
    generator, rows = np.random.default_rng(20261127), []
    while len(rows) < DIAGRAMS:
        names, edges, hidden, mediators = random_diagram(generator)
        graph = graph_of(names, edges, hidden)
        if "Y" not in nx.descendants(graph, "A"):
            continue
        statements = [*names, *(f"{i} -> {j}" for i, j in edges), *(f"{i} <-> {j}" for i, j in hidden)]
        analysis = diagram("; ".join(statements), mediators=" ".join(mediators))
        own = build_graph(analysis)
        moved = nx.descendants(graph, "A")
        covariates = [name for name in names if name not in moved and name != "A"]
        rows.append((analysis, own, graph, covariates, mediators))
    return rows


def test_adjustment_sets_for_the_total_effect_exist_where_one_of_all_subsets_does_and_are_minimal(cases):
    found = {True: 0, False: 0}
    for analysis, own, graph, covariates, _ in cases:
        sets = backdoor_sets(graph, covariates)
        mine = backdoor_set(to_admg_networkx(own, LEVELS), "A", "Y")
        assert (mine is not None) == bool(sets), analysis.edges
        found[mine is not None] += 1
        if mine is not None:
            assert set(mine) in sets
            assert not any(other < set(mine) for other in sets)
    assert min(found.values()) > 200


def test_sets_for_the_split_exist_where_one_of_all_subsets_does_and_are_minimal(cases):
    found = {True: 0, False: 0}
    for analysis, own, graph, covariates, mediators in cases:
        if not mediators:
            continue
        sets = mediation_sets(graph, covariates, mediators)
        mine = mediation_set(make_setting(analysis, own, "Y"))
        assert (mine is not None) == bool(sets), (analysis.edges, analysis.unobserved, mediators)
        found[mine is not None] += 1
        if mine is not None:
            assert set(mine) in sets
            assert not any(other < set(mine) for other in sets)
    assert min(found.values()) > 200


def test_no_verdict_identifies_what_no_subset_does_and_refusals_of_what_one_does_say_so(cases):
    counts = {"identified": 0, "refused": 0, "beyond the estimator": 0}
    for analysis, own, graph, covariates, mediators in cases:
        verdicts = {(v.effect, v.via): v for v in identify(analysis, own)}
        total = verdicts["total", ""]
        if not backdoor_sets(graph, covariates):
            # Paths of confounded equations may still add up, but not where every backdoor is open.
            assert not total.identified
        if not mediators:
            continue
        direct, sets = verdicts["nde", ""], mediation_sets(graph, covariates, mediators)
        if direct.by.startswith("sequential"):
            assert sets
            counts["identified"] += 1
        elif not direct.identified and sets:
            assert "is itself identified" in direct.reason
            counts["beyond the estimator"] += 1
        elif not direct.identified:
            counts["refused"] += 1
    assert min(counts.values()) > 10


def test_what_would_identify_an_effect_does(cases):
    """The sentence names unmeasured causes; with these measured the oracle finds a set, or the effect is zero."""
    named = 0
    for analysis, own, graph, covariates, _ in cases[:600]:
        (total,) = [v for v in identify(analysis, own) if (v.effect, v.via) == ("total", "")]
        if not total.remedy:
            continue
        chosen = [k for k, c in enumerate(analysis.unobserved) if f"what causes both {c.left} and {c.right}" in total.remedy]
        assert chosen
        more = [*covariates, *(f"U{k}" for k in chosen)]
        assert backdoor_sets(graph, more)
        named += 1
    assert named > 50

"""Backdoor sets against a brute-force search over all subsets, with networkx deciding separation."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from causalcluster.graph import build_graph, to_admg_networkx
from causalcluster.identification.adjustment import backdoor_set, is_backdoor_set, smallest

LEVELS = ("cluster", "cluster_time", "row", "all")


def brute_force(digraph: nx.DiGraph, observed: list[str], treatment: str, outcome: str) -> list[set[str]]:
    """Every set of observed non-descendants of the treatment that separates once its edges are cut."""
    cut = digraph.copy()
    cut.remove_edges_from(list(digraph.out_edges(treatment)))
    barred = nx.descendants(digraph, treatment) | {treatment, outcome}
    eligible = [name for name in observed if name not in barred]
    return [
        set(names)
        for count in range(len(eligible) + 1)
        for names in combinations(eligible, count)
        if nx.is_d_separator(cut, {treatment}, {outcome}, set(names))
    ]


@pytest.mark.parametrize("seed", range(150))
def test_finds_a_minimal_set_exactly_when_one_exists(diagram, seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(3, 8))
    names = [f"V{i}" for i in range(size)]
    edges = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.5]
    pairs = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.15]
    treatment, outcome = (names[i] for i in sorted(generator.choice(size, 2, replace=False)))
    edges = list(dict.fromkeys([*edges, (treatment, outcome)]))
    text = "; ".join([*names, *(f"{a} -> {b}" for a, b in edges), *(f"{a} <-> {b}" for a, b in pairs)])
    graph = build_graph(diagram(text, treatment=treatment, outcomes=outcome))
    digraph = to_admg_networkx(graph, LEVELS)
    valid = brute_force(digraph, names, treatment, outcome)
    found = backdoor_set(digraph, treatment, outcome)
    assert (found is not None) == bool(valid)
    if found is not None:
        assert set(found) in valid
        assert not any(other < set(found) for other in valid)
    for count in range(3):
        for candidate in combinations([name for name in names if name not in (treatment, outcome)], count):
            assert is_backdoor_set(digraph, treatment, outcome, candidate) == (set(candidate) in valid)


def test_smallest_drops_the_last_names_first():
    assert smallest(("a", "b", "c"), lambda names: len(names) >= 2) == ("a", "b")
    assert smallest(("a", "b", "c"), lambda names: "c" in names) == ("c",)

"""d-separation against networkx, and its witnesses against the definition."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest

from causalcluster.identification.separation import describe_path, open_path


def random_dag(generator: np.random.Generator, size: int) -> nx.DiGraph:
    digraph = nx.DiGraph()
    digraph.add_nodes_from(f"V{i}" for i in range(size))
    share = generator.uniform(0.2, 0.7)
    digraph.add_edges_from((f"V{i}", f"V{j}") for i, j in combinations(range(size), 2) if generator.random() < share)
    return digraph


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_networkx_on_every_pair_and_set(seed):
    digraph = random_dag(np.random.default_rng(seed), 2 + seed % 5)
    for left, right in combinations(digraph, 2):
        rest = [name for name in digraph if name not in (left, right)]
        for count in range(len(rest) + 1):
            for given in combinations(rest, count):
                separated = open_path(digraph, [left], {right}, given) is None
                assert separated == nx.is_d_separator(digraph, {left}, {right}, set(given))


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_networkx_on_sets_of_ends(seed):
    generator = np.random.default_rng(1000 + seed)
    digraph = random_dag(generator, 7)
    roles = generator.integers(0, 4, 7)
    groups = [{f"V{i}" for i in np.flatnonzero(roles == role)} for role in range(3)]
    if not (groups[0] and groups[1]):
        return
    separated = open_path(digraph, sorted(groups[0]), groups[1], groups[2]) is None
    assert separated == nx.is_d_separator(digraph, *groups)


@pytest.mark.parametrize("seed", range(60))
def test_a_witness_is_open_by_definition(seed):
    generator = np.random.default_rng(2000 + seed)
    digraph = random_dag(generator, 7)
    given = {f"V{i}" for i in range(1, 6) if generator.random() < 0.4}
    path = open_path(digraph, ["V0"], {"V6"}, given)
    if path is None:
        return
    assert (path[0], path[-1]) == ("V0", "V6")
    assert all(digraph.has_edge(a, b) or digraph.has_edge(b, a) for a, b in pairwise(path))
    for before, node, after in zip(path[:-2], path[1:-1], path[2:], strict=True):
        if digraph.has_edge(before, node) and digraph.has_edge(after, node):
            assert given & (nx.descendants(digraph, node) | {node})
        else:
            assert node not in given


def test_a_path_is_described_with_its_arrows_and_hides_latent_names():
    digraph = nx.DiGraph([("size", "law"), ("size", "log_wage"), ("hidden", "law")])
    digraph.nodes["hidden"]["latent"] = True
    assert describe_path(digraph, ("law", "size", "log_wage")) == "law <- size -> log_wage"
    assert describe_path(digraph, ("hidden", "law")) == "[unmeasured] -> law"

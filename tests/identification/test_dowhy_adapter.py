"""DoWhy's second opinion on backdoor adjustment and d-separation."""

from itertools import combinations

import numpy as np
import pytest

from causalcluster.graph import build_graph, to_admg_networkx
from causalcluster.identification.dowhy_adapter import ask_dowhy, dowhy_separates
from causalcluster.identification.dowhy_answer import describe_routes
from causalcluster.identification.separation import open_path


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("C -> A -> Y; C -> Y", ("C",)),
        ("A -> M -> Y; M <-> Y", ()),
        ("A -> Y; A <-> Y", None),
        ("Z -> A -> Y; Z <-> Y", ("Z",)),
        ("A -> Y; A <-> C; C <-> Y; C", ()),
    ],
)
def test_textbook_sets(diagram, text, sets):
    analysis = diagram(text)
    (answer,) = ask_dowhy(analysis, build_graph(analysis))
    assert (answer.ours, answer.theirs, answer.agrees) == (sets, sets, True)


def test_centring_counts_for_both(diagram):
    analysis = diagram("A -> Y; A <-> Y @ cluster", cluster="site")
    (answer,) = ask_dowhy(analysis, build_graph(analysis))
    assert (answer.theirs, answer.agrees) == ((), True)


@pytest.mark.parametrize("seed", range(40))
def test_agreement_on_random_diagrams(diagram, seed):
    generator = np.random.default_rng(seed)
    names = ["V0", "V1", "A", "V3", "V4", "Y", "V6"]
    edges = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.45]
    hidden = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.12]
    edges = dict.fromkeys([*edges, ("A", "Y")])
    text = "; ".join([*names, *(f"{a} -> {b}" for a, b in edges), *(f"{a} <-> {b}" for a, b in hidden)])
    analysis = diagram(text)
    graph = build_graph(analysis)
    assert all(answer.agrees for answer in ask_dowhy(analysis, graph))
    digraph = to_admg_networkx(graph, ["all"])
    for left, right in combinations(names, 2):
        given = [name for name in names if name not in (left, right) and generator.random() < 0.4]
        assert dowhy_separates(graph, left, right, given, ["all"]) == (open_path(digraph, [left], {right}, given) is None)


@pytest.mark.parametrize(
    ("text", "door", "instruments"),
    [
        # Pearl (1995): smoking, tar, cancer.
        ("A -> M -> Y; A <-> Y", ("M",), ()),
        # Two mediators in parallel are one door together.
        ("A -> M -> Y; A -> N -> Y; A <-> Y", ("M", "N"), ()),
        # A confounded mediator is no door.
        ("A -> M -> Y; A <-> Y; M <-> Y", (), ()),
        # Angrist, Imbens and Rubin (1996): an instrument; not one that acts on the outcome itself.
        ("Z -> A -> Y; A <-> Y", (), ("Z",)),
        ("Z -> A -> Y; A <-> Y; Z -> Y", (), ()),
        ("Z -> A -> Y; A <-> Y; Z <-> Y", (), ()),
        # Where adjustment does, no other route is asked for.
        ("Z -> A -> M -> Y", (), ()),
    ],
)
def test_front_doors_and_instruments(diagram, text, door, instruments):
    analysis = diagram(text)
    (answer,) = ask_dowhy(analysis, build_graph(analysis))
    assert (answer.front_door, answer.instruments) == (door, instruments)
    assert bool(describe_routes(answer)) == bool(door or instruments)

"""Orders of mediators: which there are, and the decomposition under each against the definitions by force."""

from itertools import permutations

import numpy as np
import pytest

from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.gformula import simulate_effects
from causalcluster.effects.levels import evaluate_effects
from causalcluster.effects.orders import admissible_orders, list_order_estimands, list_order_worlds, list_parts
from causalcluster.effects.world_effects import list_world_effects
from causalcluster.effects.worlds import System
from causalcluster.graph import build_graph
from tests.oracles.networks import FIXED, ask, fixed_draws, make_design, one_cluster, unit_scale, value
from tests.oracles.systems import make_analysis


def graph_of(edges, mediators):
    return build_graph(make_analysis(edges, treatment="a", mediators=mediators, outcomes=("y",)))


def test_orders_are_the_permutations_that_the_diagram_admits():
    graph = graph_of("a>m1 a>m2 a>m3 a>m4 m1>m3 m1>y m2>y m3>y m4>y", ("m1", "m2", "m3", "m4"))
    expected = {order for order in permutations(("m1", "m2", "m3", "m4")) if order.index("m1") < order.index("m3")}
    orders = admissible_orders(graph, ("m1", "m2", "m3", "m4"))
    assert set(orders.chosen) == expected
    assert len(orders.chosen) == len(expected) == orders.number
    assert orders.chosen[0] == ("m1", "m2", "m3", "m4")
    assert not orders.cut


def test_a_path_through_a_node_that_is_no_mediator_orders_two_mediators():
    graph = graph_of("a>m1 a>m2 m1>h h>m2 m1>y m2>y", ("m1", "m2"))
    assert admissible_orders(graph, ("m1", "m2")).chosen == (("m1", "m2"),)


def test_many_orders_are_cut_with_each_mediator_at_both_ends():
    names = tuple(f"m{i}" for i in range(6))
    edges = " ".join(f"a>{name} {name}>y" for name in names)
    orders = admissible_orders(graph_of(edges, names), names)
    assert orders.number == 720
    assert orders.cut
    assert len(orders.chosen) == 24 == len(set(orders.chosen))
    assert {order[0] for order in orders.chosen} == {order[-1] for order in orders.chosen} == set(names)


def test_very_many_mediators_are_not_counted():
    names = tuple(f"m{i}" for i in range(17))
    edges = " ".join(f"a>{name} {name}>y" for name in names)
    orders = admissible_orders(graph_of(edges, names), names)
    assert orders.number is None
    assert len(orders.chosen) == 24


LINEAR = {"m1": ("gaussian", None, ["a"]), "m2": ("gaussian", None, ["a"]), "y": ("gaussian", None, ["a", "m1", "m2"])}
BOTH = [("y", "nie", "m1"), ("y", "nie", "m2")]
ORDERS = (("m1", "m2"), ("m2", "m1"))


def test_without_interactions_a_linear_system_has_one_decomposition():
    analysis = make_analysis("a>m1 a>m2 a>y m1>y m2>y", treatment="a", mediators=("m1", "m2"), outcomes=("y",))
    design, theta = make_design(LINEAR), [0.1, 0.5, 0.2, -0.8, 0.3, 0.4, 1.5, 0.7]
    system = System(design=design, column_mean={(name,): np.zeros(1) for name in ("a", "m1", "m2", "y")})
    parts = list_parts(analysis.question, ORDERS, identified=BOTH)
    assert [part.key for part in parts] == ["m1", "m1>m2", "m2", "m2>m1"]
    scale = unit_scale(("a", "m1", "m2", "y"))
    found = list_order_estimands(parts, analysis.question, system, scale, (0.0, 2.0))
    effects = evaluate_effects(found, fixed_draws(theta, 3).coefficients, random_seed=1, levels=("sample",))
    values = dict(zip(effects["via"].values, effects["effect"].values[0, 0], strict=True))
    assert values["m1"] == pytest.approx(2.0 * 0.5 * 1.5)
    assert values["m2"] == pytest.approx(2.0 * -0.8 * 0.7)
    assert values["m2>m1"] == pytest.approx(values["m1"], rel=1e-12)
    assert values["m1>m2"] == pytest.approx(values["m2"], rel=1e-12)
    declared = list_estimands(analysis.question, build_graph(analysis), system, scale, (0.0, 2.0), identified=BOTH)
    same = evaluate_effects(declared, fixed_draws(theta, 3).coefficients, random_seed=1, levels=("sample",))
    assert same["effect"].values[0, 0] == pytest.approx([values["m1"], values["m1>m2"]], rel=1e-14)


def test_counts_decompose_differently_and_add_up_to_the_same():
    families = {**LINEAR, "y": ("poisson", None, ["a", "m1", "m2"])}
    design, theta = make_design(families), [0.1, 0.5, 0.2, 0.8, 0.3, 0.4, 0.6, 0.7]
    network, question = one_cluster(design), ask(["m1", "m2"])
    parts = list_parts(question, ORDERS, identified=BOTH)
    worlds = list_order_worlds(parts, question, network, (0.0, 1.0))
    draws = fixed_draws(theta, 3, sd=[0.5, 0.3, 1.0])
    got = simulate_effects(worlds, network, draws, random_seed=1, levels=("sample",), accuracy=FIXED).effects
    values = dict(zip(got["via"].values, got["effect"].values[0, 0], strict=True))

    def mean(of_m1, of_m2):
        """Exact: the exponential of a normal."""
        centre = 0.3 + 0.4 + 0.6 * (0.1 + 0.5 * of_m1) + 0.7 * (0.2 + 0.8 * of_m2)
        return np.exp(centre + 0.5 * (0.36 * 0.25 + 0.49 * 0.09))

    exact = {"m1": mean(1, 0) - mean(0, 0), "m1>m2": mean(1, 1) - mean(1, 0)}
    exact |= {"m2": mean(0, 1) - mean(0, 0), "m2>m1": mean(1, 1) - mean(0, 1)}
    for key, number in exact.items():
        assert values[key] == pytest.approx(number, rel=2e-3)
    assert values["m2>m1"] - values["m1"] > 0.1
    assert values["m1"] + values["m1>m2"] == pytest.approx(values["m2"] + values["m2>m1"], rel=1e-12)
    whole = list_world_effects(question, network, (0.0, 1.0), identified=[*BOTH, ("y", "nie", "all")])
    declared = simulate_effects(whole, network, draws, random_seed=1, levels=("sample",), accuracy=FIXED)
    assert value(declared, "nie", "m1").item() == pytest.approx(values["m1"], rel=1e-12)

"""Verdicts on diagrams from the literature, and what the verdicts say."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from causalcluster.graph import build_graph
from causalcluster.identification import cde_via, identify, verdict_to_json
from causalcluster.identification.verdicts import MOST_PATHS

NATURAL = [("nde", ""), ("nie", "all"), ("tnde", ""), ("pnie", "all"), ("prop_mediated", "all")]


@pytest.fixture(name="decide")
def _decide(diagram):
    """Return the verdicts of a diagram by (effect, via); the outcome is added to the key if there are several."""

    def decide(text, **question):
        analysis = diagram(text, **question)
        verdicts = identify(analysis, build_graph(analysis))
        several = len(analysis.question.outcomes) > 1
        return {((v.outcome,) if several else ()) + (v.effect, v.via): v for v in verdicts}

    return decide


def identified(verdicts, keys):
    return [verdicts[key].identified for key in keys]


def test_randomised_treatment_with_one_mediator(decide):
    """Pearl (2001), figure 1: everything is identified without adjustment."""
    verdicts = decide("A -> M -> Y; A -> Y", mediators="M", fix=(("M", 0.0),))
    keys = ["total nde nie:all nie:M tnde pnie:all path:direct path:M cde:M=0 prop_mediated:all prop_mediated:M"]
    assert list(verdicts) == [tuple((key + ":").split(":")[:2]) for key in keys[0].split()]
    assert all(verdict.identified for verdict in verdicts.values())
    assert {verdict.adjustment for verdict in verdicts.values()} == {()}


def test_unmeasured_cause_of_mediator_and_outcome(decide):
    """Imai, Keele and Yamamoto (2010): randomising the treatment gives its total effect, not the mediated one."""
    verdicts = decide("A -> M -> Y; A -> Y; M <-> Y @ row", mediators="M", fix=(("M", 0.0),))
    assert verdicts["total", ""].identified
    assert "add up" in verdicts["total", ""].reason
    assert identified(verdicts, [*NATURAL, ("nie", "M"), ("cde", "M=0"), ("path", "direct"), ("path", "M")]) == [False] * 9
    assert "M <- [unmeasured] -> Y" in verdicts["nie", "all"].reason
    assert verdicts["nie", "all"].instead == "The total effect (total)."
    assert verdicts["nie", "all"].assumptions == ()


def test_three_kinds_of_measured_confounders(decide):
    """VanderWeele (2015), section 2.3: C1 to C3 of treatment-outcome, mediator-outcome, treatment-mediator."""
    text = "C1 -> A; C1 -> Y; C2 -> M; C2 -> Y; C3 -> A; C3 -> M; A -> M -> Y; A -> Y"
    verdicts = decide(text, mediators="M")
    assert verdicts["nie", "all"].adjustment == ("C1", "C2", "C3")
    assert verdicts["total", ""].adjustment == ("C1", "C3")
    assert "Given A, C1, C2 and C3, nothing unmeasured causes both M and Y." in verdicts["nde", ""].assumptions


@pytest.mark.parametrize(("hidden", "path"), [("A <-> M", "A <- [unmeasured] -> M"), ("A <-> Y", "A <- [unmeasured] -> Y")])
def test_unmeasured_cause_of_the_treatment(decide, hidden, path):
    """VanderWeele (2015), section 2.3, conditions 1 and 2."""
    verdicts = decide(f"A -> M -> Y; A -> Y; {hidden}", mediators="M")
    assert identified(verdicts, [("total", ""), *NATURAL]) == [False] * 6
    assert path in verdicts["nie", "all"].reason
    assert verdicts["nie", "all"].instead == ""


def test_recanting_witness(decide):
    """Avin, Shpitser and Pearl (2005): L is on a path through the mediator and on one around it."""
    verdicts = decide("A -> L -> M -> Y; L -> Y; A -> Y", mediators="M", fix=(("M", 1.5),))
    assert verdicts["total", ""].identified
    assert identified(verdicts, [*NATURAL, ("nie", "M"), ("path", "L"), ("path", "L>M")]) == [False] * 8
    assert "M <- L -> Y" in verdicts["nie", "all"].reason
    assert "interventional effects (ide, iie, overall)" in verdicts["nie", "all"].instead
    drawn = [("ide", ""), ("iie", "all"), ("iie", "M"), ("overall", "")]
    assert identified(verdicts, drawn) == [True] * 4
    assert "L, which A may affect, responds to it" in verdicts["iie", "all"].reason
    assert "L declared as a mediator" in verdicts["nie", "all"].instead
    # Robins and Greenland (1992); VanderWeele (2009): the controlled direct effect survives.
    assert verdicts["cde", "M=1.5"].identified
    assert verdicts["path", "direct"].identified


def test_recanting_witness_with_hidden_confounding_promises_nothing(decide):
    verdicts = decide("A -> L -> M -> Y; L -> Y; A -> Y; M <-> Y", mediators="M")
    assert not verdicts["nie", "all"].identified
    assert "interventional" not in verdicts["nie", "all"].instead
    assert not verdicts["iie", "all"].identified


def test_two_mediators_in_series(decide):
    """Daniel et al. (2015): with M1 before M2 each ordered part is identified without hidden common causes."""
    text = "A -> M1 -> M2 -> Y; A -> M2; M1 -> Y; A -> Y; C -> A; C -> Y"
    verdicts = decide(text, mediators="M1 M2")
    assert all(verdict.identified for verdict in verdicts.values())
    assert verdicts["nie", "M2"].by == "sequential ignorability, mediators in order"
    assert verdicts["nie", "M2"].adjustment == ("C",)
    assert "Given A and C, nothing unmeasured causes both M1 and M2." in verdicts["nie", "M1"].assumptions
    assert {via for effect, via in verdicts if effect == "path"} == {"direct", "M1", "M2", "M1>M2"}


@pytest.mark.parametrize("between", ["", "; M1 -> M2"])
def test_hidden_common_cause_of_two_mediators(decide, between):
    """Vansteelandt and Daniel (2017): jointly identified, one by one not."""
    text = f"A -> M1 -> Y; A -> M2 -> Y; A -> Y; M1 <-> M2{between}"
    verdicts = decide(text, mediators="M1 M2")
    assert identified(verdicts, [("total", ""), *NATURAL]) == [True] * 6
    single = [(effect, via) for effect in ("nie", "prop_mediated", "path") for via in ("M1", "M2")]
    assert identified(verdicts, single) == [False] * 6
    assert "M1 <- [unmeasured] -> M2" in verdicts["nie", "M2"].reason
    assert "all mediators together" in verdicts["nie", "M2"].instead


def test_front_door(decide):
    """Pearl (1995): identified, but not by regressions on parents, and the verdict says so."""
    verdicts = decide("A -> M -> Y; A <-> Y", mediators="M")
    assert not verdicts["total", ""].identified
    assert "front-door" in verdicts["total", ""].reason
    assert not verdicts["nie", "all"].identified
    assert verdicts["nde", ""].by == "no path in the diagram"


def test_m_bias(decide):
    """Greenland (2003): a collider before the treatment is left alone; its own edge into Y ruins both choices."""
    alone = decide("A -> M -> Y; A -> Y; A <-> C; C <-> Y; C", mediators="M")
    assert all(verdict.identified and verdict.adjustment == () for verdict in alone.values())
    drawn = decide("A -> M -> Y; A -> Y; A <-> C; C <-> Y; C -> Y", mediators="M")
    assert not drawn["total", ""].identified
    assert "A <- [unmeasured] -> C <- [unmeasured] -> Y" in drawn["nde", ""].reason


def test_bow_with_an_instrument(decide):
    """Angrist, Imbens and Rubin (1996): an instrument is no backdoor set."""
    verdicts = decide("Z -> A -> Y; A <-> Y")
    assert not verdicts["total", ""].identified
    assert verdicts["total", ""].reason.count("[unmeasured]") == 1


def test_sufficient_sets_of_pearls_six_variables(decide):
    """Pearl (2009), figure 3.4: {X4} alone is not sufficient, {X4, X5} is."""
    text = "X1 -> X3 -> A; X1 -> X4 -> A; X2 -> X4 -> Y; X2 -> X5 -> Y; A -> X6 -> Y"
    verdicts = decide(text, mediators="X6")
    assert verdicts["total", ""].adjustment == ("X4", "X5")
    assert verdicts["nie", "X6"].identified


def test_backdoor_set_that_the_equations_do_not_use(decide):
    """Z is a parent of A but not of Y: the total effect is identified, the regression of Y on A is biased."""
    verdicts = decide("Z -> A -> Y; Z <-> Y")
    assert not verdicts["total", ""].identified
    assert "by adjusting for {Z}" in verdicts["total", ""].reason
    assert "If Z may act on Y directly, draw that edge." in verdicts["total", ""].reason
    assert decide("Z -> A -> Y; Z <-> Y; Z -> Y")["total", ""].identified


@pytest.mark.parametrize("level", ["cluster", "cluster_time", "row", "all"])
@pytest.mark.parametrize(
    ("cluster", "model"),
    [("site", {}), ("site", {"varying": ("intercepts",)}), (None, {"varying": "none"}), ("site", {"centre": "none"}),
     ("site", {"varying": ("A -> M",)}), ("site", {"varying": "none"})],
)  # fmt: skip
def test_centring_within_clusters_removes_stable_causes_only(decide, level, cluster, model):
    verdicts = decide(f"A -> M -> Y; A -> Y; M <-> Y @ {level}", mediators="M", cluster=cluster, **model)
    centred = cluster == "site" and model in ({}, {"varying": ("intercepts",)})
    verdict = verdicts["nie", "all"]
    assert verdict.identified == (centred and level == "cluster")
    if verdict.identified:
        assert any("M <-> Y" in sentence for sentence in verdict.assumptions)
        assert any("centring within clusters removes it" in sentence for sentence in verdict.assumptions)


def test_centring_removes_nothing_from_a_treatment_constant_inside_clusters(diagram):
    analysis = diagram("A -> M -> Y; A -> Y; M <-> Y @ cluster", mediators="M", cluster="site")
    graph = build_graph(analysis)
    by_effect = {(v.effect, v.via): v for v in identify(analysis, graph, constant_inside={"A"})}
    assert by_effect["total", ""].identified
    assert not by_effect["nie", "all"].identified
    assert not any("centring" in sentence for sentence in by_effect["total", ""].assumptions)
    assert all(verdict.identified for verdict in identify(analysis, graph, constant_inside={"C"}))


def test_the_general_assumptions_are_named(decide):
    sentences = " ".join(decide("C -> A -> Y; C -> Y", cluster="site")["total", ""].assumptions)
    for word in ("Consistency", "No interference", "Positivity", "Linearity", "Gaussian", "(site)"):
        assert word in sentences


def test_a_mediator_of_another_outcome_carries_nothing_here(decide):
    verdicts = decide("A -> M1 -> Y1; A -> Y1; A -> M2 -> Y2; A -> Y2", outcomes="Y1 Y2", mediators="M1 M2")
    verdict = verdicts["Y1", "nie", "M2"]
    assert (verdict.identified, verdict.by) == (True, "no path in the diagram")
    assert verdict.reason.startswith("Zero by the diagram")
    assert verdicts["Y1", "nie", "M1"].by.startswith("sequential")


def test_an_outcome_that_the_treatment_does_not_reach(decide):
    verdicts = decide("A -> M -> Y; B -> Z", outcomes="Y Z", mediators="M")
    assert verdicts["Z", "total", ""].reason.startswith("Zero by the diagram")
    assert not verdicts["Z", "prop_mediated", "all"].identified
    assert not [key for key in verdicts if key[:2] == ("Z", "path")]


def test_a_mediator_that_the_treatment_enters_only_through_another(decide):
    verdicts = decide("A -> M1 -> M2 -> Y; A -> Y", mediators="M1 M2")
    assert verdicts["nie", "M2"].reason == "Zero by the diagram: A has no edge of its own into M2."
    assert verdicts["nie", "M1"].by == verdicts["nie", "all"].by


def test_what_runs_through_undeclared_nodes_is_said_to_count_as_direct(decide):
    verdicts = decide("A -> X -> M -> Y; A -> M; A -> Y", mediators="M")
    assert "What runs through X, which is not a declared mediator, counts as direct." in verdicts["nde", ""].reason
    assert verdicts["nde", ""].identified


def test_full_mediation_by_a_confounded_mediator(decide):
    """Without an edge from A the regression of Y on M alone is biased, and so is the sum."""
    verdicts = decide("A -> M -> Y; M <-> Y", mediators="M")
    assert not verdicts["total", ""].identified
    assert "identified without adjustment" in verdicts["total", ""].reason
    assert "If A may act on Y directly, draw that edge." in verdicts["total", ""].reason


def test_an_unrelated_cause_of_a_confounded_mediator_leaves_the_total(decide):
    assert decide("A -> M -> Y; A -> Y; X -> M; M <-> Y", mediators="M")["total", ""].identified


def test_interactions_leave_no_path_effects(decide):
    verdicts = decide("A -> M -> Y; A -> Y; A -> Z -> Y2; A * M -> Y", outcomes="Y Y2", mediators="M Z")
    assert not verdicts["Y", "path", "M"].identified
    assert "A * M" in verdicts["Y", "path", "M"].reason
    assert verdicts["Y", "nie", "all"].identified
    assert verdicts["Y2", "path", "Z"].identified


def test_with_interactions_a_confounded_equation_spoils_the_total(decide):
    """Iterated expectation needs the outcome's regression to be linear in what is left out."""
    assert not decide("A -> M -> Y; A -> Y; M <-> Y; A * M -> Y", mediators="M")["total", ""].identified


def test_controlled_direct_effects_hold_each_node_alone_and_all_together(decide):
    text = "A -> M1 -> M2 -> Y; M1 -> Y; A -> M2; A -> Y; M2 <-> Y"
    verdicts = decide(text, mediators="M1 M2", fix=(("M1", 0.25), ("M2", -1.0)))
    assert verdicts["cde", "M1=0.25"].identified
    assert not verdicts["cde", "M2=-1"].identified
    assert "M2 <- [unmeasured] -> Y" in verdicts["cde", "M2=-1"].reason
    assert not verdicts["cde", "M1=0.25;M2=-1"].identified
    together = decide("A -> M1 -> M2 -> Y; M1 -> Y; A -> Y", mediators="M1 M2", fix=(("M1", 0.5), ("M2", 1.0)))
    assert together["cde", "M1=0.5;M2=1"].identified
    zero = decide("A -> M -> Y", mediators="M", fix=(("M", 0.0),))["cde", "M=0"]
    assert zero.reason == "Zero by the diagram: every directed path from A to Y passes M."


def test_a_grid_gives_every_value_and_every_combination(decide):
    verdicts = decide(
        "A -> M1 -> M2 -> Y; M1 -> Y; A -> Y", mediators="M1 M2", fix=(("M1", 0.0), ("M1", 0.5), ("M2", 1.0), ("M2", 2.0))
    )
    vias = [via for effect, via in verdicts if effect == "cde"]
    assert vias == ["M1=0", "M1=0.5", "M2=1", "M2=2", "M1=0;M2=1", "M1=0;M2=2", "M1=0.5;M2=1", "M1=0.5;M2=2"]


def asked(diagram, text, *decompositions, mediators="M", fix=(("M", 0.0),)):
    analysis = diagram(text, mediators=mediators, fix=fix)
    analysis = replace(analysis, question=replace(analysis.question, decompositions=decompositions))
    return {(v.effect, v.via): v for v in identify(analysis, build_graph(analysis))}


def test_the_four_way_decomposition_is_given_where_it_is_asked_for(diagram):
    plain = asked(diagram, "A -> M -> Y; A -> Y; A * M -> Y")
    assert not any(effect.startswith("int_") for effect, _ in plain)
    verdicts = asked(diagram, "A -> M -> Y; A -> Y; A * M -> Y", "four_way", fix=(("M", 0.0), ("M", 1.0)))
    assert {key: v for key, v in verdicts.items() if key in plain} == plain
    assert identified(verdicts, [("int_ref", "M=0"), ("int_ref", "M=1"), ("int_med", "all")]) == [True] * 3
    assert verdicts["int_ref", "M=0"].reason.startswith("The natural direct effect less the controlled one (nde - cde). ")
    assert any("Cross-world" in sentence for sentence in verdicts["int_med", "all"].assumptions)


def test_the_four_way_decomposition_asks_for_what_natural_effects_ask_for(diagram):
    barred = asked(diagram, "A -> L -> M -> Y; L -> Y; A -> Y; A -> M", "four_way")
    assert barred["cde", "M=0"].identified
    assert identified(barred, [("nde", ""), ("int_ref", "M=0"), ("int_med", "all")]) == [False] * 3
    assert barred["int_med", "all"].reason == barred["nde", ""].reason
    confounded = asked(diagram, "A -> M -> Y; A -> Y; M <-> Y; A * M -> Y", "four_way")
    assert identified(confounded, [("cde", "M=0"), ("int_ref", "M=0"), ("int_med", "all")]) == [False] * 3


def test_interactions_that_are_zero_by_the_diagram(diagram):
    verdicts = asked(diagram, "A -> M -> Y", "four_way")
    for key in (("int_ref", "M=0"), ("int_med", "all")):
        assert verdicts[key].reason.startswith("Zero by the diagram: every directed path from A to Y starts into a mediator")
    # The treatment moves the mediator by an undeclared node alone, so nothing enters at it.
    verdicts = asked(diagram, "A -> L -> M -> Y", "four_way")
    assert verdicts["int_med", "all"].reason.startswith("Zero by the diagram: A has no edge of its own into")


def test_interventional_effects_are_given_where_they_are_asked_for(diagram):
    text = "A -> M -> Y; A -> Y"
    assert ("ide", "") not in asked(diagram, text)
    verdicts = asked(diagram, text, "interventional")
    assert identified(verdicts, [("ide", ""), ("iie", "all"), ("iie", "M"), ("overall", ""), ("nde", "")]) == [True] * 5


@pytest.mark.parametrize(("value", "text"), [(0.0, "m=0"), (-2.0, "m=-2"), (0.1, "m=0.1"), (1e-9, "m=1e-09")])
def test_the_key_of_a_controlled_direct_effect(value, text):
    assert cde_via([("m", value)]) == text


def test_verdicts_are_plain_json(decide):
    verdict = decide("C -> A -> Y; C -> Y")["total", ""]
    plain = verdict_to_json(verdict)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["adjustment"] == ["C"]
    assert list(plain)[:4] == ["outcome", "effect", "via", "identified"]


def dense(size: int) -> tuple[str, str]:
    """A dense diagram with hidden common causes, and its mediators in causal order."""
    generator = np.random.default_rng(7)
    names = [f"V{i:02d}" for i in range(size)]
    names[8], names[-1] = "A", "Y"
    edges = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.4]
    hidden = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.01]
    mediators = names[10:18:2]
    edges = dict.fromkeys([*edges, *(("A", name) for name in mediators), *((name, "Y") for name in mediators)])
    text = "; ".join([*names, *(f"{a} -> {b}" for a, b in edges), *(f"{a} <-> {b}" for a, b in hidden)])
    return text, " ".join(mediators)


def test_thirty_nodes_take_less_than_a_second(diagram):
    text, mediators = dense(30)
    analysis = diagram(text, mediators=mediators, fix=tuple((name, 0.0) for name in mediators.split()))
    start = time.perf_counter()
    verdicts = identify(analysis, build_graph(analysis))
    assert time.perf_counter() - start < 1.0
    paths = [verdict for verdict in verdicts if verdict.effect == "path"]
    assert [(verdict.via, verdict.identified) for verdict in paths] == [("", False)]
    assert f"up to {MOST_PATHS}" in paths[0].reason


SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import diagram
from causalcluster.diagram import to_svg, to_text
from causalcluster.graph import build_graph
from causalcluster.identification import identify, verdict_to_json
analysis = diagram(sys.argv[2], mediators=sys.argv[3])
graph = build_graph(analysis)
print(json.dumps([verdict_to_json(verdict) for verdict in identify(analysis, graph)]))
print(to_text(graph, {}), to_svg(graph, {}))
"""


def test_nothing_depends_on_the_hash_seed():
    text, mediators = dense(14)
    here = os.path.dirname(__file__)
    root = os.path.dirname(os.path.dirname(here))
    answers = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, here, text, mediators],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert len(json.loads(answers[0].splitlines()[0])) > 10

"""Effects of coefficient draws against interventions with `pm.do` on a row-level generative model."""

import numpy as np
import pytest

from causalcluster.design import is_simulated
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.polynomials import evaluate
from tests.oracles.do_worlds import Worlds
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

LOW, HIGH = 0.4, 1.9
SYSTEMS = {
    "series": make_analysis(
        "c>x x>a c>a x>b a>b x>y a>y b>y c>y",
        treatment="x",
        mediators=("a", "b"),
        outcomes=("y",),
        fix=(("a", 0.7), ("b", -1.0)),
    ),
    "interaction": make_analysis(
        "x>a x>b a>b x>y a>y b>y",
        treatment="x",
        mediators=("a", "b"),
        outcomes=("y",),
        interactions=(("x", "a", "b"), ("x", "a", "y"), ("x", "b", "y")),
        fix=(("a", 0.7),),
    ),
    "undeclared node on the way": make_analysis(
        "x>l l>a x>a x>y a>y l>y", treatment="x", mediators=("a",), outcomes=("y",), fix=(("a", 2.0),)
    ),
    "uncentred": make_analysis(
        "x>a x>y a>y",
        treatment="x",
        mediators=("a",),
        outcomes=("y",),
        interactions=(("x", "a", "y"),),
        fix=(("a", 0.7),),
        centre="none",
    ),
    "context": make_analysis(
        "c>x c>a x>a c>y d>y x>y a>y",
        treatment="x",
        mediators=("a",),
        outcomes=("y",),
        interactions=(
            *(("x", "c", "a"), ("c", "x", "y"), ("x", "a", "y")),
            *(("c", "c", "y"), ("c", "d", "y"), ("d", "x", "y"), ("x", "d", "c", "y")),
        ),
        fix=(("a", 0.7),),
    ),
    "squares": make_analysis(
        "x>a x>b a>b x>y b>y",
        treatment="x",
        mediators=("a", "b"),
        outcomes=("y",),
        interactions=(("x", "x", "a"), ("x", "a", "b"), ("x", "x", "b"), ("x", "x", "a", "b")),
    ),
    "constant moderator": make_analysis(
        "z>a z>y c>y x>a x>y a>y",
        treatment="x",
        mediators=("a",),
        outcomes=("y",),
        interactions=(("x", "z", "a"), ("z", "a", "y"), ("z", "x", "y"), ("a", "x", "y"), ("z", "x", "a", "y")),
        fix=(("a", 0.7),),
    ),
}
CONDITIONS = {"context": [{"c": 2.5}, {"c": -1.0, "d": 4.0}]}


@pytest.fixture(scope="module", params=SYSTEMS)
def case(request):
    analysis = SYSTEMS[request.param]
    table = draw_rows(analysis, sizes=[6, 4, 9], seed=7)
    still = tuple(name for name in "z" if name in table)
    for name in still:
        table[name] = 1.0 + table.groupby("cluster").ngroup()
    prepared = prepare_system(analysis, table, between_only=still)
    assert not is_simulated(prepared.design)
    rng = np.random.default_rng(5)
    theta = rng.normal(0.3, 0.6, size=(2, 3, len(prepared.design.terms)))
    question = analysis.question
    keys = [("y", effect, "") for effect in ("total", "nde", "tnde")]
    keys += [("y", "nie", via) for via in ("all", *question.mediators)] + [("y", "pnie", "all")]
    keys += [("y", "cde", f"{node}={value:g}") for node, value in question.fix]
    if len(question.fix) > 1:
        keys.append(("y", "cde", ";".join(f"{node}={value:g}" for node, value in question.fix)))
    estimands = list_estimands(question, prepared.graph, prepared.system, prepared.scale, (LOW, HIGH), identified=keys)
    assert len(estimands) == len(keys)
    effects = {(item.effect, item.via): evaluate(item.polynomial, theta) for item in estimands}
    return prepared, Worlds(prepared, table), theta, effects


def world(worlds, theta, mediators, moved):
    """Outcome with the treatment high except on its arrows into mediators not in ``moved``.

    Mediators are set one after another to what they are given those before them, with the treatment high or low.
    """
    held = {}
    for mediator in mediators:
        at = HIGH if mediator in moved else LOW
        # Undeclared nodes always see the high treatment, so they are set to that first.
        others = {
            node: worlds.rows(node, theta, {"x": HIGH, **held})
            for node in worlds.prepared.design.nodes
            if node not in mediators and node != "y"
        }
        held[mediator] = worlds.rows(mediator, theta, {"x": at, **others, **held})
    return worlds.mean_by_cluster("y", theta, {"x": HIGH, **held})


def test_total_and_natural_effects_equal_interventions(case):
    prepared, worlds, thetas, effects = case
    mediators = prepared.analysis.question.mediators
    for s, theta in enumerate(thetas):
        low = worlds.mean_by_cluster("y", theta, {"x": LOW})
        high = worlds.mean_by_cluster("y", theta, {"x": HIGH})
        steps = [world(worlds, theta, mediators, mediators[:k]) for k in range(len(mediators) + 1)]
        np.testing.assert_allclose(effects["total", ""][s], high - low, atol=1e-8)
        np.testing.assert_allclose(effects["nde", ""][s], steps[0] - low, atol=1e-8)
        np.testing.assert_allclose(effects["nie", "all"][s], high - steps[0], atol=1e-8)
        for k, mediator in enumerate(mediators):
            np.testing.assert_allclose(effects["nie", mediator][s], steps[k + 1] - steps[k], atol=1e-8)


@pytest.mark.parametrize("case", ["context"], indirect=True)
def test_effects_at_values_of_moderators_equal_interventions(case):
    prepared, worlds, thetas, _ = case
    for values in CONDITIONS["context"]:
        condition = tuple(values.items())
        keys = [("y", "total", ""), ("y", "nde", ""), ("y", "nie", "all")]
        listed = list_estimands(
            prepared.analysis.question,
            prepared.graph,
            prepared.system,
            prepared.scale,
            (LOW, HIGH),
            identified=keys,
            at=[condition],
        )
        text = ";".join(f"{name}={value:g}" for name, value in condition)
        effects = {item.effect: evaluate(item.polynomial, thetas) for item in listed if item.at == text}
        assert len(listed) == 2 * len(effects) == 6
        for s, theta in enumerate(thetas):
            natural = {level: {"a": worlds.rows("a", theta, {"x": level, **values})} for level in (LOW, HIGH)}
            low, high = (worlds.mean_by_cluster("y", theta, {"x": x, **values}) for x in (LOW, HIGH))
            crossed = worlds.mean_by_cluster("y", theta, {"x": HIGH, **values, **natural[LOW]})
            np.testing.assert_allclose(effects["total"][s], high - low, atol=1e-8)
            np.testing.assert_allclose(effects["nde"][s], crossed - low, atol=1e-8)
            np.testing.assert_allclose(effects["nie"][s], high - crossed, atol=1e-8)


def test_the_other_split_equals_interventions(case):
    prepared, worlds, thetas, effects = case
    for s, theta in enumerate(thetas):
        natural = {node: worlds.rows(node, theta, {"x": HIGH}) for node in prepared.analysis.question.mediators}
        crossed = worlds.mean_by_cluster("y", theta, {"x": LOW, **natural})
        low = worlds.mean_by_cluster("y", theta, {"x": LOW})
        high = worlds.mean_by_cluster("y", theta, {"x": HIGH})
        np.testing.assert_allclose(effects["tnde", ""][s], high - crossed, atol=1e-8)
        np.testing.assert_allclose(effects["pnie", "all"][s], crossed - low, atol=1e-8)


def test_controlled_direct_effects_equal_interventions(case):
    prepared, worlds, thetas, effects = case
    for s, theta in enumerate(thetas):
        for node, value in prepared.analysis.question.fix:
            ends = [worlds.mean_by_cluster("y", theta, {"x": x, node: value}) for x in (LOW, HIGH)]
            np.testing.assert_allclose(effects["cde", f"{node}={value:g}"][s], ends[1] - ends[0], atol=1e-8)
        together = dict(prepared.analysis.question.fix)
        if len(together) > 1:
            ends = [worlds.mean_by_cluster("y", theta, {"x": x, **together}) for x in (LOW, HIGH)]
            via = ";".join(f"{node}={value:g}" for node, value in together.items())
            np.testing.assert_allclose(effects["cde", via][s], ends[1] - ends[0], atol=1e-8)


def test_parts_add_up_exactly(case):
    prepared, _, _, effects = case
    parts = sum(effects["nie", mediator] for mediator in prepared.analysis.question.mediators)
    np.testing.assert_allclose(effects["nde", ""] + effects["nie", "all"], effects["total", ""], atol=1e-10)
    np.testing.assert_allclose(parts, effects["nie", "all"], atol=1e-10)
    np.testing.assert_allclose(effects["tnde", ""] + effects["pnie", "all"], effects["total", ""], atol=1e-10)

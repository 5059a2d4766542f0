"""The four-way decomposition (VanderWeele 2014) against closed forms and enumeration, and its identities."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.levels import CoefficientDraws, evaluate_effects, select_row
from causalcluster.effects.polynomials import evaluate as evaluate_polynomial
from causalcluster.effects.rounding import add_weights, sum_terms
from causalcluster.identification import held_together, references
from tests.oracles.networks import ask, evaluate, fixed_draws, make_design, one_cluster, value
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

PARTS = (("cde", "m=1.5"), ("int_ref", "m=1.5"), ("int_med", "all"), ("pnie", "all"))
KEYS = [("y", effect, via) for effect, via in (*PARTS, ("total", ""), ("nde", ""), ("nie", "all"), ("tnde", ""))]
LOW, HIGH, REFERENCE = -0.5, 1.5, 1.5


def closed_form(t1, t2, t3, b0, b1):
    """VanderWeele (2014, Epidemiology 25(5), Appendix): y = t0 + t1 a + t2 m + t3 a m, m = b0 + b1 a, no covariates."""
    change = HIGH - LOW
    return {
        "cde": (t1 + t3 * REFERENCE) * change,
        "int_ref": t3 * (b0 + b1 * LOW - REFERENCE) * change,
        "int_med": t3 * b1 * change * change,
        "pnie": (t2 * b1 + t3 * b1 * LOW) * change,
    }


def test_the_closed_form_of_a_linear_outcome_by_simulation():
    design = make_design({"m": ("gaussian", None, ["a"]), "y": ("gaussian", None, ["a", "m", "a*m"])})
    draws = fixed_draws([0.4, 0.7, -0.2, 0.3, 0.5, 0.25], 2)
    question = ask(["m"], fix=[("m", REFERENCE)])
    got = evaluate(one_cluster(design), draws, question, (LOW, HIGH), keys=KEYS, points=64)
    for effect, expected in closed_form(0.3, 0.5, 0.25, 0.4, 0.7).items():
        assert value(got, effect, dict(PARTS)[effect]).item() == pytest.approx(expected, abs=1e-10), effect


def prepared_system(interactions, edges="x>m x>y m>y", mediators=("m",), fix=(("m", REFERENCE),)):
    analysis = make_analysis(
        edges, treatment="x", mediators=mediators, outcomes=("y",), interactions=interactions, fix=fix, centre="none"
    )
    return prepare_system(analysis, draw_rows(analysis, sizes=[9, 7], seed=1))


def polynomials_of(prepared, keys):
    question = prepared.analysis.question
    found = list_estimands(question, prepared.graph, prepared.system, prepared.scale, (LOW, HIGH), identified=keys)
    return {(item.effect, item.via): item.polynomial for item in found}


def in_units(prepared, theta):
    """Coefficients (draw,) of the equations in the user's units, by their products; of systems without centring."""
    shift, scale = prepared.scale.shift, prepared.scale.scale
    found: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}
    for i, term in enumerate(prepared.design.terms):
        # The product of (f - shift) / scale, multiplied out.
        for chosen in itertools.product((True, False), repeat=len(term.factors)):
            kept = tuple(f for f, keep in zip(term.factors, chosen, strict=True) if keep)
            rest = [-shift[f] for f, keep in zip(term.factors, chosen, strict=True) if not keep]
            factor = scale[term.target] * np.prod(rest) / np.prod([scale[f] for f in term.factors])
            key = (term.target, tuple(sorted(kept)))
            found[key] = found.get(key, 0.0) + factor * theta[:, i]
    for node in prepared.design.nodes:
        found[node, ()] = found[node, ()] + shift[node]
    return found


def test_the_closed_form_of_a_linear_outcome_by_polynomials():
    prepared = prepared_system((("x", "m", "y"),))
    theta = np.random.default_rng(2).normal(size=(5, len(prepared.design.terms)))
    b = in_units(prepared, theta)
    found = polynomials_of(prepared, KEYS)
    expected = closed_form(b["y", ("x",)], b["y", ("m",)], b["y", ("m", "x")], b["m", ()], b["m", ("x",)])
    for effect, via in PARTS:
        values = evaluate_polynomial(found[effect, via], np.repeat(theta[:, None, :], 2, axis=1))
        np.testing.assert_allclose(values[:, 0], expected[effect], rtol=1e-9, atol=1e-9, err_msg=effect)


def test_without_an_interaction_the_parts_are_zero_and_no_rounding():
    prepared = prepared_system((), "x>m x>k m>k x>y m>y k>y", ("m", "k"), (("m", 1.5), ("k", 0.3)))
    keys = [("y", "int_ref", "m=1.5;k=0.3"), ("y", "int_med", "all"), ("y", "total", "")]
    found = polynomials_of(prepared, keys)
    assert found["int_ref", "m=1.5;k=0.3"] == {}
    assert found["int_med", "all"] == {}
    assert found["total", ""]


@pytest.mark.parametrize("outcome", ["gaussian", "student"])
def test_without_an_interaction_simulated_parts_are_zero_and_no_rounding(outcome):
    """The mediator is discrete, so that nothing cancels term by term."""
    design = make_design(
        {
            "m": ("bernoulli", None, ["a", "c"]),
            "k": ("poisson", None, ["a", "m"]),
            "y": (outcome, None, ["a", "m", "k", "c"]),
        }
    )
    draws = fixed_draws(
        [0.4, 0.7, -0.2, 0.1, 0.3, 0.2, 110.3, 0.37, 0.5, 0.25, -0.4], 3, nu=[5.0, 5.0, 5.0], sd=[1.0, 1.0, 0.7]
    )
    network = one_cluster(design, {"c": np.array([-1.2, 0.3, 1.7])})
    question = ask(["m", "k"], fix=[("m", 1.0), ("k", 3.0)])
    keys = [("y", "int_ref", "m=1;k=3"), ("y", "int_med", "all"), ("y", "nde", "")]
    got = evaluate(network, draws, question, keys=keys, points=1024)
    assert value(got, "int_ref", "m=1;k=3").item() == 0.0
    assert value(got, "int_med", "all").item() == 0.0
    assert value(got, "nde").item() == pytest.approx(0.37)


def expit(x):
    return 1.0 / (1.0 + np.exp(-x))


def test_a_logit_outcome_with_a_binary_mediator_by_enumeration():
    """VanderWeele's (2014) counterfactual definitions, summed over the mediator's two values."""
    b, t = [-0.3, 0.9], [-0.6, 0.4, 0.7, 0.8]
    design = make_design({"m": ("bernoulli", None, ["a"]), "y": ("bernoulli", None, ["a", "m", "a*m"])})
    got = evaluate(
        one_cluster(design),
        fixed_draws([*b, *t], 2),
        ask(["m"], fix=[("m", 0.0), ("m", 1.0)]),
        keys=[("y", effect, via) for effect in ("cde", "int_ref") for via in ("m=0", "m=1")]
        + [("y", "int_med", "all"), ("y", "pnie", "all")],
        points=16,
    )
    p = {a: expit(b[0] + b[1] * a) for a in (0, 1)}
    mean = {(a, m): expit(t[0] + t[1] * a + t[2] * m + t[3] * a * m) for a in (0, 1) for m in (0, 1)}
    interaction = mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0]
    for reference in (0, 1):
        via = f"m={reference}"
        assert value(got, "cde", via).item() == pytest.approx(mean[1, reference] - mean[0, reference], abs=1e-12)
        expected = interaction * (p[0] - reference)
        assert value(got, "int_ref", via).item() == pytest.approx(expected, abs=1e-12)
    assert value(got, "int_med", "all").item() == pytest.approx(interaction * (p[1] - p[0]), abs=1e-12)
    assert value(got, "pnie", "all").item() == pytest.approx((mean[0, 1] - mean[0, 0]) * (p[1] - p[0]), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.floats(-2, 2))
def test_the_parts_add_up_to_the_total(coefficients, reference):
    design = make_design({"m": ("gaussian", None, ["a"]), "y": ("poisson", None, ["a", "m", "a*m"])})
    draws = fixed_draws([*coefficients[:2], *(0.2 * c for c in coefficients[2:])], 2, sd=[0.5, 0.5])
    via = held_together([("m", reference)])[0]
    key = f"m={int(reference) if reference.is_integer() else reference!r}"
    keys = [("y", "cde", key), ("y", "int_ref", key), ("y", "int_med", "all"), ("y", "pnie", "all"), ("y", "total", "")]
    got = evaluate(one_cluster(design), draws, ask(["m"], fix=via), keys=keys, points=16)
    parts = sum(value(got, effect, via).item() for _, effect, via in keys[:4])
    assert parts == pytest.approx(value(got, "total").item(), rel=1e-9, abs=1e-9)


def test_the_parts_add_up_at_every_level_of_a_linear_system():
    prepared = prepared_system((("x", "m", "y"),))
    rng = np.random.default_rng(4)
    size = len(prepared.design.terms)
    draws = CoefficientDraws(
        clusters=("a", "b"),
        rows=np.array([9, 7]),
        theta=rng.normal(size=(2, 3, 2, size)),
        mean=rng.normal(size=(2, 3, size)),
        root=rng.normal(size=(2, 3, size, size)),
        has_population=True,
    )
    question = prepared.analysis.question
    estimands = list_estimands(question, prepared.graph, prepared.system, prepared.scale, (LOW, HIGH), identified=KEYS)
    effects = evaluate_effects(estimands, draws, random_seed=1)
    for level in ("population", "sample", "sample_rows", "new"):
        total = select_row(effects, effect="total", level=level)
        parts = sum(select_row(effects, effect=effect, via=via, level=level) for effect, via in PARTS)
        np.testing.assert_allclose(parts, total, rtol=1e-9)


def test_reference_values_hold_every_mediator():
    fix = [("m", 0.0), ("m", 1.0), ("k", 2.0)]
    assert references(ask(["m", "k"], fix=fix)) == ((("m", 0.0), ("k", 2.0)), (("m", 1.0), ("k", 2.0)))
    assert references(ask(["m"], fix=fix[:2])) == ((("m", 0.0),), (("m", 1.0),))
    assert references(ask(["m", "k"], fix=fix[:2])) == ()
    assert references(ask([])) == ()


def test_what_is_above_rounding_stays():
    assert sum_terms(np.array([1.0, 1.0 - 1e-9]), np.array([1.0, -1.0])) == pytest.approx(1e-9, rel=1e-6)
    assert sum_terms(np.array([1.0, 1.0 - 2e-16]), np.array([1.0, -1.0])) == 0.0
    assert sum_terms(np.array([np.inf, 1.0]), np.array([1.0, -1.0])) == np.inf
    assert np.isnan(sum_terms(np.array([np.inf, np.inf]), np.array([1.0, -1.0])))
    kept = add_weights(
        {(0,): [np.array([1.0, 1.0]), np.array([-1.0, -1.0 - 1e-9])], (1,): [np.array([0.1 + 0.2]), np.array([-0.3])]}
    )
    assert list(kept) == [(0,)]

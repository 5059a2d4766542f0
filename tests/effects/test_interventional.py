"""Interventional effects of linear systems against products of coefficients written out by hand."""

import numpy as np
import pytest

from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.polynomials import evaluate
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

KEYS = [
    ("y", "ide", ""),
    ("y", "iie", "all"),
    ("y", "iie", "m"),
    ("y", "iie", "k"),
    ("y", "iie", "dependence"),
    ("y", "overall", ""),
]


def effects_of(edges, mediators, interactions=()):
    """The value of every effect in every cluster at random coefficients, and these by name, in the user's units."""
    analysis = make_analysis(edges, treatment="x", mediators=mediators, outcomes=("y",), interactions=interactions)
    prepared = prepare_system(analysis, draw_rows(analysis, sizes=[9, 7], seed=1))
    estimands = list_estimands(
        analysis.question, prepared.graph, prepared.system, prepared.scale, (-0.5, 1.5), identified=KEYS
    )
    theta = np.random.default_rng(2).normal(size=(2, len(prepared.design.terms)))
    scale = prepared.scale.scale
    slopes = {}
    for i, term in enumerate(prepared.design.terms):
        if term.kind == "slope":
            slopes[term.factors[0] + term.target] = theta[:, i] * scale[term.target] / scale[term.factors[0]]
    return {(item.effect, item.via): evaluate(item.polynomial, theta) for item in estimands}, slopes


def test_a_cause_that_the_treatment_affects():
    """l is affected by the treatment and causes mediator and outcome: it responds, the mediator is drawn."""
    found, b = effects_of("x>l x>m l>m x>y l>y m>y", ("m",))
    change = 2.0
    drawn = b["xm"] + b["xl"] * b["lm"]
    np.testing.assert_allclose(found["iie", "all"], change * drawn * b["my"], rtol=1e-10)
    np.testing.assert_allclose(found["iie", "m"], found["iie", "all"], rtol=1e-12)
    np.testing.assert_allclose(found["ide", ""], change * (b["xy"] + b["xl"] * b["ly"]), rtol=1e-10)
    np.testing.assert_allclose(found["overall", ""], found["ide", ""] + found["iie", "all"], rtol=1e-10)


def test_two_mediators_in_series():
    found, b = effects_of("x>m x>k m>k x>y m>y k>y", ("m", "k"))
    change = 2.0
    np.testing.assert_allclose(found["iie", "m"], change * b["xm"] * b["my"], rtol=1e-10)
    np.testing.assert_allclose(found["iie", "k"], change * (b["xk"] + b["xm"] * b["mk"]) * b["ky"], rtol=1e-10)
    np.testing.assert_array_equal(found["iie", "dependence"], 0.0)
    np.testing.assert_allclose(found["iie", "all"], found["iie", "m"] + found["iie", "k"], rtol=1e-10)


@pytest.mark.parametrize("interactions", [(), (("x", "m", "y"),)])
def test_without_such_a_cause_they_are_the_natural_effects(interactions):
    analysis = make_analysis("x>m x>y m>y", treatment="x", mediators=("m",), outcomes=("y",), interactions=interactions)
    prepared = prepare_system(analysis, draw_rows(analysis, sizes=[9, 7], seed=1))
    keys = [*KEYS, ("y", "nde", ""), ("y", "nie", "all"), ("y", "total", "")]
    estimands = list_estimands(
        analysis.question, prepared.graph, prepared.system, prepared.scale, (0.0, 1.0), identified=keys
    )
    theta = np.random.default_rng(3).normal(size=(2, len(prepared.design.terms)))
    found = {(item.effect, item.via): evaluate(item.polynomial, theta) for item in estimands}
    for drawn, natural in ((("ide", ""), ("nde", "")), (("iie", "all"), ("nie", "all")), (("overall", ""), ("total", ""))):
        np.testing.assert_allclose(found[drawn], found[natural], rtol=1e-9)

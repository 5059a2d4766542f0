"""Each family of mediator with each family of outcome against brute force in the user's units."""

import numpy as np
import pytest

from causalcluster.families import FAMILIES, default_link, scales_of
from causalcluster.model.standard import Scale
from tests.oracles.networks import ask, evaluate, fixed_draws, make_design, one_cluster, value
from tests.oracles.worlds_by_force import Node, inverse_link, one_mediator

CONTEXT = np.array([-1.2, -0.3, 0.1, 0.8, 1.4])
# Treatment, context and mediator in units of their own, to see the standardisation through.
SHIFT = {"a": 2.0, "c": -0.4, "m": 0.7, "y": 1.5}
SCALE = {"a": 2.0, "c": 0.5, "m": 1.3, "y": 2.5}
LOW, HIGH = 1.0, 3.0
OF_M = [0.1, 0.5, 0.2]
OF_Y = [-0.3, 0.4, 0.3, -0.2, 0.2]
# The mean of exp(b m) is infinite for a lognormal m and b > 0: log links get a slope of at most -0.2.
OF_LOG_Y = [-0.3, 0.4, -0.3, -0.2, 0.2]
GRADES = (1.0, 2.0, 4.0)
THRESHOLDS = (-0.6, 0.5)
SETTINGS = {"sd": (0.8, 0.6), "nu": (5.0, 5.0), "shape": (2.0, 3.0), "precision": (8.0, 5.0)}
N = 150_000


def std(name, natural):
    return (natural - SHIFT[name]) / SCALE[name]


def oracle_node(name, family, link, k):
    unit = SCALE[name] if FAMILIES[family].standardised else 1.0
    return Node(
        family=family,
        link=link,
        sd=SETTINGS["sd"][k] * unit,
        nu=SETTINGS["nu"][k],
        shape=SETTINGS["shape"][k],
        precision=SETTINGS["precision"][k],
        thresholds=THRESHOLDS,
        grades=GRADES,
    )


def coefficients_of(outcome_family):
    return OF_LOG_Y if default_link(outcome_family) == "log" else OF_Y


def equations(mediator_family, outcome_family):
    b = coefficients_of(outcome_family)

    def own(name, family, eta):
        return SHIFT[name] + SCALE[name] * eta if FAMILIES[family].standardised else eta

    def of_m(a, c):
        return own("m", mediator_family, OF_M[0] + OF_M[1] * std("a", a) + OF_M[2] * std("c", c))

    def of_y(a, m, c):
        a, m, c = std("a", a), std("m", m), std("c", c)
        return own("y", outcome_family, b[0] + b[1] * a + b[2] * m + b[3] * c + b[4] * a * m)

    return of_m, of_y


def both(mediator, outcome, seed):
    (m_family, m_link), (y_family, y_link) = mediator, outcome
    design = make_design({"m": (m_family, m_link, ["a", "c"]), "y": (y_family, y_link, ["a", "m", "c", "a*m"])})
    ordinal = [name for name, family in (("m", m_family), ("y", y_family)) if family == "ordinal"]
    network = one_cluster(
        design,
        {"c": CONTEXT},
        Scale(shift=SHIFT, scale=SCALE),
        grades={name: np.array(GRADES) for name in ordinal},
        sizes={name: np.full(5, 6.0) for name, family in (("m", m_family), ("y", y_family)) if family == "binomial"},
    )
    draws = fixed_draws(
        [*OF_M, *coefficients_of(y_family)], 2, thresholds={name: THRESHOLDS for name in ordinal}, **SETTINGS
    )
    keys = [("y", effect, "") for effect in ("total", "nde", "tnde")]
    keys += [("y", "nie", "all"), ("y", "pnie", "all"), ("y", "cde", "m=1")]
    got = evaluate(network, draws, ask(["m"], fix=[("m", 1.0)]), (LOW, HIGH), keys=keys)
    of_m, of_y = equations(m_family, y_family)
    nodes = oracle_node("m", m_family, m_link, 0), oracle_node("y", y_family, y_link, 1)
    truth = one_mediator(*nodes, of_m, of_y, CONTEXT, contrast=(LOW, HIGH), fixed=1.0, n=N, seed=seed)
    return got, truth


VIA = {"nie": "all", "pnie": "all", "cde": "m=1"}


@pytest.mark.parametrize("outcome", FAMILIES)
@pytest.mark.parametrize("mediator", FAMILIES)
def test_effects_agree_with_brute_force(mediator, outcome):
    seed = 100 + 9 * list(FAMILIES).index(mediator) + list(FAMILIES).index(outcome)
    got, truth = both((mediator, default_link(mediator)), (outcome, default_link(outcome)), seed)
    for effect, (expected, error) in truth.items():
        # Six effects in each of 81 systems; five standard errors of the brute force, and the points' own error.
        found = value(got, effect, VIA.get(effect, "")).item()
        assert found == pytest.approx(expected, abs=5 * error + 1e-4), effect


@pytest.mark.parametrize("link", ["probit", "cloglog"])
@pytest.mark.parametrize("family", ["bernoulli", "binomial", "ordinal", "beta"])
def test_other_links_agree_with_brute_force(family, link):
    got, truth = both((family, link), (family, link), seed=7)
    for effect, (expected, error) in truth.items():
        assert value(got, effect, VIA.get(effect, "")).item() == pytest.approx(expected, abs=5 * error + 1e-4), effect


def test_scales_divide_the_means():
    design = make_design({"m": ("poisson", None, ["a"]), "y": ("bernoulli", "logit", ["a", "m", "a*m"])})
    network = one_cluster(design)
    draws = fixed_draws([0.2, 0.4, -0.5, 0.3, 0.2, 0.1], 2)
    keys = [("y", "total", ""), ("y", "nde", ""), ("y", "nie", "all"), ("y", "cde", "m=1"), ("y", "prop_mediated", "all")]
    got = evaluate(network, draws, ask(["m"], fix=[("m", 1.0)]), keys=keys, scales=scales_of("bernoulli"))
    at = {a: inverse_link("logit", np.array(-0.5 + 0.3 * a + 0.2 + 0.1 * a)) for a in (0.0, 1.0)}
    assert value(got, "cde", "m=1", scale="ratio").item() == pytest.approx(at[1] / at[0], rel=1e-12)
    odds = {a: p / (1 - p) for a, p in at.items()}
    assert value(got, "cde", "m=1", scale="odds_ratio").item() == pytest.approx(odds[1] / odds[0], rel=1e-12)
    for scale in ("ratio", "odds_ratio"):
        product = value(got, "nde", scale=scale) * value(got, "nie", "all", scale=scale)
        np.testing.assert_allclose(value(got, "total", scale=scale), product, rtol=1e-12)
    assert "prop_mediated" not in got.effects["estimand"].values[got.effects["scale"].values != "difference"]

"""Effects under a correlation of errors: closed forms, other coefficients put in by hand, and simulation."""

from dataclasses import replace

import numpy as np
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.design import question_design
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.levels import CoefficientDraws, evaluate_effects
from causalcluster.effects.networks import SystemDraws
from causalcluster.fitting.system import build_closed_system
from causalcluster.pipeline import analyse
from causalcluster.planning import draw_up, prepare
from causalcluster.sensitivity.confounding import bend_effects, confounded_effects, why_not
from causalcluster.sensitivity.curves import Bent, Key, effect_at, rho_interval, rho_zero
from causalcluster.sensitivity.tables import e_value

MADE = simulate("linear", clusters=6, rows=40, seed=2)
SINGLE = MADE.analysis_text.replace("cluster: cluster", "missing: error")


@pytest.fixture(scope="module")
def plan():
    return draw_up(parse_analysis(MADE.analysis_text, path="x.yaml"), MADE.table)


@pytest.fixture(scope="module")
def prepared(plan):
    return prepare(plan)


def draw_system(design, prepared, *, seed=1, draws=3, population=True):
    """Any coefficients and residual standard deviations."""
    rng, arrays = np.random.default_rng(seed), prepared.arrays
    terms, clusters, equations = len(design.terms), len(arrays.clusters), len(design.equations)
    mean, root = 0.4 * rng.standard_normal((1, draws, terms)), 0.2 * rng.standard_normal((1, draws, terms, terms))
    theta = mean[:, :, None] + np.einsum("cdpq,cdgq->cdgp", root, rng.standard_normal((1, draws, clusters, terms)))
    coefficients = CoefficientDraws(
        clusters=arrays.clusters, rows=arrays.rows, theta=theta, mean=mean, root=root, has_population=population
    )
    sd = np.exp(0.3 * rng.standard_normal((1, draws, clusters, equations)))
    return SystemDraws(
        coefficients=coefficients,
        sd=sd,
        typical_log_sd=0.2 * rng.standard_normal((1, draws, equations)),
        sd_spread=rng.uniform(0.05, 0.3, (1, draws, equations)),
    )


def estimands_of(plan, prepared):
    identified = [(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified]
    design = question_design(plan.design)
    system = build_closed_system(design, prepared.arrays)
    question = plan.analysis.question
    return list_estimands(question, plan.graph, system, prepared.scale, plan.panel.contrast, identified=identified)


def moved(theta, design, mediator, outcome, delta):
    """Coefficients (..., P) with the part of the outcome's error that goes with the mediator's taken off."""
    place = {(term.target, term.factors): i for i, term in enumerate(design.terms)}
    out = theta.copy()
    out[..., place[outcome, (mediator,)]] -= delta
    for (target, factors), i in place.items():
        if target == mediator and factors:
            out[..., place[outcome, factors]] += delta * theta[..., i]
    return out


@pytest.mark.parametrize("mediator", ["enforcement", "unions"])
def test_effects_are_those_of_coefficients_that_the_correlation_leaves(plan, prepared, mediator):
    """Two mediators in a row: in every cluster, for every natural effect."""
    design, estimands = question_design(plan.design), estimands_of(plan, prepared)
    draws, rho, k = draw_system(design, prepared), 0.4, rho_factor(0.4)
    place = {node: i for i, node in enumerate(design.nodes)}
    delta = k * draws.sd[..., place["wage"]] / draws.sd[..., place[mediator]]
    theta = moved(draws.coefficients.theta, design, mediator, "wage", delta)
    direct = evaluate_effects(estimands, replace(draws.coefficients, theta=theta), random_seed=1)
    bent = bend_effects(tuple(confounded_effects(estimands, design, [mediator])), design, draws, random_seed=1)
    assert {(item.key.effect, item.key.via) for item in bent} >= {("nde", ""), ("nie", "all"), ("nie", mediator)}
    found = 0
    for item in bent:
        if item.key.level in ("cluster", "sample"):
            key = {"estimand": item.key.effect, "via": item.key.via, "level": item.key.level, "cluster": item.key.cluster}
            mask = np.all([direct[name].values == value for name, value in key.items()], axis=0)
            np.testing.assert_allclose(
                effect_at(item, rho), direct["effect"].values[..., mask].ravel(), rtol=1e-10, atol=1e-12
            )
            found += 1
    assert found >= 3 * 7


def rho_factor(rho):
    return rho / np.sqrt(1.0 - rho * rho)


def test_the_population_is_the_mean_over_new_clusters(plan, prepared):
    """Coefficients and residual standard deviations of 400,000 clusters, drawn."""
    design, estimands = question_design(plan.design), estimands_of(plan, prepared)
    draws, rho, rng = draw_system(design, prepared, draws=1), 0.3, np.random.default_rng(5)
    own = draws.coefficients
    many = 400_000
    noise = rng.standard_normal((many, own.root.shape[-1]))
    theta = own.mean[0, 0] + noise @ own.root[0, 0].T
    place = {node: i for i, node in enumerate(design.nodes)}
    sd = {}
    for node in ("unions", "wage"):
        i = place[node]
        shape = 0.25 / draws.sd_spread[0, 0, i] ** 2
        sd[node] = np.exp(draws.typical_log_sd[0, 0, i]) / np.sqrt(rng.gamma(shape, 1.0 / shape, many))
    theta = moved(theta, design, "unions", "wage", rho_factor(rho) * sd["wage"] / sd["unions"])
    bent = bend_effects(tuple(confounded_effects(estimands, design, ["unions"])), design, draws, random_seed=1)
    for item in bent:
        if item.key.level == "population":
            (estimand,) = [e for e in estimands if (e.effect, e.via) == (item.key.effect, item.key.via)]
            # Weights of natural effects in a linear system are the same in all clusters.
            values = sum(
                float(weight[0]) * np.prod(theta[:, list(monomial)], axis=1)
                for monomial, weight in estimand.polynomial.items()
            )
            error = values.std() / np.sqrt(many)
            assert abs(effect_at(item, rho).item() - values.mean()) < 4.0 * error


@pytest.fixture(scope="module")
def single():
    text = SINGLE + "\nsampling: {draws: 200, tune: 200, chains: 2}\n"
    return analyse(parse_analysis(text, path="x.yaml"), MADE.table)


def test_one_level_gives_the_closed_form_of_imai_in_every_draw(single):
    """ACME(rho) = a s1 / s2 (r - rho sqrt((1 - r^2) / (1 - rho^2))), s1 and r of the regression without the mediator."""
    plan, posterior = single.plan, single.tree["posterior"].to_dataset()
    theta = posterior["cluster_coefficient"].isel(cluster=0)
    sd = posterior["residual_sd"].isel(cluster=0)
    low, high = plan.panel.contrast
    b, a = (theta.sel(coefficient=name).values.ravel() for name in ("unions -> wage", "law -> unions"))
    a = (
        a
        + (theta.sel(coefficient="enforcement -> unions") * theta.sel(coefficient="law -> enforcement")).values.ravel() * 0.0
    )
    s2, s_rest = (sd.sel(equation=node).values.ravel() for node in ("unions", "wage"))
    s1 = np.sqrt(b**2 * s2**2 + s_rest**2)
    r = b * s2 / s1
    curve = single.sensitivity.curve.query("effect == 'nie' and via == 'unions' and mediator == 'unions'").set_index("rho")
    for rho in (-0.5, 0.0, 0.3, 0.9):
        closed = a * s1 / s2 * (r - rho * np.sqrt((1.0 - r**2) / (1.0 - rho**2))) * (high - low)
        assert curve.loc[rho, "mean"] == pytest.approx(closed.mean(), rel=1e-6)
        assert curve.loc[rho, "lower"] == pytest.approx(np.quantile(closed, 0.025), rel=1e-6, abs=1e-6)


def test_at_zero_the_curve_is_the_main_estimate(single):
    main = single.effects.set_index(["effect", "via", "level"])
    for row in single.sensitivity.curve.query("rho == 0").to_dict("records"):
        own = main.loc[(row["effect"], row["via"], row["level"])]
        assert (row["mean"], row["lower"], row["upper"]) == (own["mean"], own["lower"], own["upper"])


def test_a_cause_of_the_mediator_alone_is_named(plan):
    text = MADE.analysis_text.replace("law, enforcement, unions -> wage", "enforcement, unions -> wage")
    assert text != MADE.analysis_text
    other = draw_up(parse_analysis(text, path="x.yaml"), MADE.table)
    assert "draw the edge law -> wage" in why_not(question_design(other.design), "unions", "wage")
    assert why_not(question_design(plan.design), "unions", "wage") == ""


def test_tipping_points():
    rng = np.random.default_rng(3)
    value, slope = 2.0 + 0.4 * rng.standard_normal(1000), -5.0 + 0.5 * rng.standard_normal(1000)
    key = Key(outcome="y", effect="nie", via="m", level="sample", cluster="", mediator="m")
    item = Bent(key=key, value=value, slope=slope)
    assert effect_at(item, rho_zero(item)).mean() == pytest.approx(0.0, abs=1e-9)
    found = rho_interval(item, 0.95)
    assert 0.0 < found < rho_zero(item)
    assert np.quantile(effect_at(item, found), 0.025) <= 0.0 < np.quantile(effect_at(item, found - 0.01), 0.025)
    mixed = replace(item, slope=slope * np.where(np.arange(1000) < 300, -1.0, 1.0))
    grid = np.linspace(-0.99, 0.99, 199)
    holds = [r for r in grid if 0.025 <= (effect_at(mixed, r) <= 0.0).mean() <= 0.975]
    assert rho_interval(mixed, 0.95) == pytest.approx(min(holds, key=abs), abs=1e-9)
    assert rho_interval(replace(item, value=value - 2.0), 0.95) == 0.0
    assert np.isnan(rho_interval(replace(item, slope=0.0 * slope), 0.95))
    assert np.isnan(rho_zero(replace(item, slope=0.0 * slope)))


def test_e_values_are_those_of_vanderweele_and_ding():
    # RR = 1.72 has the E-value 2.84; no effect has 1.
    assert e_value(np.log(1.72) / 0.91 * 3.0, 3.0) == pytest.approx(1.72 + np.sqrt(1.72 * 0.72))
    assert e_value(0.0, 1.0) == 1.0

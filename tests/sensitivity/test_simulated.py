"""The sensitivity analysis of systems whose effects are simulated, through a whole run."""

import numpy as np
import pytest

from causalcluster import parse_analysis
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from causalcluster.pipeline import analyse
from causalcluster.sensitivity.curves import Key, Traced, averaged, effect_at, rho_interval, rho_zero
from causalcluster.sensitivity.simulated import latent_sd
from tests.oracles.networks import make_design, one_cluster

TEXT = """schema: causalcluster/1
data: {file: x.parquet, missing: error}
nodes:
  law: {layer: environment}
  visits: {layer: actor, family: poisson}
  injury: {layer: outcome, family: bernoulli}
  size: {layer: context}
edges:
  - law, size -> visits
  - law, size, visits -> injury
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [injury], mediators: [visits]}
sampling: {draws: 150, tune: 150, chains: 2}
sensitivity: {rho_sd: 0.3}
"""


@pytest.fixture(scope="module")
def table():
    import pandas as pd

    rng, n = np.random.default_rng(5), 400
    law, size = rng.standard_normal((2, n))
    visits = rng.poisson(np.exp(0.3 + 0.4 * law + 0.2 * size)).astype(float)
    injury = (rng.random(n) < 1.0 / (1.0 + np.exp(0.5 * visits - 0.2 * law - 0.3))).astype(float)
    return pd.DataFrame({"law": law, "size": size, "visits": visits, "injury": injury})


@pytest.fixture(scope="module")
def run(table):
    return analyse(parse_analysis(TEXT, path="x.yaml"), table)


def test_at_zero_the_curve_is_the_main_estimate(run):
    main = run.effects.set_index(["effect", "via", "level"])
    rows = run.sensitivity.curve.query("rho == 0").to_dict("records")
    assert {(row["effect"], row["via"]) for row in rows} == {("nde", ""), ("nie", "all"), ("nie", "visits")}
    for row in rows:
        own = main.loc[(row["effect"], row["via"], row["level"])]
        assert (row["mean"], row["lower"], row["upper"]) == (own["mean"], own["lower"], own["upper"])


def test_the_curve_moves_and_its_tipping_points_lie_on_it(run):
    curve = run.sensitivity.curve.query("effect == 'nie' and via == 'visits'").set_index("rho")["mean"]
    assert {0.3, 0.9, -0.9} <= set(curve.index)
    known = curve[curve.index.notna()].sort_index()
    assert (np.diff(known) < 0.0).all()
    (row,) = run.sensitivity.tipping.query("effect == 'nie' and via == 'visits'").to_dict("records")
    assert -0.9 < row["rho_zero"] < 0.0
    around = np.interp(row["rho_zero"], known.index, known)
    assert abs(around) < 0.1 * abs(known[0.0])
    assert np.isnan(row["e_value"])
    assert row["benchmark"] == "size"


def test_what_is_not_natural_is_not_bent(run):
    assert set(run.sensitivity.curve["effect"]) == {"nde", "nie"}
    moved = run.sensitivity.curve.set_index(["effect", "via", "rho"])["mean"]
    total = moved["nde", ""] + moved["nie", "all"]
    # What is observed under one treatment is not moved; of the curve's draws only the part of rho = 0 is all of them.
    np.testing.assert_allclose(total[total.index.notna()], total[0.0], atol=2e-3)


def test_a_prior_of_the_correlation_widens(run):
    own = run.sensitivity.curve.query("effect == 'nie' and via == 'visits'")
    prior, none = own[own["rho"].isna()].iloc[0], own[own["rho"] == 0.0].iloc[0]
    assert prior["sd"] > 1.2 * none["sd"]


def traced(rho, values):
    key = Key(outcome="y", effect="nie", via="m", level="sample", cluster="", mediator="m")
    return Traced(key=key, value=values[list(rho).index(0.0)], rho=np.array(rho), values=values)


def test_splines_between_known_correlations():
    rng, rho = np.random.default_rng(2), np.linspace(-0.8, 0.8, 9)
    draws = 1.0 + 0.2 * rng.standard_normal(4000)
    item = traced(rho, draws - 2.0 * rho[:, None] - 0.5 * rho[:, None] ** 3)
    root = np.roots([0.5, 0.0, 2.0, -draws.mean()])
    assert rho_zero(item) == pytest.approx(root[np.isreal(root)].real[0], abs=1e-9)
    assert effect_at(item, 0.0) is item.value
    # P(x <= 0) passes 0.025 where 2 rho + 0.5 rho^3 is the lower end.
    lower = np.quantile(draws, 0.025)
    found = rho_interval(item, 0.95)
    assert 2.0 * found + 0.5 * found**3 == pytest.approx(lower, abs=0.025)
    spread = averaged(item, 0.1, 1).std()
    assert spread == pytest.approx(np.hypot(0.2, 2.0 * 0.1), rel=0.05)
    assert np.isnan(rho_zero(traced(rho, np.ones((9, 4)))))


def test_latent_standard_deviations_are_those_of_the_families():
    """Those of logit, probit, cloglog and log by Nakagawa, Johnson and Schielzeth (2017); others from draws."""
    design = make_design(
        {
            "a": ("bernoulli", "logit", []),
            "b": ("bernoulli", "probit", []),
            "c": ("binomial", "cloglog", []),
            "d": ("poisson", None, []),
            "e": ("negative_binomial", None, []),
            "f": ("beta", "logit", []),
            "g": ("gaussian", None, []),
        },
        treatment="t",
    )
    network = one_cluster(design)
    network.scale.shift.update(dict.fromkeys("abcdefg", 0.4))
    none = np.zeros((1, 1, 1, 7))
    draws = SystemDraws(
        coefficients=CoefficientDraws(
            clusters=("",),
            rows=np.array([5]),
            theta=none,
            mean=none[:, :, 0],
            root=np.zeros((1, 1, 7, 0)),
            has_population=False,
        ),
        sd=np.ones((1, 1, 1, 7)),
        shape=np.full((1, 1, 7), 2.0),
        precision=np.full((1, 1, 7), 9.0),
    )
    found = latent_sd(network, draws)[0]
    rng = np.random.default_rng(3)
    assert found[0] == pytest.approx(rng.logistic(size=400_000).std(), rel=0.01)
    assert found[2] == pytest.approx(rng.gumbel(size=400_000).std(), rel=0.01)
    assert found[[1, 6]] == pytest.approx([1.0, 1.0])
    assert found[3:5] == pytest.approx(np.sqrt(np.log1p([2.5, 3.0])))
    assert found[5] == pytest.approx(np.sqrt(0.24 / 10.0) / 0.24)


def test_contours_are_the_curve_at_the_correlation_that_shares_make(run):
    contours = run.sensitivity.contours.query("level == 'sample'")
    curve = run.sensitivity.curve.query("effect == 'nie' and via == 'visits'").set_index("rho")["mean"]
    cell = contours.query("benchmark == '' and share_mediator == 0.3 and share_outcome == 0.3").iloc[0]
    # It works against the effect, which is negative and falls with the correlation.
    assert cell["rho"] == pytest.approx(-0.3)
    assert cell["mean"] == pytest.approx(curve[-0.3], rel=1e-9)
    (size,) = contours.query("benchmark == 'size'").to_dict("records")
    (tipping,) = run.sensitivity.tipping.query("effect == 'nie' and via == 'visits'").to_dict("records")
    assert size["share_mediator"] * size["share_outcome"] == pytest.approx(tipping["rho_benchmark"] ** 2)
    assert abs(size["mean"]) < abs(curve[0.0])

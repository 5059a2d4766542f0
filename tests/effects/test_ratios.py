"""Effects on ratio scales against closed forms, and how they are summarised."""

import numpy as np
import pytest
import xarray as xr

from causalcluster.effects.levels import COORDS
from causalcluster.effects.summary import NOT_FINITE, summarise_effects
from tests.oracles.networks import ask, evaluate, fixed_draws, make_design, one_cluster, value

B0, B1 = 0.4, 0.7
T1, T2, T3 = 0.3, 0.5, -0.2
SD = 0.8


@pytest.mark.parametrize(
    ("family", "interaction"), [("poisson", 0.0), ("poisson", T3), ("negative_binomial", T3), ("lognormal", T3)]
)
def test_a_log_link_with_a_gaussian_mediator(family, interaction):
    """Valeri and VanderWeele (2013, Psychological Methods 18(2)), whose formulae for a rate are exact."""
    low, high = -0.5, 1.5
    design = make_design({"m": ("gaussian", None, ["a"]), "y": (family, None, ["a", "m", "a*m"])})
    draws = fixed_draws([B0, B1, -0.2, T1, T2, interaction], 2, sd=[SD, 0.5], shape=[2.0, 2.0])
    keys = [("y", "total", ""), ("y", "nde", ""), ("y", "nie", "all"), ("y", "nie", "m"), ("y", "cde", "m=1")]
    got = evaluate(
        one_cluster(design), draws, ask(["m"], fix=[("m", 1.0)]), (low, high), keys=keys, scales=("ratio",), points=2**14
    )
    change = high - low
    direct = (T1 + interaction * (B0 + B1 * low + T2 * SD**2)) * change + 0.5 * interaction**2 * SD**2 * (high**2 - low**2)
    indirect = (T2 * B1 + interaction * B1 * high) * change
    expected = {"nde": direct, "nie": indirect, "total": direct + indirect, "cde": (T1 + interaction) * change}
    via = {"nie": "all", "cde": "m=1"}
    for effect, logarithm in expected.items():
        assert np.log(value(got, effect, via.get(effect, ""), scale="ratio").item()) == pytest.approx(logarithm, abs=1e-5), (
            effect
        )
    assert set(got.effects["scale"].values) == {"ratio"}


def effects_of(rows):
    """Draws by (effect, via, level, scale)."""
    keys = [("y", effect, via, level, "", "", "", "", scale) for effect, via, level, scale in rows]
    values = np.stack([np.asarray(draws, dtype=float).reshape(1, -1) for draws in rows.values()], axis=-1)
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    return xr.Dataset({"effect": (("chain", "draw", "row"), values)}, coords=coords)


def test_the_probability_of_a_positive_effect_is_that_of_a_ratio_above_one():
    low = np.array([0.2, 0.3, 0.4, 0.5])
    high = np.array([0.25, 0.2, 0.5, 0.6])
    table = summarise_effects(
        effects_of({("total", "", "sample", "difference"): high - low, ("total", "", "sample", "ratio"): high / low}),
        ci_prob=0.9,
    )
    assert list(table["prob_positive"]) == [0.75, 0.75]
    assert table["mean"][1] == pytest.approx((high / low).mean())


def test_a_share_goes_by_the_total_difference():
    rng = np.random.default_rng(1)
    total = 1.0 + 0.1 * rng.normal(size=200)
    rows = {("total", "", "sample", "difference"): total, ("total", "", "sample", "ratio"): np.exp(total - 1.0)}
    rows["prop_mediated", "all", "sample", "difference"] = 0.5 / total
    table = summarise_effects(effects_of(rows), ci_prob=0.95)
    assert table["reason"].tolist() == ["", "", ""]
    assert table["median"][2] == pytest.approx(0.5, abs=0.02)


def test_a_ratio_that_is_not_finite_is_blank():
    rows = {
        ("total", "", "sample", "difference"): [0.1, 0.2, 0.3, 0.4],
        ("total", "", "sample", "ratio"): [1.0, 2.0, np.inf, 1.5],
    }
    table = summarise_effects(effects_of(rows), ci_prob=0.9)
    assert table["reason"].tolist() == ["", NOT_FINITE]
    assert table.loc[1, ["mean", "lower", "prob_positive", "r_hat", "ci_prob"]].isna().all()
    assert table["mean"][0] == pytest.approx(0.25)


def test_between_sd_has_no_ratio_and_products_hold_at_every_level():
    from tests.effects.test_gformula import two_mediator_network

    network, draws = two_mediator_network(("bernoulli", "bernoulli", "bernoulli"))
    question = ask(["m", "n"])
    keys = [("y", "total", ""), ("y", "nde", ""), ("y", "ide", ""), ("y", "overall", "")]
    keys += [("y", effect, via) for effect in ("nie", "iie") for via in ("all", "m", "n")]
    keys += [("y", "iie", "dependence")]
    got = evaluate(network, draws, question, keys=keys, scales=("difference", "ratio", "odds_ratio"), points=64)
    scale, level = got.effects["scale"].values, got.effects["level"].values
    assert not ((scale != "difference") & (level == "between_sd")).any()
    assert set(got.effects["via"].values[scale == "ratio"]) == {"", "all", "m", "n"}
    for name in ("ratio", "odds_ratio"):
        for place in ("population", "sample", "sample_rows", "new"):
            key = {"level": place, "scale": name}
            product = value(got, "nde", **key) * value(got, "nie", "all", **key)
            np.testing.assert_allclose(value(got, "total", **key), product, rtol=1e-12)
            parts = value(got, "nie", "m", **key) * value(got, "nie", "n", **key)
            np.testing.assert_allclose(value(got, "nie", "all", **key), parts, rtol=1e-12)
            drawn = value(got, "ide", **key) * value(got, "iie", "all", **key)
            np.testing.assert_allclose(value(got, "overall", **key), drawn, rtol=1e-12)


@pytest.mark.parametrize("slope", [300.0, 800.0, 2000.0])
def test_means_beyond_numbers_are_no_warning(slope):
    """Draws of a wide prior: exp(800) is infinite, and the square of exp(400) too; a share next to 1 has infinite odds."""
    keys = [("y", "total", ""), ("y", "nde", ""), ("y", "int_ref", "m=1"), ("y", "int_med", "all")]
    for family, scale in (("poisson", "ratio"), ("bernoulli", "odds_ratio")):
        design = make_design({"m": ("gaussian", None, ["a"]), "y": (family, None, ["a", "m", "a*m"])})
        draws = fixed_draws([B0, B1, 10.0, slope, T2, T3], 2)
        question = ask(["m"], fix=[("m", 1.0)])
        got = evaluate(one_cluster(design), draws, question, keys=keys, scales=("difference", scale), points=16)
        assert got.effects.sizes["row"] == 6
        ratio = value(got, "total", scale=scale).item()
        assert ratio > 1e10 or np.isnan(ratio)

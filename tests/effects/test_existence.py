"""Means that need not exist are named."""

import numpy as np
import pytest
import xarray as xr

from causalcluster.effects.existence import robust_spread, warn_about_means, warn_about_tails
from causalcluster.equations import build_design
from causalcluster.graph import build_graph
from tests.oracles.mixed_systems import mixed_analysis


@pytest.mark.parametrize(
    ("families", "named"),
    [
        ({"m": "lognormal", "y": "poisson"}, True),
        ({"m": "student", "y": "lognormal"}, True),
        ({"m": "negative_binomial", "y": "negative_binomial"}, True),
        ({"m": "poisson", "y": "poisson"}, False),
        ({"m": "lognormal", "y": "bernoulli"}, False),
        ({"y": "poisson"}, False),
    ],
)
def test_heavy_tails_behind_a_logarithm(families, named):
    analysis = mixed_analysis("x>m x>y m>y", families, treatment="x", mediators=("m",), outcomes=("y",))
    found = warn_about_means(build_design(analysis, build_graph(analysis)))
    assert bool(found) == named
    if named:
        assert found[0].startswith(f"m ({families['m']}) enters the equation of y")


def population_rows(draws, **keys):
    """Return effects of one row with these draws (draw,), at level population unless said."""
    key = {"outcome": "y", "estimand": "nie", "via": "m", "level": "population", "at": "", "scale": "difference", **keys}
    return xr.Dataset(
        {"effect": (("chain", "draw", "row"), np.reshape(draws, (2, -1, 1)))},
        coords={name: ("row", np.array([value], dtype=object)) for name, value in key.items()},
    )


NORMAL = np.random.default_rng(3).normal(0.2, 0.1, 1000)


def with_far_draws(*values):
    return np.concatenate([NORMAL[: 1000 - len(values)], values])


def test_a_normal_posterior_needs_no_word_and_neither_does_one_with_heavy_but_usual_tails():
    assert warn_about_tails(population_rows(NORMAL)) == ()
    assert warn_about_tails(population_rows(np.exp(5.0 * NORMAL))) == ()
    assert warn_about_tails(population_rows(np.zeros(1000))) == ()
    assert warn_about_tails(population_rows(1e-17 * NORMAL + 1.0)) == ()


@pytest.mark.parametrize("far", [(1e9,), (40.0, 30.0), (-1e12,), (np.inf,), (50.0, -50.0)])
def test_a_few_far_draws_are_named_with_the_level_to_read(far):
    (text,) = warn_about_tails(population_rows(with_far_draws(*far), at="size=0"))
    assert "nie(y, via=m, at size=0)" in text
    assert "level sample" in text


def test_other_levels_and_proportions_are_passed_over():
    far = with_far_draws(1e9)
    assert warn_about_tails(population_rows(far, level="new")) == ()
    assert warn_about_tails(population_rows(far, estimand="prop_mediated")) == ()


def test_the_robust_spread_is_a_normals_sd_whatever_its_tails():
    many = np.random.default_rng(1).normal(0.0, 2.0, (3, 200_000))
    assert robust_spread(many) == pytest.approx([1.989] * 3, rel=0.01)
    many[:, :100] = 1e12
    assert robust_spread(many) == pytest.approx([1.989] * 3, rel=0.01)

"""Means that need not exist are named."""

import pytest

from causalcluster.design import build_design
from causalcluster.effects.existence import warn_about_means
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

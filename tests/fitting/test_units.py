"""Coefficients in the user's units predict what the standardised ones predict."""

import numpy as np
import pytest

from causalcluster.fitting.units import unit_map
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

INTERACTION = {"interactions": (("x", "a", "y"),)}


POWERS = {"interactions": (("x", "a", "y"), ("x", "x", "y"), ("a", "x", "x", "y"))}


@pytest.mark.parametrize("more", [INTERACTION, POWERS, {}])
@pytest.mark.parametrize("centre", ["within", "none"])
def test_slopes_of_the_raw_prediction(centre, more):
    analysis = make_analysis("x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",), centre=centre, **more)
    prepared = prepare_system(analysis, draw_rows(analysis, sizes=[8, 6], seed=2))
    scale, design = prepared.scale, prepared.design
    rng = np.random.default_rng(1)
    theta = rng.normal(size=len(design.terms))
    weights, constants = unit_map(design, scale)
    mine = dict(zip([term.name for term in design.terms], weights @ theta + constants, strict=True))

    def standardised(node, raw):
        return (raw - scale.shift[node]) / scale.scale[node]

    def predict(raw):
        """Evaluate y's equation on the standardised scale (cluster intercepts apart) and return it in units of y."""
        total = 0.0
        for term, value in zip(design.terms, theta, strict=True):
            if term.target == "y":
                total += value * np.prod([standardised(factor, raw[factor]) for factor in term.factors])
        return total * scale.scale["y"] + scale.shift["y"]

    def from_units(raw):
        terms = [term for term in design.terms if term.target == "y"]
        return sum(mine[term.name] * np.prod([raw[factor] for factor in term.factors]) for term in terms)

    points = [dict(zip("xa", rng.normal(3.0, 2.0, size=2), strict=True)) for _ in range(4)]
    differences = [predict(point) - from_units(point) for point in points]
    # With centring the intercept belongs to the centring point, so predictions agree up to one constant.
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-9)
    if centre == "none":
        np.testing.assert_allclose(differences, 0.0, atol=1e-9)

"""Coefficients on the standardised scale to the user's units."""

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design, Equation
from causalcluster.families import FAMILIES
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]


def unit_map(design: Design, scale: Scale) -> tuple[Floats, Floats]:
    """Return weights (P, P) and constants (P,): coefficients in user's units are weights @ standardised + constants.

    A slope is per unit of the raw predictor, on the scale of the node's link; where its predictor is also multiplied
    with another, it is the slope where the other is zero. An intercept is the node's mean at the predictors' centring
    point.
    """
    n = len(design.terms)
    weights, constants = np.zeros((n, n)), np.zeros(n)
    start = 0
    for equation in design.equations:
        _map_equation(equation, start, scale, weights, constants, centred=design.centred)
        start += len(equation.terms)
    return weights, constants


def _map_equation(
    equation: Equation, start: int, scale: Scale, weights: Floats, constants: Floats, *, centred: bool
) -> None:
    standardised = FAMILIES[equation.family].standardised
    unit = scale.scale[equation.node] if standardised else 1.0
    position = {term.factors: i for i, term in enumerate(equation.terms, start)}
    for term in equation.terms:
        here = position[term.factors]
        own = unit / float(np.prod([scale.scale[factor] for factor in term.factors]))
        weights[here, here] += own
        if term.kind == "intercept":
            constants[here] = scale.shift[equation.node] if standardised else 0.0
        elif term.kind == "interaction":
            left, right = term.factors
            weights[position[(left,)], here] -= own * scale.shift[right]
            weights[position[(right,)], here] -= own * scale.shift[left]
        if () in position and not centred and term.kind != "intercept":
            sign = -1.0 if term.kind == "slope" else 1.0
            weights[position[()], here] += sign * own * float(np.prod([scale.shift[f] for f in term.factors]))

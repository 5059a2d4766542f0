"""Coefficients on the standardised scale to the user's units."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design, Equation
from causalcluster.families import FAMILIES
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]


def unit_map(design: Design, scale: Scale) -> tuple[Floats, Floats]:
    """Return weights (P, P) and constants (P,): coefficients in user's units are weights @ standardised + constants.

    A slope is per unit of the raw predictor, on the scale of the node's link; where its predictor is also multiplied
    with others, it is the slope where they are zero. An intercept is the node's mean at the predictors' centring
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
    position = {tuple(sorted(term.factors)): i for i, term in enumerate(equation.terms, start)}
    for term in equation.terms:
        here = position[tuple(sorted(term.factors))]
        own = unit / float(np.prod([scale.scale[factor] for factor in term.factors]))
        weights[here, here] += own
        if term.kind == "intercept":
            constants[here] = scale.shift[equation.node] if standardised else 0.0
        elif term.kind == "interaction":
            _expand_product(term.factors, here, own, scale, position, weights)
        if () in position and not centred and term.kind != "intercept":
            weights[position[()], here] += own * float(np.prod([-scale.shift[f] for f in term.factors]))


def _expand_product(
    factors: tuple[str, ...],
    here: int,
    own: float,
    scale: Scale,
    position: Mapping[tuple[str, ...], int],
    weights: Floats,
) -> None:
    """Add what a product of shifted columns is in the smaller products; cluster intercepts hold those without a term."""
    places = range(len(factors))
    for chosen in (c for size in range(1, len(factors)) for c in combinations(places, size)):
        part = tuple(sorted(factors[i] for i in chosen))
        if part in position:
            shifts = [-scale.shift[factors[i]] for i in places if i not in chosen]
            weights[position[part], here] += own * float(np.prod(shifts))

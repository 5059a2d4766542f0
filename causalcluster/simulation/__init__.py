"""Panels with known true effects."""

from causalcluster.simulation.files import write_simulated
from causalcluster.simulation.linear import (
    SLOPE_NAMES,
    VARIABLES,
    LinearDraw,
    LinearParameters,
    draw_linear,
    draw_slopes,
    linear_parameters,
    slope_covariance,
)
from causalcluster.simulation.scenarios import SCENARIOS, Simulated, analysis_text, simulate
from causalcluster.simulation.truth import KEY_COLUMNS, TRUTH_COLUMNS, linear_effects, linear_truth

__all__ = [
    "KEY_COLUMNS",
    "SCENARIOS",
    "SLOPE_NAMES",
    "TRUTH_COLUMNS",
    "VARIABLES",
    "LinearDraw",
    "LinearParameters",
    "Simulated",
    "analysis_text",
    "draw_linear",
    "draw_slopes",
    "linear_effects",
    "linear_parameters",
    "linear_truth",
    "simulate",
    "slope_covariance",
    "write_simulated",
]

"""What is said of indicators."""

import numpy as np
import xarray as xr

from causalcluster import parse_analysis
from causalcluster.checks.measurement import summarise_measurement
from causalcluster.planning import draw_up, prepare
from tests.calibration.indicators import TEXT, draw_panel


def test_a_measured_node_that_no_equation_needs_is_not_summarised():
    table, _ = draw_panel(np.random.default_rng(1), rows=12)
    text = TEXT.replace("  unions: {layer: actor, ", "  unions: {layer: actor, column: average}\n  trust: {layer: context, ")
    plan = draw_up(parse_analysis(text.replace("edges: [", "edges: [wage -> trust, "), path="x.yaml"), table)
    made = prepare(plan)
    found = summarise_measurement(plan.analysis, plan.design, made.scale, made.arrays, xr.Dataset(), ci_prob=0.95)
    assert found is None

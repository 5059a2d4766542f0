"""The moments likelihood against the same model written row by row in PyMC."""

import numpy as np
import pytest

from causalcluster.model.build import build_model, guide_residuals
from tests.oracles.row_model import marginal_row_model
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

SYSTEMS = {
    "series": make_analysis("x>a x>b a>b x>y a>y b>y c>y c>x", treatment="x", mediators=("a", "b"), outcomes=("y",)),
    "interaction": make_analysis(
        "x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",), interactions=(("x", "a", "y"),)
    ),
    "uncentred": make_analysis("x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",), centre="none"),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_log_density_equals_the_row_level_model_up_to_a_constant(name):
    analysis = SYSTEMS[name]
    table = draw_rows(analysis, sizes=[9, 5, 7], seed=4)
    prepared = prepare_system(analysis, table)
    moments_model = build_model(prepared.design, prepared.arrays, prepared.priors)
    row_model = marginal_row_model(prepared, table)
    moments_log_density = moments_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    row_log_density = row_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(1)
    guide = guide_residuals(prepared.arrays)
    differences = []
    for _ in range(6):
        point = {
            name: value + 0.4 * rng.standard_normal(np.shape(value)) for name, value in moments_model.initial_point().items()
        }
        spread = np.exp(point["sigma_spread_log__"])
        precision = guide.precision + spread**-2.0
        guided = (guide.precision * guide.log_sd + point["log_sigma"] * spread**-2.0) / precision
        rows_point = {name: value for name, value in point.items() if name != "sigma_raw"}
        rows_point["log_sigma_cluster"] = guided + point["sigma_raw"] / np.sqrt(precision)
        # The two models differ by the change of coordinates of the residual standard deviations, and by constants.
        jacobian = -0.5 * np.log(precision).sum()
        differences.append(moments_log_density(point) - jacobian - row_log_density(rows_point))
    assert np.ptp(differences) < 1e-8

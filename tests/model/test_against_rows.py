"""The moments likelihood against the same model written row by row in PyMC."""

import numpy as np
import pytest

from causalcluster.model.build import build_model
from causalcluster.model.residuals import guide_residuals, place_log_sigma
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
        log_sigma, information = place_log_sigma(
            point["log_sigma"], spread, point["sigma_raw"], guide.rss, guide.dof, log=np.log
        )
        rows_point = {name: value for name, value in point.items() if name != "sigma_raw"}
        rows_point["variance_log__"] = 2.0 * log_sigma
        # The row model's density is over variances: per coordinate, d variance / d raw = 2 variance / sqrt(information).
        jacobian = (2.0 * log_sigma - 0.5 * np.log(information)).sum()
        differences.append(moments_log_density(point) - jacobian - row_log_density(rows_point))
    assert np.ptp(differences) < 1e-8

"""What the calibration rests on: tables and likelihoods of the generator agree with SciPy's and with the model's own."""

import numpy as np
import pytest

from causalcluster.analysis import parse_analysis
from causalcluster.equations import build_design
from causalcluster.graph import build_graph
from causalcluster.planning import draw_up
from tests.calibration.sbc import results
from tests.calibration.sbc.generate import CLUSTER, draw_table, fixed_treatment, log_likelihood, typical_values
from tests.calibration.sbc.systems import CLUSTERS, ROWS, SYSTEMS


def design_of(name):
    analysis = parse_analysis(SYSTEMS[name].text, path="sbc.yaml")
    return analysis, build_design(analysis, build_graph(analysis))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_package_reads_the_typical_table(name):
    analysis, design = design_of(name)
    table = draw_table(design, typical_values(design), np.random.default_rng(5))
    plan = draw_up(analysis, table)
    assert plan.design == design
    assert int(plan.moments.table["n"].sum()) == CLUSTERS * ROWS


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_likelihood_is_greater_at_the_truth_than_away_from_it(name):
    _, design = design_of(name)
    values = typical_values(design)
    table = draw_table(design, values, np.random.default_rng(6))
    if design.intercepts == "separate":
        pytest.skip("intercepts are integrated out: its likelihood is another function")
    theta = np.stack([values.theta[0] + shift for shift in (0.0, 0.8, -0.8)])
    moved = type(values)(
        theta=theta,
        **{name: np.repeat(getattr(values, name), 3, 0) for name in ("sd", "nu", "shape", "precision")},
        thresholds={node: np.repeat(levels, 3, 0) for node, levels in values.thresholds.items()},
        intercept=None,
    )
    at, *away = log_likelihood(design, moved, table)
    assert at > max(away)


def test_the_treatment_has_the_scale_that_the_model_is_told():
    law = fixed_treatment()
    inside = law - np.bincount(CLUSTER, law)[CLUSTER] / ROWS
    assert law.mean() == pytest.approx(0.0, abs=1e-12)
    assert (inside**2).sum() / (len(law) - CLUSTERS) == pytest.approx(1.0)


def test_what_is_stored_is_taken_up_again(tmp_path, monkeypatch):
    first = results.load("gaussian", tmp_path)
    seen = {"r_hat": 1.0, "ess": 900.0, "divergences": 0, "careful": 0, "seconds": 1.0}
    first.add([{"replicate": 3, "ranks": {"a": 7}, "seen": seen}, {"replicate": 1, "refused": "a grade"}])
    first.add([{"replicate": 0, "ranks": {"a": 5}, "seen": seen}])
    first.save()
    again = results.load("gaussian", tmp_path)
    assert (again.count, again.tried, again.ranks) == (2, {0, 1, 3}, {"a": [5, 7]})
    monkeypatch.setattr(results.fingerprints, "stands", lambda *_: False)
    assert results.load("gaussian", tmp_path).count == 0

"""Predictive checks of models that were fitted, not given: what is right passes, a wrong family is named."""

import numpy as np
import pytest

import causalcluster as cc
from causalcluster.analysis.records import Sampling
from causalcluster.checks.predictive import check_predictions
from causalcluster.checks.summary import describe_failures, summarise_checks
from tests.oracles.mixed_systems import draw_mixed_rows, mixed_analysis

SETTINGS = Sampling(draws=200, tune=300, chains=2, seed=1, ci_prob=0.95)


def fit_and_check(analysis, table):
    plan = cc.plan_analysis(analysis, table)
    prepared = cc.prepare(plan)
    compiled = cc.compile_model(plan.design, prepared.arrays, prepared.priors)
    draws = cc.refit(compiled, prepared.arrays, analysis.sampling)
    return check_predictions(
        plan.design, prepared.scale, prepared.arrays, draws.system, rows=plan.checked_rows, random_seed=1
    )


@pytest.mark.sampling
def test_a_fitted_model_that_is_right_is_left_alone():
    made = cc.simulate("linear", clusters=30, rows=40, seed=3)
    analysis = cc.parse_analysis(made.analysis_text, path="analysis.yaml")
    table = fit_and_check(analysis, made.table)
    areas = table["tail_area"]
    assert len(areas) > 400
    # Uniform areas have standard deviation 0.289; a cluster that had a say in its own replicates would narrow them.
    assert areas.std() == pytest.approx(0.289, abs=0.03)
    assert areas.mean() == pytest.approx(0.5, abs=0.05)
    assert (table["p_value"] < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert describe_failures(summarise_checks(table)) == ()


@pytest.mark.sampling
def test_counts_that_were_fitted_as_poisson_and_are_not_are_named():
    edges, roles = "x>a x>y a>y", {"treatment": "a", "mediators": (), "outcomes": ("y",)}
    wrong = mixed_analysis(edges, {"y": "poisson"}, sampling=SETTINGS, **roles)
    right = mixed_analysis(edges, {"y": "negative_binomial"}, sampling=SETTINGS, **roles)
    table = draw_mixed_rows(right, sizes=[80] * 12, seed=6)
    said = describe_failures(summarise_checks(fit_and_check(wrong, table)))
    assert any("does not reproduce dispersion of y" in text for text in said)
    assert describe_failures(summarise_checks(fit_and_check(right, table))) == ()
    assert np.isfinite(table["y"]).all()

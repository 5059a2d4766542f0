"""The posterior as an estimator of DoWhy."""

import logging
import warnings

import numpy as np
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.errors import InputError
from causalcluster.pipeline import analyse

METHOD = "backdoor.causalcluster.dowhy_estimator.HierarchicalEstimator"
GRAPH = (
    "digraph {size -> law; size -> enforcement; size -> unions; size -> wage; law -> enforcement; law -> unions; law -> wage;"
    " enforcement -> unions; enforcement -> wage; unions -> wage}"
)
MADE = simulate("linear", clusters=8, rows=40, seed=2)
ANALYSIS = parse_analysis(MADE.analysis_text + "sampling: {draws: 600, tune: 600, chains: 4}\n", path="x.yaml")


@pytest.fixture(scope="module")
def model():
    logging.getLogger("dowhy").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dowhy

        return dowhy.CausalModel(MADE.table, treatment="law", outcome="wage", graph=GRAPH)


@pytest.fixture(scope="module")
def estimand(model):
    return model.identify_effect(proceed_when_unidentifiable=True)


def ask(model, estimand, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = {"analysis": ANALYSIS} | params
        return model.estimate_effect(estimand, method_name=METHOD, method_params=params, control_value=0, treatment_value=1)


@pytest.fixture(scope="module")
def estimate(model, estimand):
    return ask(model, estimand)


def test_it_is_the_effect_of_a_run(estimate):
    own = analyse(ANALYSIS, MADE.table).effects.query("effect == 'total' and level == 'population'").iloc[0]
    assert estimate.value == pytest.approx(own["mean"], rel=1e-9)
    assert estimate.get_confidence_intervals() == pytest.approx((own["lower"], own["upper"]), rel=1e-9)
    assert estimate.get_standard_error() == pytest.approx(own["sd"], rel=1e-9)


def test_mediated_effects_and_other_contrasts(model, estimand, estimate):
    parts = [ask(model, estimand, effect=effect, via=via).value for effect, via in (("nde", ""), ("nie", "all"))]
    assert sum(parts) == pytest.approx(estimate.value, rel=1e-9)
    twice = estimate.estimator.estimate_effect(MADE.table, treatment_value=2, control_value=0)
    assert twice.value == pytest.approx(2.0 * estimate.value, rel=1e-9)


def test_refuters_of_dowhy_run_on_it(model, estimand, estimate):
    np.random.seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        placebo = model.refute_estimate(
            estimand, estimate, method_name="placebo_treatment_refuter", placebo_type="permute", num_simulations=4
        )
        cause = model.refute_estimate(estimand, estimate, method_name="random_common_cause", num_simulations=3)
        subset = model.refute_estimate(
            estimand, estimate, method_name="data_subset_refuter", subset_fraction=0.8, num_simulations=3
        )
        hidden = model.refute_estimate(
            estimand, estimate, method_name="add_unobserved_common_cause", confounders_effect_on_treatment="linear",
            confounders_effect_on_outcome="linear", effect_strength_on_treatment=0.1, effect_strength_on_outcome=100.0,
        )  # fmt: skip
    # Adding a cause of both with these strengths takes some of the effect away or adds to it, not more.
    assert 0.0 < abs(hidden.new_effect - estimate.value) < 0.5 * estimate.value
    assert abs(placebo.new_effect) < 0.4 * estimate.value
    assert cause.new_effect == pytest.approx(estimate.value, rel=0.1)
    assert subset.new_effect == pytest.approx(estimate.value, rel=0.4)


def test_an_effect_that_is_not_identified_is_refused(model, estimand):
    analysis = parse_analysis(ANALYSIS.text.replace("hypotheses:", "unobserved: [law <-> wage]\nhypotheses:"), path="x.yaml")
    with pytest.raises(InputError, match=r"total\(wage\) is not identified"):
        ask(model, estimand, analysis=analysis)


def test_other_target_units_are_refused(estimate):
    with pytest.raises(InputError, match="'att' are not available"):
        estimate.estimator.estimate_effect(MADE.table, target_units="att")
    with pytest.raises(InputError, match="1 in both worlds"):
        estimate.estimator.estimate_effect(MADE.table, treatment_value=1, control_value=1)

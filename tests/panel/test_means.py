"""A treatment that is one number in every cluster."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from causalcluster import parse_analysis
from causalcluster.checks.inside import inside_slopes, inside_warnings
from causalcluster.errors import DataError, InputError, UnsupportedError
from causalcluster.model.gap_kernel import gaussian_gaps
from causalcluster.moments import reduce_table
from causalcluster.pipeline import analyse
from causalcluster.planning import draw_up, prepare
from tests.calibration.cluster_treatment import TEXT, draw_panel

QUICK = "sampling: {draws: 250, tune: 250, chains: 4}\n"


@pytest.fixture(scope="module")
def table():
    return draw_panel(np.random.default_rng(3))


@pytest.fixture(scope="module")
def result(table):
    return analyse(parse_analysis(TEXT + QUICK, path="x.yaml"), table)


def test_the_likelihood_is_that_of_observed_means(table):
    plan = draw_up(parse_analysis(TEXT, path="x.yaml"), table)
    made = prepare(plan)
    rows = made.arrays.row_equations
    gaps, readings = rows.gaps, plan.rows.readings
    nodes = ["unions", "wage"]
    assert readings.nodes == tuple(nodes)
    by = np.array([made.scale.scale[name] for name in nodes])
    shift = np.array([made.scale.shift[name] for name in nodes])
    law = (plan.rows.columns["law"] - made.scale.shift["law"]) / made.scale.scale["law"]
    found = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        theta, log_sigma = rows.at + 0.3 * rng.standard_normal(rows.at.shape), 0.3 * rng.standard_normal((1, 2)) - 0.4
        tables = (gaps.equations, rows.starts, gaps.factors, gaps.centre, gaps.averaged, gaps.touches)
        value = gaussian_gaps(theta, log_sigma, *tables, gaps.at, gaps.second, gaps.precision, gaps.shift)[0]
        own = {term.name: theta[0, i] for i, term in enumerate(plan.design.terms)}
        b = own["unions -> wage"]
        first = own["intercept of unions"] + own["law -> unions"] * law
        mean = np.column_stack([first, own["intercept of wage"] + own["law -> wage"] * law + b * first])
        one, two = np.exp(2.0 * log_sigma[0])
        spread = np.array([[one, b * one], [b * one, b * b * one + two]])
        direct = sum(
            stats.multivariate_normal.logpdf(
                (readings.value[g] - shift) / by, mean[g], spread + np.linalg.inv(readings.precision[g]) / by / by[:, None]
            )
            for g in range(len(law))
        )
        found.append(value - direct)
    assert np.ptp(found) < 1e-8


def test_effects_are_those_of_the_population_and_of_the_sample(result):
    assert set(result.effects["level"]) == {"population", "sample"}
    by_level = result.effects.pivot(index=["effect", "via"], columns="level", values="median")
    pd.testing.assert_series_equal(by_level["population"], by_level["sample"], check_names=False)
    assert any("'law' is one number in every 'district'" in text for text in result.plan.warnings)
    assert "every district is one observation" in result.plan.design.notes[0]
    assert (result.plan.panel.rows, result.plan.panel.rows_used) == (240, 240)


def test_effects_do_not_depend_on_where_the_moments_come_from(table, result):
    analysis = parse_analysis(TEXT + QUICK, path="x.yaml")
    again = analyse(analysis, reduce_table(analysis, table))
    pd.testing.assert_frame_equal(again.effects, result.effects)


def test_slopes_inside_clusters_stand_beside(table, result):
    rows = result.between.set_index("via")
    assert list(rows.index) == ["all", "unions"]
    # The slope inside is 0.3, that of the means 0.8.
    assert rows.loc["unions", "within_mean"] < rows.loc["unions", "mean"]
    own = result.effects.query("effect == 'nie' and via == 'unions' and level == 'population'").iloc[0]
    assert rows.loc["unions", "median"] == pytest.approx(own["median"], rel=1e-9)
    apart = rows.reset_index().assign(prob_above_within=[0.99, 0.99])
    (said,) = inside_warnings(apart)
    assert "with slopes inside district" in said
    assert inside_warnings(rows.reset_index().assign(prob_above_within=0.6)) == ()


def test_slopes_inside_are_least_squares_with_robust_errors(table):
    moments = reduce_table(parse_analysis(TEXT, path="x.yaml"), table)
    slopes, covariance = inside_slopes(moments, "wage", ["unions"])
    within = table[["unions", "wage"]] - table.groupby("district")[["unions", "wage"]].transform("mean")
    groups = pd.factorize(table["district"])[0]
    fit = sm.OLS(within["wage"], within[["unions"]]).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    assert slopes[0] == pytest.approx(fit.params["unions"], rel=1e-9)
    assert covariance[0, 0] == pytest.approx(fit.cov_params().iloc[0, 0] * 30 / 29, rel=1e-9)


def test_where_nothing_varies_inside_clusters_each_is_a_row(table):
    """2-2-2: the same draws as the table of one row a cluster."""
    means = table.groupby("district", as_index=False).mean()
    four = pd.concat([means] * 4, ignore_index=True)
    analysis = parse_analysis(TEXT + QUICK, path="x.yaml")
    single = replace(analysis, data=replace(analysis.data, cluster=None), model=replace(analysis.model, varying="none"))
    mine, direct = analyse(analysis, four), analyse(single, means)
    level = mine.effects[mine.effects["level"] == "sample"].reset_index(drop=True)
    pd.testing.assert_frame_equal(level.drop(columns="reason"), direct.effects.drop(columns="reason"), rtol=1e-8)
    assert mine.between is None


def test_a_mediator_of_the_cluster_has_no_error(table):
    """2-2-1."""
    rows = table.assign(unions=table.groupby("district")["unions"].transform("mean"))
    plan = draw_up(parse_analysis(TEXT, path="x.yaml"), rows)
    assert plan.rows.readings.nodes == ("wage",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wage: {layer: outcome}", "wage: {layer: outcome, family: student}", "'wage' is student"),
        ("question:", "interactions: ['law * unions -> wage']\nquestion:", "there are interactions"),
        ("unions: {layer: actor}", "unions: {layer: actor, se: error}", "measured with error"),
        ("cluster: district", "cluster: district, nested_in: [country]", "clusters lie in groups"),
    ],
)
def test_what_means_do_not_go_together_with_is_refused(table, old, new, said):
    rows = table.assign(error=0.1, country=[label[:2] for label in table["district"]])
    with pytest.raises(UnsupportedError, match="varies only between clusters") as caught:
        draw_up(parse_analysis(TEXT.replace(old, new), path="x.yaml"), rows)
    assert said in str(caught.value)


def test_missing_values_are_to_be_dropped(table):
    rows = table.copy()
    rows.loc[5, "unions"] = np.nan
    with pytest.raises(UnsupportedError, match="set 'missing: drop'"):
        draw_up(parse_analysis(TEXT, path="x.yaml"), rows)
    dropped = parse_analysis(TEXT.replace("cluster: district", "cluster: district, missing: drop"), path="x.yaml")
    assert draw_up(dropped, rows).panel.rows_used == 239


def test_a_slope_by_cluster_cannot_be_asked_for(table):
    with pytest.raises(DataError, match="asks for the slope 'law -> unions' by cluster"):
        draw_up(parse_analysis(TEXT + "model: {varying: [law -> unions]}\n", path="x.yaml"), table)


def test_there_is_no_cluster_to_leave_out(table):
    with pytest.raises(InputError, match="is one number in each of them"):
        analyse(parse_analysis(TEXT + QUICK, path="x.yaml"), table, leave_one_out=True)

"""A policy that starts at different times."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from causalcluster import parse_analysis
from causalcluster.checks.cohorts import cohort_warnings
from causalcluster.moments.adoption import residuals
from causalcluster.pipeline import analyse
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, time: year}
nodes:
  law: {layer: environment}
  unions: {layer: actor}
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
model: {time_effects: fixed}
sampling: {draws: 250, tune: 250}
"""
STARTS = {2003: 1.5, 2006: 0.3}
YEARS = range(2000, 2010)


def draw_table(seed=1, each=9):
    """Districts that start in 2003 gain more than those that start in 2006; some never start, two always had it."""
    rng, parts = np.random.default_rng(seed), []
    for g in range(3 * each + 2):
        start = [2003, 2006, 9999][g % 3] if g < 3 * each else 0
        law = np.array([float(year >= start) for year in YEARS])
        unions = rng.normal() + STARTS.get(start, 1.0) * law + 0.5 * rng.standard_normal(len(law))
        wage = rng.normal() + 0.2 * law + 0.6 * unions + 0.5 * rng.standard_normal(len(law))
        parts.append(pd.DataFrame({"district": f"d{g:02d}", "year": YEARS, "law": law, "unions": unions, "wage": wage}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def result():
    return analyse(parse_analysis(TEXT, path="x.yaml"), draw_table())


def test_starts_are_found(result):
    found = result.plan.adoption
    assert {label: len(own) for label, own in found.cohorts.items()} == {"2003": 9, "2006": 9}
    assert found.cohorts["2003"][:2] == ("d00", "d03")
    assert (found.always, found.never) == (2, 9)


def test_effects_by_start_stand_beside_and_a_difference_is_a_warning(result):
    rows = result.cohorts.set_index(["effect", "via", "cohort"])
    for start, a in STARTS.items():
        row = rows.loc[("nie", "unions", str(start))]
        assert row["clusters"] == 9
        assert abs(row["mean"] - 0.6 * a) < 3.5 * row["sd"]
    assert rows.loc[("nie", "unions", "2003"), "prob_above_others"] > 0.99
    said = [text for text in result.plan.warnings if "differs by when the policy began" in text]
    assert any(text.startswith("nie(wage, via=unions)") and "where it began in 2003" in text for text in said)


def test_weights_are_those_of_the_regression_with_both_effects():
    """The coefficient of the law is the average of differences with these weights; some are negative here."""
    table = draw_table().query("district not in ('d02', 'd05', 'd08', 'd11', 'd14', 'd17', 'd20', 'd23', 'd26')")
    cluster, period = pd.factorize(table["district"])[0], table["year"].to_numpy() - 2000
    left = residuals(table["law"].to_numpy(), cluster, period, np.ones(len(table)))
    fit = smf.ols("wage ~ law + C(district) + C(year)", table).fit()
    assert (left * table["wage"]).sum() / (left * table["law"]).sum() == pytest.approx(fit.params["law"], rel=1e-8)
    adoption = draw_up(parse_analysis(TEXT, path="x.yaml"), table).adoption
    assert adoption.negative == int((left[table["law"] == 1.0] < -1e-9).sum()) > 0
    shown = pd.DataFrame(
        {"outcome": "wage", "effect": "total", "via": "", "cohort": ["2003", "2006"], "mean": [2.0, 1.0], "ci_prob": 0.95}
    ).assign(prob_above_others=[1.0, 0.0])
    (said,) = cohort_warnings(shown, adoption, time_effects="fixed")
    assert f"weights {adoption.negative} of the {adoption.treated} cells" in said
    (plain,) = cohort_warnings(shown, adoption, time_effects="none")
    assert "cells" not in plain
    assert cohort_warnings(shown.assign(prob_above_others=0.6), adoption, time_effects="fixed") == ()


@pytest.mark.parametrize("change", ["given up", "one start", "a share", "no time"])
def test_other_treatments_have_no_starts(change):
    table, text = draw_table(), TEXT
    if change == "given up":
        table.loc[(table["district"] == "d00") & (table["year"] == 2008), "law"] = 0.0
    elif change == "one start":
        table = table[~table["district"].isin([f"d{g:02d}" for g in range(1, 27, 3)])]
    elif change == "a share":
        table.loc[3, "law"] = 0.5
    else:
        text = TEXT.replace(", time: year", "").replace("model: {time_effects: fixed}\n", "")
    assert draw_up(parse_analysis(text, path="x.yaml"), table).adoption is None

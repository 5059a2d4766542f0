"""The placebo test of leads, against regressions with dummies."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from causalcluster import parse_analysis
from causalcluster.checks.leads import lead_warnings, placebo_leads
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, time: year}
nodes:
  law: {layer: environment}
  unions: {layer: actor}
  wage: {layer: outcome}
  size: {layer: context}
edges: [law -> unions, "law, unions, size -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""


def draw_table(seed, *, units=1, anticipated=0.0, clusters=15, years=9):
    """Districts with units and years; ``anticipated`` is how much the next year's law already moves wages."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(clusters), range(units), range(years + 1)], names=["district", "firm", "year"])
    table = index.to_frame(index=False)
    n, shocks = len(table), rng.standard_normal(years + 1)
    level = rng.standard_normal((clusters, units))[table["district"], table["firm"]]
    table["size"] = rng.standard_normal(n)
    table["law"] = level + 0.5 * shocks[table["year"]] + rng.standard_normal(n)
    after = table.groupby(["district", "firm"])["law"].shift(-1).fillna(0.0)
    table["unions"] = level + 0.5 * table["law"] + rng.standard_normal(n)
    table["wage"] = level + 0.2 * table["law"] + 0.6 * table["unions"] + 0.3 * table["size"] + shocks[table["year"]]
    table["wage"] += anticipated * after + rng.standard_normal(n)
    return table[table["year"] < years].reset_index(drop=True)


def placebo(text, table):
    plan = draw_up(parse_analysis(text, path="x.yaml"), table)
    return placebo_leads(plan.analysis, plan.graph, plan.design, plan.leads)


def by_dummies(table, group, *, years):
    """Coefficient and robust standard error of the next year's law in the equation of wages, with dummies for groups."""
    after = table[[*group, "year", "law"]].assign(year=table["year"] - 1).rename(columns={"law": "after"})
    joined = table.merge(after, on=[*group, "year"])
    joined["group"] = joined[group].astype(str).agg("-".join, axis=1)
    formula = "wage ~ law + unions + size + after + C(group)" + (" + C(year)" if years else "")
    fit = smf.ols(formula, joined).fit(
        cov_type="cluster", cov_kwds={"groups": joined["district"].to_numpy(), "use_correction": False}
    )
    g = joined["district"].nunique()
    return fit.params["after"], fit.bse["after"] * np.sqrt(g / (g - 1)), len(joined)


@pytest.mark.parametrize("years", [False, True])
def test_clusters_over_time(years):
    # Years are missing here and there: a gap is no next period.
    table = draw_table(1).sample(frac=0.85, random_state=1).sort_values(["district", "year"])
    text = TEXT + ("model: {time_effects: fixed}\n" if years else "")
    row = placebo(text, table).set_index("node").loc["wage"]
    coefficient, se, rows = by_dummies(table, ["district"], years=years)
    assert row["coefficient"] == pytest.approx(coefficient, rel=1e-8)
    assert row["se"] == pytest.approx(se, rel=1e-8)
    assert (row["rows"], row["clusters"]) == (rows, 15)


def test_units_over_time_with_effects_of_periods():
    table = draw_table(2, units=4).sample(frac=0.9, random_state=2)
    text = TEXT.replace("time: year", "unit: firm, time: year") + "model: {time_effects: fixed}\n"
    row = placebo(text, table).set_index("node").loc["wage"]
    coefficient, se, rows = by_dummies(table, ["district", "firm"], years=True)
    assert row["coefficient"] == pytest.approx(coefficient, rel=1e-7)
    assert row["se"] == pytest.approx(se, rel=1e-7)
    assert row["rows"] == rows


def test_a_policy_that_was_anticipated_is_a_warning_and_another_is_none():
    text = TEXT + "model: {time_effects: fixed}\n"
    assert lead_warnings(placebo(text, draw_table(3))) == ()
    (said,) = lead_warnings(placebo(text, draw_table(3, anticipated=0.5)))
    assert said.startswith("wage goes with the next period's law though its causes are held")


def test_it_warns_as_often_as_it_should():
    """Two nodes, 5% for both together: of 120 panels without anticipation at most 13 (99.5% of a binomial of 6)."""
    text = TEXT + "model: {time_effects: fixed}\n"
    said = sum(bool(lead_warnings(placebo(text, draw_table([5, seed])))) for seed in range(120))
    assert said <= 13


def test_where_nothing_can_be_tested_it_says_why():
    table = draw_table(4, clusters=5)
    found = placebo(TEXT, table)
    assert set(found["reason"]) == {"fewer than 8 clusters"}
    assert lead_warnings(found) == ()
    assert placebo(TEXT, draw_table(4).query("year in (0, 3, 7)")) is None
    assert placebo(TEXT.replace(", time: year", ""), draw_table(4)) is None

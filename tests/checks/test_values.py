"""Spikes, far values, and ratios whose denominator moves."""

import pandas as pd
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.checks.values import denominator_warnings, flag_values, value_warnings
from causalcluster.errors import AnalysisFileError
from causalcluster.graph import build_graph
from causalcluster.planning import draw_up

MADE = simulate("linear", clusters=5, rows=60, seed=3)


def flag(table, text=MADE.analysis_text):
    plan = draw_up(parse_analysis(text, path="x.yaml"), table)
    return flag_values(plan.design, plan.checked_rows)


def test_normal_values_and_grades_are_not_flagged():
    assert flag(MADE.table) is None
    graded = MADE.table.assign(wage=MADE.table["wage"].rank(pct=True).mul(5).round())
    assert flag(graded) is None


def test_a_spike_and_far_values_are_named():
    table = MADE.table.copy()
    first = table.index[table["cluster"] == "cl03"][:2]
    table.loc[first, "wage"] = [
        table["wage"].max() + 40.0 * table["wage"].std(),
        table["wage"].max() + 30.0 * table["wage"].std(),
    ]
    table.loc[table.index[::8], "unions"] = 0.0
    found = flag(table)
    spike, far = found[found["kind"] == "spike"], found[found["kind"] == "far"]
    assert list(spike["node"]) == ["unions"]
    assert (spike["value"].item(), spike["rows"].item()) == (0.0, len(table.index[::8]))
    assert (far["node"].item(), far["cluster"].item(), far["rows"].item()) == ("wage", "cl03", 2)
    assert far["value"].item() == table["wage"].max()
    own = table.loc[table["cluster"] == "cl03", "wage"]
    away = table["wage"] - table.groupby("cluster")["wage"].transform("median")
    assert far["distance"].item() == pytest.approx(
        (own.max() - own.median()) / (away.abs().median() / 0.6744897502), rel=0.02
    )
    said = value_warnings(found)
    assert len(said) == 2
    assert "{wage: {family: student}}" in next(text for text in said if text.startswith("wage"))


def test_equal_rows_count_as_often_as_they_are_there():
    table = pd.concat([MADE.table.groupby("cluster").head(12)] * 4, ignore_index=True)
    assert flag(table) is None


@pytest.mark.parametrize(("per", "expected"), [("unions", 1), ("size", 0)])
def test_a_ratio_to_what_the_treatment_moves_is_said(per, expected):
    text = MADE.analysis_text.replace("label: Wage", f"label: Wage, per: {per}")
    analysis = parse_analysis(text, path="x.yaml")
    assert len(denominator_warnings(analysis, build_graph(analysis))) == expected


def test_a_denominator_that_is_no_node_is_refused():
    with pytest.raises(AnalysisFileError, match=r"is a ratio to 'union', which is not another node\. Did you mean 'unions'"):
        parse_analysis(MADE.analysis_text.replace("label: Wage", "label: Wage, per: union"), path="x.yaml")


def test_an_exposure_that_the_treatment_moves_is_said():
    text = MADE.analysis_text.replace("label: Wage", "label: Wage, family: poisson, exposure: unions")
    analysis = parse_analysis(text, path="x.yaml")
    (said,) = denominator_warnings(analysis, build_graph(analysis))
    assert said.startswith("wage is a ratio to unions, which law moves")

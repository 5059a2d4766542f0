"""Positivity, orders and predictive checks on the page, from files that are made up."""

import json
import shutil

import pandas as pd
import pytest

from causalcluster.errors import InputError
from causalcluster.report import render_report
from causalcluster.report.doubts import orders_table, positivity_table, predictive_sentences, predictive_table
from causalcluster.report.load import load_run
from causalcluster.report.replicates import draw_replicates

SCRIPT = "<script>alert(1)</script>"


def order_rows(shift):
    common = {"outcome": "log_wage", "level": "population", "ci_prob": 0.95, "lower": -0.1, "upper": 0.3, "mean": 0.1}
    orders = [("enforcement>unions", "yes", 0.0), ("unions>enforcement", "no", shift)]
    return [
        {**common, "order": order, "declared": declared, "via": via, "shift": away}
        for order, declared, away in orders
        for via in order.split(">")
    ]


def check_rows(n_small):
    rows = [
        {"node": "unions", "statistic": "sd", "cluster": f"{SCRIPT} $x_{i}$", "observed": 1.5 if i < n_small else 1.0,
         "median": 1.0, "lower": 0.8, "upper": 1.2, "ci_prob": 0.95, "p_value": 0.01 if i < n_small else 0.9}
        for i in range(20)
    ]  # fmt: skip
    every = {"node": "unions", "statistic": "kurtosis", "cluster": "", "observed": 9.0, "median": 3.0, "lower": 2.5}
    return [*rows, {**every, "upper": 3.5, "ci_prob": 0.95, "p_value": 0.0025}]


@pytest.fixture
def folder(make_run, tmp_path):
    """Return a function that copies a run folder and adds tables and positivity."""

    def make(orders=None, checks=None, positivity=None):
        place = tmp_path / "run"
        shutil.copytree(make_run(), place)
        if orders is not None:
            pd.DataFrame(orders).to_csv(place / "orders.csv", index=False)
        if checks is not None:
            pd.DataFrame(checks).to_csv(place / "predictive.csv", index=False)
        if positivity is not None:
            path = place / "diagnostics.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), "positivity": positivity}))
        return place

    return make


def test_a_run_without_these_files_has_a_report_without_them(folder):
    place = folder()
    run = load_run(place)
    assert orders_table(run, "log_wage") is None
    assert predictive_sentences(run) == ()
    assert predictive_table(run) is positivity_table(run) is draw_replicates(run) is None
    assert "Predictive checks" not in render_report(place)


def test_orders_that_agree_are_said_to_agree(folder):
    table = orders_table(load_run(folder(orders=order_rows(1e-9))), "log_wage")
    assert len(table.rows) == 2
    assert "(as declared)" in table.rows[0][0].text
    assert "the order makes no difference" in table.note


def test_the_largest_difference_between_orders_is_named(folder):
    table = orders_table(load_run(folder(orders=order_rows(-0.7))), "log_wage")
    assert "0.70 posterior standard deviations" in table.note


def test_what_is_not_reproduced_is_named_against_chance(folder):
    place = folder(checks=check_rows(6))
    run = load_run(place)
    said = " ".join(predictive_sentences(run))
    assert "Of 20 checks by cluster 6 have a p-value below 0.05; 1 would by chance" in said
    assert "does not reproduce sd of unions in 6 of 20 clusters (1.0 expected by chance)" in said
    assert "does not reproduce kurtosis of unions in the data" in said
    assert [row[-1].text for row in predictive_table(run).rows] == ["no", "no"]
    assert draw_replicates(run).source.startswith("data:image/svg+xml")
    page = render_report(place)
    assert SCRIPT not in page
    assert page == render_report(place)


def test_few_small_p_values_are_chance(folder):
    said = predictive_sentences(load_run(folder(checks=check_rows(2)[:-1])))
    assert said[-1] == "No statistic is beyond what chance would show."


def test_positivity_is_counted_and_unknown_counts_are_said(folder):
    contrast = {"node": "law", "value": None, "clusters": 24, "rows": 900, "clusters_spanning": 6, "rows_spanning": 700}
    fixed = {**contrast, "node": "unions", "value": 0.5, "clusters_spanning": None, "rows_spanning": None}
    table = positivity_table(load_run(folder(positivity={"contrast": contrast, "fixed": [fixed]})))
    assert [cell.text for cell in table.rows[0][1:]] == ["6 of 24", "700 of 900"]
    assert [cell.mark for cell in table.rows[0][1:]] == ["open", ""]
    assert [cell.text for cell in table.rows[1][1:]] == ["not known from moments"] * 2


def test_a_damaged_table_is_named(folder):
    place = folder(checks=check_rows(1))
    text = (place / "predictive.csv").read_text()
    (place / "predictive.csv").write_text(text.replace("0.9", "much", 1))
    with pytest.raises(InputError, match=r"predictive\.csv"):
        load_run(place)

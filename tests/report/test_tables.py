"""Tables of what was assumed, read and estimated."""

import dataclasses

import numpy as np
import pytest

from causalcluster.report import tables
from causalcluster.report.load import load_run


@pytest.fixture
def run(make_run):
    return load_run(make_run(draws=60))


def test_verdicts_and_assumptions_in_words(run):
    table = tables.identification_table(run)
    assert [cell.text for cell in table.rows[0]] == [
        "Total effect", "Log wage", "identified", "sequential ignorability; given Firm size",
    ]  # fmt: skip
    first, second = tables.assumptions(run)
    assert first[0] == "No unmeasured common cause of Labour law and the outcome, given Firm size."
    assert "Total effect" in first[1]
    assert "Total effect" not in second[1]


def test_the_implied_prior_is_the_quantiles_of_its_draws(run):
    table = tables.implied_priors_table(run, "log_wage")
    key = next(row.key for row in run.effects if row.key.effect == "total" and row.key.level == "population")
    assert table.rows[0][1].number == pytest.approx(np.median(run.prior_draws[key]))
    assert table.rows[0][3].number == next(row.median for row in run.effects if row.key == key)


def test_without_prior_draws_there_is_nothing_to_compare(make_run):
    run = load_run(make_run(mediators=(), prior=False, draws=60))
    assert tables.implied_priors_table(run, "log_wage").rows == ()


def test_flagged_clusters_are_marked_and_long_lists_folded(run):
    table = tables.clusters_table(run)
    assert [row[0].text for row in table.rows if "extrapolated" in row[2].text] == ["Cluster 02"]
    assert table.folded == "Show all 24 clusters"


def test_a_coefficient_that_does_not_vary_is_said_to_be_the_same(run):
    coefficients = (dataclasses.replace(run.run.coefficients[0], tau_mean=None),)
    summary = dataclasses.replace(run.run, coefficients=coefficients)
    row = tables.coefficients_table(dataclasses.replace(run, run=summary)).rows[0]
    assert row[0].text == "Labour law \N{RIGHTWARDS ARROW} Enforcement"
    assert row[-1].text == "same in all"


def test_a_single_level_run_has_one_standard_deviation(make_run):
    run = load_run(make_run(clusters=0, mediators=("enforcement",), hypotheses=False, draws=60))
    assert tables.columns_table(run).header == ("Variable", "Column", "Mean", "SD", "Minimum", "Maximum")
    assert tables.coefficients_table(run).header[-1] == "Probability above 0"

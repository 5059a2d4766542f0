"""The sentences hold the numbers of the rows they speak of."""

import dataclasses

import pytest

from causalcluster.report.answer import find_row, write_answer
from causalcluster.report.load import load_run


@pytest.fixture
def run(make_run):
    return load_run(make_run(draws=60))


def change(run, wanted, **changes):
    """Return the run with other numbers in the rows whose key has these values."""
    rows = tuple(
        dataclasses.replace(row, **changes)
        if all(getattr(row.key, name) == value for name, value in wanted.items())
        else row
        for row in run.effects
    )
    return dataclasses.replace(run, effects=rows)


def test_the_lead_gives_total_interval_and_sign(run):
    wanted = {"effect": "total", "level": "population"}
    changed = change(run, wanted, mean=-0.116, lower=-0.184, upper=-0.059, prob_positive=0.002)
    lead = write_answer(changed, "log_wage").lead
    assert lead == (
        "Setting Labour law from 0 to 1 changes Log wage by \N{MINUS SIGN}0.116 (95% interval \N{MINUS SIGN}0.184 to "
        "\N{MINUS SIGN}0.059) on average across clusters like these. The effect is almost certainly negative "
        "(probability 99.8%)."
    )


def test_parts_name_each_mediator_and_the_direct_effect(run):
    parts = write_answer(run, "log_wage").parts
    assert [part.partition(":")[0] for part in parts] == [
        "Through Enforcement, with all that follows from it",
        "Through Trade unions, beyond what the mediators before it bring about",
        "Directly, through none of these",
    ]


def test_clusters_are_counted_on_the_side_of_the_population(run):
    changed = change(run, {"effect": "nie", "via": "enforcement", "level": "population"}, prob_positive=0.01)
    changed = change(changed, {"effect": "nie", "via": "enforcement", "level": "cluster"}, prob_positive=0.6)
    changed = change(changed, {"via": "enforcement", "cluster": "Cluster 03"}, prob_positive=0.04, mean=-9.0)
    changed = change(changed, {"via": "enforcement", "cluster": "Cluster 04"}, prob_positive=0.2)
    said = next(text for text in write_answer(changed, "log_wage").further if "through Enforcement is" in text)
    assert "more likely negative than positive in 2 of 24 clusters" in said
    assert "negative with probability 95% or more in 1;" in said
    assert "\N{MINUS SIGN}9.000 (Cluster 03)" in said


def test_sample_and_population_are_compared(run):
    changed = change(run, {"effect": "total", "level": "population"}, lower=-0.3, upper=0.1)
    changed = change(changed, {"effect": "total", "level": "sample"}, lower=-0.15, upper=0.05)
    assert "the population interval is 2.0 times as wide" in " ".join(write_answer(changed, "log_wage").further)


def test_the_share_is_given_in_percent_or_its_absence_explained(run):
    wanted = {"effect": "prop_mediated", "level": "population"}
    given = change(run, wanted, median=0.62, lower=0.11, upper=0.93)
    said = " ".join(write_answer(given, "log_wage").further)
    assert "Share of the total that runs through all mediators together: 62% (11 to 93%)" in said
    assert "offset" not in said
    reason = "the interval of total holds 0"
    empty = change(run, wanted, median=None, lower=None, upper=None, reason=reason)
    assert f"No share of the total is given: {reason}." in write_answer(empty, "log_wage").further


def test_a_total_that_is_not_identified_is_said(run):
    rows = tuple(row for row in run.effects if row.key.effect != "total")
    lead = write_answer(dataclasses.replace(run, effects=rows), "log_wage").lead
    assert "total effect of Labour law on Log wage is not identified" in lead


def test_a_single_level_run_speaks_of_no_clusters(make_run):
    run = load_run(make_run(clusters=0, mediators=("enforcement",), hypotheses=False, draws=60))
    answer = write_answer(run, "log_wage")
    assert "on average. The effect" in answer.lead
    assert "cluster" not in " ".join((answer.lead, *answer.parts, *answer.further))
    assert [item.label for item in answer.numbers] == ["Total effect", "Through Enforcement", "Direct effect"]
    assert find_row(run, "log_wage", "total").key.level == "sample"

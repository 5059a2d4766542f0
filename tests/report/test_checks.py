"""The table of checks applies the thresholds of diagnostics to the rows it shows."""

import dataclasses

import pytest

from causalcluster.report.checks import checks_table
from causalcluster.report.load import load_run


@pytest.fixture
def run(make_run):
    return load_run(make_run(draws=250))


def met(run):
    return {row[0].text: row[3].text for row in checks_table(run).rows}


def test_a_good_run_meets_every_check(run):
    assert set(met(run).values()) == {"yes"}


@pytest.mark.parametrize(
    ("level", "changes", "failing"),
    [
        ("population", {"r_hat": 1.02}, ["R-hat, main effects"]),
        ("cluster", {"r_hat": 1.02}, []),
        ("cluster", {"r_hat": 1.04}, ["R-hat, other effects"]),
        ("population", {"ess_bulk": 399.0}, ["Bulk ESS, main effects"]),
        ("new", {"ess_tail": 250.0}, []),
        ("new", {"ess_tail": 150.0}, ["Tail ESS, other effects"]),
    ],
)
def test_population_rows_are_held_to_a_stricter_bound(run, level, changes, failing):
    rows = tuple(dataclasses.replace(row, **changes) if row.key.level == level else row for row in run.effects)
    found = met(dataclasses.replace(run, effects=rows))
    assert [name for name, verdict in found.items() if verdict == "no"] == failing


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"divergences": 1}, []),
        ({"divergences": 2}, ["Divergences"]),
        ({"e_bfmi": (0.9, 0.2)}, ["E-BFMI, lowest of the chains"]),
        ({"e_bfmi": 0.25}, ["E-BFMI, lowest of the chains"]),
    ],
)
def test_divergences_and_energy(run, changes, failing):
    changed = dataclasses.replace(run, diagnostics=dataclasses.replace(run.diagnostics, **changes))
    assert [name for name, verdict in met(changed).items() if verdict == "no"] == failing

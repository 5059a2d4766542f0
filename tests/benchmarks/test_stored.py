"""The stored benchmarks keep what the project promises, and the documentation shows them as they are."""

from pathlib import Path

import pytest

from tests.benchmarks.store import load
from tests.benchmarks.tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_the_stored_figures(name):
    assert "\n".join(TABLES[name]()) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("size", "non_centred", "better"), [("30 x 200", 100, 10), ("50 x 2000", 500, 50)])
def test_effective_samples_a_second_against_row_models(size, non_centred, better):
    found = load("row_models")[size]
    for ratio, least, models in (
        (found["ratios"]["to non-centred rows"], non_centred, ["rows non-centred"]),
        (found["ratios"]["to the better of the two"], better, ["rows non-centred", "rows centred"]),
    ):
        unfinished = all(found["results"][name].get("unfinished_after_seconds", 0.0) >= 1200.0 for name in models)
        assert unfinished if ratio is None else ratio >= least


def test_no_regime_has_a_parametrisation_that_is_much_better():
    for found in load("regimes").values():
        assert found["best of the others over ours"] <= 1.3
        assert found["results"]["integrated out"]["divergent_share"] <= 0.001


def test_ten_million_rows_take_little_longer_than_ten_thousand():
    few, many = load("sizes")["10000 rows"], load("sizes")["10000000 rows"]
    assert many["sample"] <= 1.3 * few["sample"]
    assert many["wall"] < 2.0 * few["wall"]


def test_reducing_ten_million_rows_stays_in_memory():
    found = [result for name, result in load("sizes").items() if name.startswith("reduce ")]
    assert len(found) == 2
    assert all(result["peak_gb"] < 1.5 and result["exit_code"] == 0 for result in found)


def test_every_run_ends_well():
    for name, result in load("sizes").items():
        assert result["exit_code"] == 0, name


def test_leaving_out_thirty_clusters_takes_less_than_five_runs():
    found = load("refits")
    assert found["all refits"] < 5.0 * found["one sampling run"] + found["compile"]
    assert found["doubtful"] == 0


def test_a_second_run_samples_within_eight_seconds():
    assert load("compiling")["first draw"]["until sampling"] < 8.0


def test_twenty_correlations_cost_less_than_one_fit():
    assert load("correlations")["correlations over one fit"] < 1.0

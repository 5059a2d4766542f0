"""The stored calibration is of today's sources, and says what the documentation claims."""

import json

import pytest

from tests.calibration.fingerprints import stands
from tests.calibration.linear import POPULATION, RESULT, SOURCES
from tests.calibration.published import RESULT as PUBLISHED


@pytest.fixture(scope="module")
def stored():
    return json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale(stored):
    assert stands("linear", stored["source_hash"], SOURCES), "the model's sources have changed since: run `make calibrate`"


@pytest.mark.parametrize("effect", [f"{effect}({via})" if via else effect for effect, via in POPULATION])
def test_population_intervals_hold_the_truth(stored, effect):
    assert stored["seeds"] == 200
    assert 180 <= stored["population"][effect]["covered"] <= 198


def test_cluster_intervals_hold_the_truth_at_every_size(stored):
    assert 0.92 <= stored["clusters_all"] <= 0.98
    assert min(stored["clusters_by_third"].values()) >= 0.90


@pytest.fixture(scope="module")
def page():
    return (RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")


def test_the_documentation_shows_these_figures(stored, page):
    for effect, found in stored["population"].items():
        assert f"| `{effect}` | {found['truth']:.1f} | {found['mean_of_means']:.1f} | {found['covered']} |" in page
    assert f"{stored['clusters_all']:.1%} of cases" in page
    assert f"| {stored['product_of_means']['covered']} |" in page


def test_published_posteriors_are_met(page):
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))["rows"]
    assert len(rows) == 6
    for row in rows:
        assert abs(row["mean_apart_in_sd"]) <= 1 / 3
        assert 0.8 <= row["sd_ratio"] <= 1.25
        assert row["status"] == "ok"
        assert f"| `{row['effect']}` | {row['mean']:.4g} ({row['sd']:.3g}) | {row['stan_mean']:.4g}" in page


def test_the_product_of_means_misses(stored):
    # An honest 95% interval holds the truth in at least 180 of 200.
    assert stored["product_of_means"]["covered"] < 150

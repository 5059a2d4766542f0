"""The stored calibration is of today's sources, and says what the documentation claims."""

import json

import pytest

from tests.calibration.linear import POPULATION, RESULT, source_hash


@pytest.fixture(scope="module")
def stored():
    return json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale(stored):
    assert stored["source_hash"] == source_hash(), "the model's sources have changed since: run `make calibrate`"


@pytest.mark.parametrize("effect", [f"{effect}({via})" if via else effect for effect, via in POPULATION])
def test_population_intervals_hold_the_truth(stored, effect):
    assert stored["seeds"] == 200
    assert 180 <= stored["population"][effect]["covered"] <= 198


def test_cluster_intervals_hold_the_truth_at_every_size(stored):
    assert 0.92 <= stored["clusters_all"] <= 0.98
    assert min(stored["clusters_by_third"].values()) >= 0.90


def test_the_product_of_means_misses(stored):
    # An honest 95% interval holds the truth in at least 180 of 200.
    assert stored["product_of_means"]["covered"] < 150

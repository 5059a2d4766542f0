"""The stored calibration of interventional effects is of today's sources, holds what it should and is in the documentation."""

import json

import pytest

from tests.calibration.affected_cause import RESULT, TRUTH
from tests.calibration.fingerprints import stands
from tests.calibration.linear import SOURCES

STORED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale():
    assert stands("affected_cause", STORED["source_hash"], SOURCES), (
        "the model's sources have changed since: run `make calibrate`"
    )


@pytest.mark.parametrize("effect", TRUTH)
def test_intervals_hold_the_truth(effect):
    assert STORED["seeds"] == 200
    assert 180 <= STORED["covered"][effect] <= 198


def test_the_naive_natural_effect_misses():
    assert STORED["covered"]["naive nie"] < 100


def test_the_documentation_shows_it():
    page = (RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    for effect, covered in STORED["covered"].items():
        truth, mean = STORED["truth"].get(effect, STORED["truth"]["iie"]), STORED["median_of_means"][effect]
        assert f"| `{effect}` | {truth:.4g} | {mean:.4g} | {covered} |" in page

"""The stored calibration with a binary outcome is of today's sources, holds what it should and is in the documentation."""

import json

import pytest

from tests.calibration.binary import EFFECTS, RESULT, SOURCES
from tests.calibration.fingerprints import stands

STORED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale():
    assert stands("binary", STORED["source_hash"], SOURCES), "the sources have changed since: run `make calibrate`"


@pytest.mark.parametrize("effect", [effect for effect, _ in EFFECTS])
def test_intervals_hold_the_truth(effect):
    # Exact 95% intervals hold it in at least 52 of 60 panels with probability 0.997.
    assert STORED["seeds"] == 60
    assert STORED["population"][effect] >= 52
    assert 0.92 <= STORED["clusters"][effect] <= 0.98


def test_the_documentation_shows_it():
    page = (RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    for effect, covered in STORED["population"].items():
        assert f"| `{effect}` | {STORED['truth'][effect]:.4f} | {covered} | {STORED['clusters'][effect]:.1%} |" in page

"""The stored calibration with missing values is of today's sources, holds what it should and is in the documentation."""

import json

import pytest

from tests.calibration.fingerprints import stands
from tests.calibration.linear import SOURCES
from tests.calibration.missing import RESULT

STORED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale():
    assert stands("missing", STORED["source_hash"], SOURCES), "the model's sources have changed since: run `make calibrate`"


@pytest.mark.parametrize("level", ["population", "sample"])
def test_the_model_is_near_the_complete_data_and_dropping_is_not(level):
    found = STORED["levels"][level]
    assert STORED["seeds"] == 50
    assert abs(found["model"]["difference"]) < 0.03
    assert abs(found["drop"]["difference"]) > max(0.03, 2.0 * abs(found["model"]["difference"]))
    # Posterior widths grow, but do not explode.
    assert 1.0 < found["model"]["width"] < 1.5
    assert found["model"]["widest"] < 2.5


def test_the_documentation_shows_it():
    page = (RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    for level, found in STORED["levels"].items():
        for name in ("model", "drop"):
            row = found[name]
            assert f"| {level} | `{name}` | {row['difference']:+.1%} | {row['width']:.2f} |" in page

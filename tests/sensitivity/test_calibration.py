"""The stored calibration of the sensitivity analysis, and what the documentation says of it."""

import json

from tests.calibration import confounded
from tests.calibration.linear import source_hash

STORED = json.loads(confounded.RESULT.read_text(encoding="utf-8"))


def test_it_is_not_stale():
    assert STORED["source_hash"] == source_hash(confounded.SENSITIVITY_SOURCES), (
        "run `python -m tests.calibration.confounded`"
    )


def test_intervals_hold_the_truth_at_the_true_correlation_and_not_at_none():
    page = (confounded.RESULT.parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    assert STORED["seeds"] == 200
    for level in confounded.LEVELS:
        for effect in ("nie", "nde"):
            right, wrong = (STORED["covered"][f"{level} {effect} at {rho:g}"] for rho in (confounded.RHO, 0.0))
            assert 180 <= right <= 198
            assert wrong < 50
            assert f"| {level} | {effect} | {right} | {wrong} |" in page

"""The stored fits of mirrored tables show no fault that moves effects to one side."""

import json

import pytest

from tests.calibration.fingerprints import stands
from tests.calibration.sbc.mirror import PAIRS, PATH, SYSTEM
from tests.calibration.sbc.results import SOURCES

STORED = json.loads(PATH.read_text(encoding="utf-8"))


def test_it_is_not_stale():
    assert stands(f"sbc {SYSTEM}", STORED["source_hash"], SOURCES), "the sources have changed since: run `make calibrate`"
    assert STORED["pairs"] >= PAIRS


@pytest.mark.parametrize("name", STORED["missed"])
def test_ranks_are_those_of_the_mirror_image(name):
    # Of some thirty quantities none is beyond 4 standard errors by chance but in one of 500 calibrations.
    assert abs(STORED["missed"][name]) <= 4.0 * STORED["standard_error"][name]
    if name.startswith("effect population"):
        # Both ranks would be off to the same side: 0.04 is a mean rank of 0.48 or 0.52 for truths that should have 0.5.
        assert abs(STORED["missed"][name]) + 2.0 * STORED["standard_error"][name] <= 0.04

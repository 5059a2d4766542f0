"""Fingerprints are those of today's systems, and differ where a system differs."""

import json
from dataclasses import replace

import pytest

from tests.calibration import fingerprints
from tests.calibration.linear import SOURCES, source_hash

STORED = json.loads(fingerprints.RESULT.read_text(encoding="utf-8"))


def test_every_calibrated_system_has_one():
    assert list(STORED) == list(fingerprints.SYSTEMS_BY_NAME)


@pytest.fixture(scope="module")
def linear():
    return fingerprints.SYSTEMS_BY_NAME["linear"]()


def test_a_system_that_does_the_same_has_the_same(linear):
    assert fingerprints.differences(STORED["linear"]["numbers"], linear) == []


def test_a_slightly_wider_prior_shows(linear, monkeypatch):
    prepare = fingerprints.prepare

    def wider(plan):
        found = prepare(plan)
        return replace(found, priors=replace(found.priors, sd=1.001 * found.priors.sd))

    monkeypatch.setattr(fingerprints, "prepare", wider)
    changed = fingerprints.differences(linear, fingerprints.SYSTEMS_BY_NAME["linear"]())
    assert "density 1" in changed and "gradient 0" in changed
    assert not any(name.startswith("effect") for name in changed)  # positions are fixed, so only the density tells


def test_other_sources_stand_only_where_they_do_the_same(linear, monkeypatch):
    other = {"linear": {"source_hash": "earlier", "numbers": STORED["linear"]["numbers"]}}
    monkeypatch.setattr(fingerprints, "RESULT", _Text(json.dumps(other)))
    monkeypatch.setattr(fingerprints, "SYSTEMS_BY_NAME", {"linear": lambda: linear})
    assert fingerprints.stands("linear", source_hash(SOURCES), SOURCES)
    assert fingerprints.stands("linear", "earlier", SOURCES)
    assert not fingerprints.stands("linear", "unknown", SOURCES)
    assert not fingerprints.stands("missing", "earlier", SOURCES)
    monkeypatch.setattr(fingerprints, "SYSTEMS_BY_NAME", {"linear": lambda: linear | {"mean: mean": 0.5}})
    assert not fingerprints.stands("linear", "earlier", SOURCES)


class _Text:
    def __init__(self, text):
        self.text = text

    def read_text(self, encoding):
        return self.text

"""Placebos on data in which the law does something, and in which it does nothing, as stored."""

import json

from tests.calibration import placebo
from tests.calibration.linear import source_hash

STORED = json.loads(placebo.RESULT.read_text(encoding="utf-8"))
DOCS = placebo.RESULT.parents[2] / "docs"


def rows(scenario, kind):
    return [row for row in STORED["tables"][scenario] if row["kind"] == kind]


def test_they_are_not_stale():
    assert STORED["source_hash"] == source_hash(placebo.PLACEBO_SOURCES), "run `python -m tests.calibration.placebo`"


def test_placebos_are_centred_and_the_real_effect_lies_outside_and_none_inside():
    page = (DOCS / "validation.md").read_text(encoding="utf-8")
    assert STORED["replicates"] == 100
    for scenario, verdict in (("linear", "stands out"), ("null", "does not stand out")):
        found = rows(scenario, "placebo_treatment")
        assert [(row["effect"], row["via"]) for row in found] == [
            ("total", ""), ("nde", ""), ("nie", "enforcement"), ("nie", "unions"),
        ]  # fmt: skip
        for row in found:
            assert abs(row["mean"]) < 2.0 * row["mc_error"]
            assert row["verdict"] == verdict
            name = f"{row['effect']}({row['via']})" if row["via"] else row["effect"]
            numbers = f"{row['estimate']:.0f} | {row['mean']:.1f} | {row['mc_error']:.1f} | {row['p_value']:.2f}"
            assert f"| {scenario} | `{name}` | {numbers} |" in page


def test_nothing_else_refutes_them():
    for scenario in placebo.SCENARIOS:
        for kind in ("dummy_outcome", "random_cause", "data_subset"):
            assert {row["verdict"] for row in rows(scenario, kind)} == {"not refuted"}

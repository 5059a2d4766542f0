"""The stored calibrations of panels are of today's sources, hold what they should and are in the documentation."""

import json

import pytest

from tests.calibration import between, cells, cluster_treatment, feedback, indicators, nested
from tests.calibration.fingerprints import stands
from tests.calibration.panel_sources import PANEL_SOURCES

MODULES = {
    "cells": cells,
    "between": between,
    "nested": nested,
    "feedback": feedback,
    "indicators": indicators,
    "cluster_treatment": cluster_treatment,
}
STORED = {name: json.loads(module.RESULT.read_text(encoding="utf-8")) for name, module in MODULES.items()}
DOCS = cells.RESULT.parents[2] / "docs"
PAGE = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("validation.md", "panels.md"))


@pytest.mark.parametrize("name", MODULES)
def test_none_is_stale(name):
    assert stands(name, STORED[name]["source_hash"], PANEL_SOURCES), "sources have changed since: run `make calibrate`"


def test_cells_cover_and_rows_do_not():
    found = STORED["cells"]["coverage"]
    assert STORED["cells"]["seeds"] == 200
    for effect in ("a", "nie"):
        assert 0.92 <= found["cells"][f"{effect} cluster"] <= 0.98
        # 184 to 199 of 200: exact 95% intervals of one number a panel leave these bounds in 1% of calibrations.
        assert 0.92 <= found["cells"][f"{effect} population"] <= 0.995
        assert found["rows"][f"{effect} cluster"] < 0.60
    for kind, row in found.items():
        numbers = " | ".join(f"{row[name]:.1%}" for name in ("a cluster", "a population", "nie cluster", "nie population"))
        assert f"| {kind} | {numbers} |" in PAGE


def test_associations_between_clusters_are_no_effects_inside():
    found = STORED["between"]["counts"]
    assert STORED["between"]["seeds"] == 200
    assert 180 <= found["wages follow nothing"]["covered at 0"] <= 198
    # Both factors are 0 here: an interval of their product leaves 0 out only where both of theirs do.
    assert found["nothing follows anything"]["covered at 0"] >= 180
    for name, row in found.items():
        assert row["warned"] > 190
        assert row["pooled rows covered at 0"] < 20
        assert f"| {name} | {row['covered at 0']} | {row['warned']} | {row['pooled rows covered at 0']} |" in PAGE


def test_ranks_of_three_levels_are_inside_their_bands():
    found = STORED["nested"]
    assert found["replicates"] >= 200
    outside = [name for name, value in found["deviation"].items() if value > 1.0]
    # A band holds all ranks of one quantity with probability 0.99, so of 28 one may leave it.
    assert len(outside) <= 1
    assert not any(name.startswith(("sd between", "mean", "residual", "effect population")) for name in outside)
    assert f"{found['replicates']} replicates, {len(found['deviation'])} quantities, the largest deviation" in PAGE
    assert f"{max(found['deviation'].values()):.2f} of the band" in PAGE.replace("\n", " ")


@pytest.mark.parametrize("level", feedback.LEVELS)
def test_intervals_along_the_loop_hold_the_truth(level):
    found = STORED["feedback"]["variants"]["15 periods"]
    assert found["seeds"] == 200
    assert 180 <= found[level]["mean covered"] <= 198
    assert found[level]["least covered"] >= 176


@pytest.mark.parametrize("variant", ["8 periods, own lag", "5 periods, own lag"])
@pytest.mark.parametrize("level", feedback.LEVELS)
def test_effects_with_an_own_lag_in_short_panels(variant, level):
    found = STORED["feedback"]["variants"][variant]
    assert found["seeds"] >= 100
    assert found[level]["least covered"] >= 0.88 * found["seeds"]
    bias = {name: item["bias"] for name, item in found["effects"].items() if name.endswith(level)}
    assert max(map(abs, bias.values())) < 0.25, bias


def test_the_documentation_shows_the_loop():
    for variant, found in STORED["feedback"]["variants"].items():
        for level in feedback.LEVELS:
            own = found[level]
            numbers = f"{own['mean covered']} | {own['least covered']} to {own['most covered']} | {own['largest bias']:+.2f}"
            assert f"| {variant} | {level} | {found['seeds']} | {numbers} |" in PAGE


@pytest.mark.parametrize("level", indicators.LEVELS)
def test_a_measured_actor_is_unbiased_and_an_average_attenuated(level):
    found = {name: own[level] for name, own in STORED["indicators"]["fits"].items()}
    latent, average = found["indicators"], found["average"]
    assert abs(latent["bias"]) < max(0.03, 2.0 * latent["standard_error"])
    assert latent["covered"] >= 0.88 * STORED["indicators"]["seeds"]
    assert average["bias"] < -0.15
    for name, row in found.items():
        assert f"| {level} | {name} | {row['bias']:+.1%} | {row['covered']} |" in PAGE


def test_a_treatment_of_clusters_is_covered_and_less_attenuated_than_observed_means():
    found = STORED["cluster_treatment"]
    assert found["seeds"] == 100
    for effect, row in found["effects"].items():
        # 89 to 99 of 100: exact 95% intervals leave these bounds in 1% of calibrations.
        assert 89 <= row["covered"] <= 99
        # The prior draws slopes of 30 means, whose intervals are as wide as the effects, somewhat towards zero.
        assert abs(row["bias"]) < 0.35 * row["relative_sd"]
        assert f"| {effect} | {row['bias']:+.0%} | {row['relative_sd']:.0%} | {row['covered']} |" in PAGE
    assert found["observed_means"]["bias"] < -0.2
    assert f"{-found['observed_means']['bias']:.0%} too small" in PAGE

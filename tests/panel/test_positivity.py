"""Positivity from rows and from moments alone: who spans the contrast and the values of fix, and what is said."""

import json

import numpy as np
import pandas as pd
import pytest

import causalcluster as cc
from tests.cli.study import ANALYSIS, call, write_study

FIXED = ANALYSIS.replace("  mediators: [enforcement]\n", "  mediators: [enforcement]\n  fix: {enforcement: 5}\n")


def panel():
    """Four districts of 10, 20, 30 and 40 rows: law reaches 0 and 1 in the first two, enforcement 5 in the last."""
    rng, parts = np.random.default_rng(1), []
    ends = [(-1.0, 2.0), (0.0, 1.0), (0.1, 2.0), (-1.0, 0.9)]
    for g, (low, high) in enumerate(ends):
        n = 10 * (g + 1)
        law = np.concatenate([[low, high], rng.uniform(low, high, n - 2)])
        enforcement = rng.uniform(0.0, 4.0 if g < 3 else 6.0, n)
        enforcement[0] = 0.0 if g < 3 else 6.0
        wage, size = law + enforcement + rng.normal(size=n), rng.normal(size=n)
        columns = {"law": law, "enforcement": enforcement, "wage": wage, "size": size}
        parts.append(pd.DataFrame({"district": f"d{g}", **columns}))
    return pd.concat(parts, ignore_index=True)


def test_clusters_and_rows_that_span_are_counted():
    plan = cc.plan_analysis(cc.parse_analysis(FIXED, path="analysis.yaml"), panel())
    contrast = plan.panel.positivity.contrast
    assert (contrast.node, contrast.value, contrast.clusters, contrast.rows) == ("law", None, 4, 100)
    assert (contrast.clusters_spanning, contrast.rows_spanning) == (2, 30)
    (fixed,) = plan.panel.positivity.fixed
    assert (fixed.node, fixed.value, fixed.clusters_spanning, fixed.rows_spanning) == ("enforcement", 5.0, 1, 40)


def test_low_shares_are_said():
    warnings = cc.plan_analysis(cc.parse_analysis(FIXED, path="analysis.yaml"), panel()).panel.warnings
    # Half of the clusters, but 30% of the rows.
    assert any("2 of 4 clusters, with 30% of the rows, have data at both ends of the contrast" in text for text in warnings)
    assert any("1 of 4 clusters, with 40% of the rows, have data in which 'enforcement'" in text for text in warnings)


def test_shares_that_are_not_low_are_not_said():
    table = panel()
    wide = table.copy()
    wide.loc[wide.groupby("district").tail(1).index, "law"] = -2.0
    wide.loc[wide.groupby("district").head(1).index, "law"] = 3.0
    plan = cc.plan_analysis(cc.parse_analysis(ANALYSIS, path="analysis.yaml"), wide)
    assert plan.panel.positivity.contrast.clusters_spanning == 4
    assert not any("positivity" in text for text in plan.panel.warnings)


def test_without_clusters_a_value_that_no_row_reaches_is_said():
    text = FIXED.replace("  cluster: district\n", "").replace("enforcement: 5", "enforcement: 9")
    plan = cc.plan_analysis(cc.parse_analysis(text, path="analysis.yaml"), panel())
    assert plan.panel.positivity.fixed[0].clusters_spanning == 0
    assert any("do not lie on both sides of 9" in text for text in plan.panel.warnings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("positivity")
    file = write_study(base, FIXED, panel())
    assert call("reduce", file, "-o", base / "moments.parquet") == 0
    alone = base / "alone.yaml"
    alone.write_text(FIXED.replace("file: panel.csv", "moments: moments.parquet"), encoding="utf-8")
    short = ("--quiet", "--draws", 30, "--tune", 60, "--chains", 2)
    for name, source in (("rows", file), ("moments", alone)):
        assert call("run", source, "--out", base / name, *short) in (0, 3)
    return base


def test_moments_files_know_who_spans_the_contrast(folder):
    found = {
        name: json.loads((folder / name / "diagnostics.json").read_text(encoding="utf-8"))["positivity"]
        for name in ("rows", "moments")
    }
    counts = {"clusters": 4, "rows": 100, "clusters_spanning": 2, "rows_spanning": 30}
    assert found["rows"]["contrast"] == found["moments"]["contrast"] == {"node": "law", "value": None, **counts}
    assert found["rows"]["fixed"][0]["clusters_spanning"] == 1
    # Moments files hold no extremes.
    assert found["moments"]["fixed"][0]["clusters_spanning"] is None


def test_effects_of_clusters_that_do_not_span_are_marked_as_extrapolated(folder):
    table = pd.read_csv(folder / "rows" / "effects.csv", keep_default_na=False)
    marked = table[table["reason"].str.contains("extrapolated: this cluster's data do not span the contrast")]
    assert set(marked["cluster"]) == {"d2", "d3"}
    assert len(marked) == table["cluster"].isin(["d2", "d3"]).sum()
    assert (folder / "rows" / "effects.csv").read_bytes() == (folder / "moments" / "effects.csv").read_bytes()


def test_the_report_says_how_many_span(folder):
    page = (folder / "rows" / "report.html").read_text(encoding="utf-8")
    assert "2 of 4" in page
    assert "both sides of 5" in page
    assert "not known" in (folder / "moments" / "report.html").read_text(encoding="utf-8")


def test_predictive_checks_of_moments_alone_leave_out_the_shape_of_residuals(folder):
    found = {name: set(pd.read_csv(folder / name / "predictive.csv")["statistic"]) for name in ("rows", "moments")}
    assert found["rows"] - found["moments"] == {"skewness", "kurtosis"}
    assert {"sd", "correlation with law"} <= found["moments"]

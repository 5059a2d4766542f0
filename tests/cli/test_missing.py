"""Missing values of mediators, context, treatment and outcome, from file to folder."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.study import ANALYSIS, call, table, write_study

BINARY = ANALYSIS.replace("wage: {layer: outcome}", "wage: {layer: outcome, family: bernoulli}")


def gappy(binary=False):
    """About a third of enforcement is missing in three districts and all of it in the fourth; some of all else."""
    frame, rng = table(rows=240), np.random.default_rng(3)
    if binary:
        frame["wage"] = (frame["wage"] > 100).astype(int)
    frame["enforcement"] = frame["enforcement"].where((rng.random(240) > 0.35) & (frame["district"] != "León"))
    for name, share in (("wage", 0.05), ("size", 0.08), ("law", 0.05)):
        frame[name] = frame[name].where(rng.random(240) > share)
    return frame


@pytest.fixture(scope="module", params=["gaussian", "binary"])
def out(request, tmp_path_factory):
    base, binary = tmp_path_factory.mktemp(request.param), request.param == "binary"
    file = write_study(base, BINARY if binary else ANALYSIS, gappy(binary))
    arguments = ("--out", base / "out", "--quiet", "--draws", 200, "--tune", 300, "--chains", 2)
    assert call("run", file, *arguments) in (0, 3)
    return base / "out"


def test_every_district_has_effects(out):
    effects = pd.read_csv(out / "effects.csv")
    rows = effects[(effects["effect"] == "nie") & (effects["via"] == "all")].set_index(["level", "cluster"])
    assert np.isfinite(rows["mean"]).all()
    assert set(rows.loc["cluster"].index) == {"León", "Rafaela", "Sialkot", "Tiruppur"}
    # Without a value of its mediator a district is known by the others alone.
    sds = rows.loc["cluster", "sd"]
    assert sds["León"] > sds.drop("León").max()


def test_what_is_missing_is_said(out):
    run = json.loads((out / "run.json").read_text())
    missing = {item["node"]: item for item in run["data"]["missing"]}
    assert set(missing) == {"law", "enforcement", "wage", "size"}
    assert missing["enforcement"]["empty"] == ["León"]
    assert missing["enforcement"]["averaged"] and not missing["wage"]["averaged"]
    warnings = " ".join(json.loads((out / "diagnostics.json").read_text())["warnings"])
    assert "none at all in 'León'" in warnings
    assert "missing at random given" in warnings
    page = (out / "report.html").read_text()
    assert "Rows without a value" in page
    assert "if missing values were lower or higher" in page


def test_shifts_move_the_effects_apart(out):
    shifted = pd.read_csv(out / "missing_shift.csv")
    assert set(shifted["node"]) == {"enforcement", "size", "law"}
    assert set(shifted["shift"]) == {-0.5, 0.5}
    chosen = shifted[
        (shifted["effect"] == "total") & (shifted["level"] == "population") & (shifted["node"] == "enforcement")
    ]
    assert np.isfinite(chosen[["mean", "change"]]).all().all()
    assert chosen["mean"].nunique() == 2


def test_it_ends_the_same_from_moments_by_pattern(out, tmp_path):
    file = out.parent / "analysis.yaml"
    moments = tmp_path / "moments.parquet"
    if "bernoulli" in file.read_text():
        assert call("reduce", file, "-o", moments, "--quiet") == 2
        return
    assert call("reduce", file, "-o", moments, "--quiet") == 0
    text = ANALYSIS.replace("file: panel.csv", f"moments: {moments}")
    again = write_study(tmp_path, text)
    assert call("run", again, "--out", tmp_path / "out", "--quiet", "--draws", 200, "--tune", 300, "--chains", 2) in (0, 3)
    assert (tmp_path / "out" / "effects.csv").read_bytes() == (out / "effects.csv").read_bytes()

"""One analysis from file to folder, through the command line: what is written, and that it is written the same twice."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from causalcluster.effects.summary import COLUMNS
from causalcluster.errors import EngineError
from tests.cli.study import ANALYSIS, call, write_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("run")
    made = call(
        "simulate",
        "linear",
        "-o",
        base / "panel.csv",
        "--truth",
        base / "truth.csv",
        "--analysis",
        base / "analysis.yaml",
        "--clusters",
        8,
        "--rows",
        60,
        "--seed",
        2,
    )
    assert made == 0
    for name in ("one", "two"):
        assert call("run", base / "analysis.yaml", "--out", base / name, "--quiet", "--draws", 500, "--tune", 500) == 0
    return base


def test_every_file_of_the_contract_is_there(folder):
    names = {path.name for path in (folder / "one").iterdir()}
    assert names == {
        "effects.csv",
        "sensitivity.csv",
        "tipping.csv",
        "power.csv",
        "contours.csv",
        "hypotheses.csv",
        "identification.json",
        "diagnostics.json",
        "posterior.nc",
        "predictive.csv",
        "run.json",
        "report.html",
    }
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_same_seed_gives_the_same_bytes(folder):
    assert (folder / "one" / "effects.csv").read_bytes() == (folder / "two" / "effects.csv").read_bytes()


def test_effects_have_the_contract_columns_and_levels(folder):
    table = pd.read_csv(folder / "one" / "effects.csv", keep_default_na=False)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["level"]) == {"population", "sample", "sample_rows", "cluster", "new", "between_sd"}
    assert not table.duplicated(list(COLUMNS[:9])).any()


def test_stored_draws_add_up_and_match_the_table(folder):
    effects = xr.open_datatree(folder / "one" / "posterior.nc")["effects"].to_dataset().load()
    key = {name: effects[name].values for name in ("estimand", "via", "level", "cluster")}

    def row(effect, via, level):
        (position,) = np.flatnonzero((key["estimand"] == effect) & (key["via"] == via) & (key["level"] == level))
        return effects["effect"].isel(row=int(position)).values

    for level in ("population", "sample", "sample_rows", "new"):
        total, nde, nie = row("total", "", level), row("nde", "", level), row("nie", "all", level)
        assert np.abs(total - nde - nie).max() < 1e-10
        parts = row("nie", "enforcement", level) + row("nie", "unions", level)
        assert np.abs(parts - nie).max() < 1e-10
    table = pd.read_csv(folder / "one" / "effects.csv", keep_default_na=False)
    mine = table[(table["effect"] == "nie") & (table["via"] == "all") & (table["level"] == "population")].iloc[0]
    assert float(mine["mean"]) == pytest.approx(row("nie", "all", "population").mean(), rel=1e-12)


def test_run_json_says_how_to_repeat_it(folder):
    run = json.loads((folder / "one" / "run.json").read_text(encoding="utf-8"))
    assert run["seed"] == 1
    assert run["data"]["fingerprint"].startswith("sha256:")
    assert run["command"][:2] == ["causalcluster", "run"]
    assert all(answer["agrees"] for answer in run["dowhy"])


def test_prior_and_posterior_of_the_correlations_on_paths_are_told(folder):
    run = json.loads((folder / "one" / "run.json").read_text(encoding="utf-8"))
    rows = {(row["first"], row["second"]): row for row in run["correlations"]}
    row = rows["law -> enforcement", "enforcement -> wage"]
    # Uniform before the data, whatever the number of coefficients: 95% from -0.95 to 0.95.
    assert row["prior"]["lower"] == pytest.approx(-0.95, abs=0.03)
    assert row["prior"]["upper"] == pytest.approx(0.95, abs=0.03)
    assert row["posterior"]["lower"] > row["prior"]["lower"]
    assert "correlation over clusters" in (folder / "one" / "report.html").read_text(encoding="utf-8")


def test_the_report_is_rendered_again_to_the_same_bytes(folder):
    before = (folder / "one" / "report.html").read_bytes()
    assert call("report", folder / "one") == 0
    assert (folder / "one" / "report.html").read_bytes() == before


def test_too_few_draws_are_written_and_called_unreliable(folder):
    code = call(
        "run", folder / "analysis.yaml", "--out", folder / "few", "--quiet", "--draws", 4, "--tune", 1, "--chains", 1
    )
    assert code == 3
    diagnostics = json.loads((folder / "few" / "diagnostics.json").read_text(encoding="utf-8"))
    assert diagnostics["status"] == "unreliable"
    assert diagnostics["reasons"]
    assert "unreliable" in (folder / "few" / "report.html").read_text(encoding="utf-8").lower()


def test_a_wrong_claim_stops_before_anything_is_written(folder, capsys):
    text = (folder / "analysis.yaml").read_text(encoding="utf-8").replace("via=enforcement) > 0", "via=enforcment) > 0", 1)
    (folder / "wrong.yaml").write_text(text, encoding="utf-8")
    assert call("run", folder / "wrong.yaml", "--out", folder / "wrong") == 2
    message = capsys.readouterr().err
    assert "enforcement" in message
    assert "Traceback" not in message
    assert not (folder / "wrong").exists()


@pytest.mark.parametrize(
    ("old", "new", "files"),
    [
        ("hypotheses:", "model: {varying: none}\nhypotheses:", 11),
        ("hypotheses:", "unobserved: ['law <-> enforcement', 'law <-> wage', 'enforcement <-> wage']\nhypotheses:", 8),
    ],
    ids=["nothing varies", "nothing is identified"],
)
def test_odd_but_valid_analyses_run_to_the_end(tmp_path, old, new, files):
    file = write_study(tmp_path, ANALYSIS.replace(old, new))
    # Two dozen draws fail the gate; what counts is that everything is written.
    assert call("run", file, "--out", tmp_path / "out", "--quiet", "--draws", 24, "--tune", 50, "--chains", 2) in (0, 3)
    table = pd.read_csv(tmp_path / "out" / "effects.csv")
    assert len(list((tmp_path / "out").iterdir())) == files
    assert table.empty == (new.startswith("unobserved"))


def test_leave_one_out_is_written_where_asked_for_and_not_left_from_before(tmp_path, capsys):
    file, out = write_study(tmp_path), tmp_path / "out"
    short = ("--quiet", "--draws", 100, "--tune", 200, "--chains", 2)
    assert call("run", file, "--out", out, *short, "--leave-one-out", "--engine", "threads") in (0, 3)
    table = pd.read_csv(out / "leave_one_out.csv")
    assert set(table["left_out"]) == {"Sialkot", "Tiruppur", "León", "Rafaela"}
    capsys.readouterr()
    assert call("run", file, "--out", out, *short, "--engine", "threads") in (0, 3)
    assert "this run is one fit" in capsys.readouterr().err
    assert not (out / "leave_one_out.csv").exists()
    assert call("run", file, "--out", tmp_path / "none", "--engine", "ray") == 2
    assert not (tmp_path / "none").exists()


def test_leaving_clusters_out_needs_clusters(tmp_path, capsys):
    file = write_study(tmp_path, ANALYSIS.replace("  cluster: district\n", ""))
    assert call("run", file, "--out", tmp_path / "out", "--leave-one-out") == 2
    assert "leave-one-out leaves out clusters, and the analysis has none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_engine_that_fails_costs_its_table_alone(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise EngineError("the engine failed (KilledWorker)", where="--engine")

    monkeypatch.setattr("causalcluster.further_fits.leave_one_out", fail)
    file, out = write_study(tmp_path), tmp_path / "out"
    short = ("--quiet", "--draws", 50, "--tune", 100, "--chains", 2)
    assert call("run", file, "--out", out, *short, "--leave-one-out", "--engine", "threads") in (0, 3)
    assert not (out / "leave_one_out.csv").exists()
    warnings = json.loads((out / "diagnostics.json").read_text(encoding="utf-8"))["warnings"]
    assert any("leave_one_out.csv is not written: --engine: the engine failed" in text for text in warnings)


def test_a_full_disk_leaves_an_earlier_run_as_it_was(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", full)
    file, out = write_study(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "effects.csv").write_text("of an earlier run")
    assert call("run", file, "--out", out, "--quiet", "--draws", 20, "--tune", 50, "--chains", 2) == 2
    assert "the results cannot be written (posterior.nc: NetCDF: HDF error)" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["effects.csv"]
    assert (out / "effects.csv").read_text() == "of an earlier run"


def test_the_page_of_doubt_says_what_would_undo_the_effects(folder):
    effects, curve = (pd.read_csv(folder / "one" / name) for name in ("effects.csv", "sensitivity.csv"))
    keys = ["outcome", "effect", "via", "level"]
    main = effects[effects["effect"].isin(["nde", "nie"])].set_index(keys)["median"]
    none = curve[curve["rho"] == 0.0]
    assert len(none) > 4
    for row in none.to_dict("records"):
        found = main.xs(row["effect"], level="effect").xs(row["level"], level="level")
        assert row["median"] in found.to_numpy()
    page = (folder / "one" / "report.html").read_text(encoding="utf-8")
    tipping = pd.read_csv(folder / "one" / "tipping.csv")
    own = tipping.query("level == 'population' and effect == 'nie' and via == mediator")
    assert page.count("would vanish at a correlation of") == len(own) > 0


def test_a_declared_unmeasured_cause_leaves_the_curve(tmp_path):
    new = "unobserved: ['enforcement <-> wage']\nhypotheses:"
    file = write_study(tmp_path, ANALYSIS.replace("hypotheses:", new))
    assert call("run", file, "--out", tmp_path / "out", "--quiet", "--draws", 24, "--tune", 50, "--chains", 2) in (0, 3)
    effects, curve = (pd.read_csv(tmp_path / "out" / name) for name in ("effects.csv", "sensitivity.csv"))
    assert "nie" not in set(effects["effect"])
    assert set(curve["identified"]) == {"no"}
    assert {"nde", "nie"} == set(curve["effect"])
    assert "one believes in" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

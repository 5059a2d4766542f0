"""`reduce` and `data: moments:` through the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.study import ANALYSIS, call, table, write_study


def reduced(folder, name="moments.parquet", panel=None, *options):
    assert call("reduce", write_study(folder, panel=panel), "-o", folder / name, "--quiet", *options) == 0
    return folder / name


def with_moments(folder, moments, text=ANALYSIS):
    """Write an analysis of moments files beside that of the rows."""
    path = folder / "moments.yaml"
    path.write_text(text.replace("file: panel.csv", f"moments: {moments}"), encoding="utf-8")
    return path


def test_reduce_says_what_it_wrote(tmp_path, capsys):
    assert call("reduce", write_study(tmp_path), "-o", tmp_path / "m.parquet") == 0
    assert "40 rows in 4 clusters" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["analysis.yaml", "m.parquet", "panel.csv"]


def test_products_whose_effects_need_rows_are_refused(tmp_path, capsys):
    text = ANALYSIS.replace("question:", "interactions: [size * enforcement -> wage]\nquestion:")
    assert call("reduce", write_study(tmp_path, text), "-o", tmp_path / "m.parquet") == 2
    assert "'size * enforcement -> wage' cannot be computed from moments" in capsys.readouterr().err
    assert not (tmp_path / "m.parquet").exists()
    text = text.replace("size * enforcement", "size * law")
    assert call("reduce", write_study(tmp_path, text), "-o", tmp_path / "m.parquet", "--quiet") == 0


def test_a_moderator_that_cannot_be_is_refused(tmp_path, capsys):
    text = ANALYSIS.replace("mediators: [enforcement]", "mediators: [enforcement]\n  at: {enforcement: 1}")
    assert call("check", write_study(tmp_path, text)) == 2
    assert "effects cannot be given at a value of 'enforcement', a mediator" in capsys.readouterr().err


def test_json_and_quiet(tmp_path, capsys):
    path = write_study(tmp_path)
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["clusters"] == 4
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_small_clusters_are_named_and_left_out(tmp_path, capsys):
    panel = table()
    panel.loc[len(panel)] = ["Alone", 0.1, 0.2, 100.0, 0.3]
    path = write_study(tmp_path, panel=panel)
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--quiet") == 0
    assert "'Alone'" in capsys.readouterr().err
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--min-cell", 5) == 0
    assert "Left out, with fewer than 5 rows: 'Alone'" in capsys.readouterr().err
    assert b"Alone" not in (tmp_path / "m.parquet").read_bytes()


def test_records_of_clusters_that_remain_are_told_apart(tmp_path, capsys):
    panel = table()
    panel.loc[len(panel)] = ["Alone", 0.1, 0.2, 100.0, 0.3]
    panel.loc[[0, 15], "size"] = np.nan
    path = write_study(tmp_path, panel=panel)
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--min-cell", 5) == 0
    assert capsys.readouterr().err.splitlines() == [
        "Left out, with fewer than 5 rows: 'Alone'.",
        "Left out in part, records (of one pattern of missing values) with fewer than 5 rows: 'Sialkot', 'Tiruppur'.",
    ]
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--min-cell", 5, "--json") == 0
    contents = json.loads(capsys.readouterr().out)
    assert (contents["dropped"], contents["thinned"]) == (["Alone"], ["Sialkot", "Tiruppur"])


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (("wage: {layer: outcome}", "wage: {layer: outcome, family: poisson}"), "node 'wage' has the family 'poisson'"),
        (("file: panel.csv", "file: none.csv"), "none.csv"),
        (("file: panel.csv", "moments: m.parquet"), "no rows to reduce"),
    ],
)
def test_refusals(tmp_path, capsys, change, fragment):
    path = write_study(tmp_path, ANALYSIS.replace(*change))
    assert call("reduce", path, "-o", tmp_path / "out.parquet") == 2
    shown = capsys.readouterr().err
    assert fragment in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "out.parquet").exists()


def test_every_cluster_too_small(tmp_path, capsys):
    assert call("reduce", write_study(tmp_path), "-o", tmp_path / "m.parquet", "--min-cell", 11) == 2
    assert "every cluster has fewer than 11" in capsys.readouterr().err
    assert not (tmp_path / "m.parquet").exists()


def test_a_place_that_does_not_exist(tmp_path, capsys):
    assert call("reduce", write_study(tmp_path), "-o", tmp_path / "none" / "m.parquet") == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["panel.csv", "analysis.yaml", "sub/../panel.csv", "soft.csv", "hard.csv"])
def test_inputs_are_not_overwritten(tmp_path, capsys, target):
    path = write_study(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "soft.csv").symlink_to(tmp_path / "panel.csv")
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "panel.csv")
    before = {name: (tmp_path / name).read_bytes() for name in ("panel.csv", "analysis.yaml")}
    assert call("reduce", path, "-o", tmp_path / target) == 2
    assert "this file is one that the analysis reads" in capsys.readouterr().err
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert (tmp_path / "soft.csv").is_symlink()


def test_parts_of_a_table_are_not_overwritten_or_joined(tmp_path, capsys):
    path = write_study(tmp_path, ANALYSIS.replace("panel.csv", "'part-*.csv'"))
    for i in range(2):
        table(seed=i).to_csv(tmp_path / f"part-{i}.csv", index=False)
    assert call("reduce", path, "-o", tmp_path / "part-1.csv") == 2
    assert "this file is one that the analysis reads" in capsys.readouterr().err
    assert call("reduce", path, "-o", tmp_path / "part-new.csv") == 2
    assert "would be read as a part of the table" in capsys.readouterr().err
    assert not (tmp_path / "part-new.csv").exists()
    assert call("reduce", path, "-o", tmp_path / "moments.parquet", "--quiet") == 0
    assert call("reduce", path, "-o", tmp_path / "moments.parquet", "--quiet") == 0


def test_moments_that_are_read_are_not_overwritten(tmp_path, capsys):
    whole = reduced(tmp_path, "m.parquet").read_bytes()
    assert call("reduce", with_moments(tmp_path, "'m*.parquet'"), "-o", tmp_path / "m.parquet") == 2
    assert "this file is one that the analysis reads" in capsys.readouterr().err
    assert (tmp_path / "m.parquet").read_bytes() == whole


def test_check_reads_one_file_a_list_and_a_pattern(tmp_path, capsys):
    panel = table()
    for name in ("Sialkot", "Rafaela"):
        reduced(tmp_path, f"part-{name}.parquet", panel[panel["district"] == name])
    reduced(tmp_path, "rest.parquet", panel[panel["district"].isin(["Tiruppur", "León"])])
    for moments in ("['part-*.parquet', rest.parquet]", "[rest.parquet, part-Rafaela.parquet, part-Sialkot.parquet]"):
        assert call("check", with_moments(tmp_path, moments)) == 0
        assert "40 of 40 rows used in 4 clusters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("moments", "fragment"),
    [
        ("none.parquet", "there is no such moments file"),
        ("'none-*.parquet'", "no moments file matches"),
        ("[m.parquet, m.parquet]", "named twice"),
        ("[m.parquet, copy.parquet]", "of the same rows as"),
        ("[m.parquet, copy.parquet]\n  overlapping: add", "of the same rows as"),
        ("[m.parquet, other.parquet]", "'León' is in"),
        ("cut.parquet", "cannot be read"),
    ],
)
def test_moments_that_cannot_be_used(tmp_path, capsys, moments, fragment):
    reduced(tmp_path, "other.parquet", table(seed=1))
    whole = reduced(tmp_path, "m.parquet").read_bytes()
    (tmp_path / "copy.parquet").write_bytes(whole)
    (tmp_path / "cut.parquet").write_bytes(whole[:300])
    assert call("run", with_moments(tmp_path, moments), "--out", tmp_path / "out") == 2
    shown = capsys.readouterr().err
    assert fragment in shown
    assert shown.count("Error:") == 1
    assert not (tmp_path / "out").exists()


def test_overlapping_clusters_are_added_when_told(tmp_path, capsys):
    rng = np.random.default_rng(1)
    first = rng.random(40) < 0.5
    reduced(tmp_path, "a.parquet", table()[first])
    reduced(tmp_path, "b.parquet", table()[~first])
    path = with_moments(tmp_path, "[a.parquet, b.parquet]\n  overlapping: add")
    assert call("check", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 40


def test_overlapping_without_moments(tmp_path, capsys):
    path = write_study(tmp_path, ANALYSIS.replace("  cluster:", "  overlapping: add\n  cluster:"))
    assert call("check", path) == 2
    assert "'overlapping' is given without 'moments'" in capsys.readouterr().err


@pytest.mark.sampling
def test_a_run_on_moments_gives_the_bytes_of_a_run_on_rows(tmp_path):
    path = write_study(tmp_path)
    assert call("reduce", path, "-o", tmp_path / "m.parquet", "--quiet") == 0
    settings = ["--quiet", "--draws", 50, "--tune", 100, "--chains", 2]
    codes = {call("run", path, "--out", tmp_path / "rows", *settings)}
    codes.add(call("run", with_moments(tmp_path, "m.parquet"), "--out", tmp_path / "moments", *settings))
    assert len(codes) == 1
    assert (tmp_path / "rows" / "effects.csv").read_bytes() == (tmp_path / "moments" / "effects.csv").read_bytes()
    run = json.loads((tmp_path / "moments" / "run.json").read_text(encoding="utf-8"))
    assert run["data"]["columns"][0]["minimum"] is None
    assert run["data"]["file"].endswith("m.parquet")
    assert run["analysis"]["data"]["moments"] == [str(tmp_path / "m.parquet")]
    assert not pd.read_csv(tmp_path / "moments" / "effects.csv").empty

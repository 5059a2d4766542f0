"""Simulated panels on disk."""

import pandas as pd
import pytest
import yaml

from causalcluster.errors import InputError
from causalcluster.simulation import simulate, write_simulated

READERS = {
    ".csv": lambda path: pd.read_csv(path, keep_default_na=False),
    ".parquet": pd.read_parquet,
    ".feather": pd.read_feather,
    ".arrow": pd.read_feather,
    ".dta": pd.read_stata,
}


@pytest.fixture(scope="module")
def simulated():
    return simulate("linear", clusters=3, rows=6, seed=2)


@pytest.mark.parametrize("suffix", READERS)
def test_table_and_truth_keep_every_digit(suffix, simulated, tmp_path):
    table, truth = tmp_path / f"panel{suffix}", tmp_path / f"truth{suffix}"
    assert write_simulated(simulated, table, truth=truth) == (table, truth)
    for path, frame in ((table, simulated.table), (truth, simulated.truth)):
        pd.testing.assert_frame_equal(READERS[suffix](path), frame, check_exact=True, check_dtype=False)


def test_analysis_finds_the_table_from_its_own_folder(simulated, tmp_path):
    (tmp_path / "data").mkdir()
    table, analysis = tmp_path / "data" / "panel.csv", tmp_path / "analysis.yaml"
    write_simulated(simulated, table, analysis=analysis)
    named = yaml.safe_load(analysis.read_text(encoding="utf-8"))["data"]["file"]
    assert named == "data/panel.csv"
    assert (analysis.parent / named).samefile(table)


def test_only_the_files_asked_for_are_left(simulated, tmp_path):
    write_simulated(simulated, tmp_path / "panel.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["panel.parquet"]


def test_the_same_panel_gives_the_same_bytes(simulated, tmp_path):
    again = simulate("linear", clusters=3, rows=6, seed=2)
    write_simulated(simulated, tmp_path / "a.csv")
    write_simulated(again, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_unknown_format_is_refused_and_nothing_is_written(simulated, tmp_path):
    with pytest.raises(InputError, match=r"panel\.sav"):
        write_simulated(simulated, tmp_path / "panel.sav")
    with pytest.raises(InputError, match=r"truth\.txt"):
        write_simulated(simulated, tmp_path / "panel.csv", truth=tmp_path / "truth.txt")
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_refused(simulated, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        write_simulated(simulated, tmp_path / "none" / "panel.csv")


def test_one_name_for_two_files_is_refused(simulated, tmp_path):
    with pytest.raises(InputError, match="same file name"):
        write_simulated(simulated, tmp_path / "panel.csv", truth=tmp_path / "panel.csv")


def test_an_interrupted_write_leaves_the_earlier_files(simulated, tmp_path, monkeypatch):
    table, truth = tmp_path / "panel.csv", tmp_path / "truth.parquet"
    table.write_text("earlier")

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(OSError, match="disk full"):
        write_simulated(simulated, table, truth=truth)
    assert table.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["panel.csv"]

"""Damaged and missing files are named, and whole ones are read as written."""

import json
import shutil

import numpy as np
import pytest

from causalcluster.errors import InputError
from causalcluster.report.load import load_run
from causalcluster.report.records import EffectKey

FILES = (
    "run.json",
    "effects.csv",
    "hypotheses.csv",
    "identification.json",
    "diagnostics.json",
    "posterior.nc",
)


@pytest.fixture
def folder(make_run, tmp_path):
    shutil.copytree(make_run(draws=10, chains=2), tmp_path / "run")
    return tmp_path / "run"


def test_a_whole_folder_is_read(folder):
    run = load_run(folder)
    assert (run.chains, run.draws_per_chain) == (2, 10)
    assert run.run.contrast.high == 1.0
    assert run.run.analysis.question.treatment == "law"
    assert run.diagnostics.status == "ok"
    assert len(run.run.data.clusters) == 24
    assert run.energy.shape == (2, 10)


def test_draws_are_matched_to_their_rows(folder):
    run = load_run(folder)
    total = EffectKey(outcome="log_wage", effect="total")
    row = next(row for row in run.effects if row.key == total)
    assert run.draws[total].shape == (2, 10)
    assert run.draws[total].mean() == pytest.approx(row.mean, abs=1e-12)
    assert total in run.prior_draws
    parts = [
        EffectKey(outcome="log_wage", effect="nde"),
        EffectKey(outcome="log_wage", effect="nie", via="all"),
    ]
    np.testing.assert_allclose(sum(run.draws[key] for key in parts), run.draws[total], atol=1e-12)


def test_draws_of_single_clusters_are_not_loaded(folder):
    assert not [key for key in load_run(folder).draws if key.cluster]


def test_cluster_names_that_look_like_missing_values_stay_text(folder):
    path = folder / "effects.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Cluster 01", "NA"), encoding="utf-8")
    assert [row for row in load_run(folder).effects if row.key.cluster == "NA"]


def test_line_breaks_inside_names_survive(make_run):
    clusters = {row.key.cluster for row in load_run(make_run(hostile=True, clusters=8, draws=4)).effects}
    assert "a\nb\x07" in clusters


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load_run(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2] if name != "hypotheses.csv" else content[:20])
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
        load_run(folder)
    assert "causalcluster run" in caught.value.fix


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load_run(tmp_path / "nowhere")


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(InputError, match="not the folder of a finished run"):
        load_run(tmp_path)


def test_another_schema_is_refused(folder):
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**content, "schema": "causalcluster-run/9"}), encoding="utf-8")
    with pytest.raises(InputError, match="causalcluster-run/9"):
        load_run(folder)


def test_a_missing_key_is_named(folder):
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del content["data"]["rows"]
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"data\.rows"):
        load_run(folder)


def test_text_where_a_number_belongs(folder):
    path = folder / "effects.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("0.95", "lots")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="'lots' is not a number"):
        load_run(folder)

"""The commands that sample nothing, and what they print."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd

import causalcluster
from tests.cli.study import ANALYSIS, call, table, write_study

HEAVY = ("pymc", "pytensor", "dowhy", "arviz_plots", "matplotlib", "nutpie", "duckdb", "pandas")


def test_the_version_needs_no_heavy_package():
    program = (
        "import sys\nfrom causalcluster.cli import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [f"causalcluster {causalcluster.__version__}", "[]"]


def test_check_says_what_is_identified(tmp_path, capsys):
    assert call("check", write_study(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "40 of 40 rows used in 4 clusters" in shown
    assert "identified      nie(wage, via=enforcement)" in shown
    assert "DoWhy agrees" in shown
    assert [item.name for item in tmp_path.iterdir() if item.suffix not in {".csv", ".yaml"}] == []


def test_check_as_json(tmp_path, capsys):
    assert call("check", write_study(tmp_path), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["rows"] == 40
    assert {verdict["effect"] for verdict in answer["verdicts"]} >= {"total", "nde", "nie"}


def test_check_says_nothing_when_quiet(tmp_path, capsys):
    assert call("check", write_study(tmp_path), "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_an_unmeasured_cause_of_actor_and_outcome_unidentifies_the_parts(tmp_path, capsys):
    text = ANALYSIS.replace("question:", "unobserved: [enforcement <-> wage @ row]\nquestion:")
    assert call("check", write_study(tmp_path, text)) == 0
    shown = capsys.readouterr().out
    assert "NOT identified  nie(wage, via=enforcement)" in shown
    assert "identified      total(wage)" in shown


def test_between_clusters_alone_no_slope_varies_and_that_is_said(tmp_path, capsys):
    panel = table().assign(size=np.repeat([0.0, 1.0, 2.0, 4.0], 10))
    assert call("check", write_study(tmp_path, panel=panel)) == 0
    shown = capsys.readouterr().out
    assert "size" in next(line for line in shown.splitlines() if line.startswith(("Note", "Warning")))


def test_clusters_that_are_too_small_or_do_not_span_are_kept_with_a_warning(tmp_path, capsys):
    panel = table()
    panel.loc[len(panel)] = ["Alone", 0.1, 0.2, 100.0, 0.3]
    assert call("check", write_study(tmp_path, panel=panel)) == 0
    shown = capsys.readouterr().out
    assert "in 5 clusters" in shown
    warnings = [line for line in shown.splitlines() if line.startswith("Warning")]
    assert any("one row" in line and "Alone" in line for line in warnings)
    assert any("ends of the contrast" in line and "Alone" in line for line in warnings)


def test_framework_prints_every_record(capsys):
    for topic, count in (("nodes", 241), ("edges", 256), ("hypotheses", 20), ("cases", 44)):
        assert call("framework", topic, "--json") == 0
        assert len(json.loads(capsys.readouterr().out)) == count
    assert call("framework") == 0
    assert "Pyke" in capsys.readouterr().out


def test_the_papers_feedback_edges_are_left_out_and_named(tmp_path, capsys):
    text = ANALYSIS.replace("law: {layer: environment}", "law: {layer: environment, concept: labour_law_robustness}")
    text = text.replace("actor: government}", "actor: government, concept: gov_enforcement}")
    text = text.replace("  - law -> enforcement\n", "  - framework\n  - law -> enforcement\n")
    assert call("check", write_study(tmp_path, text)) == 0
    shown = capsys.readouterr().out
    assert "framework's effect of law on enforcement" in shown
    assert "draw it yourself: 'law -> enforcement @ lag 1'" in shown


def test_simulate_writes_what_check_accepts(tmp_path, capsys):
    files = ["-o", tmp_path / "panel.csv", "--truth", tmp_path / "truth.csv", "--analysis", tmp_path / "analysis.yaml"]
    assert call("simulate", "linear", *files, "--clusters", 6, "--rows", 20, "--seed", 3) == 0
    assert {"value", "mc_error", "effect", "via", "level"} <= set(pd.read_csv(tmp_path / "truth.csv").columns)
    assert call("check", tmp_path / "analysis.yaml", "--quiet") == 0
    capsys.readouterr()


def test_an_unknown_scenario_names_the_known_ones(tmp_path, capsys):
    assert call("simulate", "linaer", "-o", tmp_path / "panel.csv") == 2
    assert "linear" in capsys.readouterr().err
    assert not (tmp_path / "panel.csv").exists()


def test_a_report_needs_a_finished_run(tmp_path, capsys):
    assert call("report", tmp_path) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_an_interruption_leaves_an_earlier_run_as_it_was(tmp_path, monkeypatch, capsys):
    class Interrupted:
        cancelled = False

        def wait(self):
            raise KeyboardInterrupt

        def cancel(self):
            Interrupted.cancelled = True

    import nutpie

    out = tmp_path / "out"
    out.mkdir()
    (out / "effects.csv").write_text("earlier")
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: Interrupted())
    assert call("run", write_study(tmp_path / "study"), "--out", out) == 130
    assert Interrupted.cancelled
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["effects.csv"]
    assert (out / "effects.csv").read_text() == "earlier"

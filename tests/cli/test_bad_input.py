"""Wrong input to `run`: exit 2, one message that says where and what, and no output folder."""

import numpy as np
import pytest

from tests.cli.study import ANALYSIS, call, table, write_study


def changed(old, new):
    assert old in ANALYSIS
    return {"text": ANALYSIS.replace(old, new, 1)}


def with_column(**columns):
    return {"panel": table().assign(**columns)}


def spoilt(row, column, value):
    panel = table().astype({column: object})
    panel.loc[row, column] = value
    return {"panel": panel}


CASES = {
    "misspelt column": (changed("wage: {layer: outcome}", "wage: {layer: outcome, column: wgae}"), ["wgae", "wage"]),
    "missing cluster column": (changed("cluster: district", "cluster: distrct"), ["distrct", "district"]),
    "unknown key": (
        changed("mediators: [enforcement]", "mediatros: [enforcement]"),
        ["mediatros", "mediators", "analysis.yaml:19"],
    ),
    "cycle": (
        changed("law, enforcement -> wage", "law, enforcement -> wage, size"),
        ["analysis.yaml", "size -> law -> size"],
    ),
    "treatment constant": (with_column(law=1.0), ["law", "is 1 in every row"]),
    "slope asked for by name where the treatment is constant inside clusters": (
        {
            **changed("hypotheses:", "model: {varying: [law -> wage]}\nhypotheses:"),
            **with_column(law=np.repeat([0.0, 1.0, 2.0, 3.0], 10)),
        },
        ["law", "law -> wage"],
    ),
    "one cluster": (with_column(district="Sialkot"), ["district", "Sialkot"]),
    "constant column": (with_column(size=3.0), ["size", "is 3 in every row"]),
    "all-missing column": (with_column(size=np.nan), ["size"]),
    "text where numbers belong": (spoilt(7, "wage", "n/a?"), ["wage", "n/a?"]),
    "infinity": (spoilt(3, "wage", np.inf), ["wage", "infinit"]),
    "two rows for one cluster and period": (
        {**changed("cluster: district", "cluster: district\n  time: year"), **with_column(year=[*range(9), 8] * 4)},
        ["2 rows", "'year' = 8"],
    ),
    "empty file": ({"panel": b""}, ["panel.csv", "empty"]),
    "header alone": ({"panel": b"district,law,enforcement,wage,size\n"}, ["panel.csv", "no rows"]),
    "truncated file": ({"panel": table().to_csv(index=False).encode()[:-40]}, ["panel.csv"]),
    "claim that does not parse": (changed("via=enforcement) > 0", "via=enforcement > 0"), ["H1", "^"]),
    "claim on an effect that is not asked": (changed("nie(wage, via", "nie(wgae, via"), ["wgae", "wage", "^"]),
    "objects in YAML": (
        changed("title: Law and wages", "title: !!python/object/apply:os.getcwd []"),
        ["analysis.yaml:2", "python/object"],
    ),
    "contrast without change": (changed("{from: 0, to: 1}", "{from: 1, to: 1}"), ["contrast"]),
    "treatment also an outcome": (changed("outcomes: [wage]", "outcomes: [wage, law]"), ["law"]),
    "mediator on no path": (changed("mediators: [enforcement]", "mediators: [enforcement, size]"), ["size"]),
    "family of a later version": (changed("wage: {layer: outcome}", "wage: {layer: outcome, family: poisson}"), ["poisson"]),
    "lagged edge": (changed("  - law -> enforcement", "  - law -> enforcement @ lag 1"), ["lag"]),
    "no such file": (changed("file: panel.csv", "file: pnael.csv"), ["pnael.csv"]),
}


@pytest.mark.parametrize("case", CASES)
def test_exit_2_with_one_message_and_nothing_written(case, tmp_path, capsys):
    study, fragments = CASES[case]
    path = write_study(tmp_path / "study", **study)
    assert call("run", path, "--out", tmp_path / "out") == 2
    shown = capsys.readouterr()
    assert shown.err.count("Error:") == 1
    assert "Traceback" not in shown.err
    for fragment in fragments:
        assert fragment in shown.err
    assert not (tmp_path / "out").exists()
    assert sorted(item.name for item in (tmp_path / "study").iterdir()) == ["analysis.yaml", "panel.csv"]


def test_an_analysis_that_does_not_exist(tmp_path, capsys):
    assert call("run", tmp_path / "absent.yaml", "--out", tmp_path / "out") == 2
    assert "absent.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--draws", "--tune", "--chains"])
def test_settings_below_their_least_value(option, tmp_path, capsys):
    assert call("run", write_study(tmp_path), "--out", tmp_path / "out", option, 0) == 2
    assert option in capsys.readouterr().err


def test_an_output_path_that_is_a_file(tmp_path, capsys):
    path = write_study(tmp_path / "study")
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    assert call("run", path, "--out", tmp_path / "out") == 2
    assert "out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"

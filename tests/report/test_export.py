"""Exported tables: the numbers of the CSV files, and hostile text that stays text."""

import csv
import re

import openpyxl
import pandas as pd
import pytest

from causalcluster.cli.main import main
from causalcluster.errors import InputError
from causalcluster.report.export import export_tables

HOSTILE = (
    "=1+1",
    '=HYPERLINK("http://x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "a\x07b",
    "50% & $x_1$ #{~^\\}",
    "two\n\nlines",
)


@pytest.fixture
def folder(tmp_path):
    effects = pd.DataFrame(
        {
            "outcome": "wage", "effect": "nie", "via": "unions", "level": "cluster", "cluster": HOSTILE,
            "mean": [0.1 + k / 3.0 for k in range(len(HOSTILE))], "sd": 1e-300, "lower": -1.5, "upper": 12345.678901234567,
            "prob_positive": 0.5, "reason": "",
        }
    )  # fmt: skip
    effects.to_csv(tmp_path / "effects.csv", index=False, lineterminator="\r\n")
    pd.DataFrame({"id": ["=H1"], "claim": ["nie(wage) > 0"], "probability": [0.97], "verdict": ["supported"]}).to_csv(
        tmp_path / "hypotheses.csv", index=False
    )
    return tmp_path


def test_a_workbook_has_the_numbers_and_no_formula(folder):
    export_tables(folder, folder / "t.xlsx")
    book = openpyxl.load_workbook(folder / "t.xlsx")
    assert book.sheetnames == ["effects", "hypotheses"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type in ("s", "n") for cell in cells)
    assert all(cell.quotePrefix for cell in cells if cell.data_type == "s" and cell.row > 1)
    sheet = book["effects"]
    header = [cell.value for cell in sheet[1]]
    stored = list(csv.DictReader((folder / "effects.csv").read_text(encoding="utf-8").splitlines()[:2]))
    # A workbook's numbers have sixteen digits.
    assert sheet.cell(row=2, column=header.index("mean") + 1).value == pytest.approx(float(stored[0]["mean"]), rel=1e-15)
    assert sheet.cell(row=2, column=header.index("upper") + 1).value == pytest.approx(12345.678901234567, rel=1e-15)
    labels = [sheet.cell(row=k, column=header.index("cluster") + 1).value for k in range(2, 2 + len(HOSTILE))]
    assert labels == [name.replace("\x07", " ") for name in HOSTILE]


def test_latex_prints_names_as_they_are(folder):
    export_tables(folder, folder / "t.tex")
    text = (folder / "t.tex").read_text(encoding="utf-8")
    assert text.count("\\begin{longtable}") == 2
    assert "50\\% \\& \\$x\\_1\\$ \\#\\{\\textasciitilde \\textasciicircum \\textbackslash \\}" in text
    assert "two  lines" in text
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert all(len(re.findall(r"(?<!\\)&", line)) in (9, 3) for line in rows if not re.search("multicolumn|caption", line))
    assert "\x07" not in text


def test_what_cannot_be_exported_is_refused(folder, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(InputError, match="there are no tables"):
        export_tables(empty, empty / "t.xlsx")
    with pytest.raises(InputError, match=r"exported to \.xlsx or \.tex"):
        export_tables(folder, folder / "t.docx")
    with pytest.raises(InputError, match="no such folder"):
        export_tables(folder, folder / "nowhere" / "t.xlsx")
    with pytest.raises(SystemExit) as stop:
        main(["tables", str(folder), "-o", str(folder / "all.xlsx"), "--quiet"])
    assert stop.value.code in (0, None)
    assert (folder / "all.xlsx").is_file()

"""The printed report: the same words and numbers as the page, whatever the names hold."""

import io
import re
import shutil

import pypdf
import pytest

from causalcluster.cli.main import main
from causalcluster.report import write_report
from causalcluster.report.blocks import MOST_ROWS, blocks_of
from causalcluster.report.html import report_content
from causalcluster.report.load import load_run
from causalcluster.report.pdf import render_pdf

TYPST = ['#panic("x")', "#let x = 1", '"]#emph[y]', "$ x^2 $", "*b* _i_ `c`", "\\u{41}", "@ref <label>", "// gone", "= Head"]


def text_of(pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages)), reader


@pytest.fixture(scope="module")
def printed(make_run):
    return text_of(render_pdf(make_run()))


def test_every_section_of_the_page_is_there_with_its_numbers(printed, make_run):
    text, reader = printed
    content = report_content(load_run(make_run()))
    for block in blocks_of(content):
        if block["kind"] in ("heading", "lead"):
            assert re.sub(r"\s+", " ", block["text"])[:40] in text
    table = content["effects"][0]["tables"][0]
    for cell in table.rows[0][1:6]:
        assert cell.text in text
    assert reader.metadata.title == content["title"]
    assert len(reader.pages) >= 4


def test_names_are_text_and_nothing_else(make_run):
    text, reader = text_of(render_pdf(make_run(hostile=True, clusters=10, draws=30)))
    assert "<script>alert(1)</script>" in text
    assert all("/JS" not in page and "/JavaScript" not in str(page) for page in reader.pages)


@pytest.mark.parametrize("name", TYPST)
def test_markup_of_typst_is_printed_as_it_stands(make_run, monkeypatch, name):
    import causalcluster.report.pdf as module

    content = report_content(load_run(make_run(draws=30)))
    short = {"title": name, "answers": [], "warnings": [name], "question": [name]}
    monkeypatch.setattr(module, "report_content", lambda run: {**content, **short})
    monkeypatch.setattr(
        module, "blocks_of", lambda found: [{"kind": "list", "items": found["warnings"]}, {"kind": "lead", "text": name}]
    )
    text, reader = text_of(render_pdf(make_run(draws=30)))
    assert text.replace(" ", "").count(name.replace(" ", "")) >= 3
    assert reader.metadata.title == name


def test_an_unreliable_run_says_so_on_every_page(make_run):
    _, reader = text_of(render_pdf(make_run(unreliable=True)))
    assert all("Unreliable" in page.extract_text() for page in reader.pages)


def test_long_tables_are_cut_and_say_so(make_run):
    blocks = list(blocks_of(report_content(load_run(make_run(clusters=230, draws=30)))))
    tables = [block for block in blocks if block["kind"] == "table"]
    assert max(len(block["rows"]) for block in tables) == MOST_ROWS
    cut = [block for block in tables if len(block["rows"]) == MOST_ROWS]
    assert all(f"The first {MOST_ROWS} of " in block["note"] for block in cut)


def test_the_command_writes_it_beside_the_page(make_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(make_run(), folder)
    assert write_report(folder, pdf=True) == (folder / "report.html", folder / "report.pdf")
    first = (folder / "report.pdf").read_bytes()
    assert first.startswith(b"%PDF")
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder), "--pdf", "--quiet"])
    assert stop.value.code in (0, None)
    assert text_of((folder / "report.pdf").read_bytes())[0] == text_of(first)[0]

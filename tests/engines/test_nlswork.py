"""The study of young women: its table comes from a package that only this environment has."""

import runpy

import pandas as pd
import pytest

from causalcluster.analysis import read_analysis
from causalcluster.planning import draw_up
from causalcluster.resources import dataset_path, study_path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    place = tmp_path_factory.mktemp("nlswork") / "nlswork.csv"
    place.write_bytes(runpy.run_path(str(dataset_path("nlswork") / "build.py"))["build"]())
    return pd.read_csv(place)


def test_every_woman_and_year_with_an_industry(table):
    assert len(table) == 28_193
    assert table["industry"].nunique() == 12
    assert table.loc[table["year"].isin([1968, 1969, 1975]), "union"].isna().all()
    assert table["union"].isna().mean() == pytest.approx(0.32, abs=0.005)


def test_both_analyses_can_be_run(table):
    rows = draw_up(read_analysis(study_path("nlswork_union") / "analysis.yaml"), table)
    assert {gap.averaged for gap in rows.design.gaps} >= {("union",)}
    inside = draw_up(read_analysis(study_path("nlswork_union") / "within.yaml"), table)
    assert inside.design.intercepts == "absorbed"
    assert inside.panel.rows_used == 19_149

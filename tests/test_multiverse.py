"""Alternatives through a whole run: their effects are those of files of their own, weights are of like with like."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.output import write_run
from causalcluster.pipeline import analyse
from causalcluster.report import render_report

MADE = simulate("linear", clusters=6, rows=25, seed=5)
BASE = MADE.analysis_text.partition("hypotheses:")[0] + "sampling: {draws: 150, tune: 150, chains: 2}\n"
OTHERS = """alternatives:
  - {name: steady, model: {varying: [intercepts]}}
  - {name: no size, drop_edges: ["size -> law, enforcement, unions, wage"]}
  - {name: product, interactions: [law * unions -> wage]}
  - {name: hidden, unobserved: [unions <-> wage]}
  - {name: apart, model: {pooling: none}}
"""


@pytest.fixture(scope="module")
def run():
    return analyse(parse_analysis(BASE + OTHERS, path="x.yaml"), MADE.table, engine="threads")


def test_the_main_analysis_is_untouched(run):
    alone = analyse(parse_analysis(BASE, path="x.yaml"), MADE.table)
    pd.testing.assert_frame_equal(run.effects, alone.effects)
    assert alone.multiverse is None


def test_an_alternative_is_the_analysis_of_a_file_of_its_own(run):
    own = analyse(parse_analysis(BASE + "model: {varying: [intercepts]}\n", path="x.yaml"), MADE.table).effects
    found = run.multiverse.effects.query("alternative == 'steady' and level == 'sample' and effect == 'nie'")
    wanted = own.query("level == 'sample' and effect == 'nie'").set_index("via")
    assert len(found) == 3
    for row in found.to_dict("records"):
        # The other run was sampled again with more tuning: means of 300 draws each, whose errors are 0.06 of an sd.
        assert abs(row["mean"] - wanted.loc[row["via"], "mean"]) < 0.3 * row["sd"]


def test_what_an_alternative_does_not_identify_is_blank(run):
    rows = run.multiverse.effects.query("alternative == 'hidden' and effect == 'nie' and via == 'unions'")
    assert rows["mean"].isna().all()
    assert rows["reason"].str.startswith("not identified: ").all()
    apart = run.multiverse.effects.query("alternative == 'apart' and level == 'population'")
    assert (apart["reason"] == "no such effect or level here").all()


def test_weights_compare_like_with_like(run):
    models = run.multiverse.models.set_index("alternative")
    compared = models[models["reason"] == ""]
    assert list(compared.index) == ["main", "steady", "product"]
    assert compared["weight"].sum() == pytest.approx(1.0)
    assert compared.loc["main", "elpd_difference"] == 0.0
    # Slopes of the process differ between clusters by far more than a model without that allows.
    assert compared.loc["steady", "elpd_difference"] < -compared.loc["steady", "se_difference"] < 0.0
    assert models.loc["no size", "reason"] == "another diagram"
    assert "without pooling" in models.loc["apart", "reason"]
    assert models.loc[["no size", "hidden", "apart"], "weight"].isna().all()


def test_the_report_has_the_specification_curve(run, tmp_path):
    write_run(run, tmp_path / "out")
    page = render_report(tmp_path / "out")
    assert "Specification curve" in page
    assert "How well each model foretells a cluster" in page
    assert "5 alternatives" in page
    stored = pd.read_csv(tmp_path / "out" / "multiverse.csv", keep_default_na=False)
    assert set(stored["alternative"]) == {"main", "steady", "no size", "product", "hidden", "apart"}
    assert np.isfinite(pd.read_csv(tmp_path / "out" / "alternatives.csv")["elpd"].dropna()).all()

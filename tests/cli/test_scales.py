"""Ratios, the four-way decomposition and a grid of held values, from file to folder."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.cli.study import call, write_study

ANALYSIS = """\
schema: causalcluster/1
data: {file: panel.csv}
nodes:
  law: {layer: environment}
  enforcement: {layer: actor, actor: government}
  injury: {layer: outcome, family: bernoulli}
  wage: {layer: outcome}
edges:
  - law -> enforcement
  - law, enforcement -> injury, wage
interactions:
  - law * enforcement -> injury
question:
  treatment: law
  contrast: {from: 0, to: 1}
  outcomes: [injury, wage]
  mediators: [enforcement]
  fix: {enforcement: [0, 0.5, 9]}
  scales: [ratio]
  decompositions: [four_way, interventional]
hypotheses:
  - {id: difference, claim: "nie(injury) > 0"}
  - {id: ratio, claim: "nie(injury, scale=ratio) > 1"}
  - {id: odds, claim: "nde(injury, scale=odds_ratio) > 1"}
  - {id: interaction, claim: "int_ref(injury, enforcement=0) + int_med(injury) > 0"}
"""


def panel():
    rng = np.random.default_rng(4)
    law = rng.normal(size=400)
    enforcement = 0.5 + 0.8 * law + rng.normal(size=400)
    eta = -0.5 + 0.3 * law + 0.5 * enforcement + 0.3 * law * enforcement
    injury = (rng.uniform(size=400) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    wage = 1.0 + 0.4 * law + 0.3 * enforcement + rng.normal(size=400)
    return pd.DataFrame({"law": law, "enforcement": enforcement, "injury": injury, "wage": wage})


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    base = tmp_path_factory.mktemp("scales")
    file = write_study(base, ANALYSIS, panel())
    assert call("run", file, "--out", base / "out", "--quiet", "--draws", 200, "--tune", 300, "--chains", 2) in (0, 3)
    return base / "out"


@pytest.fixture(scope="module")
def drawn(out):
    """The draws of posterior.nc by (outcome, effect, via, scale)."""
    effects = xr.open_datatree(out / "posterior.nc")["effects"].to_dataset()
    keys = zip(*(effects[name].values for name in ("outcome", "estimand", "via", "scale")), strict=True)
    return {key: effects["effect"].values[..., i] for i, key in enumerate(keys)}


def test_rows_have_the_scales_that_their_outcome_has(out):
    table = pd.read_csv(out / "effects.csv", keep_default_na=False)
    scales = table.groupby("outcome")["scale"].unique().map(set).to_dict()
    assert scales == {"injury": {"difference", "ratio", "odds_ratio"}, "wage": {"difference"}}
    assert not table.duplicated(list(table.columns[:9])).any()
    ratio = table[table["scale"] == "ratio"].set_index(["effect", "via"])
    grid = [f"enforcement={value}" for value in ("0", "0.5", "9")]
    assert [via for effect, via in ratio.index if effect == "cde"] == grid
    assert "int_ref" not in ratio.index.get_level_values("effect")
    plain = table[(table["scale"] == "difference") & (table["outcome"] == "injury")].set_index(["effect", "via"])
    for key in (("total", ""), ("nde", ""), ("nie", "all"), ("ide", ""), ("cde", "enforcement=0")):
        assert ratio.loc[key, "prob_positive"] == plain.loc[key, "prob_positive"]
        assert float(ratio.loc[key, "lower"]) > 0.0


def test_effects_multiply_on_ratio_scales_and_the_four_parts_add_up(drawn):
    for scale in ("ratio", "odds_ratio"):
        total, nde, nie = (drawn["injury", *key, scale] for key in (("total", ""), ("nde", ""), ("nie", "all")))
        np.testing.assert_allclose(total, nde * nie, rtol=1e-12)
    for outcome in ("injury", "wage"):
        for via in ("enforcement=0", "enforcement=0.5", "enforcement=9"):
            keys = (("cde", via), ("int_ref", via), ("int_med", "all"), ("pnie", "all"))
            parts = sum(drawn[outcome, *key, "difference"] for key in keys)
            np.testing.assert_allclose(parts, drawn[outcome, "total", "", "difference"], atol=1e-12)
    # The wage has no interaction, the injury has one.
    assert (drawn["wage", "int_ref", "enforcement=0", "difference"] == 0.0).all()
    assert (drawn["wage", "int_med", "all", "difference"] == 0.0).all()
    assert (drawn["injury", "int_med", "all", "difference"] != 0.0).all()


def test_claims_name_scales_and_parts(out, drawn):
    table = pd.read_csv(out / "hypotheses.csv").set_index("id")
    assert table.loc["ratio", "probability"] == table.loc["difference", "probability"]
    assert table.loc["odds", "probability"] == np.mean(drawn["injury", "nde", "", "difference"] > 0.0)
    both = drawn["injury", "int_ref", "enforcement=0", "difference"] + drawn["injury", "int_med", "all", "difference"]
    assert table.loc["interaction", "probability"] == np.mean(both > 0.0)
    assert table["prior_probability"].between(0.05, 0.95).all()


def test_verdicts_and_warnings(out):
    verdicts = json.loads((out / "identification.json").read_text())
    found = {(v["outcome"], v["effect"], v["via"]): v["identified"] for v in verdicts}
    assert found["injury", "int_ref", "enforcement=0.5"]
    assert found["wage", "int_med", "all"]
    assert found["wage", "overall", ""]
    run = json.loads((out / "run.json").read_text())
    assert any(
        text.startswith("Effects on wage (gaussian) are not reported on the scale 'ratio'") for text in run["warnings"]
    )
    assert any("at 9, outside the data" in text for text in run["warnings"])


def test_the_report_shows_ratios_beside_differences(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "as ratios (no unit;" in page
    assert "as odds ratios (no unit;" in page
    assert "Probability above 1" in page
    assert "As an odds ratio (1 says no effect): Total effect" in page
    assert page.count("Controlled direct effects on injury, as ratios") == 1
    assert page.count("Controlled direct effects on wage: ") == 1

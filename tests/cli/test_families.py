"""A system with a binary outcome and a cause that the treatment affects, from file to folder."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.cli.study import call, write_study

ANALYSIS = """\
schema: causalcluster/1
title: Law, enforcement and injuries
data: {file: panel.csv, cluster: district}
nodes:
  law: {layer: environment}
  growth: {layer: environment}
  enforcement: {layer: actor, actor: government}
  injury: {layer: outcome, family: bernoulli}
  size: {layer: context}
edges:
  - size -> law, enforcement, injury
  - law -> enforcement
  - law, enforcement -> injury
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [injury], mediators: [enforcement]}
hypotheses:
  - {id: H1, claim: "nie(injury) < 0"}
  - {id: H2, claim: "path(injury, via=enforcement) < 0"}
  - {id: H3, claim: "iie(injury) < 0"}
"""


def panel():
    rng, parts = np.random.default_rng(4), []
    for g in range(6):
        n, away = int(rng.integers(60, 120)), 0.2 * rng.normal(size=4)
        size = rng.normal(size=n)
        law = 0.3 * size + rng.normal(size=n) + 0.3 * rng.normal()
        enforcement = (0.8 + away[0]) * law + 0.2 * size + rng.normal(size=n)
        eta = -0.5 + away[1] - (1.0 + away[2]) * enforcement + (0.3 + away[3]) * law
        injury = (rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
        columns = {"size": size, "law": law, "enforcement": enforcement, "injury": injury, "growth": rng.normal(size=n)}
        parts.append(pd.DataFrame({"district": f"d{g}", **columns}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("families")
    file = write_study(base, ANALYSIS, panel())
    assert call("run", file, "--out", base / "out", "--quiet", "--draws", 300, "--tune", 300, "--chains", 2) in (0, 3)
    return base


def test_effects_are_differences_in_probability(folder):
    table = pd.read_csv(folder / "out" / "effects.csv", keep_default_na=False)
    assert set(table["effect"]) == {"total", "nde", "nie", "tnde", "pnie", "ide", "iie", "overall", "prop_mediated"}
    assert set(table["level"]) == {"population", "sample", "sample_rows", "cluster", "new", "between_sd"}
    means = table[table["mean"] != ""].astype({"mean": float})
    assert means["mean"].abs().max() < 1.0
    main = means[(means["level"] == "population") & (means["via"].isin(["", "all"]))].set_index("effect")["mean"]
    # A slope of -1 on a logit through 0.8, on probabilities around a half: roughly -0.8 / 5.
    assert -0.3 < main["nie"] < -0.05
    assert main["nde"] > 0.0


def test_parts_add_up_in_every_draw(folder):
    effects = xr.open_datatree(folder / "out" / "posterior.nc")["effects"].to_dataset()
    rows = {
        key: i
        for i, key in enumerate(
            zip(*(effects[name].values for name in ("estimand", "via", "level", "cluster")), strict=True)
        )
    }
    values = effects["effect"].values
    for level, cluster in (("population", ""), ("sample", ""), ("cluster", "d3")):
        total, nde, nie = (values[..., rows[(*key, level, cluster)]] for key in (("total", ""), ("nde", ""), ("nie", "all")))
        np.testing.assert_allclose(total, nde + nie, atol=1e-10)


def test_the_error_of_the_simulation_is_in_the_diagnostics(folder):
    simulation = json.loads((folder / "out" / "diagnostics.json").read_text(encoding="utf-8"))["simulation"]
    assert set(simulation["ratio"]) == {"population", "sample", "cluster"}
    assert max(simulation["ratio"].values()) < 0.06


def test_a_path_through_a_curved_equation_is_no_effect(folder):
    table = pd.read_csv(folder / "out" / "hypotheses.csv", keep_default_na=False).set_index("id")
    assert table.loc["H1", "verdict"] == "supported"
    assert table.loc["H2", "verdict"] == "not_testable"
    assert "The equation of injury is not linear" in table.loc["H2", "reason"]
    assert table.loc["H3", "verdict"] == "supported"


def test_the_report_is_rendered(folder):
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "injury (bernoulli)" in page


def test_a_moments_file_is_refused_for_an_equation_that_needs_rows(folder, capsys):
    assert call("reduce", folder / "analysis.yaml", "-o", folder / "moments.parquet") == 2
    message = capsys.readouterr().err
    assert "injury" in message
    assert "bernoulli" in message


def test_a_third_value_is_refused_before_anything_is_written(tmp_path, capsys):
    frame = panel()
    frame.loc[7, "injury"] = 2
    file = write_study(tmp_path, ANALYSIS, frame)
    assert call("run", file, "--out", tmp_path / "out") == 2
    assert "injury" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

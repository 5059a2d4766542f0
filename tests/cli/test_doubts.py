"""Orders, extrapolation and predictive checks of a run with a binary outcome, from file to folder."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.study import call, write_study

ANALYSIS = """\
schema: causalcluster/1
title: Law, actors and injuries
data: {file: panel.csv, cluster: district}
nodes:
  law: {layer: environment}
  enforcement: {layer: actor, actor: government}
  unions: {layer: actor, actor: workers_organisations}
  injury: {layer: outcome, family: bernoulli}
edges:
  - law -> enforcement, unions
  - law, enforcement, unions -> injury
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [injury], mediators: [enforcement, unions]}
"""


def panel():
    """Six districts; law is above 0.1 everywhere in the last. Enforcement has heavy tails."""
    rng, parts = np.random.default_rng(4), []
    for g in range(6):
        n, away = 80, 0.2 * rng.normal(size=3)
        law = rng.uniform(-1.0 if g < 5 else 0.1, 2.0, n)
        enforcement = (1.0 + away[0]) * law + 0.3 * rng.standard_t(2.5, size=n)
        unions = (0.8 + away[1]) * law + 0.5 * rng.normal(size=n)
        eta = -2.0 + away[2] + 0.3 * law + 0.8 * enforcement + 0.8 * unions
        injury = (rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
        columns = {"law": law, "enforcement": enforcement, "unions": unions, "injury": injury}
        parts.append(pd.DataFrame({"district": f"d{g}", **columns}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("doubts")
    file = write_study(base, ANALYSIS, panel())
    for name in ("one", "two"):
        assert call("run", file, "--out", base / name, "--quiet", "--draws", 60, "--tune", 150, "--chains", 2) in (0, 3)
    return base


def read(folder, name):
    return pd.read_csv(folder / "one" / name, keep_default_na=False, na_values={"mean": "", "sd": "", "shift": ""})


def test_every_order_is_shown_beside_the_declared_one(folder):
    table = read(folder, "orders.csv")
    assert list(table.columns) == [
        "outcome", "order", "declared", "via", "level", "mean", "sd", "median", "lower", "upper", "ci_prob", "prob_positive",
        "shift", "reason",
    ]  # fmt: skip
    assert set(zip(table["order"], table["declared"], strict=True)) == {
        ("enforcement>unions", "yes"),
        ("unions>enforcement", "no"),
    }
    assert set(table["level"]) == {"population", "sample"}
    assert (table.loc[table["declared"] == "yes", "shift"] == 0.0).all()


def test_orders_agree_with_the_effects_and_add_up_alike(folder):
    orders, effects = read(folder, "orders.csv"), read(folder, "effects.csv")
    for level in ("population", "sample"):
        mine = effects[(effects["effect"] == "nie") & (effects["level"] == level)].set_index("via")
        sums = orders[orders["level"] == level].groupby("order")["mean"].sum()
        # Two simulations, each within 2% of a posterior standard deviation.
        assert sums.to_numpy() == pytest.approx(mine.loc["all", "mean"], abs=0.06 * mine.loc["all", "sd"])
        assert np.ptp(sums.to_numpy()) < 1e-12
        declared = orders[(orders["level"] == level) & (orders["declared"] == "yes")].set_index("via")["mean"]
        for via in ("enforcement", "unions"):
            assert declared[via] == pytest.approx(mine.loc[via, "mean"], abs=0.06 * mine.loc[via, "sd"])
    assert orders["shift"].abs().max() > 0.01


def test_simulated_effects_of_a_cluster_that_does_not_span_are_marked(folder):
    table = read(folder, "effects.csv")
    marked = table[table["reason"].str.contains("extrapolated")]
    assert set(marked["cluster"]) == {"d5"}
    assert len(marked) == (table["cluster"] == "d5").sum() > 0
    positivity = json.loads((folder / "one" / "diagnostics.json").read_text(encoding="utf-8"))["positivity"]
    assert (positivity["contrast"]["clusters_spanning"], positivity["contrast"]["rows_spanning"]) == (5, 400)


def test_a_family_that_does_not_fit_is_named_in_the_warnings_and_the_report(folder):
    warnings = json.loads((folder / "one" / "diagnostics.json").read_text(encoding="utf-8"))["warnings"]
    assert any("does not reproduce kurtosis of enforcement" in text for text in warnings)
    page = (folder / "one" / "report.html").read_text(encoding="utf-8")
    assert "Does the model reproduce the data?" in page
    assert "does not reproduce kurtosis of enforcement" in page
    assert "what enters at each mediator under every order" in page


def test_the_same_seed_gives_the_same_bytes(folder):
    for name in ("orders.csv", "predictive.csv"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


def test_files_of_an_earlier_run_do_not_stay(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "orders.csv").write_text("of an earlier run")
    text = ANALYSIS.replace("mediators: [enforcement, unions]", "mediators: [enforcement]").replace(
        ", family: bernoulli", ""
    )
    file = write_study(tmp_path, text, panel())
    assert call("run", file, "--out", out, "--quiet", "--draws", 20, "--tune", 50, "--chains", 2) in (0, 3)
    assert not (out / "orders.csv").exists()
    assert (out / "predictive.csv").exists()

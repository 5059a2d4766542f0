"""Moderated mediation from table to report: one small run, its effects against the closed form of its own draws."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from causalcluster import analyse, parse_analysis
from causalcluster.effects.levels import select_row
from causalcluster.output.files import write_run

TEXT = """\
schema: causalcluster/1
data: {file: x.csv, cluster: g}
nodes:
  a: {layer: environment}
  c: {layer: context, label: Firm size}
  z: {layer: context}
  m: {layer: actor}
  y: {layer: outcome}
edges:
  - c -> a, m, y
  - a -> m
  - a, m, z -> y
interactions: [c * m -> y, a * c -> m, z * m -> y]
question:
  treatment: a
  contrast: {from: -1, to: 1}
  outcomes: [y]
  mediators: [m]
  at: [{c: 0}, {c: 1}]
sampling: {draws: 40, tune: 150, chains: 2}
hypotheses:
  - {id: H1, claim: "nie(y, via=m, at={c: 0}) - nie(y, via=m, at={c: 2}) < 0"}
  - {id: H2, claim: "2 * nie(y, via=m, at={c: 1}, level=sample) - total(y, at={c: 1}, level=sample) > nde(y, level=sample)"}
  - {id: H3, claim: "prop_mediated(y, via=m, at={c: 2}) > prop_mediated(y, via=m, at={c: 0})"}
"""


def draw_table(seed=3, clusters=6, rows=40):
    rng = np.random.default_rng(seed)
    parts = []
    for g in range(clusters):
        c, z, own = rng.normal(1.0 + 0.2 * g, 1.0, rows), 100.0 + 10.0 * g, rng.normal(size=2)
        a = 0.3 * c + rng.normal(size=rows)
        m = (0.5 + 0.2 * own[0]) * a + 0.4 * c + 0.3 * a * c + rng.normal(size=rows) + own[1]
        y = 0.5 * a + (0.2 + 0.2 * own[0]) * m + 0.3 * c * m + 0.004 * z * m + 0.2 * c + rng.normal(size=rows)
        parts.append(pd.DataFrame({"g": f"k{g}", "a": a, "c": c, "z": z, "m": m, "y": y}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def table():
    return draw_table()


@pytest.fixture(scope="module")
def result(table):
    return analyse(parse_analysis(TEXT, path="x.yaml"), table)


def slopes(result):
    """Return the clusters' coefficients (chain, draw, cluster) in the user's units, by name."""
    drawn = result.tree["posterior"]["cluster_coefficient"]
    return {
        str(name): drawn.sel(coefficient=name).transpose("chain", "draw", "cluster") for name in drawn.coefficient.values
    }


def by_cluster(result, effect, via, at):
    effects = result.tree["effects"].to_dataset()
    rows = [
        select_row(effects, effect=effect, via=via, level="cluster", cluster=label, at=at).values
        for label in result.tree["posterior"]["cluster"].values
    ]
    return np.stack(rows, axis=-1)


def mediated(result, table, c):
    """Return the effect through m of two units of a, at a value of c, in every cluster."""
    b, z = slopes(result), table.groupby("g")["z"].first().to_numpy()
    into_m = b["a -> m"].values + b["a * c -> m"].values * c
    into_y = b["m -> y"].values + b["c * m -> y"].values * c + b["z * m -> y"].values * z
    return 2.0 * into_m * into_y


@pytest.mark.parametrize("c", [0.0, 1.0, 2.0])
def test_effects_at_a_value_are_the_closed_form_of_every_draw(result, table, c):
    found = by_cluster(result, "nie", "m", f"c={c:g}")
    np.testing.assert_allclose(found, mediated(result, table, c), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(by_cluster(result, "nde", "", f"c={c:g}"), 2.0 * slopes(result)["a -> y"].values, rtol=1e-7)


def test_effects_without_a_value_average_over_each_clusters_own_context(result, table):
    inside = [
        np.mean([mediated(result, table, c)[..., g] for c in rows["c"]], axis=0)
        for g, (_, rows) in enumerate(table.groupby("g"))
    ]
    np.testing.assert_allclose(by_cluster(result, "nie", "m", ""), np.stack(inside, axis=-1), rtol=1e-6, atol=1e-8)


def test_every_effect_but_paths_has_rows_at_every_condition_and_level(result):
    effects = result.effects
    keys = ["outcome", "effect", "via", "level", "cluster"]
    plain = set(effects[(effects["at"] == "") & (effects["effect"] != "path")][keys].itertuples(index=False, name=None))
    for at in ("c=0", "c=1", "c=2"):
        assert set(effects[effects["at"] == at][keys].itertuples(index=False, name=None)) == plain
    assert set(effects["at"]) == {"", "c=0", "c=1", "c=2"}
    assert not effects.duplicated([*keys, "at"]).any()


def test_claims_compare_effects_at_values(result):
    effects = result.tree["effects"].to_dataset()

    def draws(effect, via, at, level):
        return select_row(effects, effect=effect, via=via, at=at, level=level).values

    first = draws("nie", "m", "c=0", "population") - draws("nie", "m", "c=2", "population")
    second = 2.0 * draws("nie", "m", "c=1", "sample") - draws("total", "", "c=1", "sample") - draws("nde", "", "", "sample")
    hypotheses = result.hypotheses.set_index("id")
    assert hypotheses.loc["H1", "probability"] == (first < 0.0).mean() > 0.95
    assert hypotheses.loc["H2", "probability"] == (second > 0.0).mean()
    assert 0.3 < hypotheses.loc["H1", "prior_probability"] < 0.7


def test_shares_are_judged_by_the_total_at_the_same_value(result):
    effects = result.effects[result.effects["level"] == "sample"].set_index(["effect", "via", "at"])
    for at in ("", "c=0", "c=1", "c=2"):
        total, share = effects.loc["total", "", at], effects.loc["prop_mediated", "m", at]
        assert np.isnan(share["median"]) == (total["lower"] <= 0.0 <= total["upper"])


def test_the_written_run_names_the_conditions(result, tmp_path):
    write_run(result, tmp_path / "out")
    stored = xr.open_dataset(tmp_path / "out" / "posterior.nc", group="effects")
    assert set(stored["at"].values) == {"", "c=0", "c=1", "c=2"}
    assert set(pd.read_csv(tmp_path / "out" / "effects.csv", keep_default_na=False)["at"]) == {"", "c=0", "c=1", "c=2"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Total effect (at Firm size=0)" in page
    assert "the rest of the context as observed" in page
    assert "Conditions: at c=0, c=1 and c=2" in (tmp_path / "out" / "identification.json").read_text(encoding="utf-8")

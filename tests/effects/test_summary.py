"""Rows of effects.csv from draws."""

import numpy as np
import pytest
import xarray as xr

from causalcluster.effects.levels import COORDS
from causalcluster.effects.summary import COLUMNS, summarise_effects


def effects_of(rows, chains=4, draws=500):
    keys = {name: [] for name in COORDS}
    for effect, level, cluster, _ in rows:
        values = {"outcome": "y", "estimand": effect, "level": level, "cluster": cluster, "scale": "difference"}
        for name in COORDS:
            keys[name].append(values.get(name, ""))
    coords = {name: ("row", np.array(column, dtype=object)) for name, column in keys.items()}
    drawn = np.stack([np.broadcast_to(part, (chains, draws)) for *_, part in rows], axis=-1)
    return xr.Dataset({"effect": (("chain", "draw", "row"), drawn)}, coords=coords)


@pytest.fixture(scope="module")
def normal():
    return np.random.default_rng(0).normal(2.0, 0.5, size=(4, 500))


def test_numbers_of_one_row(normal):
    table = summarise_effects(effects_of([("total", "population", "", normal)]), ci_prob=0.9)
    assert list(table.columns) == list(COLUMNS)
    row = table.iloc[0]
    assert row["mean"] == pytest.approx(normal.mean())
    assert row["sd"] == pytest.approx(normal.std(ddof=1))
    assert (row["lower"], row["median"], row["upper"]) == pytest.approx(tuple(np.quantile(normal, [0.05, 0.5, 0.95])))
    assert row["prob_positive"] == 1.0
    assert row["r_hat"] == pytest.approx(1.0, abs=0.01)
    assert row["ess_bulk"] > 1000


def test_a_share_of_a_total_that_may_be_zero_is_left_blank(normal):
    rows = [
        ("total", "population", "", normal - 2.0),
        ("prop_mediated", "population", "", normal),
        ("total", "cluster", "n", normal),
        ("prop_mediated", "cluster", "n", normal / 4),
    ]
    table = summarise_effects(effects_of(rows), ci_prob=0.95).set_index(["effect", "level"])
    blank = table.loc["prop_mediated", "population"]
    assert "holds 0" in blank["reason"]
    assert blank[["mean", "sd", "median", "lower", "upper", "prob_positive", "ess_bulk", "r_hat"]].isna().all()
    kept = table.loc["prop_mediated", "cluster"]
    assert np.isnan(kept["mean"])
    assert kept["median"] == pytest.approx(np.median(normal / 4))


def test_clusters_that_do_not_span_the_contrast_are_flagged(normal):
    rows = [("total", "cluster", "n", normal), ("total", "cluster", "s", normal), ("total", "population", "", normal)]
    table = summarise_effects(effects_of(rows), ci_prob=0.95, extrapolated=["s"])
    assert [bool(reason) for reason in table["reason"]] == [False, True, False]
    assert "extrapolated" in table["reason"].iloc[1]


def test_an_effect_that_is_exactly_zero_has_no_convergence_figures():
    table = summarise_effects(effects_of([("nie", "population", "", 0.0)]), ci_prob=0.95)
    assert table["mean"].iloc[0] == 0.0
    assert table[["ess_bulk", "ess_tail", "r_hat"]].isna().all(axis=None)


def test_one_chain_has_no_r_hat(normal):
    table = summarise_effects(effects_of([("total", "sample", "", normal[:1])], chains=1), ci_prob=0.95)
    assert np.isnan(table["r_hat"].iloc[0])
    assert table["ess_bulk"].iloc[0] > 200


def test_no_identified_effect_leaves_an_empty_table(normal):
    del normal
    empty = effects_of([("total", "population", "", np.zeros((4, 20)))], draws=20).isel(row=slice(0, 0))
    table = summarise_effects(empty, ci_prob=0.95)
    assert list(table.columns) == list(COLUMNS)
    assert table.empty

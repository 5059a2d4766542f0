"""Simulated panels."""

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.errors import InputError
from causalcluster.simulation import SCENARIOS, analysis_text, simulate


def slope_of_law(frame):
    design = np.column_stack([np.ones(len(frame)), frame["law"], frame["size"]])
    return np.linalg.lstsq(design, frame["wage"].to_numpy(), rcond=None)[0][1]


def test_default_clusters_have_10_to_500_rows():
    sizes = simulate("linear").table.groupby("cluster").size()
    assert len(sizes) == 24
    assert (sizes.min(), sizes.max()) == (10, 500)
    assert len(set(sizes)) == 24
    assert not sizes.is_monotonic_increasing


def test_sizes_are_shuffled_by_the_seed():
    first, second = (simulate("linear", seed=seed).table.groupby("cluster").size() for seed in (1, 2))
    assert sorted(first) == sorted(second)
    assert list(first) != list(second)


def test_rows_is_the_mean_cluster_size_with_the_same_relative_spread():
    default = np.sort(simulate("linear").table.groupby("cluster").size().to_numpy())
    scaled = np.sort(simulate("linear", rows=1000).table.groupby("cluster").size().to_numpy())
    assert scaled.mean() == pytest.approx(1000, abs=1)
    np.testing.assert_allclose(scaled / scaled.mean(), default / default.mean(), rtol=0.06)


def test_no_cluster_is_smaller_than_two_rows():
    sizes = simulate("linear", rows=2).table.groupby("cluster").size()
    assert sizes.min() == 2


def test_the_same_arguments_give_the_same_panel():
    first, again = simulate("linear", clusters=5, seed=3), simulate("linear", clusters=5, seed=3)
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    pd.testing.assert_frame_equal(first.truth, again.truth, check_exact=True)
    other = simulate("linear", clusters=5, seed=4)
    assert not np.array_equal(first.table["wage"], other.table["wage"])


def test_columns_scales_and_labels():
    table = simulate("linear").table
    assert list(table.columns) == ["cluster", "size", "law", "enforcement", "unions", "wage"]
    assert table["wage"].mean() == pytest.approx(1e4, rel=0.1)
    assert 700 < table["wage"].std() < 1800
    within = table["law"] - table.groupby("cluster")["law"].transform("mean")
    assert within.std() == pytest.approx(0.5, abs=0.08)
    assert sorted(set(table["cluster"])) == [f"cl{number:02d}" for number in range(1, 25)]


def test_labels_sort_in_numeric_order_beyond_a_hundred_clusters():
    labels = simulate("linear", clusters=101, rows=2).table["cluster"].unique()
    assert list(labels) == sorted(labels)
    assert len(labels) == 101


def test_most_clusters_span_the_contrast():
    law = simulate("linear").table.groupby("cluster")["law"]
    assert ((law.min() <= 0) & (law.max() >= 1)).mean() > 0.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_comparison_between_clusters_is_confounded(seed):
    simulated = simulate("linear", clusters=400, seed=seed)
    table, columns = simulated.table, ["law", "size", "wage"]
    within = table[columns] - table.groupby("cluster")[columns].transform("mean")
    truth = simulated.truth.query("effect == 'total' and level == 'sample_rows'")["value"].item()
    assert abs(slope_of_law(within) - truth) < 120
    assert slope_of_law(table) - truth > 250


@given(st.integers(2, 30), st.integers(2, 60), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_valid_arguments_give_a_whole_panel(clusters, rows, seed):
    simulated = simulate("linear", clusters=clusters, rows=rows, seed=seed)
    assert simulated.table["cluster"].nunique() == clusters
    assert simulated.table.groupby("cluster").size().min() >= 2
    assert np.isfinite(simulated.table.drop(columns="cluster").to_numpy()).all()
    assert (simulated.truth["level"] == "cluster").sum() == clusters * (len(simulated.truth.query("level == 'sample'")) - 3)


@pytest.mark.parametrize("name", ["panel.parquet", 'odd "name": é.csv'])
def test_analysis_names_the_table_and_its_columns(name):
    document = yaml.safe_load(analysis_text("linear", table_name=name))
    columns = set(simulate("linear", clusters=2, rows=3).table.columns)
    assert document["schema"] == "causalcluster/1"
    assert document["data"]["file"] == name
    assert {document["data"]["cluster"], *document["nodes"]} == columns
    assert document["question"]["contrast"] == {"from": 0, "to": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "liner"}, "linear"),
        ({"clusters": 1}, "clusters is 1"),
        ({"rows": 1}, "rows is 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_refusals_say_what_is_wrong(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate(arguments.pop("scenario", "linear"), **arguments)


def test_scenarios_are_listed():
    assert SCENARIOS == ("linear", "feedback", "null", "framework")


def test_the_law_of_null_does_nothing():
    made = simulate("null", clusters=6, rows=400, seed=1)
    moved = made.truth[~made.truth["effect"].isin(["cde"])]
    assert (moved["value"] == 0.0).all()
    assert "prop_mediated" not in set(moved["effect"])
    within = made.table[["law", "enforcement", "size"]] - made.table.groupby("cluster")[
        ["law", "enforcement", "size"]
    ].transform("mean")
    slopes = np.linalg.lstsq(within[["law", "size"]], within["enforcement"], rcond=None)[0]
    # 2,400 rows: the standard error is near 0.035.
    assert abs(slopes[0]) < 0.12
    assert "does nothing" in made.analysis_text

"""Pooled moments are those of the pooled rows."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster import pool_moments, read_moments, reduce_table, write_moments
from causalcluster.analysis.records import Contrast
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.moments import match_moments
from causalcluster.moments.products import move_reference
from tests.data.builders import analysis_of, table_of, with_node_columns, with_products
from tests.moments.exact import assert_exact

PRODUCTS = [("a", "m"), ("a", "c")]
QUANTILES = Contrast(kind="quantiles", low=0.1, high=0.9)
STANDARD = Contrast(kind="sd", low=0.0, high=1.0)


def reduced(frame, analysis=None):
    return reduce_table(analysis or with_products(analysis_of(), PRODUCTS), frame)


def named(frame, name, analysis=None):
    return replace(reduced(frame, analysis), name=name)


def assert_same(pooled, whole, tolerance=1e-10):
    assert list(pooled["cluster"].values) == list(whole["cluster"].values)
    np.testing.assert_array_equal(pooled["n"], whole["n"])
    size = np.sqrt(np.einsum("gii->gi", whole["cross"].values))
    allowed = 1e-15 * np.abs(whole["mean"].values) + 1e-13 * size + 1e-300
    assert np.all(np.abs(pooled["mean"].values - whole["mean"].values) <= allowed)
    scale = size[:, :, None] * size[:, None, :]
    assert np.max(np.abs(pooled["cross"].values - whole["cross"].values) / np.where(scale > 0, scale, 1.0)) < tolerance
    for name in ("reaches_low", "reaches_high"):
        np.testing.assert_array_equal(pooled[name], whole[name])


def test_different_clusters_side_by_side_are_the_same_bits():
    frame = table_of(rows=300, clusters=11)
    whole = reduced(frame)
    pooled = pool_moments([reduced(frame[frame["g"] % 3 == k]) for k in (2, 0, 1)])
    xr.testing.assert_identical(pooled.table[sorted(pooled.table.data_vars)], whole.table[sorted(whole.table.data_vars)])
    assert pooled.counts == whole.counts


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(0.0, 1.0), (1e9, 1.0), (-1e6, 1e3), (1e-9, 1e-12)]),
    st.lists(st.integers(0, 2), min_size=40, max_size=40),
)
def test_overlapping_clusters_add_up(seed, shape, owners):
    level, spread = shape
    rng = np.random.default_rng(seed)
    frame = table_of(rows=40, clusters=3, seed=seed)
    frame = frame.assign(m=level + spread * rng.normal(size=40), y=level + spread * rng.normal(size=40))
    parts = [reduced(part) for _, part in frame.groupby(np.array(owners))]
    pooled = pool_moments(parts, overlapping="add")
    whole = reduced(frame).table
    # Near 1e9 means differ by one place in the last digit, and products of deviations from them by as much.
    assert_same(move_reference(pooled.table, PRODUCTS, whole["reference"].values), whole)
    assert pooled.counts.rows == 40


@pytest.mark.parametrize("split", [0.5, 0.02])
def test_a_shift_between_the_files_near_1e9(split):
    rng = np.random.default_rng(0)
    frame = table_of(rows=4000, clusters=2)
    first = rng.random(4000) < split
    frame["m"] = 1e9 + rng.normal(size=4000) + 0.5 * first
    pooled = pool_moments([reduced(frame[first]), reduced(frame[~first])], overlapping="add")
    assert_same(pooled.table, reduced(frame).table)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from([0.0, 1.0, -1e3, 1e6, 1e9, 1e9 + 0.3]), min_size=6, max_size=6),
    st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_products_about_different_points_are_those_of_all_rows(seed, levels, spread):
    """Each of three files has factors at levels of its own; products of the pooled rows come out to 1e-10."""
    rng, files = np.random.default_rng(seed), np.arange(60) % 3
    frame = table_of(rows=60, clusters=4, seed=seed)
    for column, mine in (("a", levels[:3]), ("m", levels[3:])):
        frame[column] = np.array(mine)[files] + spread * rng.normal(size=60)
    pooled = pool_moments([reduced(frame[files == k]) for k in range(3)], overlapping="add")
    assert_exact(pooled.table, frame, mean_tolerance=1e-10, cross_tolerance=1e-10, products=PRODUCTS)


def test_a_product_of_three_needs_its_parts():
    frame = table_of()
    for products, fits in (([("a", "m", "c")], False), ([("m", "a"), ("c", "a"), ("m", "c"), ("a", "m", "c")], True)):
        parts = [reduced(part, with_products(analysis_of(), products)) for part in (frame[:30], frame[30:])]
        if fits:
            assert_exact(pool_moments(parts, overlapping="add").table, frame, mean_tolerance=1e-11, products=products)
            continue
        with pytest.raises(UnsupportedError, match="cannot be pooled without those of 'a \\* m'"):
            pool_moments(parts, overlapping="add")


def test_patterns_are_pooled():
    frame = table_of(rows=400)
    rng = np.random.default_rng(3)
    frame["m"] = frame["m"].where(rng.random(400) > 0.2)
    whole, half = reduced(frame), np.arange(400) < 150
    pooled = pool_moments([reduced(frame[half]), reduced(frame[~half])], overlapping="add")
    assert_same(pooled.table, whole.table)
    assert pooled.incomplete[0].missing == ("m",)
    assert_same(pooled.incomplete[0].table, whole.incomplete[0].table)
    assert pooled.counts == whole.counts


def test_files_pool_as_their_moments_do(tmp_path):
    frame = table_of(rows=300, clusters=6)
    paths = [write_moments(reduced(frame[frame["g"] % 2 == k]), tmp_path / f"{k}.parquet") for k in (0, 1)]
    assert_same(pool_moments([read_moments(path) for path in paths]).table, reduced(frame).table)


def test_one_cluster_in_two_files_is_an_error_unless_told():
    frame = table_of()
    with pytest.raises(DataError, match="cluster '1' is in left too, and so are 1 more") as caught:
        pool_moments([named(frame[frame["g"] < 3], "left"), named(frame[(frame["g"] == 1) | (frame["g"] == 2)], "right")])
    assert caught.value.where == "right"
    assert "overlapping: add" in str(caught.value)


@pytest.mark.parametrize("overlapping", ["error", "add"])
def test_a_copy_is_refused(tmp_path, overlapping):
    frame = table_of()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frames = [named(frame, "left"), named(frame.sample(frac=1, random_state=1), "right")]
    of_file = with_products(analysis_of(tmp_path / "t.csv"), PRODUCTS)
    files = [write_moments(reduce_table(of_file, min_cell=n), tmp_path / f"{n}.parquet") for n in (1, 2)]
    other = named(frame.assign(g=frame["g"] + 10), "other")
    for first, second in (frames, [read_moments(path) for path in files]):
        with pytest.raises(DataError, match=f"of the same rows as {re.escape(first.name)}") as caught:
            pool_moments([first, other, second], overlapping=overlapping)
        assert caught.value.where == second.name
        assert "would count twice" in str(caught.value)


def test_a_cluster_in_one_file_only_is_named():
    frame = table_of(rows=120)
    pooled = pool_moments([named(frame, "left"), named(frame[frame["g"] > 0], "right")], overlapping="add")
    assert pooled.warnings == ("'overlapping: add' was asked for, and left alone has '0'",)


def test_of_many_clusters_in_one_file_only_five_are_named():
    frame = table_of(rows=120, clusters=12)
    pooled = pool_moments([named(frame, "left"), named(frame[frame["g"] > 6], "right")], overlapping="add")
    assert pooled.warnings == ("'overlapping: add' was asked for, and left alone has '0', '1', '2', '3', '4' and 2 more",)


def test_clusters_in_three_files_are_added_in_their_order():
    frame = table_of(rows=240, clusters=8)
    owner = np.arange(240) // 8 % 3
    present = [(owner == k) & (frame["g"] % (k + 2) != 0) for k in range(3)]
    kept = frame[present[0] | present[1] | present[2]]
    pooled = pool_moments([reduced(frame[mask]) for mask in present], overlapping="add")
    assert_exact(pooled.table, kept, mean_tolerance=1e-11, cross_tolerance=1e-11, products=PRODUCTS)


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (with_node_columns(analysis_of(), c="c2"), "nodes"),
        (with_products(analysis_of(), PRODUCTS), "products"),
        (analysis_of(contrast=Contrast(kind="values", low=0.0, high=2.0)), "contrast"),
        (analysis_of(cluster="h"), "cluster"),
        (analysis_of(missing="drop"), "missing"),
    ],
)
def test_files_of_different_designs(other, key):
    frame = table_of(c2=np.arange(60) % 7, h=np.arange(60) % 5)
    with pytest.raises(DataError, match=f"another design than left: its {key} is"):
        pool_moments([named(frame, "left", analysis_of()), named(frame, "right", other)])


def test_different_quantiles_cannot_be_pooled():
    frame, analysis = table_of(), analysis_of(contrast=QUANTILES)
    parts = [named(frame[frame["g"] < 2], "left", analysis), named(frame[frame["g"] >= 2], "right", analysis)]
    with pytest.raises(DataError, match=r"quantiles of 'a' are .* in left") as caught:
        pool_moments(parts)
    assert "from: 0, to: 1" in str(caught.value)


def test_equal_quantiles_are_pooled():
    frame = table_of(rows=400)
    frame["a"] = np.repeat(np.arange(5.0), 80)
    analysis = analysis_of(contrast=QUANTILES)
    pooled = pool_moments([reduced(frame[frame["g"] % 2 == k], analysis) for k in (0, 1)])
    assert pooled.contrast == reduced(frame, analysis).contrast


def test_standard_deviations_are_those_of_all_rows():
    frame, analysis = table_of(rows=200), analysis_of(contrast=STANDARD)
    pooled = pool_moments([reduced(frame[frame["g"] < 2], analysis), reduced(frame[frame["g"] >= 2], analysis)])
    assert pooled.contrast == pytest.approx(reduced(frame, analysis).contrast, rel=1e-13)
    assert "not known which clusters" in pooled.warnings[-1]


def test_nothing_to_pool():
    with pytest.raises(DataError, match="no moments"):
        pool_moments([])


def test_one_is_itself():
    moments = reduced(table_of())
    assert pool_moments([moments]) is moments


def test_single_level_tables_are_added():
    frame, analysis = table_of(), analysis_of(cluster=None)
    parts = [reduced(frame[:20], analysis), reduced(frame[20:], analysis)]
    assert_same(pool_moments(parts, overlapping="add").table, reduced(frame, analysis).table)
    with pytest.raises(DataError, match="the rows of the table"):
        pool_moments(parts)


def test_the_extremes_known_are_kept():
    frame = table_of()
    pooled = pool_moments([reduced(frame[:20]), reduced(frame[20:])], overlapping="add")
    whole = reduced(frame).table
    pd.testing.assert_frame_equal(pooled.table["minimum"].to_pandas(), whole["minimum"].to_pandas())


class TestSmallCells:
    def parts(self, tmp_path=None):
        """Cluster 'x' is small in the first file, 'y' in both; the second file has no limit of its own."""
        frame = table_of()
        left = pd.concat([frame, table_of(rows=2).assign(g="x"), table_of(rows=2).assign(g="y")])
        right = pd.concat([frame.assign(g="z"), table_of(rows=9, seed=5).assign(g="x"), table_of(rows=1).assign(g="y")])
        parts = [reduce_table(analysis_of(), left, min_cell=3), reduce_table(analysis_of(), right, min_cell=2)]
        if tmp_path is None:
            return parts
        return [read_moments(write_moments(part, tmp_path / f"{i}.parquet")) for i, part in enumerate(parts)]

    def test_the_largest_limit_and_what_is_left_out_of_all(self):
        for parts in (self.parts(), self.parts()[::-1]):
            pooled = pool_moments(parts)
            assert pooled.min_cell == 3
            assert (pooled.dropped, pooled.thinned) == (("y",), ("x",))
            assert (pooled.n_dropped, pooled.n_thinned) == (1, 1)

    def test_files_know_only_how_many(self, tmp_path):
        pooled = pool_moments(self.parts(tmp_path))
        assert (pooled.min_cell, pooled.n_dropped, pooled.n_thinned) == (3, 3, 0)

    def test_a_file_without_a_limit_comes_first(self):
        frame = pd.concat([table_of(), table_of(rows=2).assign(g="x")])
        parts = [reduced(table_of().assign(g="z"), analysis_of()), reduce_table(analysis_of(), frame, min_cell=4)]
        pooled = pool_moments(parts)
        assert pooled.min_cell == 4
        assert "1 cluster(s) with fewer than 4 rows are not in the moments" in match_moments(analysis_of(), pooled).warnings
        assert pool_moments(parts[:1]).min_cell is None

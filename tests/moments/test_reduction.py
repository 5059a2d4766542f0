"""Moments against exact arithmetic and pandas, on every engine, and their invariances."""

import itertools

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.moments import pooled_mean, pooled_within_sd
from tests.data.builders import analysis_of, load_moments, table_of, with_products
from tests.moments.exact import NODES, assert_exact

PRODUCTS = [("a", "m"), ("a", "a"), ("a", "m", "c")]


def moments_of(frame, products=PRODUCTS):
    return moments_from(pl.from_pandas(frame), products=products)


def moments_from(native, *, file=None, products=PRODUCTS):
    return load_moments(with_products(analysis_of(file), products), native).table


ENGINES = {
    "pandas": lambda frame, folder: (None, frame),
    "pandas nullable": lambda frame, folder: (None, frame.convert_dtypes()),
    "polars": lambda frame, folder: (None, pl.from_pandas(frame)),
    "polars lazy": lambda frame, folder: (None, pl.from_pandas(frame).lazy()),
    "pyarrow": lambda frame, folder: (None, pa.Table.from_pandas(frame)),
    "duckdb": lambda frame, folder: (None, duckdb.connect().from_arrow(pa.Table.from_pandas(frame))),
    "csv": lambda frame, folder: (frame.to_csv(folder / "t.csv", index=False) or folder / "t.csv", None),
    "parquet": lambda frame, folder: (frame.to_parquet(folder / "t.parquet") or folder / "t.parquet", None),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_bits_as_exact_arithmetic_demands(engine, tmp_path):
    frame = table_of(rows=200, clusters=7)
    file, native = ENGINES[engine](frame, tmp_path)
    moments = moments_from(native, file=file)
    assert_exact(moments, frame, products=PRODUCTS)
    xr.testing.assert_identical(moments, moments_of(frame))


def test_layout():
    frame = table_of(rows=50, clusters=3)
    moments = moments_from(frame, products=[("a", "y")])
    assert dict(moments.sizes) == {"cluster": 3, "column": 5, "column_2": 5, "node": 4}
    assert list(moments["column"].values) == list(moments["column_2"].values) == [*NODES, "a * y"]
    assert list(moments["cluster"].values) == ["0", "1", "2"]
    assert moments["n"].dtype == np.int64
    assert list(moments["n"].values) == [17, 17, 16]
    np.testing.assert_array_equal(moments["maximum"].sel(node="y"), frame.groupby("g")["y"].max())
    np.testing.assert_array_equal(moments["reaches_high"], frame.groupby("g")["a"].max() >= 1)
    np.testing.assert_array_equal(moments["reaches_low"], frame.groupby("g")["a"].min() <= 0)


def test_pandas_covariances_agree():
    frame = table_of(rows=400, clusters=5)
    moments = moments_of(frame, products=())
    covariance = frame.groupby("g")[NODES].cov()
    for label in range(5):
        got = moments["cross"].sel(cluster=str(label)).values / (int(moments["n"].sel(cluster=str(label))) - 1)
        np.testing.assert_allclose(got, covariance.loc[label].to_numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("level", "spread"), [(1e9, 1.0), (1e6, 1e3), (-1e12, 1.0), (1e-12, 1e-15)])
def test_a_large_common_level_costs_no_digits(level, spread):
    rng = np.random.default_rng(1)
    frame = table_of(rows=300, clusters=3)
    frame = frame.assign(m=level + spread * rng.normal(size=300), a=level + spread * rng.normal(size=300))
    products = [("a", "m")]
    assert_exact(moments_of(frame, products), frame, cross_tolerance=1e-13, products=products)


def test_an_extreme_row_costs_no_digits():
    frame = table_of(rows=3000, clusters=2)
    frame.loc[0, "m"] = 1e14
    assert_exact(moments_of(frame, ()), frame, mean_tolerance=1e-12, products=())


def test_clusters_of_very_different_scale_are_all_exact():
    frame = table_of(rows=90, clusters=3)
    frame["m"] *= np.array([1e-9, 1.0, 1e12])[frame["g"]]
    assert_exact(moments_of(frame), frame, mean_tolerance=1e-13, products=PRODUCTS)


def test_a_cluster_with_one_row_has_zero_cross_products():
    frame = pd.concat([table_of(), table_of(rows=1).assign(g=99)])
    cluster = moments_of(frame).sel(cluster="99")
    assert int(cluster["n"]) == 1
    assert np.all(cluster["cross"].values == 0.0)


def test_pooled_mean_and_sd():
    frame = table_of(rows=200, clusters=7)
    moments = moments_of(frame, products=())
    np.testing.assert_allclose(pooled_mean(moments).values, frame[NODES].mean(), rtol=1e-13, atol=1e-13)
    centred = frame[NODES] - frame.groupby("g")[NODES].transform("mean")
    expected = np.sqrt((centred**2).sum() / (200 - 7))
    np.testing.assert_allclose(pooled_within_sd(moments).sel(column=NODES).values, expected, rtol=1e-10)


def test_the_same_file_gives_the_same_bits_however_rows_are_ordered_and_split(tmp_path):
    frame = table_of(rows=5000, clusters=9)
    frame.to_csv(tmp_path / "whole.csv", index=False)
    for i, part in enumerate(np.array_split(np.random.default_rng(0).permutation(5000), 4)):
        frame.iloc[part].to_csv(tmp_path / f"part-{i}.csv", index=False)
        frame.iloc[part].to_parquet(tmp_path / f"part-{i}.parquet", index=False)
    names = ["whole.csv", "whole.csv", "part-*.csv", "part-*.parquet"]
    results = [moments_from(None, file=tmp_path / name) for name in names]
    for left, right in itertools.pairwise(results):
        xr.testing.assert_identical(left, right)


values = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False, width=32)
bounded = settings(max_examples=50, deadline=None)


@st.composite
def tables(draw):
    size = draw(st.integers(8, 20))
    frame = table_of(rows=size, clusters=2, seed=draw(st.integers(0, 1000)))
    return frame.assign(y=draw(st.lists(values, min_size=size, max_size=size, unique=True)))


@bounded
@given(tables())
def test_any_table_matches_exact_arithmetic(frame):
    assert_exact(moments_of(frame), frame, mean_tolerance=1e-12, products=PRODUCTS)


@bounded
@given(tables(), st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(frame, seed):
    shuffled = frame.sample(frac=1, random_state=seed)
    xr.testing.assert_identical(moments_of(frame), moments_of(shuffled))


@bounded
@given(tables(), st.permutations(["x", "10", 'é, "q"', "<b>"]))
def test_relabelling_clusters_permutes(frame, labels):
    names = {0: labels[0], 1: labels[1]}
    renamed = moments_of(frame.assign(g=frame["g"].map(names)))
    original = moments_of(frame)
    for old, new in names.items():
        for variable in ("n", "mean", "cross", "minimum", "maximum"):
            np.testing.assert_array_equal(renamed[variable].sel(cluster=new), original[variable].sel(cluster=str(old)))


@bounded
@given(tables(), st.integers(-1000, 1000))
def test_shifting_a_column_leaves_cross_products(frame, shift):
    frame = frame.assign(y=np.round(frame["y"]))
    if frame["y"].groupby(frame["g"]).nunique().min() < 2:
        frame["y"] = np.arange(len(frame), dtype=float)
    original, shifted = moments_of(frame, ()), moments_of(frame.assign(y=frame["y"] + shift), ())
    np.testing.assert_array_equal(shifted["cross"], original["cross"])
    np.testing.assert_allclose(
        shifted["mean"].sel(column="y"), original["mean"].sel(column="y") + shift, rtol=1e-12, atol=1e-9
    )


@bounded
@given(tables(), st.integers(-20, 20))
def test_scaling_a_column_scales_cross_products(frame, exponent):
    factor = 2.0**exponent
    original, scaled = moments_of(frame, ()), moments_of(frame.assign(y=frame["y"] * factor), ())
    np.testing.assert_array_equal(
        scaled["cross"].sel(column="y", column_2="a"), original["cross"].sel(column="y", column_2="a") * factor
    )
    np.testing.assert_array_equal(
        scaled["cross"].sel(column="y", column_2="y"), original["cross"].sel(column="y", column_2="y") * factor**2
    )
    np.testing.assert_array_equal(scaled["mean"].sel(column="y"), original["mean"].sel(column="y") * factor)

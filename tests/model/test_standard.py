"""Standardised arrays against the rows they stand for, at any level, from rows and from a moments file."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import pool_moments, read_moments, reduce_table, write_moments
from causalcluster.design import products
from causalcluster.equations import build_design
from causalcluster.graph import build_graph
from causalcluster.model.standard import choose_scale, standardise
from causalcluster.moments import match_moments
from tests.data.builders import analysis_of, load_moments, table_of, with_products
from tests.oracles.systems import plain_moments

ANALYSIS = with_products(analysis_of(), [("a", "m")])
DESIGN = build_design(ANALYSIS, build_graph(ANALYSIS))
NUMBERS = ("rows", "dof", "sxx", "sxy", "syy", "mean")


def arrays_of(table, scale=None):
    return standardise(table, DESIGN, scale or choose_scale(table, DESIGN))


def assert_arrays(left, right, tolerance):
    pairs = [(getattr(left, name), getattr(right, name)) for name in NUMBERS]
    pairs += [(values, right.column_mean[name]) for name, values in left.column_mean.items()]
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


def dyadic(rows=256, **columns):
    """Rows whose values and pooled means are exact after 1e9 is added: multiples of 2**-12, a power of two of them."""
    frame, rng = table_of(rows=rows), np.random.default_rng(7)
    frame["m"] = rng.normal(size=rows) + frame["a"]
    frame = frame.assign(**columns)
    return frame.assign(a=np.round(frame["a"] * 4096) / 4096, m=np.round(frame["m"] * 4096) / 4096)


@pytest.mark.parametrize("level", [1e9, -(2.0**31)])
def test_a_common_level_of_the_factors_changes_nothing(level):
    frame = dyadic()
    raised = frame.assign(a=frame["a"] + level, m=frame["m"] + level)
    assert_arrays(arrays_of(load_moments(ANALYSIS, raised).table), arrays_of(load_moments(ANALYSIS, frame).table), 1e-12)


def test_a_common_level_changes_nothing_in_pooled_files():
    frame, first = dyadic(), np.arange(256) < 100
    raised = frame.assign(a=frame["a"] + 1e9, m=frame["m"] + 1e9 + first)
    pooled = pool_moments([reduce_table(ANALYSIS, part) for part in (raised[first], raised[~first])], overlapping="add")
    whole = load_moments(ANALYSIS, frame.assign(m=frame["m"] + first)).table
    assert_arrays(arrays_of(pooled.table), arrays_of(whole), 1e-10)


def test_a_factor_that_is_constant_inside_clusters():
    frame = dyadic()
    frame["m"] = frame["g"] % 3 + 1.0
    raised = frame.assign(a=frame["a"] + 1e9, m=frame["m"] + 1e9)
    assert_arrays(arrays_of(load_moments(ANALYSIS, raised).table), arrays_of(load_moments(ANALYSIS, frame).table), 1e-12)


@pytest.mark.parametrize("level", [0.0, 3.0, 1e4])
def test_products_are_those_of_the_raw_columns_and_of_the_rows(level):
    frame = table_of(rows=120)
    frame = frame.assign(a=frame["a"] + level, m=level + frame["m"] / 1e3 - 1e3)
    table = load_moments(ANALYSIS, frame).table
    scale = choose_scale(table, DESIGN)
    arrays = arrays_of(table, scale)
    # Raw products lose twice as many digits as their factors' level has.
    raw = plain_moments(frame.rename(columns={"g": "cluster"}), ["a", "m", "y", "c"], [("a", "m")])
    assert_arrays(arrays_of(raw, scale), arrays, 1e-12 * max(1.0, level) ** 2)
    rows = frame[["a", "m"]].sub([scale.shift["a"], scale.shift["m"]]) / [scale.scale["a"], scale.scale["m"]]
    product = (rows["a"] * rows["m"]).groupby(frame["g"])
    np.testing.assert_allclose(arrays.column_mean["a", "m"], product.mean(), rtol=1e-9, atol=1e-11)
    place = [term.factors for term in DESIGN.terms].index(("a", "m"))
    np.testing.assert_allclose(arrays.sxx[:, place, place], product.var(ddof=0) * arrays.rows, rtol=1e-9)


@pytest.mark.parametrize("level", [0.0, 1e3])
def test_products_of_three_and_squares_are_those_of_the_rows(level):
    analysis = with_products(
        analysis_of(), [("a", "m"), ("c", "a"), ("m", "c"), ("c", "c"), ("m", "a", "c"), ("c", "c", "a")]
    )
    design, frame = build_design(analysis, build_graph(analysis)), table_of(rows=120)
    frame = frame.assign(a=frame["a"] + level, m=level + frame["m"] / 1e3 - 1e3)
    table = load_moments(analysis, frame).table
    scale = choose_scale(table, design)
    arrays = standardise(table, design, scale)
    rows = (frame[["a", "m", "c"]] - scale_of(scale.shift)) / scale_of(scale.scale)
    place = {term.factors: i for i, term in enumerate(design.terms) if term.target == "y"}
    for factors in products(design):
        product = rows[list(factors)].prod(axis=1)
        inside = product - product.groupby(frame["g"]).transform("mean")
        np.testing.assert_allclose(arrays.column_mean[factors], product.groupby(frame["g"]).mean(), rtol=1e-8, atol=1e-9)
        for other in ("a", "c"):
            there = rows[other] - rows[other].groupby(frame["g"]).transform("mean")
            cross = (inside * there).groupby(frame["g"]).sum()
            np.testing.assert_allclose(arrays.sxx[:, place[factors], place[other,]], cross, rtol=1e-8, atol=1e-8)


def scale_of(numbers):
    return pd.Series(numbers)[["a", "m", "c"]]


def test_a_node_that_is_constant_inside_clusters_is_scaled_by_its_cluster_means():
    frame = table_of(rows=120).assign(c=lambda table: 100.0 * table["g"])
    analysis = with_products(analysis_of(), [("a", "c")])
    design = build_design(analysis, build_graph(analysis), between_only=("c",))
    assert choose_scale(load_moments(analysis, frame).table, design).scale["c"] == pytest.approx(
        np.std([0, 100, 200, 300], ddof=1)
    )


@pytest.mark.parametrize("gaps", [(), ("m",), ("a", "c")])
def test_the_same_bytes_from_rows_and_from_a_file(tmp_path, gaps):
    frame, rng = table_of(rows=400), np.random.default_rng(3)
    for name in gaps:
        frame[name] = frame[name].where(rng.random(400) > 0.2)
    analysis = with_products(analysis_of(missing="drop"), [("a", "m")])
    here = load_moments(analysis, frame).table
    for missing in ("drop", "model"):
        made = reduce_table(with_products(analysis_of(missing=missing), [("a", "m")]), frame)
        there = match_moments(analysis, read_moments(write_moments(made, tmp_path / f"{missing}.parquet"))).table
        left, right = (choose_scale(table, DESIGN) for table in (here, there))
        assert (left.shift, left.scale) == (right.shift, right.scale)
        mine, theirs = arrays_of(here), arrays_of(there)
        for name in NUMBERS:
            assert getattr(mine, name).tobytes() == getattr(theirs, name).tobytes()
        assert all(values.tobytes() == theirs.column_mean[key].tobytes() for key, values in mine.column_mean.items())

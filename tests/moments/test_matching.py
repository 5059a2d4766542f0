"""Moments of a file serve an analysis that asks for what is in it, and no other."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from causalcluster import plan_analysis, read_moments, reduce_table, write_moments
from causalcluster.analysis.records import Contrast
from causalcluster.errors import DataError
from causalcluster.model.structure import model_data
from causalcluster.moments import match_moments
from causalcluster.planning import prepare
from tests.data.builders import analysis_of, table_of, with_node_columns, with_products

PRODUCTS = [("a", "m")]


@pytest.fixture
def stored(tmp_path):
    def store(analysis, frame=None):
        moments = reduce_table(analysis, table_of() if frame is None else frame)
        return read_moments(write_moments(moments, tmp_path / "m.parquet"))

    return store


def gappy(*names, rows=200):
    frame, rng = table_of(rows=rows), np.random.default_rng(5)
    for name in names:
        frame[name] = frame[name].where(rng.random(rows) > 0.2)
    return frame


def refused(analysis, moments, error=DataError):
    with pytest.raises(error) as caught:
        plan_analysis(analysis, moments)
    assert caught.value.where == moments.name
    return str(caught.value)


def test_the_plan_is_that_of_the_rows_but_for_extremes(stored):
    analysis = with_products(analysis_of(), PRODUCTS)
    rows, moments = plan_analysis(analysis, table_of()), plan_analysis(analysis, stored(analysis))
    for name in ("n", "mean", "cross", "reaches_low", "reaches_high"):
        xr.testing.assert_identical(rows.moments.table[name], moments.moments.table[name])
    known = tuple(replace(item, minimum=None, maximum=None) for item in rows.panel.statistics)
    assert replace(rows.panel, statistics=known, file="") == replace(moments.panel, file="")
    assert moments.panel.file == moments.moments.file


def test_nodes_are_matched_by_column_and_named_as_the_analysis_does(stored):
    analysis = analysis_of(context=("c",))
    nodes = tuple(replace(node, name=f"my_{node.name}", label="Mine") for node in analysis.nodes)
    edges = tuple(replace(e, source=f"my_{e.source}", target=f"my_{e.target}") for e in analysis.edges)
    question = replace(analysis.question, treatment="my_a", outcomes=("my_y",), mediators=("my_m",))
    other = replace(analysis, nodes=nodes[::-1], edges=edges, question=question)
    panel = plan_analysis(other, stored(analysis)).panel
    assert panel.nodes == ("my_c", "my_y", "my_m", "my_a")
    assert panel.statistics[2].mean == plan_analysis(analysis, table_of()).panel.statistics[1].mean


def test_fewer_nodes_and_products_may_be_asked_for(stored):
    moments = stored(with_products(analysis_of(), [("a", "m"), ("a", "c")]))
    asked = with_products(analysis_of(context=()), [("m", "a")])
    matched = match_moments(asked, moments)
    assert list(matched.table["column"].values) == ["a", "m", "y", "m * a"]
    assert set(matched.counts.missing) == {"a", "m", "y", "g"}


class TestMissing:
    def test_moments_by_pattern_serve_as_well_as_rows(self, stored):
        frame = gappy("m")
        rows, moments = (prepare(plan_analysis(analysis_of(), source)) for source in (frame, stored(analysis_of(), frame)))
        assert rows.arrays.row_equations.gaps is not None
        for mine, theirs in zip(
            model_data(rows.arrays, rows.priors).items(), model_data(moments.arrays, moments.priors).items(), strict=True
        ):
            assert mine[0] == theirs[0]
            np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("made_with", ["model", "drop"])
    def test_dropping_takes_the_complete_rows(self, stored, made_with):
        frame, analysis = gappy("m", "c"), analysis_of(missing="drop")
        rows = plan_analysis(analysis, frame)
        moments = plan_analysis(analysis, stored(analysis_of(missing=made_with), frame))
        xr.testing.assert_identical(rows.moments.table["cross"], moments.moments.table["cross"])
        assert moments.panel.warnings == rows.panel.warnings
        assert moments.panel.rows == rows.panel.rows == 200

    def test_gaps_in_what_is_not_asked_for_do_not_matter(self, stored):
        frame = gappy("m", "c")
        asked = analysis_of(missing="drop", context=())
        rows = plan_analysis(asked, frame).moments.table
        moments = match_moments(asked, stored(analysis_of(), frame))
        np.testing.assert_array_equal(moments.table["n"], rows["n"])
        np.testing.assert_allclose(moments.table["cross"], rows["cross"], rtol=1e-10, atol=1e-6)
        assert moments.counts.missing["m"] == int(frame["m"].isna().sum())

    def test_rows_that_were_dropped_for_them_are_missed(self, stored):
        moments = stored(analysis_of(missing="drop"), gappy("c"))
        warnings = plan_analysis(analysis_of(missing="drop", context=()), moments).warnings
        assert any("rows without a value in 'c' were left out when the moments were made" in text for text in warnings)

    @pytest.mark.parametrize(
        ("made_with", "asked"), [("drop", "model"), ("drop", "error"), ("model", "error"), ("error", "drop")]
    )
    def test_other_policies(self, stored, made_with, asked):
        message = refused(analysis_of(missing=asked), stored(analysis_of(missing=made_with)))
        assert f"it was made with 'missing: {made_with}', the analysis says 'missing: {asked}'" in message


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        (analysis_of(cluster="h"), "its 'cluster' is g, the analysis' is h"),
        (analysis_of(cluster=None), "its 'cluster' is g, the analysis' is left out"),
        (analysis_of(time="year"), "its 'time' is left out, the analysis' is year"),
        (with_node_columns(analysis_of(), m="mm"), "no moments of the column 'mm' (node 'm')"),
        (with_products(analysis_of(), [("a", "c")]), "no moments of the product 'a * c'"),
        (
            analysis_of(contrast=Contrast(kind="sd", low=0.0, high=1.0)),
            "its contrast is {from: 0, to: 1}, the analysis' is {sd: 1}",
        ),
        (with_node_columns(analysis_of(), a="c", c="a"), "its treatment is 'a', the analysis' is 'c'"),
    ],
)
def test_differences_are_named(stored, asked, difference):
    message = refused(asked, stored(with_products(analysis_of(), PRODUCTS)))
    assert "the moments are for another design" in message
    assert difference in message


def test_what_small_cells_took_is_said(tmp_path):
    frame = table_of(rows=62, clusters=4)
    frame.loc[60:, "g"] = 9
    moments = reduce_table(analysis_of(), frame, min_cell=5)
    warnings = plan_analysis(analysis_of(), read_moments(write_moments(moments, tmp_path / "m.parquet"))).warnings
    assert "1 cluster(s) with fewer than 5 rows are not in the moments" in warnings


def test_what_small_cells_took_of_clusters_that_remain_is_said(tmp_path):
    frame = table_of()
    frame.loc[[0, 1, 2], "m"] = np.nan
    moments = reduce_table(analysis_of(), frame, min_cell=5)
    read = read_moments(write_moments(moments, tmp_path / "m.parquet"))
    warnings = plan_analysis(analysis_of(missing="drop"), read).warnings
    assert (
        "records with fewer than 5 rows (of one pattern of missing values) are not in the moments of 3 cluster(s)"
        in warnings
    )
    assert not any("cluster(s) with fewer" in text for text in warnings)

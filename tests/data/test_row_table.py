"""Rows as arrays: the same multiset of complete rows in every cluster, whatever engine holds them in whatever order."""

from collections import Counter

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.data import open_rows, take_rows
from causalcluster.errors import DataError
from causalcluster.moments import reduce_rows
from tests.data.builders import analysis_of, table_of, with_families

ENGINES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "lazy polars": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}
NODES = ("y", "m", "a")
COUNTS = {"y": {"family": "binomial", "trials": "n"}, "m": {"family": "poisson", "exposure": "e"}}


def counts_analysis(file=None, **options):
    return with_families(analysis_of(file, missing="drop", **options), **COUNTS)


def taken(analysis, frame=None, nodes=NODES):
    with open_rows(analysis, frame) as rows:
        return take_rows(analysis, rows, nodes)


def expanded(table) -> Counter:
    """The rows that a table stands for, by label."""
    columns = [*table.columns.values(), *table.trials.values(), *table.exposure.values()]
    rows = Counter()
    for i, weight in enumerate(table.weight):
        rows[(table.clusters[table.cluster[i]], *(float(column[i]) for column in columns))] += int(weight)
    return rows


def assert_same(left, right):
    assert left.clusters == right.clusters
    np.testing.assert_array_equal(left.cluster, right.cluster)
    np.testing.assert_array_equal(left.weight, right.weight)
    for part in ("columns", "trials", "exposure"):
        mine, theirs = getattr(left, part), getattr(right, part)
        assert list(mine) == list(theirs)
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name])
            # Zeros have one sign.
            np.testing.assert_array_equal(np.signbit(mine[name]), np.signbit(theirs[name]))


def counts_table(rows=60, seed=0, **columns):
    rng = np.random.default_rng(seed)
    trials = rng.integers(1, 4, size=rows)
    own = {"y": rng.binomial(trials, 0.4), "n": trials, "m": rng.poisson(1.0, size=rows), "e": rng.integers(1, 3, size=rows)}
    return table_of(rows=rows, a=rng.integers(0, 2, size=rows), **{**own, **columns})


def gap_or(values):
    return st.one_of(st.none(), values)


@st.composite
def tables(draw):
    """Few distinct values, so that rows repeat, or many; holes anywhere but in the label."""
    plain = draw(st.sampled_from([st.sampled_from([-1.5, -0.0, 0.0, 2.0]), st.floats(-1e6, 1e6)]))
    row = st.tuples(
        st.sampled_from(["10", "9", "2"]), gap_or(plain), gap_or(plain), gap_or(st.integers(0, 2)), gap_or(st.integers(2, 3))
    )
    # Whole columns of every kind are present, or the table is refused for other reasons.
    first = [("10", 1.0, -0.0, 1, 2), ("9", 0.0, 2.0, 0, 3)]
    return pd.DataFrame(first + draw(st.lists(row, max_size=30)), columns=["g", "a", "m", "y", "n"]).astype(
        {"a": float, "m": float, "y": float, "n": float}
    )


@settings(max_examples=40, deadline=None)
@given(frame=tables(), engine=st.sampled_from(list(ENGINES)), seed=st.integers(0, 9))
def test_expanding_weights_gives_the_complete_rows(frame, engine, seed):
    analysis = with_families(analysis_of(missing="drop", context=()), y={"family": "binomial", "trials": "n"})
    shuffled = frame.sample(frac=1.0, random_state=seed, ignore_index=True)
    table = taken(analysis, ENGINES[engine](shuffled))
    complete = frame.dropna()
    assert expanded(table) == Counter(complete[["g", "y", "m", "a", "n"]].itertuples(index=False, name=None))
    assert (np.diff(table.cluster) >= 0).all()
    assert table.clusters == tuple(sorted(set(complete["g"]), key=int))
    assert_same(table, taken(analysis, frame))


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree_to_the_bit(engine):
    frame = counts_table(rows=500, c=np.random.default_rng(3).normal(size=500))
    analysis = counts_analysis()
    for nodes in (NODES, (*NODES, "c")):
        mixed = ENGINES[engine](frame.sample(frac=1.0, random_state=1, ignore_index=True))
        assert_same(taken(analysis, mixed, nodes), taken(analysis, frame, nodes))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_are_frames(tmp_path, kind):
    frame = counts_table()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    assert_same(taken(counts_analysis(tmp_path / f"t.{kind}")), taken(counts_analysis(), frame))


def test_contents_by_hand():
    frame = pd.DataFrame(
        {
            "g": ["b", "b", "a", "b", "b"],
            "a": [1.0, 0.0, 1.0, 1.0, 1.0],
            "m": [2.0, 1.0, 0.0, 2.0, 2.0],
            "y": [1.0, 0.0, 3.0, 1.0, 1.0],
            "n": [2.0, 2.0, 3.0, 2.0, 2.0],
            "e": [0.5, 0.5, 1.0, 0.5, 0.5],
        }
    )
    frame = pd.concat([frame, frame], ignore_index=True)
    table = taken(counts_analysis(context=()), frame)
    assert table.clusters == ("a", "b")
    np.testing.assert_array_equal(table.cluster, [0, 1, 1])
    assert list(table.columns) == ["y", "m", "a"]
    np.testing.assert_array_equal(table.columns["y"], [3, 0, 1])
    np.testing.assert_array_equal(table.columns["m"], [0, 1, 2])
    assert list(table.trials) == ["y"]
    np.testing.assert_array_equal(table.trials["y"], [3, 2, 2])
    assert list(table.exposure) == ["m"]
    np.testing.assert_array_equal(table.exposure["m"], [1.0, 0.5, 0.5])
    np.testing.assert_array_equal(table.weight, [2, 2, 6])
    assert table.cluster.dtype == np.int64
    assert table.weight.dtype == np.float64


@pytest.mark.parametrize(("distinct", "rows"), [(5, 5), (6, 10)])
def test_rows_are_collapsed_only_where_half_of_them_go(distinct, rows):
    frame = pd.DataFrame({"g": ["x", "y"] * 5, "a": np.arange(10.0) % distinct, "m": 0.0, "y": 1.0})
    frame = frame.assign(g=np.where(frame["a"] < 2, "x", "y"))
    table = taken(analysis_of(context=()), frame)
    assert len(table.weight) == rows
    assert table.weight.sum() == 10


def test_a_row_without_trials_or_exposure_is_incomplete():
    frame = counts_table().astype(float)
    frame.loc[4, "n"] = np.nan
    frame.loc[[7, 8], "e"] = np.nan
    analysis = counts_analysis()
    with open_rows(analysis, frame) as rows:
        assert rows.counts.complete == 57
        assert (rows.counts.missing["n"], rows.counts.missing["e"]) == (1, 2)
        table = take_rows(analysis, rows, NODES)
        moments = reduce_rows(analysis, rows)
    assert table.weight.sum() == 57
    assert int(moments.table["n"].sum()) == 57
    strict = with_families(analysis_of(missing="error"), **COUNTS)
    with pytest.raises(DataError, match=r"values are missing: 2 in 'e', 1 in 'n' \(of 60 rows\)"):
        taken(strict, frame)


def test_clusters_are_those_of_the_moments():
    frame = table_of(clusters=12)
    frame.loc[frame["g"] == 3, "y"] = np.nan
    analysis = analysis_of(missing="drop")
    with open_rows(analysis, frame) as rows:
        table, moments = take_rows(analysis, rows, ["y"]), reduce_rows(analysis, rows)
    assert list(table.clusters) == [str(label) for label in moments.table["cluster"].values]
    np.testing.assert_array_equal(np.bincount(table.cluster, table.weight), moments.table["n"].values)


def test_moments_do_not_see_trials():
    frame, analysis = counts_table(), counts_analysis()
    with open_rows(analysis, frame) as rows:
        with_trials = reduce_rows(analysis, rows)
        assert rows.survey.minimum.shape == (4, 4)
    with open_rows(analysis_of(), frame) as rows:
        assert with_trials.table.equals(reduce_rows(analysis_of(), rows).table)


def test_without_clusters_there_is_one():
    table = taken(counts_analysis(cluster=None), counts_table())
    assert table.clusters == ("",)
    assert set(table.cluster) == {0}


def test_one_column_may_serve_several_nodes():
    shared = with_families(
        analysis_of(),
        y={"family": "binomial", "trials": "n"},
        m={"family": "poisson", "exposure": "c"},
        c={"family": "poisson", "exposure": "n"},
    )
    frame = counts_table(c=np.arange(60) % 3 + 1)
    table = taken(shared, frame, ("y", "m", "c"))
    np.testing.assert_array_equal(table.exposure["m"], table.columns["c"])
    np.testing.assert_array_equal(table.exposure["c"], table.trials["y"])


def test_a_column_is_not_its_own_trials():
    analysis = with_families(analysis_of(), y={"family": "binomial", "trials": "y"})
    with pytest.raises(DataError, match="node 'y' and its trials read the same column 'y'"):
        taken(analysis, counts_table())


@pytest.mark.parametrize("kind", ["frame", "csv"])
def test_what_is_wrong_with_trials_is_named(tmp_path, kind):
    def message(frame):
        frame.to_csv(tmp_path / "t.csv", index=False)
        with pytest.raises(DataError) as caught:
            taken(counts_analysis(tmp_path / "t.csv" if kind == "csv" else None), frame if kind == "frame" else None)
        return str(caught.value)

    frame = counts_table()
    assert "there is no column 'n' (trials of node 'y')" in message(frame.drop(columns="n"))
    assert "there is no column 'e' (exposure of node 'm')" in message(frame.drop(columns="e"))
    mixed = frame["e"].astype(object).mask(frame.index == 6, "much")
    if kind == "csv":
        assert "column 'e' holds 'much' in data row 7" in message(frame.assign(e=mixed))


def test_a_table_that_changes_under_the_hand_is_refused():
    connection = duckdb.connect()
    connection.register("given", table_of())
    connection.execute("CREATE TABLE t AS SELECT * FROM given")
    analysis = analysis_of()
    with (
        pytest.raises(DataError, match="the table changed while it was read: 60 rows at first, 59 later"),
        open_rows(analysis, connection.sql("SELECT * FROM t")) as rows,
    ):
        connection.execute("DELETE FROM t WHERE rowid = 0")
        take_rows(analysis, rows, ["y"])


@pytest.mark.parametrize("engine", ENGINES)
def test_incomplete_rows_come_too_where_they_are_asked_for(engine):
    frame, rng = table_of(rows=120, clusters=3), np.random.default_rng(8)
    for name in ("m", "y"):
        frame[name] = frame[name].round(1).where(rng.random(120) > 0.3)
    with open_rows(analysis_of(), ENGINES[engine](frame)) as rows:
        found = take_rows(analysis_of(), rows, ["a", "m", "y"], incomplete=True)
    repeats = found.weight.astype(int)
    mine = pd.DataFrame({name: np.repeat(values, repeats) for name, values in found.columns.items()})
    mine["g"] = np.repeat(np.array(found.clusters)[found.cluster], repeats)
    names = ["g", "a", "m", "y"]
    theirs = frame.assign(g=frame["g"].astype(str))[names].astype({"a": float})
    pd.testing.assert_frame_equal(
        mine[names].sort_values(names, ignore_index=True), theirs.sort_values(names, ignore_index=True), check_dtype=False
    )

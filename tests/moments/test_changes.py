"""A table that changes between two passes is refused."""

import duckdb
import numpy as np
import polars as pl
import pytest

from causalcluster.data import open_rows
from causalcluster.errors import DataError
from causalcluster.moments import reduce_rows
from tests.data.builders import analysis_of, table_of


def reduced_after(change, frame, **options):
    """Reduce a DuckDB table that is changed after its survey."""
    connection = duckdb.connect()
    connection.register("given", frame)
    connection.execute("CREATE TABLE t AS SELECT * FROM given")
    with open_rows(analysis_of(**options), connection.table("t")) as rows:
        if change:
            connection.execute(change)
        return reduce_rows(analysis_of(**options), rows)


CHANGES = {
    "INSERT INTO t SELECT * FROM t WHERE g = 0 LIMIT 2": "60 rows at first, then 62",
    "DELETE FROM t WHERE g = 3": "60 rows at first, then 45",
    "UPDATE t SET y = 1e9 WHERE g = 1": "other values, or rows in other clusters",
    "UPDATE t SET m = NULL WHERE g = 1 AND a > 0": "other values, or rows in other clusters",
    "UPDATE t SET g = 1 - g WHERE g < 2 AND a > 0": "other values, or rows in other clusters",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_said(change):
    frame = table_of()
    assert reduced_after(None, frame).counts.rows == 60
    with pytest.raises(DataError, match="the table changed while it was read") as caught:
        reduced_after(change, frame)
    assert CHANGES[change] in str(caught.value)
    assert caught.value.where == "the table"
    assert "Read a copy" in str(caught.value)


@pytest.mark.parametrize("missing", ["drop", "model"])
@pytest.mark.parametrize(
    "change", ["DELETE FROM t WHERE m IS NULL AND g = 0", "DELETE FROM t WHERE m IS NOT NULL AND g = 0"]
)
def test_rows_with_gaps_count_too(missing, change):
    frame = table_of(rows=200)
    frame["m"] = frame["m"].where(np.random.default_rng(0).random(200) > 0.3)
    if missing == "drop" and "IS NULL" in change:
        # Rows that were dropped anyway may go.
        assert reduced_after(change, frame, missing=missing).counts.rows == 200
        return
    with pytest.raises(DataError, match="the table changed while it was read"):
        reduced_after(change, frame, missing=missing)


def test_a_query_that_gives_other_rows_each_time():
    calls = []

    def draw(frame):
        calls.append(len(calls))
        return frame.with_columns(pl.col("y") + 100.0 * len(calls))

    lazy = pl.from_pandas(table_of()).lazy().map_batches(draw)
    with pytest.raises(DataError, match="the table changed while it was read"), open_rows(analysis_of(), lazy) as rows:
        reduce_rows(analysis_of(), rows)
    assert len(calls) > 1


def test_values_that_only_just_fit_their_extremes_are_no_change():
    """Where a column spans one step of its doubles, an extreme is scaled to 1 and not to 1/2."""
    level = 2.0**30
    frame = table_of(y=np.where(np.arange(60) % 8 < 4, level, np.nextafter(level, np.inf)))
    with open_rows(analysis_of(), frame) as rows:
        assert reduce_rows(analysis_of(), rows).counts.rows == 60


def test_a_file_that_is_rewritten(tmp_path):
    table_of().to_parquet(tmp_path / "t.parquet")
    analysis = analysis_of(tmp_path / "t.parquet")
    with pytest.raises(DataError) as caught, open_rows(analysis) as rows:
        table_of(rows=80, seed=1).to_parquet(tmp_path / "t.parquet")
        reduce_rows(analysis, rows)
    assert caught.value.where == str(tmp_path / "t.parquet")

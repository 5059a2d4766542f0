"""Tables at the edges: compressed files, immense values, codes that look like numbers, odd column names."""

import datetime
import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalcluster.errors import DataError
from tests.data.builders import analysis_of, load_panel, table_of


def refused(frame=None, **options):
    with pytest.raises(DataError) as caught:
        load_panel(analysis_of(**options), frame)
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.csv.gz", "T.CSV.GZ", "my.data.v1.csv.gz"])
def test_a_compressed_csv_is_the_csv(tmp_path, name):
    text = table_of().to_csv(index=False)
    (tmp_path / "t.csv").write_text(text)
    (tmp_path / name).write_bytes(gzip.compress(text.encode("utf-8-sig")))
    plain, packed = (load_panel(analysis_of(tmp_path / n)) for n in ("t.csv", name))
    assert packed.statistics == plain.statistics
    assert packed.clusters == plain.clusters


def test_compressed_parts_are_one_table(tmp_path):
    frame = table_of()
    frame.to_csv(tmp_path / "whole.csv", index=False)
    for i, rows in enumerate((frame.iloc[:20], frame.iloc[20:])):
        (tmp_path / f"part-{i}.csv.gz").write_bytes(gzip.compress(rows.to_csv(index=False).encode()))
    parts = load_panel(analysis_of(tmp_path / "part-*.csv.gz"))
    assert parts.statistics == load_panel(analysis_of(tmp_path / "whole.csv")).statistics


def test_compressed_and_plain_parts_do_not_mix(tmp_path):
    table_of().to_csv(tmp_path / "p1.csv", index=False)
    table_of().to_csv(tmp_path / "p2.csv.gz", index=False)
    assert "several formats: .csv, .csv.gz" in refused(file=tmp_path / "p*")


@pytest.mark.parametrize("damage", ["plain text", "cut in the header", "cut later"])
def test_damaged_compressed_csv(tmp_path, damage):
    text = table_of(rows=3000).to_csv(index=False).encode()
    packed = gzip.compress(text)
    content = {"plain text": text, "cut in the header": packed[:15], "cut later": packed[: len(packed) // 2]}[damage]
    (tmp_path / "t.csv.gz").write_bytes(content)
    assert "cannot be read" in refused(file=tmp_path / "t.csv.gz")


@pytest.mark.parametrize("kind", ["pandas", "polars", "csv", "parquet"])
def test_immense_values_are_refused_before_they_overflow(tmp_path, kind):
    frame = table_of()
    frame.loc[[3, 9], "y"] = [-1.7e308, 1.7e308]
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    native = {"pandas": frame, "polars": pl.from_pandas(frame)}.get(kind)
    message = refused(native, file=None if native is not None else tmp_path / f"t.{kind}")
    assert "column 'y' holds 2 value(s) beyond 1e+50, the first in data row 4" in message


def test_infinities_are_named_before_immense_values():
    frame = table_of()
    frame.loc[[3, 9], "y"] = [1e60, -np.inf]
    assert "column 'y' holds 1 infinite value(s), the first in data row 10" in refused(frame)


def test_codes_with_underscores_are_text_in_csv(tmp_path):
    frame = table_of().astype({"c": object})
    frame.loc[2, "c"] = "2_3"
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert "column 'c' holds '2_3' in data row 3" in refused(file=tmp_path / "t.csv")


def test_column_names_that_are_no_text():
    assert "there is no column 'c'" in refused(table_of().rename(columns={"c": 3}))


def test_complex_numbers_are_refused():
    assert "column 'c' holds '0j' in data row 1" in refused(table_of(c=np.arange(60) * 1j))


def test_lists_as_labels_are_refused():
    frame = pl.from_pandas(table_of()).with_columns(pl.concat_list("g").alias("g"))
    assert "column 'g' holds lists or records" in refused(frame)


def test_pandas_dates_kept_as_objects_are_periods():
    days = [datetime.date(2000, 1, 1) + datetime.timedelta(days=i) for i in range(60)]
    frame = table_of().assign(day=days)
    assert load_panel(analysis_of(time="day"), frame).rows == 60
    frame.loc[4, "day"] = frame.loc[0, "day"]
    assert "cluster '0' has 2 rows with 'day' = 2000-01-01" in refused(frame, time="day")


@pytest.mark.parametrize("values", [pd.Series([True, False] * 30), pd.Series(["2000", "2001"] * 30)])
def test_booleans_and_text_are_no_periods(values):
    assert "'time' is a whole number or a date" in refused(table_of().assign(day=values), time="day")

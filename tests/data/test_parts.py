"""A table in many parts: errors name the part and the row or line inside it, and nothing is lost at a part's end."""

import gzip

import numpy as np
import pandas as pd
import pytest

from causalcluster.data import open_rows
from causalcluster.errors import DataError
from tests.data.builders import analysis_of, load_panel, table_of

PARTS, ROWS = 40, 5


def write_parts(folder, frame=None, suffix=".csv"):
    frame = table_of(rows=PARTS * ROWS) if frame is None else frame
    for i in range(PARTS):
        part = frame.iloc[i * ROWS : (i + 1) * ROWS]
        path = folder / f"part-{i:02d}{suffix}"
        part.to_parquet(path) if suffix == ".parquet" else part.to_csv(path, index=False)
    return folder / f"part-*{suffix}"


def refused(pattern, where, **options):
    with pytest.raises(DataError) as caught:
        load_panel(analysis_of(pattern, **options))
    assert caught.value.where == str(where)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize(("row", "within"), [(0, 1), (4, 5), (187, 3), (199, 5)])
def test_text_in_a_part(tmp_path, suffix, row, within):
    frame = table_of(rows=PARTS * ROWS).astype({"m": object})
    frame.loc[row, "m"] = "high"
    message = refused(write_parts(tmp_path, frame, suffix), tmp_path / f"part-{row // ROWS:02d}{suffix}")
    assert f"column 'm' holds 'high' in data row {within}." in message


def test_no_period_in_a_part(tmp_path):
    frame = table_of(rows=PARTS * ROWS).assign(year=[str(y) for y in range(199)] + ["spring"])
    message = refused(write_parts(tmp_path, frame), tmp_path / "part-39.csv", time="year")
    assert "column 'year' holds 'spring' in data row 5" in message


BROKEN = {
    "cut": ("g,a,m,y,c\n1,2,3,4,5\n1,2,3\n", "Line: 3; Original Line: 1,2,3; Expected Number of Columns: 5 Found: 3"),
    "open quote": ('g,a,m,y,c\n1,2,3,4,5\n1,2,"3,4,5\n1,2,3,4,5\n', "unterminated quote"),
    "open quote at the end": ('g,a,m,y,c\n1,2,3,4,5\n1,2,3,4,"5', "unterminated quote"),
    "open label at the end": ('g,a,m,y,c\n1,2,3,4,5\n"1,2,3,4,5\n', "unterminated quote"),
}


@pytest.mark.parametrize("place", [0, 37, 39])
@pytest.mark.parametrize("damage", BROKEN)
@pytest.mark.parametrize("packed", [False, True])
def test_a_broken_part(tmp_path, damage, place, packed):
    suffix = ".csv.gz" if packed else ".csv"
    pattern, (text, finding) = write_parts(tmp_path, suffix=suffix), BROKEN[damage]
    broken = tmp_path / f"part-{place:02d}{suffix}"
    broken.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    message = refused(pattern, broken)
    assert finding in message
    assert "Line: 3" in message


def test_a_part_in_another_encoding(tmp_path):
    pattern = write_parts(tmp_path)
    (tmp_path / "part-11.csv").write_bytes("g,a,m,y,c\n1,2,3,4,5\nå,2,3,4,5\n".encode("latin-1"))
    message = refused(pattern, tmp_path / "part-11.csv")
    assert "not UTF-8" in message


def test_a_compressed_part_that_is_cut_off(tmp_path):
    pattern = write_parts(tmp_path, table_of(rows=PARTS * ROWS), ".csv.gz")
    packed = gzip.compress(table_of(rows=3000).to_csv(index=False).encode())
    (tmp_path / "part-11.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert "cannot be read" in refused(pattern, tmp_path / "part-11.csv.gz")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("value", [np.inf, 1e60])
def test_an_infinite_value_in_a_part(tmp_path, suffix, value):
    frame = table_of(rows=PARTS * ROWS)
    frame.loc[187, "y"] = value
    pattern = write_parts(tmp_path, frame, suffix)
    assert f"the first in data row 3 of {tmp_path / f'part-37{suffix}'}" in refused(pattern, pattern)


def test_rows_follow_each_other_from_part_to_part(tmp_path):
    frame = table_of(rows=PARTS * ROWS)
    with open_rows(analysis_of(write_parts(tmp_path, frame))) as rows:
        read = rows.frame.collect("pandas").to_native()
    pd.testing.assert_series_equal(read["x1"], frame["m"], check_names=False)

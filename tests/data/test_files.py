"""Files that cannot be read, and files of every accepted shape."""

import errno
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pytest

from causalcluster.data import open_rows, open_table
from causalcluster.data.csv_files import open_csv
from causalcluster.data.failures import reading
from causalcluster.errors import DataError, InputError, UnsupportedError
from causalcluster.moments import reduce_rows
from tests.data.builders import analysis_of, load_panel, table_of

CHECKOUT = Path(__file__).parents[2]


def refused(file, error=DataError):
    with pytest.raises(error) as caught:
        load_panel(analysis_of(file))
    assert caught.value.where
    return str(caught.value)


def statistics(file):
    return load_panel(analysis_of(file)).statistics


def test_no_such_file_names_the_nearest(tmp_path):
    table_of().to_csv(tmp_path / "panel.csv", index=False)
    message = refused(tmp_path / "pannel.csv")
    assert "there is no such file" in message
    assert "Did you mean 'panel.csv'?" in message


def test_no_such_folder(tmp_path):
    assert "no such folder" in refused(tmp_path / "nowhere" / "panel.csv")


def test_a_folder(tmp_path):
    assert "a folder" in refused(tmp_path)


def test_a_pattern_without_match(tmp_path):
    assert "no file matches" in refused(tmp_path / "*.csv")


def test_formats_not_read_yet(tmp_path):
    (tmp_path / "t.xls").write_bytes(b"x")
    assert "not available in this version" in refused(tmp_path / "t.xls", UnsupportedError)


@pytest.mark.parametrize("name", ["t.dta", "t.xlsx", "t.feather", "t.arrow"])
def test_files_that_are_not_what_their_ending_says(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert "the file cannot be read" in refused(tmp_path / name)


def test_unknown_format(tmp_path):
    (tmp_path / "t.docx").write_bytes(b"x")
    assert "unknown file format '.docx'" in refused(tmp_path / "t.docx")


def test_mixed_formats(tmp_path):
    table_of().to_csv(tmp_path / "p1.csv", index=False)
    table_of().to_parquet(tmp_path / "p2.parquet")
    assert "several formats" in refused(tmp_path / "p*")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_empty_csv(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    assert "empty" in refused(tmp_path / "t.csv")


def test_header_only(tmp_path):
    (tmp_path / "t.csv").write_text("g,a,m,y,c\n")
    assert "the table has no rows" in refused(tmp_path / "t.csv")


def test_cut_off_csv(tmp_path):
    (tmp_path / "t.csv").write_text("g,a,m,y,c\n1,2,3,4,5\n1,2,3\n")
    message = refused(tmp_path / "t.csv")
    assert "Line: 3" in message
    assert "Expected Number of Columns: 5 Found: 3" in message


def test_open_quote(tmp_path):
    (tmp_path / "t.csv").write_text('g,a,m,y,c\n1,2,3,4,5\n"1,2,3,4,5\n')
    assert "unterminated quote" in refused(tmp_path / "t.csv")


@pytest.mark.parametrize("header", ["g,a,m,y,c", "g,a,m,y,c,löhne"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings(tmp_path, header, encoding):
    rows = "".join(f"å{i % 2},{i},{i * i},{i % 3},{i % 5}{',1' * (header.count(',') - 4)}\n" for i in range(9))
    (tmp_path / "t.csv").write_bytes(f"{header}\n{rows}".encode(encoding))
    assert "not UTF-8" in refused(tmp_path / "t.csv")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_broken_parquet(tmp_path, content):
    (tmp_path / "t.parquet").write_bytes(content)
    assert "Parquet file cannot be read" in refused(tmp_path / "t.parquet")


def test_cut_off_parquet(tmp_path):
    table_of().to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    assert "Parquet file cannot be read" in refused(tmp_path / "t.parquet")


def test_parquet_damaged_in_the_middle(tmp_path):
    table_of(rows=5000).to_parquet(tmp_path / "t.parquet")
    whole = bytearray((tmp_path / "t.parquet").read_bytes())
    whole[40:4000] = bytes(3960)
    (tmp_path / "t.parquet").write_bytes(whole)
    assert "Parquet file cannot be read" in refused(tmp_path / "t.parquet")


def test_parts_with_differing_columns(tmp_path):
    table_of().to_csv(tmp_path / "p1.csv", index=False)
    table_of().drop(columns="c").to_csv(tmp_path / "p2.csv", index=False)
    assert "this part's columns are" in refused(tmp_path / "p*.csv")
    table_of().to_parquet(tmp_path / "p1.parquet")
    table_of(c=np.arange(60) / 2).to_parquet(tmp_path / "p2.parquet")
    assert "c double" in refused(tmp_path / "p*.parquet")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_dialects(tmp_path, delimiter, bom, end):
    table_of().to_parquet(tmp_path / "t.parquet")
    encoding = "utf-8-sig" if bom else "utf-8"
    table_of().to_csv(tmp_path / "t.csv", index=False, sep=delimiter, lineterminator=end, encoding=encoding)
    assert statistics(tmp_path / "t.csv") == statistics(tmp_path / "t.parquet")


def test_no_newline_at_the_end_and_blank_lines(tmp_path):
    text = table_of().to_csv(index=False)
    (tmp_path / "t.csv").write_text(text)
    expected = statistics(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(text.rstrip("\n"))
    assert statistics(tmp_path / "t.csv") == expected
    (tmp_path / "t.csv").write_text(text + "\n\n")
    assert statistics(tmp_path / "t.csv") == expected


def test_numbers_are_read_to_the_last_digit(tmp_path):
    values = np.random.default_rng(0).normal(size=60) * 10.0 ** np.arange(-30, 30)
    table_of(y=values).to_csv(tmp_path / "t.csv", index=False)
    with open_rows(analysis_of(tmp_path / "t.csv")) as rows:
        np.testing.assert_array_equal(rows.frame.collect("pandas")["x2"].to_numpy(), values)


def test_open_table_shows_the_columns_before_reading(tmp_path):
    table_of().to_csv(tmp_path / "t.csv", index=False)
    with open_table(analysis_of(tmp_path / "t.csv").data) as table:
        assert table.columns == ("g", "a", "m", "y", "c")


def test_nothing_to_read():
    with pytest.raises(DataError, match="names no table"):
        load_panel(analysis_of())


SCRIPT = """
import sys
from causalcluster.errors import DataError
from tests.data.builders import analysis_of, load_moments, with_products

try:
    load_moments(with_products(analysis_of(sys.argv[1], time="year"), [("a", "m")]))
except DataError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("value", [1.0, np.inf])
def test_nothing_is_written_to_standard_error(tmp_path, name, value):
    frame = table_of(y=np.where(np.arange(60) == 7, value, np.arange(60) % 11), year=np.arange(60))
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stderr == ""
    assert ("infinite" in done.stdout) == np.isinf(value)


def test_quoted_names_are_read_under_every_delimiter(tmp_path):
    for delimiter in (",", ";", "\t"):
        path = tmp_path / "quoted.csv"
        rows = [["g", "x, y", "z"], ["a", "1", "2"], ["b", "3", "4"]]
        path.write_text("\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows) + "\n")
        with tempfile.TemporaryDirectory() as folder:
            table = open_csv([path], name="quoted", expected=["g", "x, y", "z"], workspace=Path(folder))
        assert table.columns == ("g", "x, y", "z")


def test_a_part_that_disappears_while_it_is_read(tmp_path):
    for i in range(3):
        table_of(seed=i).to_parquet(tmp_path / f"p{i}.parquet")
    analysis = analysis_of(tmp_path / "p*.parquet")
    with pytest.raises(DataError, match="disappeared while it was read") as caught, open_rows(analysis) as rows:
        (tmp_path / "p1.parquet").unlink()
        reduce_rows(analysis, rows)
    assert caught.value.where == analysis.data.file


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), duckdb.IOException("Could not write: No space left on device")],
)
def test_a_full_disk_is_a_clear_error(error):
    with pytest.raises(InputError, match="the disk is full"), reading("t.csv"):
        raise error


def test_too_little_memory_is_a_clear_error():
    with pytest.raises(InputError, match="memory allowed"), reading("t.csv"):
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch, name):
    table_of().to_csv(tmp_path / "t.csv", index=False)
    table_of().to_parquet(tmp_path / "t.parquet")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    load_panel(analysis_of(tmp_path / name))
    assert list((tmp_path / "temporary").iterdir()) == []

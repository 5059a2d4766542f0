"""Moments files: nothing is lost, and a file that is not whole is refused with the reason."""

import errno
import json
import os
import stat
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from causalcluster import read_moments, reduce_table, write_moments
from causalcluster.errors import DataError, InputError, UnsupportedError
from causalcluster.moments import storage
from causalcluster.moments.header import KEY
from tests.data.builders import analysis_of, table_of, with_products

PRODUCTS = [("a", "m"), ("a", "c")]


def made(frame=None, **options):
    return reduce_table(with_products(analysis_of(**options), PRODUCTS), table_of() if frame is None else frame)


def gappy(rows=400):
    frame = table_of(rows=rows)
    rng = np.random.default_rng(3)
    for name in ("m", "c"):
        frame[name] = frame[name].where(rng.random(rows) > 0.2)
    return frame


def without_extremes(table):
    return table.drop_vars(["minimum", "maximum", "node"])


def refused(path):
    with pytest.raises(DataError) as caught:
        read_moments(path)
    assert caught.value.where == str(path)
    return str(caught.value)


@pytest.mark.parametrize("frame", [table_of(m=1e9 + np.random.default_rng(0).normal(size=60)), gappy()], ids=["1e9", "gaps"])
def test_a_round_trip_loses_nothing_but_extremes(frame, tmp_path):
    moments = made(frame)
    read = read_moments(write_moments(moments, tmp_path / "m.parquet"))
    xr.testing.assert_identical(read.table, without_extremes(moments.table))
    assert len(read.incomplete) == len(moments.incomplete)
    for mine, theirs in zip(moments.incomplete, read.incomplete, strict=True):
        assert mine.missing == theirs.missing
        xr.testing.assert_identical(theirs.table, without_extremes(mine.table))
    for name in ("columns", "products", "counts", "asked", "contrast", "cluster_column", "missing", "fingerprint"):
        assert getattr(read, name) == getattr(moments, name)
    again = write_moments(read, tmp_path / "again.parquet")
    assert pq.read_table(again).equals(pq.read_table(tmp_path / "m.parquet"))


def test_patterns_are_those_of_pandas():
    frame = gappy()
    moments = made(frame)
    nodes = ["a", "m", "y", "c"]
    marks = frame[nodes].isna().apply(lambda row: tuple(np.array(nodes)[row.to_numpy()]), axis=1)
    parts = {(): moments.table, **{pattern.missing: pattern.table for pattern in moments.incomplete}}
    assert set(parts) == set(marks)
    for missing, table in parts.items():
        rows = frame[marks == missing]
        centred = rows[nodes] - rows.groupby("g")[nodes].transform("mean")
        rows = rows.assign(**{"a * m": centred["a"] * centred["m"], "a * c": centred["a"] * centred["c"]})
        names = [str(name) for name in table["column"].values]
        assert names == [name for name in [*nodes, "a * m", "a * c"] if not set(name.split(" * ")) & set(missing)]
        for label, group in rows.groupby("g"):
            cell = table.sel(cluster=str(label))
            assert int(cell["n"]) == len(group)
            np.testing.assert_allclose(cell["mean"], group[names].mean(), rtol=1e-12, atol=1e-9)
            expected = group[names].cov(ddof=0).to_numpy() * len(group)
            np.testing.assert_allclose(cell["cross"], expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
            assert bool(cell["reaches_high"]) == (group["a"].max() >= 1.0)


def test_no_row_and_no_extreme_is_in_the_file(tmp_path):
    frame = table_of(rows=400)
    path = write_moments(made(frame), tmp_path / "m.parquet")
    numbers = {v for row in pq.read_table(path).to_pylist() for name in ("mean", "cross") for v in row[name]}
    assert not numbers & set(frame[["a", "m", "y"]].to_numpy().ravel())
    assert len(pq.read_table(path)) == 4


def test_a_file_that_is_cut_off(tmp_path):
    path = write_moments(made(), tmp_path / "m.parquet")
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert "cannot be read" in refused(path)


def test_a_changed_byte_is_noticed_or_changes_nothing(tmp_path):
    moments = made()
    path = write_moments(moments, tmp_path / "m.parquet")
    whole = path.read_bytes()
    noticed = 0
    for place in range(4, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            xr.testing.assert_identical(read_moments(path).table, without_extremes(moments.table))
        except DataError:
            noticed += 1
    assert noticed > 20


@pytest.mark.parametrize("name", ["n", "mean", "reference", "cross", "cluster", "reaches_low"])
def test_changed_contents_are_refused(name, tmp_path):
    path = write_moments(made(), tmp_path / "m.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    old = rows[0][name]
    rows[0][name] = {"n": 16, "cluster": "z", "reaches_low": False}.get(name) or (
        [v * 2 for v in old] if old is not True else False
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    assert "its checksum does not match" in refused(path)


@pytest.mark.parametrize("change", [{"treatment": "m"}, {"min_cell": 5}, {"fingerprint": "sha256:0"}])
def test_a_changed_header_is_refused(change, tmp_path):
    path = rewrite_header(write_moments(made(), tmp_path / "m.parquet"), change)
    assert "its checksum does not match" in refused(path)


def rewrite_header(path, change):
    table = pq.read_table(path)
    header = {**json.loads(table.schema.metadata[KEY]), **change}
    pq.write_table(table.replace_schema_metadata({KEY: json.dumps(header).encode()}), path)
    return path


def test_another_format_version(tmp_path):
    path = rewrite_header(write_moments(made(), tmp_path / "m.parquet"), {"version": 2, "new_key": 1})
    assert "format version 2, and this package reads version 1" in refused(path)


@pytest.mark.parametrize(("name", "value"), [("level", "cluster"), ("group_size", 3)])
def test_records_of_a_later_version(tmp_path, monkeypatch, name, value):
    monkeypatch.setattr(storage, f"_{name.upper()}", value)
    path = write_moments(made(), tmp_path / "m.parquet")
    monkeypatch.undo()
    message = refused(path)
    assert f"records whose '{name}' is {value!r}" in message
    assert "a later version" in message


def test_a_damaged_header(tmp_path):
    path = rewrite_header(write_moments(made(), tmp_path / "m.parquet"), {"nodes": 3})
    assert "the header of the moments file is damaged" in refused(path)


def test_a_table_is_no_moments_file(tmp_path):
    table_of().to_parquet(tmp_path / "t.parquet")
    assert "is not a moments file" in refused(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert "cannot be read" in refused(tmp_path / "t.csv")
    assert "there is no such moments file" in refused(tmp_path / "none.parquet")


def test_other_columns(tmp_path):
    path = write_moments(made(), tmp_path / "m.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["level"]), path)
    assert "not those of its format" in refused(path)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "m.parquet"
    path.write_text("earlier")

    def fail(table, where, **_):
        where.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(InputError, match="No space left on device"):
        write_moments(made(), path)
    assert [item.name for item in tmp_path.iterdir()] == ["m.parquet"]
    assert path.read_text() == "earlier"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007])
def test_the_umask_holds(tmp_path, umask):
    before = os.umask(umask)
    try:
        path = write_moments(made(), tmp_path / "m.parquet")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize(("earlier", "kept"), [(0o600, 0o600), (0o440, 0o640), (0o664, 0o664)])
def test_an_earlier_files_permissions_are_kept(tmp_path, earlier, kept):
    path = tmp_path / "m.parquet"
    path.write_text("earlier")
    path.chmod(earlier)
    write_moments(made(), path)
    assert stat.S_IMODE(path.stat().st_mode) == kept
    assert read_moments(path).counts.rows == 60


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="this is a folder"):
        write_moments(made(), tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        write_moments(made(), tmp_path / "none" / "m.parquet")


def test_a_node_whose_likelihood_needs_rows():
    analysis = analysis_of()
    nodes = tuple(replace(node, family="bernoulli") if node.name == "m" else node for node in analysis.nodes)
    with pytest.raises(UnsupportedError, match="node 'm' has the family 'bernoulli', whose likelihood needs rows"):
        reduce_table(replace(analysis, nodes=nodes), table_of())


def test_odd_labels_and_names_come_through(tmp_path):
    labels = ['cl "1", x', "Ålesund\n2", " padded ", "NA"]
    frame = table_of()
    frame["g"] = frame["g"].map(dict(enumerate(labels)))
    read = read_moments(write_moments(made(frame), tmp_path / "m.parquet"))
    assert list(read.table["cluster"].values) == sorted(labels)


def test_a_single_level_table(tmp_path):
    read = read_moments(write_moments(made(cluster=None), tmp_path / "m.parquet"))
    assert list(read.table["cluster"].values) == [""]
    assert read.cluster_column is None


class TestMinCell:
    def frame(self):
        return pd.concat([table_of(), table_of(rows=3).assign(g="few"), table_of(rows=1).assign(g="one")])

    def test_small_clusters_are_left_out(self, tmp_path):
        moments = reduce_table(analysis_of(), self.frame(), min_cell=4)
        assert (moments.dropped, moments.thinned) == (("few", "one"), ())
        assert moments.counts.rows == 60
        assert moments.counts.clusters == 4
        assert moments.warnings == ()
        text = write_moments(moments, tmp_path / "m.parquet").read_bytes()
        assert b"few" not in text
        read = read_moments(tmp_path / "m.parquet")
        assert (read.min_cell, read.n_dropped, read.n_thinned, read.dropped) == (4, 2, 0, ())
        xr.testing.assert_identical(moments.table, reduce_table(analysis_of(), table_of()).table)

    def test_without_it_a_warning_says_what_shows(self):
        moments = reduce_table(analysis_of(), self.frame())
        assert "1 cluster(s) have a record of 2 rows or fewer ('one')" in moments.warnings[0]

    def test_nothing_left(self):
        with pytest.raises(DataError, match="every cluster has fewer than 99 complete rows"):
            reduce_table(analysis_of(), self.frame(), min_cell=99)

    def test_patterns_are_records_too(self):
        frame = gappy()
        moments = reduce_table(analysis_of(), frame, min_cell=10)
        tables = [moments.table, *(pattern.table for pattern in moments.incomplete)]
        assert min(int(table["n"].min()) for table in tables) >= 10
        assert moments.counts.rows == sum(int(table["n"].sum()) for table in tables) < 400
        assert moments.dropped == ()
        assert moments.thinned

    def test_clusters_that_are_gone_and_clusters_that_lost_a_record(self, tmp_path):
        frame = self.frame().reset_index(drop=True)
        frame.loc[[0, 1, 2, 60], "m"] = np.nan
        only_gaps = table_of(rows=6, m=np.nan).assign(g="gaps")
        mixed = table_of(rows=7).assign(g="mixed")
        mixed.loc[:4, "m"] = np.nan
        moments = reduce_table(analysis_of(), pd.concat([frame, only_gaps, mixed]), min_cell=4)
        assert (moments.dropped, moments.thinned) == (("few", "one"), ("0", "1", "2", "mixed"))
        assert [list(p.table["cluster"].values) for p in moments.incomplete] == [["gaps", "mixed"]]
        read = read_moments(write_moments(moments, tmp_path / "m.parquet"))
        assert (read.n_dropped, read.n_thinned) == (2, 4)

    def test_dropped_rows_are_not_counted(self):
        frame = self.frame()
        frame.loc[(frame["g"] == "few"), "m"] = [np.nan, 1.0, 2.0]
        moments = reduce_table(analysis_of(missing="drop"), frame, min_cell=4)
        assert (moments.counts.rows, moments.counts.missing["m"], moments.counts.complete) == (60, 0, 60)

    def test_quantiles_are_those_of_what_is_kept(self):
        from causalcluster.analysis.records import Contrast

        frame = pd.concat([table_of(), table_of(rows=3).assign(g="few", a=1e6)])
        analysis = analysis_of(contrast=Contrast(kind="quantiles", low=0.1, high=1.0))
        assert reduce_table(analysis, frame, min_cell=4).contrast[1] == table_of()["a"].max()

    def test_least_value(self):
        with pytest.raises(InputError, match="cannot be 0"):
            reduce_table(analysis_of(), self.frame(), min_cell=0)

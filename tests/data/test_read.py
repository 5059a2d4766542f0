"""The panel: contents, warnings, and one clear error for each thing that can be wrong with a table."""

import datetime
import hashlib
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from causalcluster.analysis.records import Contrast
from causalcluster.data import CLUSTER, open_rows
from causalcluster.errors import DataError, UnsupportedError
from tests.data.builders import analysis_of, load_panel, table_of, with_node_columns


def refused(frame=None, error=DataError, **options):
    """Return the message with which the table is refused."""
    with pytest.raises(error) as caught:
        load_panel(analysis_of(**options), frame)
    message = str(caught.value)
    assert caught.value.where, "an error says where"
    return message


def holding(*values, family="gaussian"):
    """The analysis with its mediator held at values."""
    analysis = analysis_of()
    nodes = tuple(replace(node, family=family) if node.name == "m" else node for node in analysis.nodes)
    fix = tuple(("m", value) for value in values)
    return replace(analysis, nodes=nodes, question=replace(analysis.question, fix=fix))


class TestPanel:
    def test_clean_table(self):
        frame = table_of()
        panel = load_panel(analysis_of(), frame)
        assert panel.nodes == ("a", "m", "y", "c")
        assert (panel.rows, panel.rows_used) == (60, 60)
        assert panel.clusters == (("0", 15), ("1", 15), ("2", 15), ("3", 15))
        assert panel.spans_contrast == (True,) * 4
        assert panel.between_only == ()
        assert panel.contrast == (0.0, 1.0)
        assert panel.warnings == ()
        assert (panel.file, panel.cluster_column) == ("", "g")
        with open_rows(analysis_of(), frame) as rows:
            typed = rows.frame.collect().to_pandas()
        np.testing.assert_array_equal(typed["x2"], frame["y"])
        assert list(typed[CLUSTER]) == [str(g) for g in frame["g"]]

    def test_statistics(self):
        frame = table_of(rows=100, clusters=7)
        record = load_panel(analysis_of(), frame).statistics[1]
        groups = frame.groupby("g")["m"]
        centred = frame["m"] - groups.transform("mean")
        assert (record.node, record.column, record.label) == ("m", "m", "m")
        assert record.mean == pytest.approx(frame["m"].mean(), rel=1e-14)
        assert record.sd_within == pytest.approx(np.sqrt((centred**2).sum() / 93), rel=1e-10)
        assert record.sd_between == pytest.approx(groups.mean().std(), rel=1e-8)
        assert (record.minimum, record.maximum) == (frame["m"].min(), frame["m"].max())

    def test_without_cluster_there_is_one_unnamed_cluster(self):
        panel = load_panel(analysis_of(cluster=None), table_of())
        assert panel.clusters == (("", 60),)
        assert panel.cluster_column is None
        assert panel.statistics[0].sd_between == 0.0

    def test_booleans_count_as_0_and_1(self, tmp_path):
        truth = np.arange(60) % 7 < 3
        expected = load_panel(analysis_of(), table_of(a=truth.astype(int))).statistics
        frame = table_of(a=truth)
        frame.to_csv(tmp_path / "t.csv", index=False)
        frame.to_parquet(tmp_path / "t.parquet")
        for file, native in ((None, frame), (None, pl.from_pandas(frame)), ("t.csv", None), ("t.parquet", None)):
            panel = load_panel(analysis_of(None if file is None else tmp_path / file), native)
            assert panel.statistics == expected

    def test_column_names_that_differ_in_case_only_stay_apart(self, tmp_path):
        frame = table_of().rename(columns={"m": "A", "y": "Y", "c": "y"})
        frame.to_csv(tmp_path / "t.csv", index=False)
        frame.to_parquet(tmp_path / "t.parquet")
        expected = [s.mean for s in load_panel(analysis_of(), table_of()).statistics]
        for name in ("t.csv", "t.parquet"):
            analysis = with_node_columns(analysis_of(tmp_path / name), m="A", y="Y", c="y")
            assert [s.mean for s in load_panel(analysis).statistics] == expected

    def test_hostile_names_and_labels_come_through(self, tmp_path):
        labels = ['cl "1", x', "<script>", "Ålesund\n2", " padded ", "NA", "o'neil; DROP"]
        names = {"a": 'a"b', "m": "m,n", "y": "löhne €", "c": "x'; --"}
        frame = table_of(clusters=6).rename(columns=names)
        frame["g"] = frame["g"].map(dict(enumerate(labels)))
        for name in ("a[1]'.csv", 'b*,"x".parquet'):
            file = tmp_path / name
            frame.to_csv(file, index=False) if file.suffix == ".csv" else frame.to_parquet(file)
            panel = load_panel(with_node_columns(analysis_of(file), **names))
            assert [label for label, _ in panel.clusters] == sorted(labels)
            assert panel.statistics[2].column == "löhne €"

    def test_a_file_called_like_a_pattern_is_that_file(self, tmp_path):
        table_of().to_csv(tmp_path / "t[1].csv", index=False)
        table_of(rows=40).to_csv(tmp_path / "t1.csv", index=False)
        assert load_panel(analysis_of(tmp_path / "t[1].csv")).rows == 60


class TestLabels:
    @pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
    def test_integers_stay_integers_even_where_missing_values_made_them_floats(self, engine):
        frame = table_of(clusters=12)
        frame.loc[3, "g"] = np.nan
        panel = load_panel(analysis_of(missing="drop"), engine(frame))
        assert [label for label, _ in panel.clusters] == [str(i) for i in range(12)]
        assert "1 in 'g'" in panel.warnings[0]

    def test_text_is_kept_as_it_stands(self, tmp_path):
        labels = ["01", "1.0", " 1", "x", "NA", "None"]
        frame = table_of(clusters=6)
        frame["g"] = frame["g"].map(dict(enumerate(labels)))
        frame.to_csv(tmp_path / "t.csv", index=False)
        assert [label for label, _ in load_panel(analysis_of(tmp_path / "t.csv")).clusters] == sorted(labels)

    def test_categories_and_booleans(self):
        frame = table_of(clusters=2)
        categories = frame["g"].map({0: "b", 1: "a"}).astype("category")
        assert [label for label, _ in load_panel(analysis_of(), frame.assign(g=categories)).clusters] == ["a", "b"]
        assert len(load_panel(analysis_of(), frame.assign(g=frame["g"] == 1)).clusters) == 2

    def test_an_empty_label_is_missing(self):
        frame = table_of(clusters=2).assign(g=["", "x", "y"] * 20)
        assert "20 of 60 rows have no value in 'g'" in refused(frame)


class TestFingerprint:
    def test_one_file_is_its_bytes(self, tmp_path):
        table_of().to_csv(tmp_path / "t.csv", index=False)
        expected = hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()
        assert load_panel(analysis_of(tmp_path / "t.csv")).fingerprint == f"sha256:{expected}"

    def test_parts_change_it(self, tmp_path):
        for i in range(2):
            table_of(seed=i).to_csv(tmp_path / f"p{i}.csv", index=False)
        first = load_panel(analysis_of(tmp_path / "p*.csv")).fingerprint
        table_of(seed=2).to_csv(tmp_path / "p1.csv", index=False)
        assert load_panel(analysis_of(tmp_path / "p*.csv")).fingerprint != first

    def test_frames_hash_their_moments(self):
        frame = table_of()
        first = load_panel(analysis_of(), frame).fingerprint
        assert first.startswith("sha256:")
        assert load_panel(analysis_of(), pl.from_pandas(frame.assign(other="x"))).fingerprint == first
        gaps = frame.copy()
        gaps.loc[3, "m"] = np.nan
        engines = (gaps, gaps.convert_dtypes(), pl.from_pandas(gaps), pa.Table.from_pandas(gaps))
        assert len({load_panel(analysis_of(missing="drop"), native).fingerprint for native in engines}) == 1
        changed = frame.copy()
        changed.loc[5, "y"] += 1e-9
        assert load_panel(analysis_of(), changed).fingerprint != first


class TestContrast:
    def test_standard_deviations(self):
        frame = table_of()
        panel = load_panel(analysis_of(contrast=Contrast(kind="sd", low=0.0, high=2.0)), frame)
        centred = frame["a"] - frame.groupby("g")["a"].transform("mean")
        sd = np.sqrt((centred**2).sum() / 56)
        assert panel.contrast == pytest.approx((frame["a"].mean(), frame["a"].mean() + 2 * sd), rel=1e-12)
        assert "2 within-cluster standard deviation" in panel.contrast_description

    @pytest.mark.parametrize(
        "engine", [lambda f: f, pl.from_pandas, lambda f: pl.from_pandas(f).lazy(), pa.Table.from_pandas]
    )
    def test_quantiles_of_frames(self, engine):
        frame = table_of()
        panel = load_panel(analysis_of(contrast=Contrast(kind="quantiles", low=0.1, high=0.85)), engine(frame))
        assert panel.contrast == pytest.approx(tuple(frame["a"].quantile([0.1, 0.85])), rel=1e-12)

    def test_quantiles_of_files(self, tmp_path):
        frame = table_of()
        frame.to_csv(tmp_path / "t.csv", index=False)
        panel = load_panel(analysis_of(tmp_path / "t.csv", contrast=Contrast(kind="quantiles", low=0.1, high=0.85)))
        assert panel.contrast == pytest.approx(tuple(frame["a"].quantile([0.1, 0.85])), rel=1e-12)

    def test_equal_quantiles(self):
        frame = table_of(a=(np.arange(60) > 57).astype(int))
        message = refused(frame, contrast=Contrast(kind="quantiles", low=0.1, high=0.5))
        assert "0.1 and 0.5 quantiles of 'a' are both 0" in message


class TestKeptWithAWarning:
    def test_clusters_with_one_row(self):
        frame = pd.concat([table_of(), table_of(rows=1).assign(g=77)])
        panel = load_panel(analysis_of(), frame)
        assert panel.clusters[-1] == ("77", 1)
        assert "1 cluster has one row only ('77')" in panel.warnings[0]

    def test_clusters_that_do_not_span_the_contrast(self):
        frame = table_of(rows=160, clusters=8)
        frame["a"] = np.arange(160) // 8 % 2 * 1.0
        frame.loc[frame["g"] < 7, "a"] *= 0.5
        panel = load_panel(analysis_of(), frame)
        assert panel.spans_contrast == (False,) * 7 + (True,)
        assert len(panel.warnings) == 2
        assert panel.warnings[1].startswith("low positivity: 1 of 8 clusters, with 12% of the rows")
        assert "7 clusters have no rows at both ends of the contrast" in panel.warnings[0]
        assert "'0', '1', '2', '3', '4' and 2 more" in panel.warnings[0]

    def test_mediators_held_outside_the_data(self):
        frame = table_of().assign(m=np.linspace(-1.0, 3.0, 60))
        inside = holding(-1.0, 0.5, 3.0)
        assert not [text for text in load_panel(inside, frame).warnings if "outside" in text]
        (warning,) = [text for text in load_panel(holding(-1.5, 0.5, 4.0), frame).warnings if "outside" in text]
        assert warning == (
            "'fix' holds 'm' at -1.5, 4, outside the data, which reach from -1 to 3: "
            "these controlled direct effects are extrapolations"
        )

    def test_mediators_held_at_what_they_cannot_be(self):
        frame = table_of().assign(m=np.arange(60) // 4 % 2)
        (warning, *_) = load_panel(holding(0.0, 0.5, 1.0, family="bernoulli"), frame).warnings
        assert warning.startswith("'fix' holds 'm' at 0.5, which a bernoulli node cannot be")

    def test_a_contrast_that_runs_downwards_spans_too(self):
        panel = load_panel(analysis_of(contrast=Contrast(kind="values", low=1.0, high=0.0)), table_of())
        assert panel.spans_contrast == (True,) * 4

    def test_dropped_rows(self):
        frame = table_of()
        frame.loc[[1, 2], "m"] = np.nan
        frame.loc[[2, 3, 4], "c"] = None
        panel = load_panel(analysis_of(missing="drop"), frame)
        assert (panel.rows, panel.rows_used) == (60, 56)
        assert "4 of 60 rows were dropped" in panel.warnings[0]
        assert "2 in 'm', 3 in 'c'" in panel.warnings[0]

    def test_clusters_lost_by_dropping(self):
        frame = table_of()
        frame.loc[frame["g"] == 2, "m"] = np.nan
        panel = load_panel(analysis_of(missing="drop"), frame)
        assert [label for label, _ in panel.clusters] == ["0", "1", "3"]
        assert "1 of 4 clusters have no complete row" in panel.warnings[1]

    def test_context_that_varies_only_between_clusters(self):
        frame = table_of()
        panel = load_panel(analysis_of(), frame.assign(c=frame["g"] * 2))
        assert panel.between_only == ("c",)


class TestMissingValues:
    @pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas, pa.Table.from_pandas, pd.DataFrame.convert_dtypes])
    def test_the_default_keeps_rows_with_gaps(self, engine):
        frame = table_of()
        frame.loc[[1, 2], "m"] = np.nan
        with open_rows(analysis_of(), engine(frame)) as rows:
            assert rows.counts.missing["m"] == 2
            assert (rows.counts.rows, rows.counts.complete) == (60, 58)

    def test_nan_and_null_both_count(self):
        frame = pl.from_pandas(table_of()).with_columns(
            m=pl.when(pl.int_range(60) == 0).then(float("nan")).when(pl.int_range(60) == 1).then(None).otherwise("m")
        )
        assert "2 in 'm'" in refused(frame, missing="error")

    def test_csv_words(self, tmp_path):
        frame = table_of().astype({"m": object})
        words = ["", "NA", "NaN", " nan ", "NULL", "None", ".", "#N/A", "n/a"]
        frame.loc[: len(words) - 1, "m"] = words
        frame.to_csv(tmp_path / "t.csv", index=False)
        assert f"{len(words)} in 'm'" in refused(file=tmp_path / "t.csv", missing="error")

    def test_error(self):
        frame = table_of()
        frame.loc[1, "m"] = np.nan
        assert "values are missing: 1 in 'm'" in refused(frame, missing="error")

    @pytest.mark.parametrize("missing", ["model", "error"])
    def test_labels(self, missing):
        frame = table_of(clusters=3)
        frame["g"] = frame["g"].map({0: "x", 1: "y", 2: None})
        assert "'g'" in refused(frame, missing=missing)

    def test_all(self):
        for value in (np.nan, None):
            assert "column 'c' has no value in any of the 60 rows" in refused(table_of(c=value), missing="drop")

    def test_no_complete_row(self):
        frame = table_of()
        frame.loc[:30, "m"] = np.nan
        frame.loc[30:, "c"] = np.nan
        for missing in ("drop", "model"):
            assert "no row is complete" in refused(frame, missing=missing)


class TestValues:
    def test_misspelt_column(self):
        message = refused(table_of().rename(columns={"m": "mediatr"}).assign(mediator_=1), columns={"m": "mediator"})
        assert "there is no column 'mediator' (node 'm')" in message
        assert "Did you mean 'mediator_'" in message

    @pytest.mark.parametrize(("key", "use"), [("cluster", "'cluster' under 'data'"), ("time", "'time' under 'data'")])
    def test_misspelt_grouping(self, key, use):
        message = refused(table_of().assign(years=1), **{key: "yers"})
        assert use in message
        assert "Did you mean 'years'" in message

    def test_constant(self):
        message = refused(table_of(c=3))
        assert "column 'c' is 3 in every row" in message
        assert "treatment" in refused(table_of(a=1.5))

    @pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "polars"])
    def test_text(self, kind, tmp_path):
        frame = table_of().astype({"m": object})
        frame.loc[7, "m"] = "high"
        if kind in ("parquet", "polars"):
            frame["m"] = [None] * 7 + ["high"] * 53
        file, native = None, frame
        if kind == "csv":
            file, native = tmp_path / "t.csv", None
            frame.to_csv(file, index=False)
        elif kind == "parquet":
            file, native = tmp_path / "t.parquet", None
            frame.to_parquet(file)
        elif kind == "polars":
            native = pl.from_pandas(frame)
        assert "column 'm' holds 'high' in data row 8" in refused(native, file=file)

    def test_objects_that_are_all_numbers(self):
        frame = table_of(c=pd.Series([True, False, None, 3] * 15, dtype=object))
        panel = load_panel(analysis_of(missing="drop"), frame)
        assert panel.rows_used == 45
        assert (panel.statistics[3].minimum, panel.statistics[3].maximum) == (0.0, 3.0)

    def test_decimal_comma(self, tmp_path):
        table_of().to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",")
        assert "with a point for decimals" in refused(file=tmp_path / "t.csv")

    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    @pytest.mark.parametrize("kind", ["csv", "pandas", "polars"])
    def test_infinity(self, value, kind, tmp_path):
        frame = table_of()
        frame.loc[4, "y"] = value
        frame.to_csv(tmp_path / "t.csv", index=False)
        native = {"csv": None, "pandas": frame, "polars": pl.from_pandas(frame)}[kind]
        message = refused(native, file=tmp_path / "t.csv" if kind == "csv" else None)
        assert "column 'y' holds 1 infinite value(s), the first in data row 5" in message

    def test_duplicate_columns(self, tmp_path):
        (tmp_path / "t.csv").write_text("g,a,m,y,c,m\n1,2,3,4,5,6\n")
        assert "column 'm' occurs 2 times" in refused(file=tmp_path / "t.csv")
        frame = table_of()
        assert "occurs 2 times" in refused(pd.concat([frame, frame[["m"]]], axis=1))
        arrow = pa.Table.from_pandas(frame)
        assert "occurs 2 times" in refused(arrow.append_column("m", arrow["m"]))

    def test_two_nodes_on_one_column(self):
        assert "nodes 'm' and 'c' read the same column 'm'" in refused(table_of(), columns={"c": "m"})

    def test_not_a_table(self):
        with pytest.raises(DataError, match="list is not a table"):
            load_panel(analysis_of(), [1, 2])

    def test_no_rows(self):
        assert "no rows" in refused(table_of().iloc[:0])


class TestVariation:
    def test_one_cluster(self):
        assert "holds one cluster only ('7')" in refused(table_of(g=7))

    @pytest.mark.parametrize(("node", "role"), [("m", "the mediator"), ("y", "the outcome")])
    def test_needed_inside_clusters(self, node, role):
        frame = table_of()
        message = refused(frame.assign(**{node: frame["g"] % 3}), UnsupportedError)
        assert f"{role} '{node}'" in message
        assert "varies only between clusters" in message
        assert "not available in this version" in message

    def test_a_slope_by_name(self):
        frame = table_of()
        message = refused(frame.assign(a=frame["g"] % 3), varying=("intercepts", "a -> m"))
        assert "'varying' asks for the slope 'a -> m'" in message
        assert "'c -> m'" in refused(frame.assign(c=frame["g"] % 3), varying=("c -> m",))

    def test_every_cluster_has_one_row(self):
        refused(table_of(rows=10, clusters=10), UnsupportedError)


class TestTime:
    def periods(self, clusters=4):
        frame = table_of(clusters=clusters)
        return frame.assign(year=2000 + np.arange(60) // clusters)

    @pytest.mark.parametrize(
        "make",
        [
            lambda years: years,
            lambda years: years.astype(float),
            lambda years: pd.to_datetime(years.astype(str)),
            lambda years: [datetime.date(int(year), 1, 31) for year in years],
        ],
    )
    @pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "polars"])
    def test_one_row_per_cluster_and_period(self, make, kind, tmp_path):
        frame = self.periods()
        frame["year"] = make(frame["year"])
        if kind != "pandas" or frame["year"].dtype != object:
            assert load_panel(*self.source(frame, kind, tmp_path)).rows == 60
            frame.loc[4, "year"] = frame.loc[0, "year"]
            with pytest.raises(DataError, match="cluster '0' has 2 rows with 'year'"):
                load_panel(*self.source(frame, kind, tmp_path))

    @staticmethod
    def source(frame, kind, folder):
        if kind == "pandas":
            return analysis_of(time="year"), frame
        if kind == "polars":
            return analysis_of(time="year"), pl.from_pandas(frame)
        file = folder / f"t.{kind}"
        frame.to_csv(file, index=False) if kind == "csv" else frame.to_parquet(file)
        return analysis_of(file, time="year"), None

    def test_without_clusters_a_period_has_one_row(self):
        assert "the table has 4 rows with 'year' = 2000" in refused(self.periods(), cluster=None, time="year")

    @pytest.mark.parametrize("values", [["spring"] * 60, np.arange(60) + 0.5])
    def test_neither_number_nor_date(self, values, tmp_path):
        frame = table_of().assign(year=values)
        frame.to_csv(tmp_path / "t.csv", index=False)
        for message in (refused(frame, time="year"), refused(file=tmp_path / "t.csv", time="year")):
            assert "'time' is a whole number or a date" in message
            assert "in data row 1" in message

    def test_missing(self):
        frame = self.periods().astype({"year": float})
        frame.loc[3, "year"] = np.nan
        assert "1 of 60 rows have no value in 'year'" in refused(frame, time="year")
        assert load_panel(analysis_of(time="year", missing="drop"), frame).rows_used == 59


def test_a_duckdb_relation_of_the_users_own_connection():
    connection = duckdb.connect()
    connection.register("t", table_of())
    panel = load_panel(analysis_of(), connection.sql("SELECT * FROM t WHERE c < 4"))
    assert panel.rows == int((table_of()["c"] < 4).sum())
    connection.close()

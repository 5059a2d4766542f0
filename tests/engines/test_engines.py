"""Distributed engines give the bits that pandas gives, and refuse what it refuses, without collecting rows."""

import numpy as np
import pytest
import xarray as xr

from causalcluster import plan_analysis, reduce_table
from causalcluster.analysis.records import Contrast
from causalcluster.data import open_rows, take_rows
from causalcluster.errors import DataError
from causalcluster.moments import reduce_rows
from tests.data.builders import analysis_of, load_moments, load_panel, table_of, with_families, with_products

# Dask and PySpark announce changes of their own and do not close every socket.
pytestmark = pytest.mark.filterwarnings("ignore")

PRODUCTS = [("a", "m"), ("a", "m", "c")]


def wide(rows=2000, clusters=7, **columns):
    rng = np.random.default_rng(0)
    frame = table_of(rows=rows, clusters=clusters, m=1e9 + rng.normal(size=rows), **columns)
    return frame.assign(g=[f"cl '{i}', ü" for i in frame["g"]])


def refused(frame, error=DataError, **options):
    with pytest.raises(error) as caught:
        load_panel(analysis_of(**options), frame)
    return str(caught.value)


def test_the_same_bits(engine):
    frame, analysis = wide(), with_products(analysis_of(), PRODUCTS)
    here, there = load_moments(analysis, frame), load_moments(analysis, engine(frame))
    xr.testing.assert_identical(there.table, here.table)
    assert there.counts == here.counts
    assert there.fingerprint == here.fingerprint


def test_the_same_patterns(engine):
    frame, rng = wide(), np.random.default_rng(1)
    for name in ("m", "c"):
        frame[name] = frame[name].where(rng.random(len(frame)) > 0.1)
    analysis = with_products(analysis_of(), PRODUCTS)
    here, there = (reduce_table(analysis, native, min_cell=3) for native in (frame, engine(frame)))
    assert there.counts == here.counts
    assert (there.dropped, there.thinned) == (here.dropped, here.thinned)
    xr.testing.assert_identical(there.table, here.table)
    for mine, theirs in zip(here.incomplete, there.incomplete, strict=True):
        assert mine.missing == theirs.missing
        xr.testing.assert_identical(theirs.table, mine.table)


def test_the_same_quantiles(engine):
    analysis = analysis_of(contrast=Contrast(kind="quantiles", low=0.1, high=0.85))
    here, there = (load_moments(analysis, native).contrast for native in (wide(), engine(wide())))
    assert there == pytest.approx(here, rel=1e-12)


def test_the_same_plan(engine):
    frame = wide()
    frame.loc[5, "c"] = np.nan
    analysis = analysis_of(missing="drop")
    here, there = (plan_analysis(analysis, native) for native in (frame, engine(frame)))
    assert there.panel == here.panel
    assert there.design == here.design


def test_without_clusters_and_with_numbers_for_labels(engine):
    frame = wide()
    assert load_panel(analysis_of(cluster=None), engine(frame)).clusters == (("", 2000),)
    panel = load_panel(analysis_of(cluster="c", context=()), engine(frame))
    assert [label for label, _ in panel.clusters] == ["0", "1", "2", "3", "4"]


def test_periods(engine):
    frame = wide(clusters=4, year=np.arange(2000) // 4)
    assert load_panel(analysis_of(time="year"), engine(frame)).rows == 2000
    frame.loc[4, "year"] = 0
    assert "has 2 rows with 'year' = 0" in refused(engine(frame), time="year")


def test_what_is_wrong_is_named(engine):
    frame = wide()
    assert "column 'y' holds 1 infinite value(s)" in refused(
        engine(frame.assign(y=frame["y"].mask(frame.index == 7, np.inf)))
    )
    text = frame["m"].astype(object).mask(frame.index > 0, None).mask(frame.index == 7, "high").mask(frame.index == 0, None)
    assert "column 'm' holds 'high'. Numbers belong there" in refused(engine(frame.assign(m=text.astype("string"))))
    assert "there is no column 'm'" in refused(engine(frame.rename(columns={"m": "n"})))
    gaps = frame.assign(m=frame["m"].mask(frame.index == 7))
    assert "1 in 'm' (of 2000 rows)" in refused(engine(gaps), missing="error")
    assert "'g' holds one cluster only" in refused(engine(frame.assign(g="x"))).replace("cluster column ", "")


COUNTS = {"y": {"family": "binomial", "trials": "n"}, "m": {"family": "poisson", "exposure": "e"}, "c": "ordinal"}


def counts(**columns):
    rng = np.random.default_rng(2)
    trials = rng.integers(1, 4, size=2000)
    own = {"y": rng.binomial(trials, 0.4), "n": trials, "m": rng.poisson(1.0, size=2000), "e": 0.5, "a": trials % 2}
    return table_of(rows=2000, clusters=7, **{**own, **columns}).astype(dict.fromkeys("ynm", float))


@pytest.mark.parametrize("nodes", [("y", "m", "a"), ("y", "m", "a", "c")])
def test_the_same_rows(engine, nodes):
    frame = counts(c=np.random.default_rng(3).normal(size=2000)) if "c" in nodes else counts()
    frame.loc[[3, 5], ["m", "n"]] = np.nan
    analysis = with_families(analysis_of(missing="drop"), **{name: COUNTS[name] for name in ("y", "m")})
    tables = []
    for native in (frame, engine(frame)):
        with open_rows(analysis, native) as rows:
            tables.append(take_rows(analysis, rows, nodes))
    here, there = tables
    assert there.clusters == here.clusters
    assert here.weight.sum() == 1998
    for part in ("columns", "trials", "exposure"):
        for name, values in getattr(here, part).items():
            np.testing.assert_array_equal(getattr(there, part)[name], values)
    np.testing.assert_array_equal(there.cluster, here.cluster)
    np.testing.assert_array_equal(there.weight, here.weight)


def test_the_same_rows_with_gaps(engine):
    frame, rng = counts(c=rng_values(2000)), np.random.default_rng(9)
    for name in ("m", "a"):
        frame[name] = frame[name].astype(float).where(rng.random(2000) > 0.3)
    analysis = with_families(analysis_of(), y=COUNTS["y"])
    found = []
    for native in (frame, engine(frame)):
        with open_rows(analysis, native) as rows:
            found.append((take_rows(analysis, rows, ["y", "m", "a"], incomplete=True), reduce_rows(analysis, rows)))
    (here, mine), (there, theirs) = found
    for name, values in here.columns.items():
        np.testing.assert_array_equal(there.columns[name], values)
    np.testing.assert_array_equal(there.weight, here.weight)
    assert [pattern.missing for pattern in mine.incomplete] == [pattern.missing for pattern in theirs.incomplete]
    for left, right in zip(mine.incomplete, theirs.incomplete, strict=True):
        xr.testing.assert_identical(left.table, right.table)


def rng_values(rows):
    return np.random.default_rng(3).normal(size=rows)


def test_families_meet_the_same_values(engine):
    analysis = with_families(analysis_of(), **COUNTS, a="bernoulli")
    frame = counts(c=np.array([1, 2, 4, 5])[np.arange(2000) % 4])
    sentences = []
    for native in (frame, engine(frame)):
        with open_rows(analysis, native) as rows:
            sentences.append(rows.warnings)
    assert sentences[0] == sentences[1] != ()
    separated = with_families(analysis_of(), y="bernoulli")
    with open_rows(separated, engine(counts(y=frame["a"]))) as rows:
        assert "'a' alone predicts the bernoulli node 'y' perfectly" in rows.warnings[0]
    for column, value, told in (("y", 4, "more than its"), ("m", 0.5, "a whole number"), ("a", 2, "a third value")):
        wrong = frame.assign(**{column: frame[column].mask(frame.index == 7, value)})
        with pytest.raises(DataError, match=told) as caught, open_rows(analysis, engine(wrong)):
            pass
        assert f"node {column!r} holds {value}" in str(caught.value)


def test_a_file_that_disappears(spark_session, tmp_path):
    wide().to_parquet(tmp_path / "t.parquet")
    frame = spark_session.read.parquet(str(tmp_path / "t.parquet"))
    (tmp_path / "t.parquet").unlink()
    assert "a file disappeared while it was read" in refused(frame)

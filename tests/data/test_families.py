"""What the columns of each family must hold: one clear error for each thing that can be wrong, warnings for the rest."""

import dataclasses

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from causalcluster import plan_analysis
from causalcluster.analysis.records import Edge
from causalcluster.data import open_rows
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.moments import reduce_rows
from tests.data.builders import analysis_of, table_of, with_families

ORDERED = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "lazy polars": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}
RNG = np.random.default_rng(5)
BINARY = np.arange(60) % 7 % 2
GRADES = np.arange(60) % 3 + 1
SHARES = RNG.uniform(0.1, 0.9, size=60)
CLEAN = {
    "bernoulli": BINARY,
    "binomial": BINARY,
    "poisson": GRADES,
    "negative_binomial": GRADES,
    "ordinal": GRADES,
    "beta": SHARES,
    "lognormal": SHARES,
    "student": SHARES - 0.5,
}


def family_analysis(family, file=None, **options):
    """The family for the outcome, with trials 'n' or exposure 'e' where it takes them."""
    further = {"binomial": {"trials": "n"}, "poisson": {"exposure": "e"}, "negative_binomial": {"exposure": "e"}}
    return with_families(analysis_of(file, **options), y={"family": family, **further.get(family, {})})


def family_table(family, at=None, **columns):
    """A table whose outcome fits the family but for the values in ``at``, by row position."""
    y = np.array(CLEAN[family], dtype=float)
    for row, value in (at or {}).items():
        y[row] = value
    return table_of(y=y, **{"n": 3, "e": 2.0, **columns})


def warnings_of(analysis, frame=None):
    with open_rows(analysis, frame) as rows:
        return rows.warnings


def refused(analysis, frame=None):
    with pytest.raises(DataError) as caught:
        warnings_of(analysis, frame)
    assert caught.value.where, "an error says where"
    assert caught.value.why, "an error says why"
    assert caught.value.fix, "an error says what to do"
    return str(caught.value)


BAD = [
    ("bernoulli", 2, "holds 2 in data row 5", "0 and 1 only"),
    ("bernoulli", -1, "holds -1 in data row 5", "this is a third value"),
    ("bernoulli", 0.5, "holds 0.5 in data row 5", "Recode the column as 0 and 1"),
    ("binomial", 0.5, "holds 0.5 in data row 5", "number of successes instead of their share"),
    ("binomial", -2, "holds -2 in data row 5", "A count is 0 or more"),
    ("binomial", 4, "holds 4 in data row 5, more than its 3 trials ('n')", "counted among the trials"),
    ("poisson", -1, "holds -1 in data row 5", "A count is 0 or more"),
    ("poisson", 1.25, "holds 1.25 in data row 5", "A count is a whole number"),
    ("negative_binomial", -0.5, "holds -0.5 in data row 5", "A count is 0 or more"),
    ("negative_binomial", 1e-9, "holds 1e-09 in data row 5", "with 'exposure' where it is a rate"),
    ("ordinal", 1.5, "holds 1.5 in data row 5", "Grades are whole numbers"),
    ("beta", 0, "holds 0 in data row 5", "strictly between 0 and 1"),
    ("beta", 1, "holds 1 in data row 5", "(y (n - 1) + 0.5) / n"),
    ("beta", 40, "holds 40 in data row 5", "Divide percentages by 100"),
    ("lognormal", 0, "holds 0 in data row 5", "A lognormal node is above 0"),
    ("lognormal", -3, "holds -3 in data row 5", "choose the family gaussian"),
]


class TestImpossibleValues:
    @pytest.mark.parametrize(("family", "value", "found", "reason"), BAD)
    def test_each_is_named_with_its_first_row(self, family, value, found, reason):
        message = refused(family_analysis(family), family_table(family, {4: value, 9: value}))
        assert message.startswith(f"the table: column 'y' of the {family} node 'y' {found}")
        assert reason in message

    @pytest.mark.parametrize("engine", ORDERED)
    @pytest.mark.parametrize(("family", "value"), [("bernoulli", 2), ("bernoulli", 0.5), ("binomial", 4), ("beta", 1)])
    def test_engines_agree(self, engine, family, value):
        frame = family_table(family, {4: value, 9: value})
        assert refused(family_analysis(family), ORDERED[engine](frame)) == refused(family_analysis(family), frame)

    @pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
    def test_files_agree(self, tmp_path, kind):
        frame, file = family_table("binomial", {4: 4}), tmp_path / f"t.{kind}"
        frame.to_parquet(file) if kind == "parquet" else frame.to_csv(file, index=False)
        message = refused(family_analysis("binomial", file), None)
        assert message.startswith(
            f"{file}: column 'y' of the binomial node 'y' holds 4 in data row 5, more than its 3 trials"
        )

    @pytest.mark.parametrize("family", CLEAN)
    def test_what_belongs_there_passes_with_gaps(self, family):
        frame = family_table(family, {3: np.nan})
        frame.loc[[5, 6], ["n", "e"]] = np.nan
        for native in (make(frame) for make in ORDERED.values()):
            assert warnings_of(family_analysis(family, missing="drop"), native) == ()

    def test_true_and_false_are_1_and_0(self, tmp_path):
        frame = table_of(y=BINARY == 1)
        frame.to_csv(tmp_path / "t.csv", index=False)
        assert warnings_of(family_analysis("bernoulli"), frame) == ()
        assert warnings_of(family_analysis("bernoulli", tmp_path / "t.csv")) == ()

    @pytest.mark.parametrize(
        ("value", "found"), [(0, "holds 0 in data row 5"), (-1, "holds -1"), (2.5, "holds 2.5 in data row 5")]
    )
    def test_trials(self, value, found):
        trials = np.where(np.arange(60) == 4, value, 3.0)
        message = refused(family_analysis("binomial"), family_table("binomial", n=trials))
        assert f"column 'n', the trials of node 'y', {found}" in message
        assert "Trials are whole numbers from 1" in message

    @pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
    @pytest.mark.parametrize("value", [0.0, -0.5])
    def test_exposure(self, family, value):
        exposure = np.where(np.arange(60) == 4, value, 0.1)
        message = refused(family_analysis(family), family_table(family, e=exposure))
        assert f"column 'e', the exposure of node 'y', holds {value:g} in data row 5" in message
        assert "An exposure is above 0" in message

    @pytest.mark.parametrize("node", ["a", "c"])
    def test_treatment_and_context_are_checked_too(self, node):
        analysis = with_families(analysis_of(), **{node: "bernoulli"})
        frame = table_of(**{node: np.where(np.arange(60) == 9, 2, BINARY)})
        assert f"of the bernoulli node {node!r} holds 2 in data row 10" in refused(analysis, frame)

    def test_the_first_node_is_named(self):
        analysis = with_families(analysis_of(), m="poisson", y="bernoulli")
        frame = table_of(m=np.where(np.arange(60) == 9, 0.5, 1.0), y=2 * BINARY)
        assert "of the poisson node 'm' holds 0.5 in data row 10" in refused(analysis, frame)

    def test_values_of_rows_that_are_dropped_count(self):
        frame = family_table("bernoulli", {4: 2})
        frame.loc[4, "c"] = np.nan
        assert "holds 2 in data row 5" in refused(family_analysis("bernoulli", missing="drop"), frame)


class TestGrades:
    @pytest.mark.parametrize("engine", ORDERED)
    def test_gaps_are_kept_and_said(self, engine):
        grades = np.array([1, 2, 4, 8])[np.arange(60) % 4]
        (sentence,) = warnings_of(family_analysis("ordinal"), ORDERED[engine](table_of(y=grades, clusters=3)))
        assert sentence.startswith("the ordinal node 'y' holds the grades 1, 2, 4 and 8, with 4 unused between them")

    def test_gaps_are_those_of_the_rows_that_are_kept(self):
        frame = family_table("ordinal").assign(c=np.where(GRADES == 2, np.nan, 1.0 + BINARY))
        sentences = warnings_of(family_analysis("ordinal", missing="drop"), frame)
        assert "holds the grades 1 and 3, with 1 unused" in sentences[0]

    def test_any_whole_numbers_are_grades(self):
        assert warnings_of(family_analysis("ordinal"), table_of(y=GRADES - 2)) == ()

    def test_one_grade_is_an_error(self):
        message = refused(family_analysis("ordinal"), table_of(y=3))
        assert "column 'y' of the ordinal node 'y' holds one grade only, 3" in message

    @pytest.mark.parametrize("engine", ORDERED)
    def test_more_than_20_grades_are_better_gaussian(self, engine):
        message = refused(family_analysis("ordinal"), ORDERED[engine](table_of(y=np.arange(60) % 21)))
        assert "holds more than 20 different grades" in message
        assert "so that node 'y' is gaussian" in message
        assert warnings_of(family_analysis("ordinal"), table_of(y=np.arange(60) % 20)) == ()


class TestConstantClusters:
    @pytest.mark.parametrize("family", ["bernoulli", "ordinal"])
    @pytest.mark.parametrize("engine", ORDERED)
    def test_they_are_counted(self, family, engine):
        frame = table_of(clusters=12)
        frame["y"] = np.where(np.isin(frame["g"], [2, 10]), 1, np.arange(60) // 12 % 2)
        (sentence,) = warnings_of(family_analysis(family), ORDERED[engine](frame))
        assert sentence.startswith(f"all values of the {family} node 'y' are equal in 2 of 12 clusters ('2', '10'): kept")

    def test_many_are_not_all_named(self):
        frame = table_of(clusters=12)
        frame["y"] = np.where(frame["g"] < 8, frame["g"] % 2, np.arange(60) // 12 % 2)
        (sentence,) = warnings_of(family_analysis("bernoulli"), frame)
        assert "in 8 of 12 clusters ('0', '1', '2', '3', '4' and 3 more)" in sentence

    def test_rows_that_are_dropped_do_not_count(self):
        frame = table_of(clusters=4, y=np.arange(60) // 4 % 2)
        frame.loc[(frame["g"] == 1) & (frame["y"] == 0), "c"] = np.nan
        (sentence,) = warnings_of(family_analysis("bernoulli", missing="drop"), frame)
        assert "in 1 of 4 clusters ('1')" in sentence

    def test_without_clusters_nothing_is_said(self):
        assert warnings_of(family_analysis("bernoulli", cluster=None), family_table("bernoulli")) == ()


class TestSeparation:
    @pytest.mark.parametrize("engine", ORDERED)
    @pytest.mark.parametrize("reverse", [False, True])
    def test_a_binary_parent_that_tells_all(self, engine, reverse):
        treatment = RNG.integers(0, 2, size=60)
        frame = table_of(a=treatment, y=1 - treatment if reverse else treatment)
        (sentence,) = warnings_of(family_analysis("bernoulli"), ORDERED[engine](frame))
        assert sentence.startswith("'a' alone predicts the bernoulli node 'y' perfectly in the whole table")
        assert "complete separation" in sentence

    def test_a_number_that_splits_it(self):
        frame = table_of()
        frame["y"] = (frame["m"] > 1e6).astype(int)
        (sentence,) = warnings_of(family_analysis("bernoulli"), frame)
        assert sentence.startswith("'m' alone predicts")

    def test_one_exception_is_enough(self):
        treatment = RNG.integers(0, 2, size=60)
        frame = table_of(a=treatment, y=np.where(np.arange(60) == 7, 1 - treatment, treatment))
        assert warnings_of(family_analysis("bernoulli"), frame) == ()

    def test_only_parents_and_only_bernoulli_nodes(self):
        treatment = RNG.integers(0, 2, size=60)
        frame = table_of(a=treatment, y=treatment)
        analysis = family_analysis("bernoulli")
        apart = dataclasses.replace(analysis, edges=(Edge(source="m", target="y"), Edge(source="a", target="m")))
        assert warnings_of(apart, frame) == ()
        assert warnings_of(analysis_of(), frame) == ()


class TestCost:
    def test_gaussian_tables_are_not_asked(self, monkeypatch):
        def asked(*arguments, **options):
            raise AssertionError("a query for a gaussian table")

        for name in ("family_values.collect", "family_values.first_where", "family_warnings.collect"):
            monkeypatch.setattr(f"causalcluster.data.{name}", asked)
        assert warnings_of(analysis_of(), table_of()) == ()
        assert warnings_of(family_analysis("lognormal"), family_table("lognormal")) == ()
        assert warnings_of(family_analysis("beta"), family_table("beta")) == ()

    def test_one_query_serves_all_nodes(self, monkeypatch):
        from causalcluster.data import family_values

        queries = []
        monkeypatch.setattr(family_values, "collect", lambda frame: queries.append(frame) or frame.collect())
        analysis = with_families(
            analysis_of(), a="bernoulli", m="poisson", y={"family": "binomial", "trials": "n"}, c="negative_binomial"
        )
        assert warnings_of(analysis, family_table("binomial", a=BINARY, m=GRADES)) == ()
        assert len(queries) == 1


class TestPlan:
    def test_warnings_reach_the_plan(self):
        # A treatment has no equation, so that nothing but gaussian equations is planned.
        analysis = with_families(analysis_of(), a="ordinal")
        plan = plan_analysis(analysis, table_of(a=GRADES * (GRADES > 1)))
        assert any(sentence.startswith("the ordinal node 'a' holds the grades 0, 2 and 3") for sentence in plan.warnings)

    def test_moments_alone_do_not_do(self, tmp_path):
        with open_rows(analysis_of(), table_of()) as rows:
            moments = reduce_rows(analysis_of(), rows)
        analysis = with_families(analysis_of(), m="poisson", y="bernoulli")
        named = dataclasses.replace(
            analysis, data=dataclasses.replace(analysis.data, moments=(str(tmp_path / "m.parquet"),))
        )
        for given, source in ((analysis, moments), (named, None)):
            with pytest.raises(UnsupportedError) as caught:
                plan_analysis(given, source)
            message = str(caught.value)
            assert message.startswith("/study/analysis.yaml: nodes: m: family: the node 'm' is poisson, and its equation")
            assert "Its likelihood needs rows" in message

    def test_a_binary_treatment_needs_no_rows(self):
        with open_rows(analysis_of(), table_of(a=BINARY)) as rows:
            moments = reduce_rows(analysis_of(), rows)
        assert plan_analysis(with_families(analysis_of(), a="bernoulli"), moments).design.nodes == ("m", "y")


def test_labels_of_pandas_strings_are_kept():
    frame = family_table("bernoulli").assign(g=pd.Series(["ü", "b", "ü", "a"] * 15, dtype="string"))
    assert warnings_of(family_analysis("bernoulli"), frame) == ()

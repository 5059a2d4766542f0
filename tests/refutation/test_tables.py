"""Tables whose answer is known, and what is said of them."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.errors import InputError, UnsupportedError
from causalcluster.moments import reduce_table
from causalcluster.pipeline import analyse
from causalcluster.refutation import KINDS, RANDOM, change_table, refutation_warnings
from tests.calibration.cluster_treatment import TEXT as CLUSTERS
from tests.calibration.cluster_treatment import draw_panel

MADE = simulate("linear", clusters=5, rows=30, seed=3)
ANALYSIS = parse_analysis(MADE.analysis_text, path="x.yaml")


def changed(kind, table=MADE.table, analysis=ANALYSIS, seed=1):
    cluster = pd.factorize(table[analysis.data.cluster])[0]
    return change_table(kind, table.reset_index(drop=True), cluster, analysis, np.random.default_rng(seed))


@pytest.mark.parametrize(("kind", "columns"), [("placebo_treatment", ["law"]), ("dummy_outcome", ["wage"])])
def test_values_are_permuted_inside_clusters_and_nothing_else_changes(kind, columns):
    table = changed(kind)
    for name in MADE.table.columns:
        if name not in columns:
            pd.testing.assert_series_equal(table[name], MADE.table[name])
    for name in columns:
        assert not np.array_equal(table[name], MADE.table[name])
        before, after = (part.groupby("cluster")[name].apply(sorted) for part in (MADE.table, table))
        pd.testing.assert_series_equal(before, after)


def test_a_treatment_of_clusters_is_permuted_among_them():
    table = draw_panel(np.random.default_rng(1))
    own = parse_analysis(CLUSTERS, path="x.yaml")
    found = changed("placebo_treatment", table, own)
    assert (found.groupby("district")["law"].nunique() == 1).all()
    assert sorted(found.groupby("district")["law"].first()) == sorted(table.groupby("district")["law"].first())
    assert not np.array_equal(found["law"], table["law"])


def test_a_treatment_of_clusters_and_periods_is_permuted_among_periods():
    index = pd.MultiIndex.from_product([["a", "b"], range(4), range(5)], names=["district", "firm", "year"])
    table = index.to_frame(index=False)
    rng = np.random.default_rng(2)
    law = {key: rng.normal() for key in table.groupby(["district", "year"]).groups}
    table["law"] = [law[key] for key in zip(table["district"], table["year"], strict=True)]
    table["unions"], table["wage"] = rng.standard_normal((2, len(table)))
    own = parse_analysis(CLUSTERS.replace("cluster: district", "cluster: district, unit: firm, time: year"), path="x.yaml")
    found = changed("placebo_treatment", table, own)
    assert (found.groupby(["district", "year"])["law"].nunique() == 1).all()
    for district in ("a", "b"):
        before, after = (part[part["district"] == district].groupby("year")["law"].first() for part in (table, found))
        assert sorted(before) == sorted(after)
    assert not np.array_equal(found["law"], table["law"])


def test_a_random_cause_is_one_column_more_and_a_subset_keeps_every_cluster():
    assert list(changed("random_cause").columns) == [*MADE.table.columns, RANDOM]
    subset = changed("data_subset")
    assert 0.78 < len(subset) / len(MADE.table) < 0.85
    assert set(subset["cluster"]) == set(MADE.table["cluster"])
    assert len(subset.drop_duplicates()) == len(subset)
    assert len(subset.merge(MADE.table)) == len(subset)


def test_a_run_refutes_with_every_kind_and_the_same_seed_gives_the_same():
    analysis = parse_analysis(MADE.analysis_text + "sampling: {draws: 200, tune: 200, chains: 2}\n", path="x.yaml")
    first, second = (analyse(analysis, MADE.table, refutations=10, engine="threads").refutation for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert set(first["kind"]) == set(KINDS)
    population = first[(first["level"] == "population") & (first["effect"] == "total")].set_index("kind")
    assert (population["replicates"] == 10).all()
    assert (population.loc[["placebo_treatment", "dummy_outcome"], "expected"] == 0.0).all()
    assert population.loc["random_cause", "expected"] == population.loc["random_cause", "estimate"]
    # Ten placebo laws: their effects are small beside the law's own, whose standard deviation is some 150.
    assert abs(population.loc["placebo_treatment", "mean"]) < 4.0 * population.loc["placebo_treatment", "mc_error"] + 1e-9
    assert abs(population.loc["random_cause", "mean"] - population.loc["random_cause", "estimate"]) < 100.0


def test_what_is_refuted_is_a_warning():
    row = {"kind": "placebo_treatment", "outcome": "y", "effect": "nie", "via": "m", "level": "population", "expected": 0.0}
    table = pd.DataFrame([row | {"mean": 0.4, "mc_error": 0.02, "replicates": 50, "verdict": "refuted"}])
    (said,) = refutation_warnings(table)
    assert said.startswith(
        "nie(y, via=m) is 0.4 (Monte Carlo error 0.02) on average over 50 tables of the kind 'placebo treatment'"
    )
    assert refutation_warnings(table.assign(verdict="stands out")) == ()
    assert refutation_warnings(None) == ()


@pytest.mark.parametrize(
    ("old", "new", "replicates", "said"),
    [
        ("hypotheses:", "hypotheses:", 3, "3 replicates are too few"),
        ("hypotheses:", "unobserved: ['law <-> wage', 'law <-> enforcement']\nhypotheses:", 10, "there is none to refute"),
        ("cluster: cluster", "cluster: cluster\n  nested_in: [country]", 10, "clusters lie in groups"),
    ],
)
def test_what_cannot_be_refuted(old, new, replicates, said):
    text = MADE.analysis_text.replace(old, new) + "sampling: {draws: 20, tune: 20, chains: 1}\n"
    with pytest.raises((InputError, UnsupportedError), match=said):
        analyse(
            parse_analysis(text, path="x.yaml"), MADE.table.assign(country="x"), refutations=replicates, engine="threads"
        )


def test_moments_in_place_of_rows_cannot_be_refuted():
    with pytest.raises(UnsupportedError, match="rows are needed"):
        analyse(ANALYSIS, reduce_table(ANALYSIS, MADE.table), refutations=10, engine="threads")

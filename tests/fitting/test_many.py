"""Independent fits: wherever they run, they are the same fits."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from causalcluster.analysis.records import Sampling
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.levels import evaluate_effects, select_row
from causalcluster.errors import InputError
from causalcluster.fitting import many
from causalcluster.fitting.engines import check_engine, open_engine
from causalcluster.fitting.evaluation import Targets
from causalcluster.fitting.many import leave_one_out, thin_start, without_cluster
from causalcluster.fitting.sample import compile_model, refit
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

ANALYSIS = make_analysis("x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",))
SAMPLING = Sampling(draws=300, tune=300, chains=2, seed=5)


@pytest.fixture(scope="module")
def fitted():
    table = draw_rows(ANALYSIS, sizes=[30, 25, 35, 30, 28], seed=3)
    prepared = prepare_system(ANALYSIS, table)
    estimands = list_estimands(
        ANALYSIS.question,
        prepared.graph,
        prepared.system,
        prepared.scale,
        (0.0, 1.0),
        identified=[("y", "total", ""), ("y", "nie", "all"), ("y", "prop_mediated", "all")],
    )
    compiled = compile_model(prepared.design, prepared.arrays, prepared.priors)
    return prepared, estimands, compiled, refit(compiled, prepared.arrays, SAMPLING)


def test_a_cluster_without_rows_is_part_of_no_target(fitted):
    prepared, estimands, _, draws = fitted
    coefficients = draws.coefficients
    gone = replace(coefficients, rows=np.where(np.arange(5) == 2, 0, coefficients.rows))
    effects = evaluate_effects(estimands, gone, random_seed=1)
    assert set(effects["cluster"].values) == {"", *(np.delete(prepared.arrays.clusters, 2))}
    by_cluster = [
        select_row(effects, effect="total", level="cluster", cluster=label)
        for label in np.delete(prepared.arrays.clusters, 2)
    ]
    np.testing.assert_allclose(select_row(effects, effect="total", level="sample"), np.mean(by_cluster, axis=0), rtol=1e-12)


def test_leaving_a_cluster_out_is_a_fit_to_the_others(fitted):
    prepared, estimands, compiled, draws = fitted
    with ThreadPoolExecutor(2) as executor:
        table = leave_one_out(compiled, prepared.arrays, Targets(estimands=estimands), draws, SAMPLING, executor=executor)
    assert list(table["left_out"].unique()) == list(prepared.arrays.clusters)
    assert set(table["effect"]) == {"total", "nie"}
    assert (table["divergences"] == 0).all()
    assert table["r_hat"].max() < 1.05
    assert (table["reason"] == "").all()
    # An independent long fit without the cluster, from a fresh start.
    alone = refit(compiled, without_cluster(prepared.arrays, 1), replace(SAMPLING, draws=1000, tune=500, chains=4))
    effects = evaluate_effects(estimands, alone.coefficients, random_seed=1, levels=("population", "sample"))
    for level in ("population", "sample"):
        expected = select_row(effects, effect="nie", via="all", level=level)
        row = table[
            (table["left_out"] == prepared.arrays.clusters[1]) & (table["effect"] == "nie") & (table["level"] == level)
        ].iloc[0]
        # Five Monte Carlo errors of a mean of at least 200 effective draws.
        assert row["mean"] == pytest.approx(float(expected.mean()), abs=5 * float(expected.std()) / np.sqrt(200))
        assert row["sd"] == pytest.approx(float(expected.std()), rel=0.3)


def test_results_do_not_depend_on_the_number_of_workers(fitted):
    prepared, estimands, compiled, draws = fitted
    tables = []
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            tables.append(
                leave_one_out(
                    compiled, prepared.arrays, Targets(estimands=estimands[:1]), draws, SAMPLING, executor=executor
                )
            )
    np.testing.assert_array_equal(tables[0]["mean"], tables[1]["mean"])


def test_a_thin_start_keeps_the_units(fitted):
    *_, draws = fitted
    start = thin_start(draws.start, most=16)
    assert len(start.positions) <= 2 * 16
    np.testing.assert_array_equal(start.scale, draws.start.scale)


@pytest.mark.parametrize("engine", ["spark", "host:8786", "dask:/x"])
def test_an_unknown_engine_is_refused(engine):
    with pytest.raises(InputError, match="there is no engine"):
        check_engine(engine)


def test_threads_run_what_they_are_given():
    with open_engine("threads") as executor:
        assert executor.submit(max, 1, 2).result() == 2


def test_a_refit_serves_other_clusters_and_refuses_other_equations(fitted):
    *_, compiled, draws = fitted
    table = draw_rows(ANALYSIS, sizes=[20, 40, 15], seed=9)
    few = prepare_system(ANALYSIS, table).arrays
    assert refit(compiled, few, SAMPLING).coefficients.theta.shape[2] == 3
    with pytest.raises(InputError, match="the start has"):
        refit(compiled, few, SAMPLING, start=draws.start)
    wider = make_analysis("x>a x>y a>y c>y", treatment="x", mediators=("a",), outcomes=("y",))
    other = prepare_system(wider, draw_rows(wider, sizes=[20, 40, 15], seed=9)).arrays
    with pytest.raises(InputError, match="other equations"):
        refit(compiled, other, SAMPLING)


def test_a_refit_that_is_not_to_be_trusted_says_why(fitted):
    prepared, estimands, compiled, draws = fitted
    with ThreadPoolExecutor(2) as executor, pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "REFIT_DRAWS", 20)
        table = leave_one_out(
            compiled, prepared.arrays, Targets(estimands=estimands[:1]), draws, SAMPLING, executor=executor
        )
    assert table["reason"].str.match("unreliable: .* effective draws").all()

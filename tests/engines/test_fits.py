"""Independent fits on Dask: the same results wherever they run, and a killed worker costs only its fit."""

import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from causalcluster.analysis.records import Sampling
from causalcluster.effects.estimands import list_estimands
from causalcluster.errors import EngineError, InputError
from causalcluster.fitting import engines
from causalcluster.fitting.engines import open_engine
from causalcluster.fitting.evaluation import Targets
from causalcluster.fitting.many import leave_one_out
from causalcluster.fitting.sample import compile_model, refit
from tests.cli.study import call, write_study
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

ANALYSIS = make_analysis("x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",))
SAMPLING = Sampling(draws=300, tune=300, chains=2, seed=5)


@pytest.fixture(scope="module")
def fitted():
    prepared = prepare_system(ANALYSIS, draw_rows(ANALYSIS, sizes=[30, 25, 35, 30, 28, 40], seed=3))
    estimands = list_estimands(
        ANALYSIS.question, prepared.graph, prepared.system, prepared.scale, (0.0, 1.0), identified=[("y", "nie", "all")]
    )
    compiled = compile_model(prepared.design, prepared.arrays, prepared.priors)
    return prepared, estimands, compiled, refit(compiled, prepared.arrays, SAMPLING)


@pytest.fixture(scope="module")
def expected(fitted):
    prepared, estimands, compiled, draws = fitted
    with ThreadPoolExecutor(1) as executor:
        return leave_one_out(compiled, prepared.arrays, Targets(estimands=estimands), draws, SAMPLING, executor=executor)


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as made:
        yield made


def address_of(cluster):
    return f"dask://{cluster.scheduler_address.removeprefix('tcp://')}"


def test_fits_do_not_depend_on_where_they_run(fitted, expected, cluster):
    prepared, estimands, compiled, draws = fitted
    for engine in (address_of(cluster), "dask"):
        with open_engine(engine) as executor:
            table = leave_one_out(
                compiled, prepared.arrays, Targets(estimands=estimands), draws, SAMPLING, executor=executor
            )
        # The same code, seeds and moments on one kind of processor give the same draws.
        pd.testing.assert_frame_equal(table, expected)


def test_a_killed_worker_costs_only_its_fit(fitted, expected, cluster):
    from distributed import Client

    prepared, estimands, compiled, draws = fitted
    killed = []

    def kill_one(_sentence):
        if not killed:
            with Client(cluster.scheduler_address) as client:
                killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with open_engine(address_of(cluster)) as executor:
        table = leave_one_out(
            compiled, prepared.arrays, Targets(estimands=estimands), draws, SAMPLING, executor=executor, progress=kill_one
        )
    assert killed
    np.testing.assert_array_equal(table["mean"], expected["mean"])


def test_a_scheduler_that_does_not_answer_is_an_error_of_the_users():
    with pytest.raises(InputError, match="no Dask scheduler answers at"), open_engine("dask://127.0.0.1:9"):
        pass


def test_an_engine_that_cannot_fit_is_found_before_anything_is_sampled(monkeypatch, tmp_path):
    from distributed import LocalCluster

    file = write_study(tmp_path)
    assert call("run", file, "--out", tmp_path / "out", "--leave-one-out", "--engine", "dask://127.0.0.1:9") == 2
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(engines, "_ANSWER_WITHIN", 0.5)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(InputError, match="no worker of"),
        open_engine(address_of(empty)),
    ):
        pass


def test_an_engine_that_dies_is_told_from_a_fit_that_fails():
    from distributed.client import FutureCancelledError

    for error, raised in ((FutureCancelledError("key", "lost"), EngineError), (ValueError("of the fit"), ValueError)):
        future = Future()
        future.set_exception(error)
        with pytest.raises(raised):
            engines.result_of(future)

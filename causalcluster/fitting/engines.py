"""Where many independent fits run: threads of this process, a local Dask cluster, or one that is already up."""

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from causalcluster.errors import EngineError, InputError

_SCHEME = "dask://"
_ANSWER_WITHIN = 60.0
_INSTALL = "install the extra: pip install 'causalcluster[dask]'"


@contextmanager
def open_engine(engine: str | None = None) -> Iterator[Executor]:
    """Yield an executor for independent fits, whose workers have this package.

    Parameters
    ----------
    engine
        ``dask://host:port`` of a running scheduler; ``dask`` for a local cluster; ``threads`` for threads of this
        process; without it a local Dask cluster where Dask is installed, else threads. Sampling leaves Python's lock, so
        threads use every core.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    InputError
        An unknown engine, a scheduler or workers that do not answer, workers without this package, or Dask is asked for
        and not installed.

    Examples
    --------
    >>> with open_engine("threads") as executor:
    ...     executor.submit(sum, [1, 2]).result()
    3
    """
    check_engine(engine)
    if engine == "threads" or (engine is None and find_spec("distributed") is None):
        with _threads() as pool:
            yield pool
        return
    with _dask_client(engine) as client:
        executor: Executor = client.get_executor()
        _ask_a_worker(executor, engine or "dask")
        yield executor


def result_of[T](future: Future[T]) -> T:
    """Return what a fit returned; EngineError where not the fit but its engine failed."""
    try:
        return future.result()
    except Exception as error:
        if isinstance(error, OSError | BrokenExecutor | CancelledError) or type(error).__module__.startswith("distributed"):
            raise EngineError(f"the engine failed ({type(error).__name__}: {error})", where="--engine") from error
        raise


@contextmanager
def _threads() -> Iterator[Executor]:
    pool = ThreadPoolExecutor(max_workers=os.process_cpu_count() or 1)
    try:
        yield pool
    finally:
        # After an interruption the fits that wait are dropped.
        pool.shutdown(wait=True, cancel_futures=True)


def _worker_version() -> str:
    from importlib.metadata import version

    import causalcluster.fitting.many  # noqa: F401 - what every fit needs

    return version("causalcluster")


def _ask_a_worker(executor: Executor, engine: str) -> None:
    from importlib.metadata import version

    here, fix = version("causalcluster"), "start workers that have the same version of this package"
    try:
        there = executor.submit(_worker_version).result(timeout=_ANSWER_WITHIN)
    except TimeoutError as error:
        raise InputError(
            f"no worker of {engine} answered within {_ANSWER_WITHIN:.0f} s", where="--engine", fix=fix
        ) from error
    except Exception as error:
        raise InputError(f"a worker of {engine} cannot fit ({error})", where="--engine", fix=fix) from error
    if there != here:
        raise InputError(f"workers of {engine} have version {there}, not {here}", where="--engine", fix=fix)


def check_engine(engine: str | None) -> None:
    """Raise InputError where ``engine`` is no engine, or is one that is not installed."""
    if engine in (None, "threads"):
        return
    if engine != "dask" and not str(engine).startswith(_SCHEME):
        raise InputError(
            f"there is no engine '{engine}'",
            where="--engine",
            fix="write dask://host:port, dask (a local cluster) or threads",
        )
    if find_spec("distributed") is None:
        raise InputError(f"the engine '{engine}' needs Dask, which is not installed", where="--engine", fix=_INSTALL)


@contextmanager
def _dask_client(engine: str | None) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if engine is None or engine == "dask":
        cores = os.process_cpu_count() or 1
        with (
            LocalCluster(processes=False, n_workers=1, threads_per_worker=cores, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    address = engine.removeprefix(_SCHEME)
    try:
        client = Client(f"tcp://{address}", timeout=10)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address} ({error})",
            where="--engine",
            fix="start one with 'dask scheduler', or leave --engine out",
        ) from error
    with client:
        yield client

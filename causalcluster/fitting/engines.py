"""Where many independent fits run: threads of this process, a local Dask cluster, or one that is already up."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from causalcluster.errors import InputError

_SCHEME = "dask://"
_INSTALL = "install the extra: pip install 'causalcluster[dask]'"


@contextmanager
def open_engine(engine: str | None = None) -> Iterator[Executor]:
    """Yield an executor for independent fits.

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
        An unknown engine, a scheduler that does not answer, or Dask is asked for and not installed.

    Examples
    --------
    >>> with open_engine("threads") as executor:
    ...     executor.submit(sum, [1, 2]).result()
    3
    """
    check_engine(engine)
    if engine == "threads" or (engine is None and find_spec("distributed") is None):
        with ThreadPoolExecutor(max_workers=os.process_cpu_count() or 1) as pool:
            yield pool
        return
    with _dask_client(engine) as client:
        executor: Executor = client.get_executor()
        yield executor


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

"""A local Dask cluster of processes and PySpark in local mode."""

import os
import shutil

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def dask_frame():
    dd = pytest.importorskip("dask.dataframe", reason="the extra 'dask' is not installed")
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with distributed.Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"):
        yield lambda frame, folder: dd.from_pandas(frame, npartitions=5)


@pytest.fixture(scope="session")
def spark_session():
    if shutil.which("java") is None:
        message = "PySpark needs Java (Debian: openjdk-17-jre-headless)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    sql = pytest.importorskip("pyspark.sql", reason="the extra 'spark' is not installed")
    builder = sql.SparkSession.builder.master("local[2]")
    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4", "spark.driver.host": "127.0.0.1"}
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def spark_frame(spark_session):
    def make(frame: pd.DataFrame, folder):
        path = folder / f"part-{len(list(folder.iterdir()))}.parquet"
        frame.to_parquet(path)
        # Spark keeps one task per file: several partitions without an order between them.
        return spark_session.read.parquet(str(path)).repartition(3)

    return make


@pytest.fixture(params=["dask", "spark"])
def engine(request, tmp_path):
    """Turn a pandas table into one of the engine's."""
    make = request.getfixturevalue(f"{request.param}_frame")
    return lambda frame: make(frame, tmp_path)

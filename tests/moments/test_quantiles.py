"""Quantiles found by counting are those found by sorting."""

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.moments import quantiles


@pytest.fixture(autouse=True)
def _search(monkeypatch):
    monkeypatch.setattr(quantiles, "_COLLECTED", 5)
    monkeypatch.setattr(quantiles, "_HELD", 0)


def counted(values, *probabilities):
    frame = nw.from_native(pd.DataFrame({"x0": values})).lazy()
    return quantiles.find_quantiles(frame, "x0", probabilities, rows=len(values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.floats(0, 1))
def test_any_values(values, probability):
    expected = np.quantile(np.array(values), probability)
    assert counted(np.array(values), probability)[0] == pytest.approx(expected, rel=1e-12, abs=1e-6)


@pytest.mark.parametrize(
    "values",
    [np.repeat([0.0, 1.0], 500), np.concatenate([np.arange(999.0), [1e40]]), 1e9 + np.arange(1000) % 7, np.full(50, 3.0)],
    ids=["two values", "an outlier", "ties", "one value"],
)
def test_odd_columns(values):
    found = counted(values, 0.0, 0.1, 0.5, 0.9, 1.0)
    np.testing.assert_allclose(found, np.quantile(values, [0.0, 0.1, 0.5, 0.9, 1.0]), rtol=1e-12)

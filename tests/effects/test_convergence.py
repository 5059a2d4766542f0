"""Convergence of many quantities at once against arviz-stats, one at a time."""

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.effects.convergence import measure_convergence


def arviz(values):
    array = xr.DataArray(values, dims=("chain", "draw", "row"), name="x")
    return {
        "ess_bulk": azs.ess(array, method="bulk").values,
        "ess_tail": azs.ess(array, method="tail", prob=(0.05, 0.95)).values,
        "r_hat": azs.rhat(array).values,
    }


def series(rng, chains, draws, rows):
    """Autoregressive draws from antithetic to sticky, some chains off, some values tied."""
    values = rng.standard_normal((chains, draws, rows))
    memory = rng.uniform(-0.7, 0.98, rows)
    for t in range(1, draws):
        values[:, t] += memory * values[:, t - 1]
    values += rng.uniform(0.0, 1.0, rows) * rng.standard_normal((chains, 1, rows))
    return np.where(np.arange(rows) % 3 == 0, np.round(values, 1), values)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), chains=st.integers(2, 5), draws=st.integers(8, 130))
def test_all_three_equal_those_of_arviz(seed, chains, draws):
    values = series(np.random.default_rng(seed), chains, draws, 5)
    found, expected = measure_convergence(values), arviz(values)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


def test_rows_are_measured_alone_whatever_stands_beside_them(monkeypatch):
    values = series(np.random.default_rng(1), 4, 200, 7)
    together = measure_convergence(values)
    monkeypatch.setattr("causalcluster.effects.convergence._NUMBERS_AT_ONCE", 1)
    alone = measure_convergence(values)
    for name, numbers in together.items():
        np.testing.assert_array_equal(numbers, alone[name])


def test_what_cannot_be_measured_is_no_number():
    rng = np.random.default_rng(2)
    values = rng.standard_normal((4, 50, 3))
    values[:, :, 0], values[1, 3, 1] = 2.0, np.nan
    found = measure_convergence(values)
    for numbers in found.values():
        assert np.isnan(numbers[:2]).all()
        assert np.isfinite(numbers[2])
    assert np.isnan(measure_convergence(values[:1])["r_hat"]).all()
    assert all(np.isnan(numbers).all() for numbers in measure_convergence(values[:, :3]).values())


@pytest.mark.parametrize("draws", [4, 5, 6, 7])
def test_few_draws(draws):
    values = np.random.default_rng(draws).standard_normal((3, draws, 4))
    found, expected = measure_convergence(values), arviz(values)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)

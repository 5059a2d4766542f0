"""The gate: each threshold on its own."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from causalcluster.fitting.gate import energy_information, judge, mark_unreliable


def row(effect="total", level="population", **numbers):
    plain = {"median": 1.0, "lower": 0.5, "upper": 1.5, "ess_bulk": 1000.0, "ess_tail": 900.0, "r_hat": 1.001}
    return {"effect": effect, "level": level, **plain, **numbers}


def sampler(divergences=0, *, draws=1000, energy=None):
    rng = np.random.default_rng(1)
    diverging = np.zeros((4, draws), dtype=bool)
    diverging[0, :divergences] = True
    energy = rng.normal(size=(4, draws)) if energy is None else energy
    return xr.Dataset({"diverging": (("chain", "draw"), diverging), "energy": (("chain", "draw"), energy)})


def verdict(rows, stats=None):
    return judge(pd.DataFrame(rows), stats or sampler(), retried=False)


def test_good_draws_pass():
    answer = verdict([row(), row(level="cluster", r_hat=1.029, ess_bulk=201.0, ess_tail=201.0)])
    assert (answer.status, answer.reasons) == ("ok", ())
    assert answer.max_r_hat == pytest.approx(1.029)
    assert answer.min_ess_bulk == pytest.approx(201.0)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (row(r_hat=1.011), "R-hat of population effects"),
        (row(ess_bulk=399.0), "bulk effective sample size of population"),
        (row(ess_tail=399.0), "tail effective sample size of population"),
        (row(level="cluster", r_hat=1.031), "R-hat of other effects"),
        (row(level="new", ess_bulk=199.0), "bulk effective sample size of other"),
        (row(level="sample", r_hat=np.nan), "R-hat of other effects"),
    ],
)
def test_one_bad_row_is_enough(bad, word):
    answer = verdict([row(), row(level="between_sd"), bad])
    assert answer.status == "unreliable"
    assert len(answer.reasons) == 1
    assert word in answer.reasons[0]


def test_rows_without_draws_of_their_own_do_not_count():
    blank = row("prop_mediated", median=np.nan, lower=np.nan, upper=np.nan, r_hat=np.nan, ess_bulk=np.nan)
    exact_zero = row("nie", median=0.0, lower=0.0, upper=0.0, r_hat=np.nan, ess_bulk=np.nan)
    assert verdict([row(), blank, exact_zero]).status == "ok"


def test_divergences_up_to_one_in_a_thousand():
    assert verdict([row()], sampler(4)).status == "ok"
    answer = verdict([row()], sampler(5))
    assert answer.status == "unreliable"
    assert "5 divergent" in answer.reasons[0]


def test_energy_of_a_chain_that_crawls():
    crawl = np.cumsum(np.random.default_rng(2).normal(size=(4, 1000)), axis=1)
    answer = verdict([row()], sampler(energy=crawl))
    assert answer.status == "unreliable"
    assert "E-BFMI" in answer.reasons[0]


def test_energy_information_of_independent_draws_is_two():
    # E (e_t - e_(t-1))^2 = 2 var e for independent draws; the standard error with 20,000 draws is about 0.02.
    energy = np.random.default_rng(3).normal(size=(2, 20_000))
    np.testing.assert_allclose(energy_information(energy), 2.0, atol=0.08)


def test_an_unreliable_run_is_marked_in_every_row():
    table = pd.DataFrame({"reason": ["", "extrapolated"]})
    failed = verdict([row()], sampler(divergences=400))
    assert failed.status == "unreliable"
    assert list(mark_unreliable(table, failed)["reason"]) == ["unreliable", "unreliable; extrapolated"]

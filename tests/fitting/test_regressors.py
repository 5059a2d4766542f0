"""Regressors inside clusters against the rows, one by one."""

import numpy as np
import pytest

from causalcluster.data import RowTable
from causalcluster.fitting.regressors import describe_regressors
from causalcluster.model.standard import Scale
from tests.oracles.networks import make_design

DESIGN = make_design({"m": ("binomial", None, ["a", "c", "a*c"]), "y": ("bernoulli", None, ["a", "m"])}, centred=True)
SCALE = Scale(shift={"a": 0.3, "c": -1.0, "m": 2.0, "y": 0.0}, scale={"a": 0.5, "c": 2.0, "m": 1.5, "y": 1.0})


def rows(treatment_values):
    rng = np.random.default_rng(2)
    cluster = np.repeat([0, 1, 3], [40, 25, 30])
    n = len(cluster)
    columns = {"a": rng.integers(treatment_values, size=n) * 1.0, "c": rng.normal(size=n), "m": np.ones(n), "y": np.zeros(n)}
    return RowTable(
        clusters=("d", "e", "without rows", "f"),
        cluster=cluster,
        columns=columns,
        trials={"m": rng.integers(1, 9, n) * 1.0},
        exposure={},
        weight=rng.integers(1, 4, n) * 1.0,
    )


@pytest.mark.parametrize(("values", "parts"), [(2, 2), (3, 3), (20, 1)])
def test_means_and_covariances_are_those_of_the_rows_by_value_of_the_treatment(values, parts):
    table = rows(values)
    found = describe_regressors(DESIGN, SCALE, table)
    assert list(found) == ["m"]
    own = found["m"]
    assert own.share.shape == (4, parts)
    a, c = (table.columns["a"] - 0.3) / 0.5, (table.columns["c"] + 1.0) / 2.0
    everything = np.column_stack([a, c, a * c])
    for g in (0, 1, 3):
        here = table.cluster == g
        x, weight, trials, part = everything[here], table.weight[here], table.trials["m"][here], table.columns["a"][here]
        centred, by = x - np.average(x, axis=0, weights=weight), weight * trials
        assert own.size[g] == pytest.approx(np.average(trials, weights=weight))
        within = np.zeros((3, 3))
        for j in range(parts):
            chosen = part == j if parts > 1 else np.ones(len(part), dtype=bool)
            mean = np.average(centred[chosen], axis=0, weights=by[chosen])
            assert own.share[g, j] == pytest.approx(by[chosen].sum() / by.sum())
            np.testing.assert_allclose(own.mean[g, j], mean, atol=1e-12)
            away = centred[chosen] - mean
            within += (away * by[chosen, None]).T @ away / by.sum()
        np.testing.assert_allclose(own.covariance[g], within, atol=1e-12)
    assert own.share[2].sum() == 0.0
    assert np.isfinite(own.covariance).all()


def test_an_equation_whose_columns_are_not_there_is_left_out():
    table = rows(2)
    context = RowTable(
        clusters=table.clusters,
        cluster=table.cluster,
        columns={"c": table.columns["c"]},
        trials={},
        exposure={},
        weight=table.weight,
    )
    assert describe_regressors(DESIGN, SCALE, context) == {}

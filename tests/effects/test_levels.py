"""Levels of effects.csv: closed forms and Monte Carlo on pinned coefficients."""

import numpy as np
import pytest

from causalcluster.effects.estimands import Estimand
from causalcluster.effects.levels import CoefficientDraws, evaluate_effects, select_row

A, B = 0, 1
PRODUCT = Estimand(outcome="y", effect="nie", via="all", polynomial={(A, B): np.ones(3)})
MEAN = np.array([0.5, -0.3])
ROOT = np.array([[0.4, 0.0], [0.3, 0.2]])
ROWS = np.array([10, 30, 60])


def draws(*, has_population=True, clusters=("n", "s", "w")):
    theta = np.array([[0.2, 0.1], [0.9, -0.4], [-0.1, 0.5]])[: len(clusters)]
    return CoefficientDraws(
        clusters=clusters,
        rows=ROWS[: len(clusters)],
        theta=np.broadcast_to(theta, (2, 3, *theta.shape)),
        mean=np.broadcast_to(MEAN, (2, 3, 2)),
        root=np.broadcast_to(ROOT, (2, 3, 2, 2)),
        has_population=has_population,
    )


def level(effects, name, cluster=""):
    return select_row(effects, effect="nie", level=name, cluster=cluster).values


def test_population_is_the_expected_product_with_its_covariance():
    effects = evaluate_effects([PRODUCT], draws(), random_seed=1)
    covariance = (ROOT @ ROOT.T)[A, B]
    np.testing.assert_allclose(level(effects, "population"), MEAN[A] * MEAN[B] + covariance, rtol=1e-12)


def test_observed_clusters_and_their_averages():
    effects = evaluate_effects([PRODUCT], draws(), random_seed=1)
    products = np.array([0.02, -0.36, -0.05])
    for label, value in zip("nsw", products, strict=True):
        np.testing.assert_allclose(level(effects, "cluster", label), value, rtol=1e-12)
    np.testing.assert_allclose(level(effects, "sample"), products.mean(), rtol=1e-12)
    np.testing.assert_allclose(level(effects, "sample_rows"), products @ ROWS / 100, rtol=1e-12)


def test_spread_between_clusters_is_the_sd_of_the_product():
    effects = evaluate_effects([PRODUCT], draws(), random_seed=1)
    simulated = MEAN + np.random.default_rng(4).normal(size=(400_000, 2)) @ ROOT.T
    # The standard error of an sd from 400,000 draws is below 0.3%.
    np.testing.assert_allclose(level(effects, "between_sd"), simulated.prod(axis=1).std(), rtol=0.012)


def test_a_new_cluster_has_the_population_mean_and_spread():
    many = CoefficientDraws(
        clusters=("n",),
        rows=np.array([5]),
        theta=np.zeros((1, 100_000, 1, 2)),
        mean=np.broadcast_to(MEAN, (1, 100_000, 2)),
        root=np.broadcast_to(ROOT, (1, 100_000, 2, 2)),
        has_population=True,
    )
    one = Estimand(outcome="y", effect="nie", via="all", polynomial={(A, B): np.ones(1)})
    effects = evaluate_effects([one], many, random_seed=3)
    new = level(effects, "new")
    assert new.mean() == pytest.approx(level(effects, "population").mean(), abs=5 * new.std() / 100_000**0.5)
    assert new.std() == pytest.approx(level(effects, "between_sd").mean(), rel=0.02)


def test_without_a_population_its_levels_are_left_out():
    pooled_none = evaluate_effects([PRODUCT], draws(has_population=False), random_seed=1)
    assert set(pooled_none["level"].values) == {"sample", "sample_rows", "cluster"}
    single = Estimand(outcome="y", effect="nie", via="all", polynomial={(A, B): np.ones(1)})
    alone = evaluate_effects([single], draws(has_population=False, clusters=("",)), random_seed=1)
    assert list(alone["level"].values) == ["sample"]


def test_a_proportion_divides_draw_by_draw():
    share = Estimand(
        outcome="y",
        effect="prop_mediated",
        via="all",
        polynomial={(A, B): np.ones(3)},
        denominator={(A,): np.ones(3)},
    )
    effects = evaluate_effects([share], draws(), random_seed=1)
    row = select_row(effects, effect="prop_mediated", level="cluster", cluster="s")
    np.testing.assert_allclose(row.values, -0.4, rtol=1e-12)
    assert "between_sd" not in effects["level"].values

"""A mediator's error in the outcome's equation: families against integration from the definition, and closed forms."""

import numpy as np
import pytest
from scipy import stats

from causalcluster.effects.gformula import simulate_effects
from causalcluster.effects.quantiles import beta_cdf, binomial_cdf, negative_binomial_cdf, normal_quantile, poisson_cdf
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.shared_worlds import simulate_shared_errors
from causalcluster.effects.world_effects import list_world_effects
from causalcluster.families import FAMILIES, default_link
from tests.oracles.networks import ask, fixed_draws, make_design, one_cluster
from tests.oracles.shared_errors import mean_in_world
from tests.oracles.worlds_by_force import Node

KEYS = [("y", "total", ""), ("y", "nde", ""), ("y", "nie", "all"), ("y", "tnde", ""), ("y", "pnie", "all")]
OF_M, OF_Y = (0.1, 0.6), (-0.3, 0.4, -0.3, 0.1)
GRADES, THRESHOLDS = (1.0, 2.0, 4.0), (-0.6, 0.5)
SETTINGS = {"sd": (0.8, 0.6), "nu": (5.0, 5.0), "shape": (2.0, 3.0), "precision": (8.0, 5.0)}
LOADING = 0.7


def bend(mediator, outcome, loadings, *, points=2048, trials=6.0, of_m=OF_M, of_y=OF_Y, sd=SETTINGS["sd"]):
    """Return the effects (loading, effect), and without a shared error (effect,)."""
    design = make_design({"m": (*mediator, ["a"]), "y": (*outcome, ["a", "m", "a*m"])})
    families = {"m": mediator[0], "y": outcome[0]}
    network = one_cluster(
        design,
        grades={name: np.array(GRADES) for name, family in families.items() if family == "ordinal"},
        sizes={name: np.full(1, trials) for name, family in families.items() if family == "binomial"},
    )
    thresholds = {name: THRESHOLDS for name, family in families.items() if family == "ordinal"}
    draws = fixed_draws([*of_m, *of_y], 2, thresholds=thresholds, **{**SETTINGS, "sd": sd})
    effects = list_world_effects(ask(["m"]), network, (0.0, 1.0), identified=KEYS)
    accuracy = Accuracy(target=np.inf, draws=1, replicates=2, cluster_points=points)
    plain = simulate_effects(effects, network, draws, random_seed=1, accuracy=accuracy).effects["effect"].values[0, 0]
    found = simulate_shared_errors(
        effects,
        network,
        draws,
        "m",
        [np.array([[0.0, loading]]) for loading in loadings],
        chosen=np.array([0]),
        random_seed=1,
        levels=("sample",),
        accuracy=accuracy,
    )
    return found.values[..., 0], plain


def node_of(family, link, k):
    kept = {name: values[k] for name, values in SETTINGS.items()}
    return Node(family=family, link=link or default_link(family), thresholds=THRESHOLDS, grades=GRADES, **kept)


@pytest.mark.parametrize(
    ("mediator", "outcome"),
    # A log of the mean that is linear in a student mediator has no finite mean.
    [
        (m, y)
        for m in FAMILIES
        for y in ("gaussian", "lognormal", "bernoulli", "ordinal")
        if (m, y) != ("student", "lognormal")
    ],
)
def test_families_agree_with_integration_from_the_definition(mediator, outcome):
    (bent,), plain = bend((mediator, None), (outcome, None), [LOADING])
    m, y = node_of(mediator, None, 0), node_of(outcome, None, 1)
    loading = LOADING * (y.sd if outcome in ("gaussian", "lognormal") else 1.0)

    def mean(a, a_of_m):
        def of_y(a, m):
            return OF_Y[0] + OF_Y[1] * a + OF_Y[2] * m + OF_Y[3] * a * m

        return mean_in_world(m, y, lambda a: OF_M[0] + OF_M[1] * a, of_y, a=a, a_of_m=a_of_m, loading=loading)

    w = {(a, b): mean(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)}
    pairs = [((1, 1), (0, 0)), ((1, 0), (0, 0)), ((1, 1), (1, 0)), ((1, 1), (0, 1)), ((0, 1), (0, 0))]
    expected = [w[left] - w[right] for left, right in pairs]
    # The oracle's grid of 4,000 scores is the coarser of the two: an error of 1 in 1,000 of what has an infinite range.
    np.testing.assert_allclose(bent, expected, atol=1e-3)
    # What both sides see alike is not bent, and what is bent is bent far more than the tolerance.
    assert bent[0] == pytest.approx(plain[0], abs=1e-9)
    assert abs(bent[1] - plain[1]) > 0.01


@pytest.mark.parametrize("mediator", FAMILIES)
@pytest.mark.parametrize("outcome", FAMILIES)
def test_without_a_correlation_every_family_is_as_it_was(mediator, outcome):
    (none,), plain = bend((mediator, None), (outcome, None), [0.0], points=64)
    # Counts are followed in smaller groups where errors are shared.
    grouped = mediator in ("binomial", "poisson", "negative_binomial")
    np.testing.assert_allclose(none, plain, rtol=1e-7, atol=3e-3 if grouped else 1e-9)


@pytest.mark.parametrize("rho", [-0.6, 0.3])
def test_gaussian_mediator_and_probit_outcome_are_the_bivariate_normal(rho):
    """The latent errors of both are jointly normal (Imai, Keele and Tingley 2010): every mean is a probit in closed form."""
    a0, a1, sd, g0, g1, b = 0.2, 0.6, 0.7, -0.4, 0.3, 0.5
    left = np.sqrt(1.0 - rho**2)
    fitted = ((g0 - rho * a0 / sd) / left, (g1 - rho * a1 / sd) / left, (b + rho / sd) / left, 0.0)
    (bent,), _ = bend(
        ("gaussian", None), ("bernoulli", "probit"), [rho / left], points=2**14, of_m=(a0, a1), of_y=fitted, sd=(sd, 1.0)
    )

    def mean(a, a_of_m):
        spread = np.sqrt(1.0 + b**2 * sd**2 + 2.0 * b * sd * rho)
        return stats.norm.cdf((g0 + g1 * a + b * (a0 + a1 * a_of_m)) / spread)

    expected = [mean(1, 1) - mean(0, 0), mean(1, 0) - mean(0, 0), mean(1, 1) - mean(1, 0)]
    np.testing.assert_allclose(bent[:3], expected, atol=2e-5)


def test_binary_mediator_and_outcome_by_simulation_of_what_was_not_seen():
    """Rows with a shared normal error; the fit is the table of what is seen, the truth what would be."""
    rng, n, rho = np.random.default_rng(4), 2_000_000, 0.5
    v, loading = rng.standard_normal(n), rho / np.sqrt(1.0 - rho**2)
    kappa = np.array([[-0.8, 0.1], [-0.3, 0.9]])

    def answer(a):
        return (v > -stats.norm.ppf(1.0 / (1.0 + np.exp(-(OF_M[0] + OF_M[1] * a))))).astype(int)

    def probability(a, m):
        return stats.norm.cdf(kappa[a, m] + loading * v)

    seen = np.array([[probability(a, m)[answer(a) == m].mean() for m in (0, 1)] for a in (0, 1)])
    z = stats.norm.ppf(seen)
    fitted = (z[0, 0], z[1, 0] - z[0, 0], z[0, 1] - z[0, 0], z[1, 1] - z[1, 0] - z[0, 1] + z[0, 0])
    (bent,), plain = bend(("bernoulli", "logit"), ("bernoulli", "probit"), [loading], of_y=fitted)

    def mean(a, a_of_m):
        m = answer(a_of_m)
        return np.where(m == 1, probability(a, 1), probability(a, 0)).mean()

    truth = [mean(1, 1) - mean(0, 0), mean(1, 0) - mean(0, 0), mean(1, 1) - mean(1, 0)]
    # Four standard errors of 2,000,000 rows' cells are 0.001; taking rho to be 0 is off by more than ten times as much.
    np.testing.assert_allclose(bent[:3], truth, atol=1e-3)
    assert abs(plain[2] - truth[2]) > 0.02


@pytest.mark.parametrize("mean", [0.3, 5.0, 80.0, 900.0])
def test_distribution_functions_are_those_of_scipy(mean):
    for count in (0.0, 1.0, float(int(0.7 * mean)), float(int(1.3 * mean))):
        assert poisson_cdf(count, mean) == pytest.approx(stats.poisson.cdf(count, mean), abs=1e-10)
        expected = stats.nbinom.cdf(count, 2.5, 2.5 / (2.5 + mean))
        assert negative_binomial_cdf(count, mean, 2.5) == pytest.approx(expected, abs=1e-10)
        assert binomial_cdf(count, 1000.0, mean / 1000.0) == pytest.approx(
            stats.binom.cdf(count, 1000, mean / 1000), abs=1e-10
        )
    share = mean / 1000.0
    assert beta_cdf(0.3, share, 9.0) == pytest.approx(stats.beta.cdf(0.3, 9.0 * share, 9.0 * (1.0 - share)), abs=1e-10)
    for tail in (1e-12, 1e-3, 0.2, 0.5, 0.9, 1.0 - 1e-9):
        assert normal_quantile(tail) == pytest.approx(stats.norm.ppf(tail), rel=1e-8)


def test_means_too_large_to_sum_are_close():
    assert poisson_cdf(3050.0, 3000.0) == pytest.approx(stats.poisson.cdf(3050, 3000), abs=1e-5)

"""Densities of one row against SciPy's, and their derivatives against finite differences."""

import numpy as np
import pytest
from scipy import special, stats

from causalcluster.families import FAMILIES
from causalcluster.model.row_densities import FAMILY_CODES, LINK_CODES, log_density, log_normal_cdf
from causalcluster.model.thresholds import equation_log_likelihood, rising

THRESHOLDS = np.array([-1.0, 0.3, 1.2])
LOG_PARAMETERS = np.array([0.3, 1.1])
# Value and the row's other number: trials, or log exposure.
ROWS = {
    "bernoulli": [(0.0, 1.0), (1.0, 1.0)],
    "binomial": [(3.0, 7.0), (0.0, 4.0), (4.0, 4.0)],
    "poisson": [(0.0, 0.2), (5.0, -0.3)],
    "negative_binomial": [(0.0, 0.1), (7.0, 0.0)],
    "student": [(0.3, 0.0), (5.0, 0.0)],
    "lognormal": [(0.4, 0.0)],
    "beta": [(0.2, 0.0), (0.95, 0.0)],
    "ordinal": [(0.0, 0.0), (1.0, 0.0), (3.0, 0.0)],
}
CASES = [(family, link) for family in FAMILY_CODES for link in FAMILIES[family].links]
CDFS = {"logit": special.expit, "probit": special.ndtr, "cloglog": lambda x: -np.expm1(-np.exp(x))}


def scipy_density(family, link, y, other, eta, parameters, thresholds):
    first, second = np.exp(parameters)
    cdf = CDFS.get(link)
    if family in ("bernoulli", "binomial"):
        return stats.binom.logpmf(y, other, cdf(eta))
    if family == "poisson":
        return stats.poisson.logpmf(y, np.exp(eta + other))
    if family == "negative_binomial":
        return stats.nbinom.logpmf(y, first, first / (first + np.exp(eta + other)))
    if family == "student":
        return stats.t.logpdf(y, second, eta, first)
    if family == "lognormal":
        return stats.norm.logpdf(y, eta, first)
    if family == "beta":
        return stats.beta.logpdf(y, cdf(eta) * first, (1 - cdf(eta)) * first)
    edges = np.concatenate([[0.0], cdf(thresholds - eta), [1.0]])
    return np.log(np.diff(edges)[int(y)])


def density(family, link, y, other, eta, parameters=LOG_PARAMETERS, thresholds=THRESHOLDS):
    return log_density(y, eta, other, parameters, thresholds, FAMILY_CODES[family], LINK_CODES[link])


@pytest.mark.parametrize(("family", "link"), CASES)
def test_values_equal_scipys_up_to_a_constant_of_the_data(family, link):
    others = [(1.5, LOG_PARAMETERS), (-2.0, LOG_PARAMETERS), (0.4, np.array([-0.4, 0.6]))]
    for y, other in ROWS[family]:
        ours = [density(family, link, y, other, eta, parameters)[0] for eta, parameters in others]
        theirs = [scipy_density(family, link, y, other, eta, parameters, THRESHOLDS) for eta, parameters in others]
        # Differences of distribution functions lose digits in the oracle's far tails.
        np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-6 if family == "ordinal" else 1e-9, atol=1e-9)


@pytest.mark.parametrize(("family", "link"), CASES)
@pytest.mark.parametrize("eta", [-6.0, -2.0, 0.1, 1.5, 4.0])
def test_derivatives_equal_finite_differences(family, link, eta):
    step = 1e-6

    def slope(**moved):
        (name, change), *_ = moved.items()
        base = {"eta": eta, "parameters": LOG_PARAMETERS, "thresholds": THRESHOLDS}
        up, down = {**base, name: base[name] + step * change}, {**base, name: base[name] - step * change}
        return (density(family, link, y, other, **up)[0] - density(family, link, y, other, **down)[0]) / (2 * step)

    for y, other in ROWS[family]:
        _, by_eta, first, second, lower, upper = density(family, link, y, other, eta)
        assert by_eta == pytest.approx(slope(eta=1.0), rel=1e-6, abs=1e-6)
        assert first == pytest.approx(slope(parameters=np.array([1.0, 0.0])), rel=1e-6, abs=1e-6)
        assert second == pytest.approx(slope(parameters=np.array([0.0, 1.0])), rel=1e-6, abs=1e-6)
        if family == "ordinal":
            for k, found in ((int(y) - 1, lower), (int(y), upper)):
                if 0 <= k < 3:
                    assert found == pytest.approx(slope(thresholds=np.eye(3)[k]), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("eta", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize(("family", "link"), CASES)
def test_far_out_everything_stays_a_number(family, link, eta):
    for y, other in ROWS[family]:
        values = density(family, link, y, other, eta)
        assert not np.isnan(values).any()


def test_the_log_of_the_normal_distribution_function_in_the_tail():
    for x in (-1e3, -50.0, -31.0, -29.0, -5.0, 0.0, 5.0):
        assert log_normal_cdf(x) == pytest.approx(special.log_ndtr(x), rel=1e-7)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_the_prior_of_thresholds_makes_shares_uniform_on_the_simplex(link):
    """Its density times the Jacobian from thresholds to shares is constant, and its gradient is right."""
    values = []
    for raw in (np.array([-0.7, 0.2, -0.5]), np.array([0.4, -1.0, 0.6])):
        value, gradient = threshold_prior(raw, link)
        levels, step = rising(raw), 1e-6
        slopes = (CDFS[link](levels + step) - CDFS[link](levels - step)) / (2 * step)
        # d shares / d raw has the determinant prod f(c_j) prod exp(v_j): shares and cumulated shares differ by a unit map.
        values.append(value - np.log(slopes).sum() - raw[1:].sum())
        numeric = [
            (threshold_prior(raw + step * unit, link)[0] - threshold_prior(raw - step * unit, link)[0]) / (2 * step)
            for unit in np.eye(3)
        ]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)
    # The slopes are finite differences.
    assert values[0] == pytest.approx(values[1], abs=1e-5)


def threshold_prior(raw, link):
    """The value and gradient of an equation without rows."""
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    starts, offsets = np.array([0, 1]), np.array([0, len(raw)])
    codes = (0, 0, 0, FAMILY_CODES["ordinal"], LINK_CODES[link])
    result = equation_log_likelihood(
        np.zeros((1, 1)), none, raw, starts, offsets, np.zeros((0, 1)), none, none, none, whole, *codes
    )
    return result[0], result[3]

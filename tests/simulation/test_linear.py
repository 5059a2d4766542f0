"""The data-generating process of the scenario `linear`."""

import numpy as np
import pytest

from causalcluster.simulation.linear import (
    SLOPE_NAMES,
    VARIABLES,
    draw_linear,
    draw_slopes,
    linear_parameters,
    slope_covariance,
)


def slope(name):
    return SLOPE_NAMES.index(name)


def test_correlations_are_positive_definite():
    parameters = linear_parameters()
    for matrix in (parameters.slope_correlation, parameters.intercept_correlation):
        assert np.linalg.eigvalsh(matrix).min() > 0.1
        np.testing.assert_array_equal(matrix, matrix.T)


def test_every_slope_varies_and_parameters_are_read_only():
    parameters = linear_parameters()
    assert (parameters.slope_sd > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        parameters.slope_mean[0] = 1.0


def test_covariance_of_the_mediated_path_is_at_least_half_the_product_of_means():
    parameters = linear_parameters()
    first, second = slope("law -> enforcement"), slope("enforcement -> wage")
    product = parameters.slope_mean[first] * parameters.slope_mean[second]
    assert slope_covariance(parameters)[first, second] >= 0.5 * product


def test_drawn_slopes_have_the_stated_moments():
    parameters = linear_parameters()
    slopes = draw_slopes(parameters, 200_000, np.random.default_rng(5))
    standardised = (slopes - parameters.slope_mean) / parameters.slope_sd
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(np.cov(standardised.T), parameters.slope_correlation, atol=0.015)


def test_rows_follow_the_equations_of_their_cluster():
    sizes = np.array([4000, 6000])
    parameters = linear_parameters()
    draw = draw_linear(parameters, sizes, np.random.default_rng(2))
    np.testing.assert_array_equal(np.bincount(draw.cluster), sizes)
    for cluster in range(2):
        rows = dict(zip(VARIABLES, draw.values[draw.cluster == cluster].T, strict=True))
        parents = ("law", "enforcement", "unions", "size")
        design = np.column_stack([np.ones(sizes[cluster]), *(rows[name] for name in parents)])
        solution, residual, *_ = np.linalg.lstsq(design, rows["wage"], rcond=None)
        sd = draw.residual_sds[cluster, VARIABLES.index("wage")]
        standard_errors = sd * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
        true_slopes = [draw.slopes[cluster, slope(f"{name} -> wage")] for name in parents]
        truth = np.array([draw.intercepts[cluster, VARIABLES.index("wage")], *true_slopes])
        assert (np.abs(solution - truth) < 4.5 * standard_errors).all()
        assert np.sqrt(residual[0] / sizes[cluster]) == pytest.approx(sd, rel=0.05)


def test_residual_spread_differs_between_clusters():
    parameters = linear_parameters()
    draw = draw_linear(parameters, np.full(5000, 1), np.random.default_rng(3))
    logs = np.log(draw.residual_sds / parameters.residual_sd)
    np.testing.assert_allclose(logs.std(axis=0), 0.15, atol=0.01)
    np.testing.assert_allclose(logs.mean(axis=0), 0, atol=0.015)


def test_same_generator_state_gives_the_same_rows():
    parameters, sizes = linear_parameters(), np.array([5, 3])
    first = draw_linear(parameters, sizes, np.random.default_rng(9))
    again = draw_linear(parameters, sizes, np.random.default_rng(9))
    other = draw_linear(parameters, sizes, np.random.default_rng(10))
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)

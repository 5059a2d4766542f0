"""The density of systems with rows: against SciPy's from the rows, with gradients against finite differences."""

import numpy as np
import pytest
from scipy import stats

from causalcluster.model.build import build_model
from causalcluster.model.kernel import marginal_log_likelihood
from causalcluster.model.population import place_draws
from causalcluster.model.roots import correlation_factor, covariance_root
from causalcluster.model.thresholds import rising
from tests.oracles.mixed_systems import draw_mixed_rows, log_likelihood, mixed_analysis, prepare_mixed
from tests.oracles.row_model import regressors, standard_rows

SYSTEMS = {
    "gaussian mediator, bernoulli outcome": ("x>a x>y a>y c>y c>x", {"y": "bernoulli"}),
    "ordinal and gaussian mediators, negative binomial outcome": (
        "x>a x>b a>b x>y a>y b>y c>y",
        {"b": "ordinal probit", "y": "negative_binomial"},
    ),
    "student and beta mediators, lognormal outcome": (
        "x>a x>b a>b x>y a>y b>y",
        {"a": "student", "b": "beta cloglog", "y": "lognormal"},
    ),
    "poisson mediator, gaussian outcome": ("x>a x>y a>y c>y", {"a": "poisson"}),
    "ordinal mediator, ordinal and binomial outcomes": (
        "x>a x>y a>y x>z a>z",
        {"a": "ordinal", "y": "ordinal", "z": "binomial"},
    ),
}


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request):
    edges, families = SYSTEMS[request.param]
    mediators = tuple(name for name in "ab" if f"x>{name}" in edges)
    outcomes = tuple(name for name in "yz" if f"a>{name}" in edges)
    analysis = mixed_analysis(edges, families, treatment="x", mediators=mediators, outcomes=outcomes)
    table = draw_mixed_rows(analysis, sizes=[12, 9, 15], seed=3)
    prepared = prepare_mixed(analysis, table)
    return prepared, table, build_model(prepared.design, prepared.arrays, prepared.priors)


def random_point(model, seed):
    rng = np.random.default_rng(seed)
    return {name: value + 0.3 * rng.standard_normal(value.shape) for name, value in model.initial_point().items()}


def test_it_equals_the_density_of_the_rows_up_to_a_constant(system):
    prepared, table, model = system
    compiled = model.compile_logp(mode="FAST_COMPILE")
    away = []
    for seed in range(3):
        point = random_point(model, seed)
        away.append(float(compiled(point)) - oracle(prepared, table, point))
    assert np.ptp(away) < 1e-7


def test_gradients_equal_finite_differences(system):
    prepared, _, model = system
    del prepared
    value, gradient = model.compile_logp(mode="FAST_COMPILE"), model.compile_dlogp(mode="FAST_COMPILE")
    point = random_point(model, 5)
    numeric, step = [], 1e-5
    for variable in model.value_vars:
        for at in np.ndindex(point[variable.name].shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = {name: array.copy() for name, array in point.items()}
                moved[variable.name][at] += sign * step
                ends.append(float(value(moved)))
            numeric.append((ends[0] - ends[1]) / (2.0 * step))
    np.testing.assert_allclose(gradient(point), numeric, rtol=1e-4, atol=1e-4)


def oracle(prepared, table, point):
    """All of the joint density that depends on the parameters, term by term."""
    arrays, priors, design = prepared.arrays, prepared.priors, prepared.design
    rows = arrays.row_equations
    mean, tau = point["mean"], np.exp(point["tau_log__"])
    half = 1.0 / (1.0 + np.exp(-point["partial_logodds__"]))
    total = stats.norm.logpdf(mean, priors.mean, priors.sd).sum()
    total += (stats.gamma.logpdf(tau, priors.tau_shape, scale=1.0 / priors.tau_rate) + np.log(tau)).sum()
    total += (stats.beta.logpdf(half, priors.partial_alpha, priors.partial_alpha) + np.log(half * (1.0 - half))).sum()
    effective = priors.mean + priors.mean_free * (mean - priors.mean)
    parameters, thresholds = {}, {}
    if len(rows.parameters):
        total += stats.norm.logpdf(point["log_parameter"], priors.parameter_mean, priors.parameter_sd).sum()
        parameters = dict(zip(rows.parameters, np.exp(point["log_parameter"]), strict=True))
    ordinal = [equation for equation in design.equations if equation.family == "ordinal"]
    for i, equation in enumerate(ordinal):
        raw = point["raw_threshold"][rows.offsets[i] : rows.offsets[i + 1]]
        thresholds[equation.node] = rising(raw)
        density = {"logit": stats.logistic.logpdf, "probit": stats.norm.logpdf}[equation.link]
        total += density(rising(raw)).sum() + raw[1:].sum()
    covariance = population_covariance(tau, 2.0 * half - 1.0, arrays, len(mean))
    theta = np.zeros((len(arrays.clusters), len(mean)))
    theta[:, rows.terms] = sampled(point["row_raw"], effective, tau, 2.0 * half - 1.0, arrays)
    inside = covariance[np.ix_(rows.terms, rows.terms)]
    for g in range(len(theta)):
        total += stats.multivariate_normal.logpdf(theta[g, rows.terms], effective[rows.terms], inside)
    total += log_volume(point["row_raw"], effective, tau, 2.0 * half - 1.0, arrays)
    total += log_likelihood(prepared, table, theta, parameters, thresholds)
    if len(rows.moment_terms):
        total += moments_part(prepared, table, point, effective, covariance, theta)
    return float(total)


def sampled(raw, mean, tau, partial, arrays):
    rows = arrays.row_equations
    places = (arrays.varying, rows.terms, rows.columns, rows.moment_terms, rows.moment_columns, rows.information, rows.pull)
    return place_draws(mean[None], tau[None], partial[None], raw[None], *places)[0][0]


def log_volume(raw, mean, tau, partial, arrays, step=1e-5):
    """Log determinant of the coefficients' derivative with respect to their coordinates, by finite differences."""
    total = 0.0
    for g in range(raw.shape[0]):
        columns = []
        for r in range(raw.shape[1]):
            ends = []
            for sign in (1.0, -1.0):
                moved = raw.copy()
                moved[g, r] += sign * step
                ends.append(sampled(moved, mean, tau, partial, arrays)[g])
            columns.append((ends[0] - ends[1]) / (2.0 * step))
        total += np.linalg.slogdet(np.column_stack(columns))[1]
    return total


def population_covariance(tau, partial, arrays, size):
    factor = np.empty((arrays.n_correlated, arrays.n_correlated))
    correlation_factor(partial, factor)
    root = np.zeros((size, len(tau)))
    covariance_root(tau, factor, arrays.varying, root)
    return root @ root.T


def moments_part(prepared, table, point, mean, covariance, theta):
    """Rows of the equations without rows of their own: normal given the sampled coefficients; and their residual sds."""
    arrays, design = prepared.arrays, prepared.design
    rows = arrays.row_equations
    own, others = rows.moment_terms, rows.terms
    slope = covariance[np.ix_(own, others)] @ np.linalg.inv(covariance[np.ix_(others, others)])
    rest = covariance[np.ix_(own, own)] - slope @ covariance[np.ix_(others, own)]
    table_rows = standard_rows(prepared, table)
    matrices, nodes = [], []
    for equation, x in zip(design.equations, regressors(prepared, table_rows), strict=True):
        if equation.family == "gaussian":
            matrices.append(x)
            nodes.append(equation.node)
    log_sigma, total = residuals(prepared, point)
    for g, label in enumerate(arrays.clusters):
        mine = (table_rows["cluster"] == label).to_numpy()
        centre = mean[own] + slope @ (theta[g, others] - mean[others])
        blocks = [x[mine] for x in matrices]
        x = np.zeros((sum(len(block) for block in blocks), len(own)))
        noise, y, row, column = [], [], 0, 0
        for k, block in enumerate(blocks):
            x[row : row + len(block), column : column + block.shape[1]] = block
            row, column = row + len(block), column + block.shape[1]
            noise += [np.exp(2.0 * log_sigma[g, k])] * len(block)
            y.append(table_rows.loc[mine, nodes[k]].to_numpy())
        total += stats.multivariate_normal.logpdf(np.concatenate(y), x @ centre, x @ rest @ x.T + np.diag(noise))
    return total


def residuals(prepared, point):
    """Log residual standard deviations (G, K) and the part of the density that is theirs, from the model's own formula.

    `tests/model/test_against_rows.py` holds that formula against an independent one.
    """
    from causalcluster.model.residuals import guide_residuals, place_log_sigma, shape_of_spread

    priors, arrays = prepared.priors, prepared.arrays
    centre, spread = point["log_sigma"], np.exp(point["sigma_spread_log__"])
    guide = guide_residuals(arrays)
    log_sigma, information = place_log_sigma(centre, spread, point["sigma_raw"], guide.rss, guide.dof, log=np.log)
    total = stats.norm.logpdf(centre, priors.log_sigma_mean, priors.log_sigma_sd).sum()
    total += (stats.gamma.logpdf(spread, priors.spread_shape, scale=1.0 / priors.spread_rate) + np.log(spread)).sum()
    shape, away = shape_of_spread(spread), log_sigma - centre
    variance_prior = stats.invgamma.logpdf(np.exp(2.0 * away), shape, scale=shape) + 2.0 * away
    return log_sigma, total + (variance_prior - 0.5 * np.log(information)).sum()


def test_without_rows_the_conditional_likelihood_is_the_marginal_one(system):
    """Every cluster with the population's mean: the kernel's two entrances agree."""
    from causalcluster.model.kernel import conditional_log_likelihood

    del system
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20, 6, 3))
    sxx, sxy, syy = np.zeros((20, 3, 3)), rng.normal(size=(20, 3)), np.full((20, 2), 30.0)
    gram = np.einsum("gij,gik->gjk", a, a)
    sxx[:, :2, :2], sxx[:, 2, 2] = gram[:, :2, :2], gram[:, 2, 2]
    starts, dof = np.array([0, 2, 3]), np.full((20, 2), 6.0)
    mean, tau, log_sigma = rng.normal(size=3), np.array([0.5, 0.4, 0.3]), 0.1 * rng.normal(size=(20, 2))
    shared = marginal_log_likelihood(mean, tau, np.zeros(3), log_sigma, dof, sxx, sxy, syy, starts, np.arange(3))
    own = conditional_log_likelihood(np.tile(mean, (20, 1)), np.diag(tau), log_sigma, dof, sxx, sxy, syy, starts)
    assert own[0] == pytest.approx(shared[0], rel=1e-12)
    np.testing.assert_allclose(own[1].sum(axis=0), shared[1], rtol=1e-9)
    np.testing.assert_allclose(own[3], shared[4], rtol=1e-9)

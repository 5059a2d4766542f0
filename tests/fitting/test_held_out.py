"""The density of a cluster under a fit without it, against rows' normal density and against plain Monte Carlo."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from causalcluster import parse_analysis, simulate
from causalcluster.analysis.records import Sampling
from causalcluster.fitting.held_out import log_density_of_cluster, stacking_weights, why_no_density
from causalcluster.fitting.sample import compile_model, refit
from causalcluster.planning import draw_up, prepare

MADE = simulate("linear", clusters=5, rows=12, seed=4)
G = 2


def fit(extra=""):
    plan = draw_up(parse_analysis(MADE.analysis_text + extra, path="x.yaml"), MADE.table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    draws = refit(compiled, prepared.arrays, Sampling(draws=4, tune=200, chains=1, seed=3), cores=1)
    return plan, prepared, draws


@pytest.fixture(scope="module")
def separate():
    return fit()


@pytest.fixture(scope="module")
def joint():
    return fit("\ninteractions: [law * unions -> wage]\n")


def one_draw(draws, s, *, spread=None):
    """The same draws with one of them alone; clusters' residual sds all the typical one where ``spread`` is tiny."""
    tree = draws.posterior.copy()
    posterior = tree["posterior"].to_dataset().isel(draw=[s])
    if spread is not None:
        posterior = posterior.assign(sigma_spread=0.0 * posterior["sigma_spread"] + spread)
    tree["posterior"] = posterior
    own = draws.coefficients
    own = replace(own, mean=own.mean[:, [s]], root=own.root[:, [s]], theta=own.theta[:, [s]])
    return replace(draws, posterior=tree, system=replace(draws.system, coefficients=own))


def rows_of(plan, prepared, label):
    table, scale = MADE.table, prepared.scale
    own = table[table["cluster"] == label]
    return {name: (own[name].to_numpy() - scale.shift[name]) / scale.scale[name] for name in scale.shift if name in own}


def density_of_rows(plan, prepared, draws, log_sigma):
    """Log density of all rows of cluster G: one normal vector, coefficients and intercepts integrated out."""
    design, arrays = plan.design, prepared.arrays
    z = rows_of(plan, prepared, arrays.clusters[G])
    posterior = draws.posterior["posterior"].to_dataset().isel(chain=0, draw=0)
    n, total = len(z["wage"]), len(design.terms)
    k_all = len(design.equations)
    x, y, noise = np.zeros((k_all * n, total)), np.zeros(k_all * n), np.zeros(k_all * n)
    start = 0
    for k, equation in enumerate(design.equations):
        for j, term in enumerate(equation.terms):
            column = np.prod([z[name] for name in term.factors], axis=0) if term.factors else np.ones(n)
            if design.centred and term.factors:
                column = column - column.mean()
            x[k * n : (k + 1) * n, start + j] = column
        y[k * n : (k + 1) * n] = z[equation.node]
        noise[k * n : (k + 1) * n] = np.exp(2.0 * log_sigma[k])
        start += len(equation.terms)
    mean, root = draws.coefficients.mean[0, 0], draws.coefficients.root[0, 0]
    covariance = x @ root @ root.T @ x.T + np.diag(noise)
    centre = x @ mean
    if design.intercepts == "separate":
        for k in range(k_all):
            part = slice(k * n, (k + 1) * n)
            covariance[part, part] += float(posterior["intercept_sd"][k]) ** 2
            centre[part] += float(posterior["intercept_mean"][k])
    value = stats.multivariate_normal.logpdf(y, centre, covariance)
    return value + 0.5 * len(y) * np.log(2.0 * np.pi)


def many_seeds(plan, prepared, draws, n):
    found = [log_density_of_cluster(plan.design, prepared.arrays, draws, G, random_seed=seed) for seed in range(n)]
    return logsumexp(found) - np.log(n)


@pytest.mark.parametrize("kind", ["separate", "joint"])
def test_with_known_residuals_it_is_the_normal_density_of_the_rows(kind, request):
    """Both with intercepts of their own and with intercepts among the coefficients: one density of the same rows."""
    plan, prepared, draws = request.getfixturevalue(kind)
    assert why_no_density(plan.design, prepared.arrays) == ""
    for s in range(2):
        own = one_draw(draws, s, spread=1e-5)
        log_sigma = own.posterior["posterior"]["log_sigma"].values[0, 0]
        expected = density_of_rows(plan, prepared, own, log_sigma)
        # 4,000 proposals of three residual sds, whose weights spread by about 1: an error of 0.015.
        assert many_seeds(plan, prepared, own, 1000) == pytest.approx(expected, abs=0.06)


def test_residual_standard_deviations_are_integrated_out(separate):
    plan, prepared, draws = separate
    own = one_draw(draws, 1, spread=0.3)
    centre = own.posterior["posterior"]["log_sigma"].values[0, 0]
    rng, shape = np.random.default_rng(8), 0.25 / 0.3**2
    sigma = centre - 0.5 * np.log(rng.gamma(shape, 1.0 / shape, (20_000, len(centre))))
    # The draws' own residual sds are not asked: the density is that of a new cluster.
    plain = logsumexp([density_of_rows(plan, prepared, own, row) for row in sigma[:3000]]) - np.log(3000)
    # 4,000 proposals and 3,000 plain draws: errors of about 0.015 and 0.02.
    assert many_seeds(plan, prepared, own, 1000) == pytest.approx(plain, abs=0.08)


def test_stacking_weights_are_the_best_mixture():
    rng = np.random.default_rng(1)
    density = rng.normal(0.0, 2.0, (3, 40))
    weight = stacking_weights(density)
    assert weight.sum() == pytest.approx(1.0)

    def score(w):
        return np.log(w @ np.exp(density)).sum()

    others = rng.dirichlet(np.ones(3), 2000)
    assert score(weight) >= max(map(score, others))
    assert stacking_weights(np.array([[0.0, 0.0], [-50.0, -50.0]])) == pytest.approx([1.0, 0.0], abs=1e-12)


def test_models_without_a_distribution_of_new_clusters_say_so():
    text = MADE.analysis_text.partition("hypotheses:")[0] + "\nmodel: {pooling: none}\n"
    plan = draw_up(parse_analysis(text, path="x.yaml"), MADE.table)
    assert "without pooling" in why_no_density(plan.design, prepare(plan).arrays)

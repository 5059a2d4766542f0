"""Power-scaling: densities against the sampler's own, sensitivities where the prior rules and where it does not."""

import numpy as np
import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.sample import compile_model, refit
from causalcluster.model.residuals import guide_residuals, place_log_sigma, shape_of_spread
from causalcluster.planning import draw_up, prepare
from causalcluster.sensitivity.power import log_likelihood, log_prior, power_scale, power_warnings, why_no_likelihood

MADE = simulate("linear", clusters=6, rows=20, seed=2)
QUICK = "\nsampling: {draws: 250, tune: 250, chains: 2}\n"


def fit(extra="", text=MADE.analysis_text):
    plan = draw_up(parse_analysis(text + QUICK + extra, path="x.yaml"), MADE.table)
    prepared = prepare(plan)
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    return plan, prepared, refit(compiled, prepared.arrays, plan.analysis.sampling)


@pytest.fixture(scope="module")
def fitted():
    return fit()


@pytest.fixture(scope="module")
def signed():
    made = simulate("framework", clusters=6, rows=20, seed=2)
    text = made.analysis_text + QUICK + "model: {priors: framework}\n"
    plan = draw_up(parse_analysis(text, path="x.yaml"), made.table)
    prepared = prepare(plan)
    assert prepared.priors.signed
    compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
    return plan, prepared, refit(compiled, prepared.arrays, plan.analysis.sampling)


@pytest.mark.parametrize("kind", ["fitted", "signed"])
def test_prior_and_likelihood_make_the_density_that_was_sampled(kind, request):
    """Up to a constant, with the Jacobians of the sampler's coordinates and the residual sds of clusters."""
    plan, prepared, draws = request.getfixturevalue(kind)
    posterior = draws.posterior["posterior"].to_dataset()
    value = {name: posterior[name].transpose("chain", "draw", ...).values for name in posterior.data_vars}
    jacobian = sum(np.log(value[name]).sum(-1) for name in ("tau", "sigma_spread", "intercept_sd"))
    jacobian = jacobian + (np.log(value["partial"]) + np.log1p(-value["partial"])).sum(-1)
    guide = guide_residuals(prepared.arrays)
    centre, spread = value["log_sigma"][:, :, None], value["sigma_spread"][:, :, None]
    sigma, information = place_log_sigma(centre, spread, value["sigma_raw"], guide.rss, guide.dof, log=np.log)
    shape, away = shape_of_spread(spread), sigma - centre
    from scipy.special import gammaln

    own = (
        shape * np.log(shape) - gammaln(shape) - 2.0 * shape * away - shape * np.exp(-2.0 * away) - 0.5 * np.log(information)
    )
    likelihood = log_likelihood(plan.design, posterior, prepared.priors, prepared.arrays, draws.residual_sd)
    total = log_prior(posterior, prepared.priors).values + likelihood.values + jacobian + own.sum((-2, -1))
    away = draws.posterior["sample_stats"]["logp"].values - total
    assert np.ptp(away) < 1e-6 * np.abs(total).max()


def test_a_strong_prior_is_seen(fitted):
    """A prior that draws unions' slope to 0 in every cluster, against the default one."""
    plan, prepared, draws = fitted

    def table_of(plan, prepared, draws):
        effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=1)
        posterior = draws.posterior["posterior"].to_dataset()
        found = power_scale(plan.design, prepared.priors, prepared.arrays, posterior, draws.residual_sd, effects)
        return found.set_index(["effect", "via", "level"])

    plain = table_of(plan, prepared, draws)
    assert set(plain.index.get_level_values("effect")) == {"total", "nde", "nie"}
    assert (plain["likelihood"] > 0.05).all()
    strong = fit("model: {priors: {unions -> wage: {mean: 0, sd: 60, between_sd: 10}}}\n")
    table = table_of(*strong)
    row = table.loc[("nie", "unions", "population")]
    assert row["prior"] > 0.2 > plain.loc[("nie", "unions", "population"), "prior"]
    assert row["diagnosis"] == "prior and data disagree"
    assert "nie(wage, via=unions)" in power_warnings(table.reset_index(), "population")[0]


def test_where_rows_are_needed_the_prior_alone_is_scaled():
    text = MADE.analysis_text.replace("label: Wage", "label: Wage, family: student")
    plan, prepared, draws = fit(text=text)
    assert "needs rows" in why_no_likelihood(plan.design, prepared.arrays)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=1)
    posterior = draws.posterior["posterior"].to_dataset()
    found = power_scale(plan.design, prepared.priors, prepared.arrays, posterior, draws.residual_sd, effects)
    assert found["likelihood"].isna().all()
    assert np.isfinite(found["prior"]).all()

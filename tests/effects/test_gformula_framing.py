"""The framing experiment (Brader, Valentino and Suhay 2008) at maximum likelihood: exact values and statsmodels' own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from scipy.stats import norm
from statsmodels.stats.mediation import Mediation

from causalcluster.families import scales_of
from tests.oracles.networks import ask, evaluate, fixed_draws, make_design, one_cluster, value

FILE = Path(statsmodels.__file__).parent / "stats" / "tests" / "results" / "framing.csv"
# ../shared/references: maximum likelihood plug-in, computed there by closed form.
EXACT = {"pnie": 0.08411796, "nie": 0.08514872, "nde": 0.01156233, "tnde": 0.01259310, "total": 0.09671105}


@pytest.fixture(scope="module")
def fits():
    table = pd.read_csv(FILE)
    covariates = ["age", "educ", "gender", "income"]
    mediator = sm.OLS.from_formula("emo ~ treat + age + educ + gender + income", table)
    outcome = sm.GLM.from_formula(
        "cong_mesg ~ emo + treat + age + educ + gender + income",
        table,
        family=sm.families.Binomial(link=sm.families.links.Probit()),
    )
    assert set(covariates) < set(table.columns)
    return mediator, outcome


@pytest.fixture(scope="module")
def ours(fits):
    mediator, outcome = fits
    of_m, of_y = mediator.fit(), outcome.fit()
    names = [name for name in mediator.exog_names if name not in ("Intercept", "treat")]
    columns = {f"c{i}": mediator.exog[:, mediator.exog_names.index(name)] for i, name in enumerate(names)}
    design = make_design(
        {"emo": ("gaussian", None, ["treat", *columns]), "y": ("bernoulli", "probit", ["treat", "emo", *columns])},
        treatment="treat",
    )
    theta = [of_m.params[name] for name in ("Intercept", "treat", *names)]
    theta += [of_y.params[name] for name in ("Intercept", "treat", "emo", *names)]
    sd = np.sqrt(of_m.scale)
    question = ask(["emo"], treatment="treat")
    keys = [("y", effect, "") for effect in ("total", "nde", "tnde", "ide")] + [("y", e, "all") for e in ("nie", "pnie")]
    network, draws = one_cluster(design, columns), fixed_draws(theta, 2, sd=[sd, 1.0])
    return evaluate(network, draws, question, keys=keys, points=2**14, scales=scales_of("bernoulli")), of_m, of_y, names


VIA = {"nie": "all", "pnie": "all"}


@pytest.mark.parametrize("effect", EXACT)
def test_effects_are_the_exact_ones(ours, effect):
    assert value(ours[0], effect, VIA.get(effect, "")).item() == pytest.approx(EXACT[effect], abs=2e-5)


def test_the_closed_form_agrees(ours):
    got, of_m, of_y, names = ours
    x = of_m.model.exog[:, [of_m.model.exog_names.index(name) for name in names]]

    def mean(a, of_emo):
        emo = of_m.params["Intercept"] + of_m.params["treat"] * of_emo + x @ of_m.params[names]
        slope = of_y.params["emo"]
        eta = of_y.params["Intercept"] + of_y.params["treat"] * a + slope * emo + x @ of_y.params[names]
        return norm.cdf(eta / np.sqrt(1.0 + slope**2 * of_m.scale)).mean()

    wanted = {"total": mean(1, 1) - mean(0, 0), "nie": mean(1, 1) - mean(1, 0), "nde": mean(1, 0) - mean(0, 0)}
    for effect, exact in wanted.items():
        assert value(got, effect, VIA.get(effect, "")).item() == pytest.approx(exact, abs=2e-5)
    ratio = value(got, "total", scale="ratio").item()
    assert ratio == pytest.approx(mean(1, 1) / mean(0, 0), rel=1e-4)


def test_statsmodels_agrees_up_to_its_simulation(fits, ours):
    mediator, outcome = fits
    np.random.seed(3)
    found = Mediation(outcome, mediator, "treat", mediator="emo").fit(method="parametric", n_rep=100)
    table = found.summary()
    # Parametric draws of the coefficients: their mean is off the plug-in by the spread over root 100, and by curvature.
    for name, effect in {
        "ACME (treated)": "nie",
        "ACME (control)": "pnie",
        "ADE (control)": "nde",
        "Total effect": "total",
    }.items():
        spread = (table.loc[name, "Upper CI bound"] - table.loc[name, "Lower CI bound"]) / 3.92
        expected = value(ours[0], effect, VIA.get(effect, "")).item()
        assert table.loc[name, "Estimate"] == pytest.approx(expected, abs=0.5 * spread)

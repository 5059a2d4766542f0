"""Independences of nodes that are not gaussian: scores against statsmodels' tests, and panels that obey or break them."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from causalcluster import parse_analysis
from causalcluster.checks.falsification import falsification_warnings, falsify_diagram
from causalcluster.checks.independences import check_implied
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  size: {layer: context}
  law: {layer: environment}
  unions: {layer: actor}
  wage: {layer: outcome, family: FAMILY}
edges: [size -> law, law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""


def draw_table(family, seed, *, clusters=12, rows=60, broken=0.0):
    rng, parts = np.random.default_rng(seed), []
    for g in range(clusters):
        a, b = (mean + 0.2 * rng.normal() for mean in (0.5, 0.4))
        size = rng.normal() + rng.standard_normal(rows)
        law = rng.normal() + 0.5 * size + rng.standard_normal(rows)
        unions = rng.normal() + a * law + rng.standard_normal(rows)
        eta = 0.3 * rng.normal() - 0.2 + 0.2 * law + b * (unions - unions.mean()) + broken * size
        share = 1.0 / (1.0 + np.exp(-eta))
        wage = {
            "bernoulli": lambda share=share: (rng.random(rows) < share) * 1.0,
            "binomial": lambda share=share: rng.binomial(8, share) * 1.0,
            "poisson": lambda eta=eta: rng.poisson(np.exp(np.minimum(eta, 3.0))) * 1.0,
            "negative_binomial": lambda eta=eta: rng.poisson(rng.gamma(2.0, np.exp(np.minimum(eta, 3.0)) / 2.0)) * 1.0,
            "lognormal": lambda eta=eta: np.exp(eta + 0.5 * rng.standard_normal(rows)),
            "beta": lambda share=share: np.clip(rng.beta(6 * share, 6 * (1 - share)), 1e-6, 1 - 1e-6),
            "student": lambda eta=eta: eta + rng.standard_t(3, rows),
        }[family]()
        parts.append(
            pd.DataFrame({"district": f"d{g:02d}", "size": size, "law": law, "unions": unions, "wage": wage, "tries": 8})
        )
    return pd.concat(parts, ignore_index=True)


def check(family, table, text=TEXT):
    named = "binomial, trials: tries" if family == "binomial" else family
    plan = draw_up(parse_analysis(text.replace("FAMILY", named), path="x.yaml"), table)
    return check_implied(plan.analysis, plan.graph, plan.moments, plan.rows)


FAMILIES = ("bernoulli", "binomial", "poisson", "negative_binomial", "lognormal", "beta", "student")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_holds_is_not_called_violated_and_what_does_not_is(family):
    good = check(family, draw_table(family, 1)).set_index("right")
    assert good.loc["wage", "verdict"] in ("holds", "low power")
    bad = check(family, draw_table(family, 2, broken=0.5)).set_index("right")
    assert bad.loc["wage", "verdict"] == "violated"
    assert bad.loc["wage", "hint"] == "size -> wage"
    assert good.loc["wage", "hint"] == ""


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_p_values_are_uniform_where_it_holds(family):
    p = [
        check(family, draw_table(family, 100 + seed, rows=30)).set_index("right").loc["wage", "p_value"]
        for seed in range(60)
    ]
    # Of 60 at most 8 are expected below 0.05 in all but one case in 100,000 (binomial), and half are about below 0.5.
    assert np.mean(np.array(p) < 0.05) <= 8 / 60
    assert 0.28 < np.mean(np.array(p) < 0.5) < 0.72


def test_without_clusters_it_is_the_score_test_of_a_logistic_regression():
    table = draw_table("bernoulli", 5, clusters=1, rows=500)
    found = check("bernoulli", table, TEXT.replace(", cluster: district", "")).set_index("right").loc["wage"]
    z = sm.add_constant(table[["law", "unions"]])
    fit = sm.GLM(table["wage"], z, family=sm.families.Binomial()).fit()
    statistic, expected, _ = fit.model.score_test(fit.params, exog_extra=table[["size"]].to_numpy())
    # The score's variance is that of the data rather than of the model.
    assert found["p_value"] == pytest.approx(float(np.ravel(expected)[0]), abs=0.03)
    assert float(np.ravel(statistic)[0]) > 0.0


def test_what_cannot_be_tested_says_why():
    table = draw_table("bernoulli", 1)
    table["wage"] = table["wage"] + (table["unions"] > 0)
    ordinal = check("ordinal", table).set_index("right").loc["wage"]
    assert (ordinal["verdict"], ordinal["reason"]) == ("cannot be tested", "wage is ordinal")


@pytest.fixture(scope="module")
def chains():
    text = TEXT.replace(", family: FAMILY", "")
    rng = np.random.default_rng(3)
    table = draw_table("student", 7)
    table["wage"] = 0.3 * table["law"] + 0.6 * table["unions"] + rng.standard_normal(len(table))
    right = draw_up(parse_analysis(text, path="x.yaml"), table)
    turned = text.replace(
        'edges: [size -> law, law -> unions, "law, unions -> wage"]',
        "edges: [wage -> size, law -> wage, size -> unions, law -> unions]",
    )
    turned = turned.replace("outcomes: [wage], mediators: [unions]", "outcomes: [unions], mediators: [wage]")
    return right, draw_up(parse_analysis(turned, path="x.yaml"), table)


def test_dowhy_falsifies_a_diagram_with_its_nodes_exchanged(chains):
    right, wrong = (
        falsify_diagram(plan.analysis, plan.graph, plan.moments, plan.checked_rows, random_seed=1) for plan in chains
    )
    assert right["violations"].item() == 0
    assert right["verdict"].item() in ("not falsified", "cannot be evaluated")
    assert wrong["violations"].item() > 0
    assert wrong["p_violations"].item() > right["p_violations"].item()
    before = np.random.get_state()[1][:5].tolist()
    again = falsify_diagram(chains[0].analysis, chains[0].graph, chains[0].moments, None, random_seed=1)
    pd.testing.assert_frame_equal(again, right)
    assert np.random.get_state()[1][:5].tolist() == before
    assert falsification_warnings(right) == ()
    assert "no better than chance" in falsification_warnings(wrong.assign(verdict="falsified"))[0]

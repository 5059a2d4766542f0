"""Independences that a diagram implies, against regressions and on data that obey or break them."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from causalcluster import parse_analysis
from causalcluster.checks.independences import check_implied, flip_signs, implied_independences, independence_warnings
from causalcluster.graph import build_graph, to_admg_networkx
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  size: {layer: context}
  law: {layer: environment}
  unions: {layer: actor}
  wage: {layer: outcome}
edges: [size -> law, law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""
SINGLE = TEXT.replace(", cluster: district", "")


def draw_table(seed, *, clusters=20, rows=40, broken=0.0, spread=0.3):
    """Slopes differ between districts; ``broken`` is what size does to wages behind the diagram's back."""
    rng, parts = np.random.default_rng(seed), []
    for g in range(clusters):
        a, b, c = (mean + spread * rng.normal() for mean in (0.5, 0.6, 0.3))
        size = rng.normal() + rng.standard_normal(rows)
        law = rng.normal() + 0.5 * size + rng.standard_normal(rows)
        unions = rng.normal() + a * law + rng.standard_normal(rows)
        wage = 1000.0 * (rng.normal() + c * law + b * unions + broken * size + rng.standard_normal(rows))
        parts.append(pd.DataFrame({"district": f"d{g:02d}", "size": size, "law": law, "unions": unions, "wage": wage}))
    return pd.concat(parts, ignore_index=True)


def check(table, text=TEXT):
    plan = draw_up(parse_analysis(text, path="x.yaml"), table)
    return check_implied(plan.analysis, plan.graph, plan.moments)


def test_what_a_diagram_implies():
    analysis = parse_analysis(TEXT, path="x.yaml")
    found = {(item.left, item.right): item.given for item in implied_independences(analysis, build_graph(analysis))}
    assert found == {("size", "unions"): ("law",), ("size", "wage"): ("law", "unions")}
    hidden = parse_analysis(TEXT + "unobserved: [size <-> wage @ row]\n", path="x.yaml")
    assert [item.right for item in implied_independences(hidden, build_graph(hidden))] == ["unions"]
    # What is absorbed by the clusters' levels is no path inside them.
    level = parse_analysis(TEXT + "unobserved: [size <-> wage @ cluster]\n", path="x.yaml")
    assert len(list(implied_independences(level, build_graph(level)))) == 2


def test_every_independence_is_one_of_networkx():
    analysis = parse_analysis(
        TEXT.replace(
            "size: {layer: context}", "size: {layer: context}\n  age: {layer: context}\n  strikes: {layer: outcome}"
        ).replace("edges: [", "edges: [age -> unions, unions -> strikes, ")
        + "unobserved: [age <-> strikes]\n",
        path="x.yaml",
    )
    graph = build_graph(analysis)
    digraph = to_admg_networkx(graph, ("cluster_time", "row", "all"))
    found = list(implied_independences(analysis, graph))
    assert len(found) >= 5
    assert not any({item.left, item.right} == {"size", "age"} for item in found)
    for item in found:
        assert nx.is_d_separator(digraph, {item.left}, {item.right}, set(item.given))


def test_one_level_is_the_t_test_of_a_regression():
    table = draw_table(1, clusters=1, rows=200)
    row = check(table, SINGLE).set_index(["left", "right"]).loc[("size", "wage")]
    fit = sm.OLS(table["wage"], sm.add_constant(table[["law", "unions", "size"]])).fit()
    assert row["p_value"] == pytest.approx(fit.pvalues["size"], rel=1e-6)
    t = fit.tvalues["size"]
    assert row["partial_correlation"] == pytest.approx(t / np.sqrt(t**2 + fit.df_resid), rel=1e-9)


def test_a_true_diagram_is_contradicted_as_often_as_it_should():
    """Two tests a panel under a rate of 5%: of 100 at most 11 panels (99.5% of a binomial of 5)."""
    found = [check(draw_table([7, seed], rows=25)) for seed in range(100)]
    assert sum(bool(independence_warnings(table)) for table in found) <= 11
    p = np.concatenate([table["p_value"].to_numpy(dtype=float) for table in found])
    assert 0.37 < (p < 0.5).mean() < 0.63


def test_what_the_data_contradict_is_named():
    table = check(draw_table(2, broken=0.3))
    verdicts = dict(zip(zip(table["left"], table["right"], strict=True), table["verdict"], strict=True))
    assert verdicts == {("size", "unions"): "holds", ("size", "wage"): "violated"}
    (said,) = independence_warnings(table)
    assert said.startswith("the diagram says that size and wage have nothing to do with each other given law, unions")


def test_where_nothing_could_be_seen_it_says_so():
    few = check(draw_table(3, clusters=8, rows=9))
    assert set(few["verdict"]) == {"low power"}
    assert set(check(draw_table(3, clusters=4))["verdict"]) == {"cannot be tested"}
    yes = draw_table(3)
    yes["wage"] = (yes["wage"] > 0.0) * 1.0
    rows = check(yes, TEXT.replace("wage: {layer: outcome}", "wage: {layer: outcome, family: bernoulli}"))
    assert rows.set_index("right").loc["wage", "reason"] == "wage is bernoulli, and the rows were not collected"
    complete = parse_analysis(TEXT.replace("edges: [", 'edges: ["size -> unions, wage", '), path="x.yaml")
    assert list(implied_independences(complete, build_graph(complete))) == []


def test_flips_of_few_clusters_are_all_of_them():
    score = np.array([1.0, 2.0, -0.5, 4.0, 1.5, 0.25])
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1).T
    exact = (np.abs(signs @ score) >= abs(score.sum()) - 1e-12).mean()
    assert flip_signs(score) == pytest.approx(exact)
    many = np.abs(np.random.default_rng(1).standard_normal(40)) + 0.1
    assert flip_signs(many) == pytest.approx(1e-4)
    # Beyond 200 clusters the normal distribution takes over without a step.
    score = np.random.default_rng(2).standard_normal(200) + 0.12
    normal = 2.0 * stats.norm.sf(abs(score.sum()) / np.sqrt(score @ score))
    assert flip_signs(score) == pytest.approx(normal, rel=0.1)
    assert flip_signs(np.append(score, 0.0)) == pytest.approx(normal)

"""Few clusters and a logarithmic link: the run says that few draws make up the population's mean."""

import numpy as np
import pandas as pd

from causalcluster import analyse, parse_analysis

TEXT = """\
schema: causalcluster/1
data: {file: x.csv, cluster: g}
nodes:
  a: {layer: environment}
  m: {layer: actor}
  y: {layer: outcome, family: poisson}
edges: [a -> m, "a, m -> y"]
question: {treatment: a, contrast: {from: 0, to: 1}, outcomes: [y], mediators: [m]}
sampling: {draws: 150, tune: 200, chains: 2}
"""


def test_a_run_names_population_means_that_few_draws_dominate():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(3), 15)
    level = np.array([-2.0, 0.0, 2.5])[g]
    a = rng.normal(size=45)
    m = np.array([-1.0, 0.5, 2.0])[g] * a + rng.normal(size=45)
    table = pd.DataFrame({"g": g, "a": a, "m": m, "y": rng.poisson(np.exp(level + 0.2 * a + 0.2 * m))})
    result = analyse(parse_analysis(TEXT, path="x.yaml"), table)
    (said,) = [text for text in result.plan.warnings if text.startswith("A few draws dominate")]
    assert "total(y)" in said
    rows = result.effects[(result.effects["effect"] == "total") & (result.effects["scale"] == "difference")].set_index(
        "level"
    )
    population, sample = rows.loc["population"], rows.loc["sample"]
    assert population["sd"] > 10.0 * (population["upper"] - population["lower"]) / 20.0
    assert sample["lower"] <= sample["mean"] <= sample["upper"]

"""Nodes that indicators measure have no value of their own in any row."""

import numpy as np
import pandas as pd
import pytest

from causalcluster.analysis import parse_analysis
from causalcluster.data import open_rows, take_rows
from causalcluster.moments import match_moments, reduce_rows
from causalcluster.moments.latent import hide_nodes, hide_values

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  unions: {layer: actor, indicators: [density, coverage]}
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.standard_normal((40, 4)), columns=["law", "density", "coverage", "wage"])
    table = table.assign(district=np.repeat(["a", "b"], 20))
    table.loc[[3, 25], "coverage"] = np.nan
    table.loc[[7], "density"] = np.nan
    analysis = parse_analysis(TEXT, path="x.yaml")
    with open_rows(analysis, table) as rows:
        names = [node.name for node in analysis.nodes]
        return table, reduce_rows(analysis, rows), take_rows(analysis, rows, names, incomplete=True)


def test_complete_rows_become_a_pattern(found):
    table, moments, _ = found
    hidden = hide_nodes(moments, ("unions",))
    assert hidden.table.sizes["cluster"] == 0
    missing = {pattern.missing: int(pattern.table["n"].sum()) for pattern in hidden.incomplete}
    assert missing == {("unions",): 37, ("unions", "coverage"): 2, ("unions", "density"): 1}
    whole = next(pattern.table for pattern in hidden.incomplete if pattern.missing == ("unions",))
    assert list(whole["column"].values) == ["law", "wage", "density", "coverage"]
    kept = table.dropna().groupby("district")["coverage"].mean()
    np.testing.assert_allclose(whole["mean"].sel(column="coverage").values, kept)


def test_nothing_is_hidden_without_such_nodes(found):
    _, moments, _ = found
    assert hide_nodes(moments, ()) is moments


def test_rows_lose_the_values_but_not_the_indicators(found):
    _, _, rows = found
    hidden = hide_values(rows, ("unions",))
    assert np.isnan(hidden.columns["unions"]).all()
    np.testing.assert_array_equal(hidden.columns["density"], rows.columns["density"])


def test_moments_serve_an_analysis_with_other_names(found):
    _, moments, _ = found
    text = TEXT.replace("  law:", "  rule:").replace("{layer: environment}", "{layer: environment, column: law}")
    text = (
        text.replace("[law ->", "[rule ->")
        .replace('"law, unions', '"rule, unions')
        .replace("treatment: law", "treatment: rule")
    )
    renamed = parse_analysis(text, path="x.yaml")
    taken = match_moments(renamed, moments)
    assert list(taken.table["column"].values) == ["rule", "unions", "wage", "density", "coverage"]
    assert {pattern.missing for pattern in taken.incomplete} == {("coverage",), ("unions", "density")}
    np.testing.assert_array_equal(taken.table["cross"].values, moments.table["cross"].values)

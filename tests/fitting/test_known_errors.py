"""A mediator that is measured with known errors, from the table to the effects."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.pipeline import analyse
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: none.csv}
nodes:
  law: {layer: environment}
  unions: {layer: actor, column: density, se: density_se}
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""


def draw_table(seed=1, rows=960):
    """Half of the mediator's variance given the law is error; errors are one of two sizes."""
    law, noise, more, error = np.random.default_rng(seed).standard_normal((4, rows))
    unions = 0.5 * law + noise
    wage = 0.2 * law + 0.6 * unions + more
    se = np.where(np.arange(rows) % 2, 0.7, 1.2)
    table = pd.DataFrame({"law": law, "density": unions + se * error, "density_se": se, "wage": wage})
    return table, 0.3


@pytest.fixture(scope="module")
def table():
    return draw_table()


def test_the_effect_is_not_attenuated(table):
    rows, truth = table

    def nie(text):
        result = analyse(parse_analysis(text, path="x.yaml"), rows)
        effects = result.effects
        return result, effects[(effects["effect"] == "nie") & (effects["via"] == "unions") & (effects["level"] == "sample")]

    result, found = nie(TEXT)
    assert result.diagnostics.status == "ok"
    # The law's total effect is not the point: both slopes rest on 960 rows, and 0.3 has a standard error near 0.03.
    assert abs(float(found["mean"].iloc[0]) - truth) < 3.0 * float(found["sd"].iloc[0])
    _, naive = nie(TEXT.replace(", se: density_se", ""))
    assert float(naive["upper"].iloc[0]) < truth
    (row,) = result.measurement.to_dict("records")
    assert (row["node"], row["indicator"], row["loading_mean"]) == ("unions", "density", 1.0)
    share = 1.0 - (rows["density_se"] ** 2).mean() / rows["density"].var()
    assert row["reliability_mean"] == pytest.approx(share, abs=1e-6)


def test_rows_without_an_error_are_left_out_and_said(table):
    rows = table[0].copy()
    rows.loc[:4, "density_se"] = np.nan
    plan = draw_up(parse_analysis(TEXT, path="x.yaml"), rows)
    assert any("rows without standard errors are left out (5 in 'density_se')" in text for text in plan.warnings)


def test_an_error_of_zero_is_refused(table):
    rows = table[0].copy()
    rows.loc[7, "density_se"] = 0.0
    with pytest.raises(DataError, match="the standard error of node 'unions', holds 0"):
        draw_up(parse_analysis(TEXT, path="x.yaml"), rows)


def test_equations_that_are_not_gaussian_are_refused(table):
    rows = table[0].assign(wage=(table[0]["wage"] > 0.0) * 1.0)
    text = TEXT.replace("wage: {layer: outcome}", "wage: {layer: outcome, family: bernoulli}")
    with pytest.raises(UnsupportedError, match="'wage' is bernoulli"):
        draw_up(parse_analysis(text, path="x.yaml"), rows)

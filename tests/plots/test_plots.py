"""Plots hold the numbers of the tables, on the backend that is asked for."""

import numpy as np
import pytest

import causalcluster
from causalcluster import parse_analysis, simulate
from causalcluster.errors import InputError
from causalcluster.pipeline import analyse

FEW = "sampling: {draws: 60, tune: 80, chains: 2}\n"
OTHERS = "alternatives:\n  - {name: steady, model: {varying: [intercepts]}}\n"


@pytest.fixture(scope="module")
def result():
    made = simulate("framework", clusters=5, rows=20, seed=5)
    return analyse(parse_analysis(made.analysis_text + FEW + OTHERS, path="x.yaml"), made.table, engine="threads")


@pytest.fixture(scope="module")
def bare():
    made = simulate("linear", clusters=4, rows=15, seed=5)
    return analyse(parse_analysis(made.analysis_text + FEW, path="x.yaml"), made.table)


@pytest.fixture(scope="module")
def loop():
    made = simulate("feedback", clusters=6, rows=12, seed=5)
    return analyse(parse_analysis(made.analysis_text + FEW, path="x.yaml"), made.table)


KINDS = {
    "forest": lambda result, **more: causalcluster.plot_forest(result, effect="nie", via="strength", **more),
    "decomposition": causalcluster.plot_decomposition,
    "rho": causalcluster.plot_rho,
    "specifications": lambda result, **more: causalcluster.plot_specifications(result, effect="nie", via="all", **more),
    "scorecard": causalcluster.plot_scorecard,
}


@pytest.mark.parametrize("backend", ["matplotlib", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_plot_is_a_collection_on_every_backend(result, kind, backend, tmp_path):
    found = KINDS[kind](result, backend=backend)
    assert type(found).__name__ == "PlotCollection"
    assert found.backend == backend
    if backend == "matplotlib":
        found.savefig(tmp_path / "plot.png")
        assert (tmp_path / "plot.png").stat().st_size > 2000


def test_a_forest_has_every_cluster_and_the_averages(result):
    names = [str(name) for name in KINDS["forest"](result, backend="none").data["cluster"].values]
    assert names == ["cl01", "cl02", "cl03", "cl04", "cl05", "population", "average of these", "a new one"]


def test_parts_of_a_decomposition_add_up(result):
    data = causalcluster.plot_decomposition(result, backend="none").data["effect(wage)"]
    total = data.sel(part="total").values
    parts = data.drop_sel(part="total").sum("part").values
    np.testing.assert_allclose(parts, total, rtol=1e-8)


def test_a_curve_is_that_of_the_table(result):
    data = causalcluster.plot_rho(result, backend="none").data["effect"]
    table = result.sensitivity.curve.query(
        "effect == 'nie' and via == mediator and level == 'population' and via == 'strength'"
    )
    own = table.dropna(subset="rho").sort_values("rho")["mean"].to_numpy()
    np.testing.assert_allclose(data.sel(panel="strength").values, own)


def test_responses_over_time(loop):
    found = causalcluster.plot_responses(loop, regime="pulse", backend="none")
    table = loop.effects.query("effect == 'total' and regime == 'pulse' and level == 'population'")
    np.testing.assert_allclose(found.data["effect"].values.ravel(), table["mean"].to_numpy())


def test_the_diagram_has_every_node_and_the_slopes_in_their_units(result, loop, tmp_path):
    figure = causalcluster.plot_paths(result)
    figure.savefig(tmp_path / "paths.png")
    texts = [item.get_text() for item in figure.axes[0].texts]
    assert {"Rights to organise", "Strength of unions", "Bargaining", "Wage", "Firm size (standardised)"} <= set(texts)
    mean = float(result.tree["posterior"]["coefficient_mean"].sel(coefficient="bargaining -> wage").mean())
    unit = result.scale.scale
    # In the units of the columns: some hundreds of wages for one of bargaining, as the process has it.
    assert 0.02 * unit["wage"] < abs(mean) * unit["bargaining"] < 2.0 * unit["wage"]
    assert f"{mean:.3g}" in texts
    with pytest.raises(InputError, match="of several periods"):
        causalcluster.plot_paths(loop)
    with pytest.raises(InputError, match="not drawn by 'plotly'"):
        causalcluster.plot_paths(result, backend="plotly")


def test_what_a_result_does_not_hold_is_said(bare, result):
    with pytest.raises(InputError, match="names no alternatives"):
        causalcluster.plot_specifications(bare)
    with pytest.raises(InputError, match="no edge and no hypothesis of the paper"):
        causalcluster.plot_scorecard(bare)
    with pytest.raises(InputError, match="no response total"):
        causalcluster.plot_responses(bare)
    with pytest.raises(InputError, match="'pay' is not an outcome"):
        causalcluster.plot_rho(bare, outcome="pay")
    with pytest.raises(InputError, match="no effect with"):
        causalcluster.plot_forest(result, effect="nie", via="nobody")

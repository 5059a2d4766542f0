"""What leaving out a measured cause makes, against leaving it out."""

import numpy as np
import pytest

from causalcluster import parse_analysis
from causalcluster.planning import draw_up
from causalcluster.sensitivity.benchmarks import benchmark_causes
from tests.oracles.mixed_systems import draw_mixed_rows, mixed_analysis


def test_it_is_the_correlation_of_the_errors_of_the_equations_without_the_cause():
    analysis = mixed_analysis("c>a c>y d>a d>y x>a x>y a>y", {}, treatment="x", mediators=("a",), outcomes=("y",))
    table = draw_mixed_rows(analysis, sizes=[300, 200, 250], seed=1)
    plan = draw_up(analysis, table)
    found = benchmark_causes(plan.design, plan.moments, ["a"], ["y"])["a", "y"]
    assert set(found) == {"c", "d"}
    within = table[["x", "c", "d", "a", "y"]] - table.groupby("cluster")[["x", "c", "d", "a", "y"]].transform("mean")

    def rest(node, causes, *, kept=()):
        slopes = np.linalg.lstsq(within[list(causes)], within[node], rcond=None)[0]
        fitted = sum(s * within[name] for s, name in zip(slopes, causes, strict=True) if name not in kept)
        return within[node] - fitted

    for cause, other in (("c", "d"), ("d", "c")):
        # What both errors hold of the cause is its part beyond the other causes.
        own = rest(cause, ["x", other])
        left = {}
        for node, causes in (("a", ["x", "c", "d"]), ("y", ["x", "a", "c", "d"])):
            slopes = np.linalg.lstsq(within[causes], within[node], rcond=None)[0]
            left[node] = rest(node, causes) + slopes[causes.index(cause)] * own
        direct = float((left["a"] * left["y"]).sum() / np.sqrt((left["a"] ** 2).sum() * (left["y"] ** 2).sum()))
        assert found[cause].correlation == pytest.approx(direct, rel=1e-9)
        shares = found[cause].mediator * found[cause].outcome
        assert shares == pytest.approx(direct**2, rel=1e-9)


def test_causes_that_the_treatment_moves_are_none():
    analysis = mixed_analysis("c>a c>y x>l l>a l>y x>a x>y a>y", {}, treatment="x", mediators=("a",), outcomes=("y",))
    plan = draw_up(analysis, draw_mixed_rows(analysis, sizes=[60, 60], seed=2))
    assert set(benchmark_causes(plan.design, plan.moments, ["a"], ["y"])["a", "y"]) == {"c"}


def test_correlations_outside_the_range_are_refused():
    from causalcluster.errors import AnalysisFileError

    text = """\
schema: causalcluster/1
data: {file: none.csv}
nodes: {x: {layer: environment}, m: {layer: actor}, y: {layer: outcome}}
edges: [x -> m, "x, m -> y"]
question: {treatment: x, contrast: {from: 0, to: 1}, outcomes: [y], mediators: [m]}
sensitivity: {rho: [0.2, 1.0]}
"""
    with pytest.raises(AnalysisFileError, match=r"x.yaml:6: sensitivity.rho, item 2 must be below 1, not 1"):
        parse_analysis(text, path="x.yaml")
    assert parse_analysis(text.replace("1.0", "-0.5"), path="x.yaml").sensitivity.rho == (0.2, -0.5)

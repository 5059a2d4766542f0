"""Moderators against the data and the equations: what is refused and what is said, before anything is sampled."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis, plan_analysis, reduce_table
from causalcluster.design import is_simulated
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.planning import prepare

TEXT = """\
schema: causalcluster/1
data: {file: x.csv, cluster: g}
nodes:
  a: {layer: environment}
  c: {layer: context, label: Firm size}
  z: {layer: context}
  m: {layer: actor}
  y: {layer: outcome}
edges:
  - c -> a, m, y
  - a -> m
  - a, m, z -> y
"""
QUESTION = "question: {treatment: a, contrast: {from: 0, to: 1}, outcomes: [y], mediators: [m]"


def table(seed=3, clusters=6, rows=30):
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rows)
    n = len(cluster)
    c, a, m, y = rng.uniform(0, 2, n), rng.normal(size=n), rng.normal(size=n), (rng.random(n) > 0.5).astype(float)
    return pd.DataFrame({"g": cluster, "a": a, "c": c, "z": 10.0 * cluster, "m": m, "y": y})


def analysis(products="", at="", *, families="", more=""):
    text = TEXT.replace("y: {layer: outcome}", f"y: {{layer: outcome{families}}}")
    lines = [f"interactions: [{products}]"] if products else []
    return parse_analysis("\n".join([text, *lines, f"{QUESTION}{at and f', at: {at}'}}}", more]), path="x.yaml")


def plan(products="", at="", **more):
    return plan_analysis(analysis(products, at, **more), table())


def refusal(error, *arguments, **more):
    with pytest.raises(error) as caught:
        plan(*arguments, **more)
    return str(caught.value)


def test_a_moderator_on_which_nothing_depends_is_said_to_be_one():
    sentence = (
        "No effect can depend on c: every equation is linear, and no product holds c or what it moves. "
        "Effects at c=0 and c=1 repeat those without it."
    )
    assert sentence in plan("", "[{c: 0}, {c: 1}]").warnings
    assert not any("No effect can" in text for text in plan("a * m -> y", "{c: 1}").warnings)
    assert not any("No effect can" in text for text in plan("", "{c: 1}", families=", family: bernoulli").warnings)


def test_effects_on_which_nothing_depends_are_equal_at_every_value():
    found = prepare(plan("", "[{c: 0}, {c: 1}]")).targets.estimands
    effects = {(item.effect, item.via, item.at): item.polynomial for item in found}
    for effect, via in (("total", ""), ("nde", ""), ("nie", "m")):
        plain = effects[effect, via, ""]
        for at in ("c=0", "c=1"):
            assert effects[effect, via, at].keys() == plain.keys()
            assert all(np.allclose(effects[effect, via, at][key], weight, atol=1e-12) for key, weight in plain.items())


def test_a_value_outside_the_data_is_said_to_extrapolate():
    warnings = plan("a * c -> y", "[{c: 1}, {c: 2.5}]").warnings
    (found,) = [text for text in warnings if "extrapolated" in text and text.startswith("c=")]
    assert found.startswith("c=2.5 lies outside the data, which reach from 0.0")
    assert found.endswith("effects there are extrapolated.")


def test_what_enters_no_equation_is_refused():
    text = TEXT.replace("  z: {layer: context}", "  z: {layer: context}\n  w: {layer: context, column: w}")
    text = text.replace("- c -> a, m, y", "- c -> a, m, y\n  - w -> a")
    found = parse_analysis(f"{text}{QUESTION}, at: {{w: 1}}}}", path="x.yaml")
    with pytest.raises(UnsupportedError, match="'w' enters no equation of this question"):
        plan_analysis(found, table().assign(w=np.arange(180.0) % 7))


def test_a_moderator_that_is_constant_inside_clusters():
    absorbed = "'z' is constant inside every cluster, "
    assert f"{absorbed}in no product" in refusal(UnsupportedError, "", "{z: 10}")
    planned = plan("a * z -> y, z * m -> y", "[{z: 0}, {z: 50}]")
    terms = {term.name: term.varies for term in planned.design.terms}
    assert (terms["a * z -> y"], terms["z * m -> y"], terms["m -> y"]) == (False, False, True)
    assert not is_simulated(planned.design)
    assert planned.rows is None
    assert any(note.startswith("z does not vary inside clusters: the coefficient of z * m") for note in planned.design.notes)
    level = f"{absorbed}and effects depend on the level of y"
    assert level in refusal(UnsupportedError, "a * z -> y", "{z: 10}", families=", family: bernoulli")


def test_a_slope_by_cluster_of_a_product_with_a_constant_is_refused():
    message = refusal(DataError, "a * z -> y", more="model: {varying: [intercepts, a -> m, a * z -> y]}")
    assert "'z' is constant inside every cluster, yet 'varying' asks for the slope 'a * z -> y' by cluster" in message


def test_products_of_constants_alone_are_absorbed():
    planned = plan("z * z -> y, z * a -> y")
    assert "z * z" not in {term.name.partition(" ->")[0] for term in planned.design.terms}
    assert "z * z does not vary inside clusters: cluster intercepts absorb it in y." in planned.design.notes


@pytest.mark.parametrize(
    ("products", "simulated"),
    [
        ("a * c -> m, a * m -> y, c * c -> y, a * a -> y", False),
        ("z * m -> y, a * z -> y", False),
        ("c * m -> y", True),
        ("m * m -> y", True),
    ],
)
def test_rows_are_taken_only_where_means_do_not_do(products, simulated):
    planned = plan(products)
    assert is_simulated(planned.design) == simulated == (planned.rows is not None)
    moments = reduce_table(analysis(products), table())
    if simulated:
        with pytest.raises(UnsupportedError, match="cannot be computed from moments"):
            plan_analysis(analysis(products), moments)
    else:
        assert plan_analysis(analysis(products), moments).design == planned.design


def test_of_a_gaussian_system_only_the_distinct_rows_of_context_are_taken():
    few = table().assign(c=lambda rows: np.arange(len(rows)) % 2)
    rows = plan_analysis(analysis("c * m -> y"), few).rows
    assert set(rows.columns) == {"c", "z"}
    assert (len(rows.weight), rows.weight.sum()) == (12, 180)
    assert set(plan("", families=", family: bernoulli").rows.columns) == {"a", "c", "z", "m", "y"}


def test_a_product_of_mediators_needs_no_context():
    text = TEXT.replace("  - c -> a, m, y\n", "").replace("  c: {layer: context, label: Firm size}\n", "")
    text = text.replace("  z: {layer: context}\n", "").replace("a, m, z -> y", "a, m -> y")
    planned = plan_analysis(parse_analysis(f"{text}interactions: [m * m -> y]\n{QUESTION}}}", path="x.yaml"), table())
    assert len(planned.rows.cluster) == 6
    network = prepare(planned).targets.network
    assert network.context.values.shape == (6, 0)


def test_from_moments_the_range_is_not_known():
    moments = reduce_table(analysis("a * c -> y", "{c: 9}"), table())
    planned = plan_analysis(analysis("a * c -> y", "{c: 9}"), moments)
    assert any("c=9" in text for text in planned.warnings)


def test_what_conditions_mean_stands_with_the_assumptions_of_every_effect_but_paths():
    planned = plan("", "[{c: 0}, {c: 1}]")
    said = {verdict.effect: any("at c=0 and c=1" in text for text in verdict.assumptions) for verdict in planned.verdicts}
    assert said == {
        "total": True,
        "nde": True,
        "nie": True,
        "tnde": True,
        "pnie": True,
        "path": False,
        "prop_mediated": True,
    }

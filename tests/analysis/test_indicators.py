"""Nodes with indicators: what they become, and lists that cannot be read as a measurement."""

import pytest

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import latent_nodes, node_by_name
from causalcluster.errors import AnalysisFileError, UnsupportedError

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes:
  law: {layer: environment}
  unions: NODE
  wage: {layer: outcome}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""
LISTED = "{layer: actor, indicators: [density, {column: coverage, family: ordinal, label: Coverage of agreements}]}"


def read(node, more=""):
    return parse_analysis(TEXT.replace("NODE", node) + more, path="analysis.yaml")


def test_each_is_a_node_with_an_edge_from_what_it_measures():
    analysis = read(LISTED)
    assert latent_nodes(analysis) == ("unions",)
    unions, coverage = node_by_name(analysis, "unions"), node_by_name(analysis, "coverage")
    assert (unions.column, unions.indicators) == ("density", ("density", "coverage"))
    assert (coverage.measures, coverage.family, coverage.label) == ("unions", "ordinal", "Coverage of agreements")
    edges = [(edge.source, edge.target) for edge in analysis.edges if edge.origin == "measurement"]
    assert edges == [("unions", "density"), ("unions", "coverage")]


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("{layer: actor, indicators: [density]}", "one indicator"),
        ("{layer: actor, indicators: [density, density]}", "a node or an indicator already"),
        ("{layer: actor, indicators: [density, law]}", "a node or an indicator already"),
        ("{layer: actor, indicators: [density, 'union share']}", "cannot name an equation"),
        ("{layer: actor, column: density, indicators: [density, coverage]}", "a 'column' of its own"),
        ("{layer: actor, family: poisson, indicators: [density, coverage]}", "a 'family' of its own"),
        ("{layer: actor, indicators: [density, {column: coverage, family: poisson}]}", "family cannot be 'poisson'"),
        ("{layer: actor, indicators: [density, {colum: coverage}]}", "unknown key 'colum'"),
    ],
)
def test_bad_lists_say_where(node, said):
    with pytest.raises(AnalysisFileError, match=said) as caught:
        read(node)
    assert str(caught.value).startswith("analysis.yaml:5: ")


@pytest.mark.parametrize(
    ("node", "more", "said"),
    [
        ("{layer: actor, indicators: [{column: density, family: ordinal}, coverage]}", "", "in whose unit 'unions' is"),
        (LISTED, "interactions: ['law * unions -> wage']\n", "a factor that indicators measure"),
        (LISTED, "model: {pooling: none}\n", "'pooling: none' under model, together with indicators"),
    ],
)
def test_what_does_not_go_together_is_refused(node, more, said):
    with pytest.raises(UnsupportedError, match=said):
        read(node, more)


def test_the_treatment_is_not_measured_by_several():
    text = TEXT.replace("NODE", "{layer: actor}").replace("{layer: environment}", "{layer: environment, indicators: [a, b]}")
    with pytest.raises(UnsupportedError, match="indicators of the treatment"):
        parse_analysis(text, path="analysis.yaml")


def test_a_column_with_known_errors_makes_its_node_latent():
    analysis = read("{layer: actor, column: density, se: density_se}")
    assert latent_nodes(analysis) == ("unions",)
    assert (node_by_name(analysis, "unions").column, node_by_name(analysis, "unions").se) == ("density", "density_se")


@pytest.mark.parametrize(
    ("node", "more", "said"),
    [
        ("{layer: actor, family: poisson, se: density_se}", "", "has standard errors, but its family is 'poisson'"),
        ("{layer: actor, indicators: [density, coverage], se: density_se}", "", "a 'se' of its own"),
        (
            "{layer: actor, se: density_se}",
            "interactions: ['law * unions -> wage']\n",
            "a factor that is measured with error",
        ),
        ("{layer: actor, se: density_se}", "model: {pooling: none}\n", "'pooling: none' under model, together with 'se'"),
    ],
)
def test_what_known_errors_do_not_go_together_with(node, more, said):
    with pytest.raises((AnalysisFileError, UnsupportedError), match=said):
        read(node, more)

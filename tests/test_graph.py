"""The diagram as a record: order, views, and the errors of contradictory diagrams."""

from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest

from causalcluster import graph as graphs
from causalcluster.analysis.records import (
    Analysis,
    Contrast,
    DataSpec,
    Edge,
    Interaction,
    Node,
    Question,
    Unobserved,
)
from causalcluster.errors import GraphError
from causalcluster.graph import build_graph, lagged_parents, summary_digraph

NODES = ("log_wage", "law", "enforcement", "unions", "size")
EDGES = (
    "law enforcement",
    "law unions",
    "enforcement unions",
    "enforcement log_wage",
    "unions log_wage",
    "size law",
)


def make(nodes=NODES, edges=EDGES, **changes) -> Analysis:
    """An analysis of law -> enforcement, unions -> log_wage with changes to records and question."""
    question = Question(
        treatment="law",
        contrast=Contrast(kind="values", low=0.0, high=1.0),
        outcomes=("log_wage",),
        mediators=("enforcement", "unions"),
    )
    asked = {key: changes.pop(key) for key in ("treatment", "outcomes", "mediators", "fix") if key in changes}
    return Analysis(
        path=Path("analysis.yaml"),
        title="",
        data=DataSpec(file="panel.csv"),
        nodes=tuple(Node(name=name, layer="actor", column=name, label=name) for name in nodes),
        edges=tuple(Edge(source=text.split()[0], target=text.split()[1]) for text in edges),
        question=replace(question, **asked),
        **changes,
    )


def error(**changes) -> str:
    with pytest.raises(GraphError) as caught:
        build_graph(make(**changes))
    return str(caught.value)


def test_nodes_come_in_topological_order_with_ties_as_listed():
    graph = build_graph(make())
    assert graph.nodes == ("size", "law", "enforcement", "unions", "log_wage")
    assert graph.layers[0] == ("size", "actor")
    free = build_graph(make(nodes=("law", "z", "log_wage", "b"), edges=("law log_wage",), mediators=()))
    assert free.nodes == ("law", "z", "log_wage", "b")


def test_relatives_agree_with_networkx():
    graph = build_graph(make())
    digraph = graphs.to_networkx(graph)
    for name in graph.nodes:
        assert set(graphs.parents(graph, name)) == set(digraph.predecessors(name))
        assert set(graphs.children(graph, name)) == set(digraph.successors(name))
        assert set(graphs.ancestors(graph, name)) == nx.ancestors(digraph, name)
        assert set(graphs.descendants(graph, name)) == nx.descendants(digraph, name)
    assert graphs.ancestors(graph, "log_wage") == ("size", "law", "enforcement", "unions")


def test_directed_paths_are_all_listed_and_counted():
    edges = (*EDGES, "law log_wage")
    graph = build_graph(make(edges=edges))
    paths = list(graphs.directed_paths(graph, "law", "log_wage"))
    expected = {tuple(path) for path in nx.all_simple_paths(graphs.to_networkx(graph), "law", "log_wage")}
    assert paths[0] == ("law", "log_wage")
    assert (set(paths), len(paths)) == (expected, 4)
    assert graphs.count_directed_paths(graph, "law", "log_wage") == 4
    assert list(graphs.directed_paths(graph, "unions", "size")) == []
    assert graphs.count_directed_paths(graph, "unions", "size") == 0


def test_paths_of_a_large_diagram_are_counted_without_listing():
    names = tuple(f"v{i}" for i in range(60))
    edges = tuple(f"v{i} v{j}" for i in range(60) for j in range(i + 1, 60))
    graph = build_graph(make(nodes=names, edges=edges, treatment="v0", outcomes=("v59",), mediators=()))
    assert graphs.count_directed_paths(graph, "v0", "v59") == 2**58


def test_unmeasured_causes_become_latent_parents_at_the_chosen_levels():
    hidden = (
        Unobserved(left="law", right="log_wage", level="cluster"),
        Unobserved(left="unions", right="enforcement", level="row"),
    )
    graph = build_graph(make(unobserved=hidden))
    admg = graphs.to_admg_networkx(graph, ["row", "all"])
    latent = [name for name in admg if graphs.is_latent(admg, name)]
    assert len(latent) == 1
    assert set(admg.successors(latent[0])) == {"unions", "enforcement"}
    assert set(graphs.to_networkx(graph)) == set(NODES)


def test_a_cycle_is_spelt_out_with_a_way_out():
    message = error(edges=(*EDGES, "log_wage enforcement"))
    assert "log_wage -> enforcement -> log_wage" in message
    assert "lag 1" in message


def test_the_edge_to_lag_is_the_one_that_runs_upstream():
    analysis = make(edges=("law log_wage", "log_wage law"), mediators=())
    layers = {"law": "environment", "log_wage": "outcome"}
    nodes = tuple(replace(node, layer=layers.get(node.name, "context")) for node in analysis.nodes)
    with pytest.raises(GraphError, match=r"law -> log_wage -> law.*'log_wage -> law @ lag 1'"):
        build_graph(replace(analysis, nodes=nodes))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"edges": (*EDGES, "law enforcemnt")}, ["'enforcemnt' is not a node", "Did you mean 'enforcement'?"]),
        ({"edges": (*EDGES, "law law")}, ["'law' points at itself"]),
        ({"edges": (*EDGES, "size law")}, ["size -> law", "given twice"]),
        ({"nodes": (*NODES, "law")}, ["'law' is given twice"]),
        ({"treatment": "laws"}, ["question, treatment", "Did you mean 'law'?"]),
        ({"outcomes": ("wage",)}, ["question, outcomes", "'wage' is not a node"]),
        ({"mediators": ("union",)}, ["Did you mean 'unions'?"]),
        ({"fix": (("enforce", 0.0),)}, ["question, fix", "'enforce' is not a node"]),
        ({"fix": (("law", 0.0),)}, ["'law' is the treatment"]),
        ({"fix": (("log_wage", 0.0),)}, ["'log_wage' is an outcome"]),
        ({"outcomes": ("law",)}, ["treatment 'law' is also listed here"]),
        ({"mediators": ("law",)}, ["question, mediators", "treatment 'law' is also listed here"]),
        ({"mediators": ("unions", "unions")}, ["'unions' is listed twice"]),
        ({"mediators": ("log_wage",)}, ["both a mediator and an outcome"]),
        ({"mediators": ("size",)}, ["'size' is on no directed path", "from 'law' to it"]),
        ({"edges": (*EDGES, "law size2"), "nodes": (*NODES, "size2"), "mediators": ("size2",)},
         ["'size2' is on no directed path", "from it to an outcome"]),
        ({"treatment": "unions", "outcomes": ("law",), "mediators": ()}, ["outcome 'law' causes the treatment"]),
        ({"treatment": "log_wage", "outcomes": ("size",), "mediators": ()}, ["size -> law -> enforcement -> log_wage"]),
        ({"nodes": (*NODES, "injury"), "outcomes": ("injury",), "mediators": ()}, ["no directed path leads from 'law'"]),
        ({"unobserved": (Unobserved(left="law", right="law"),)}, ["both ends are 'law'"]),
        ({"unobserved": (Unobserved(left="law", right="size"), Unobserved(left="size", right="law"))},
         ["given twice"]),
        ({"unobserved": (Unobserved(left="law", right="sizes"),)}, ["'sizes' is not a node"]),
        ({"interactions": (Interaction(factors=("law", "unions"), target="log_wage"),)},
         ["'law' has no edge into 'log_wage'", "Add 'law -> log_wage'"]),
        ({"interactions": (Interaction(factors=("law", "union"), target="log_wage"),)}, ["Did you mean 'unions'?"]),
    ],
)  # fmt: skip
def test_contradictory_diagrams_are_refused_in_plain_words(changes, parts):
    message = error(**changes)
    assert [part for part in parts if part not in message] == []


def test_mediators_in_the_wrong_order_are_told_the_right_one():
    message = error(mediators=("unions", "enforcement"))
    assert "enforcement -> unions" in message
    assert "mediators: [enforcement, unions]" in message


def test_parallel_mediators_may_come_in_any_order():
    edges = tuple(edge for edge in EDGES if edge != "enforcement unions")
    for order in (("unions", "enforcement"), ("enforcement", "unions")):
        assert build_graph(make(edges=edges, mediators=order)).edges == make(edges=edges).edges


def test_a_mediator_may_serve_one_outcome_only():
    graph = build_graph(
        make(
            nodes=("law", "unions", "log_wage", "injury"),
            edges=("law unions", "unions log_wage", "law injury"),
            outcomes=("log_wage", "injury"),
            mediators=("unions",),
        )
    )
    assert graph.nodes[0] == "law"


def test_lagged_edges_are_apart_from_those_within_a_period():
    analysis = make()
    feedback = (Edge(source="unions", target="law", lag=1), Edge(source="law", target="law", lag=2))
    graph = build_graph(replace(analysis, edges=(*analysis.edges, *feedback)))
    assert graph.edges == analysis.edges
    assert graph.lagged == feedback
    assert lagged_parents(graph, "law") == (("law", 2), ("unions", 1))
    assert ("unions", "law") in summary_digraph(graph).edges
    with pytest.raises(GraphError, match="given twice"):
        build_graph(replace(analysis, edges=(*analysis.edges, feedback[0], feedback[0])))

"""The drawn diagram: text for a terminal, SVG that stays well-formed whatever the labels hold."""

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

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
from causalcluster.diagram import EdgeWeight, to_svg, to_text
from causalcluster.diagram.layout import BOX_WIDTH, LAYERS, place, routes
from causalcluster.graph import CausalGraph, build_graph

SVG = "{http://www.w3.org/2000/svg}"
LAYER_OF = {
    "buyers": "influencer", "law": "environment", "enforcement": "actor", "unions": "actor", "log_wage": "outcome",
    "injury": "outcome", "size": "context",
}  # fmt: skip


def example(paper: bool = True) -> CausalGraph:
    pairs = "buyers>law law>enforcement law>unions enforcement>unions law>log_wage unions>log_wage unions>injury size>law"
    edges = [Edge(source=pair.split(">")[0], target=pair.split(">")[1]) for pair in pairs.split()]
    if paper:
        edges[1] = Edge(source="law", target="enforcement", origin="framework", framework_ids=("E12", "E40"), sign="+")
        edges[2] = Edge(source="law", target="unions", framework_ids=("E13",))
    return graph_of(
        LAYER_OF,
        edges,
        unobserved=(Unobserved(left="enforcement", right="log_wage", level="row"),),
        interactions=(Interaction(factors=("law", "unions"), target="log_wage"),),
    )


def graph_of(layers, edges, **records) -> CausalGraph:
    names = list(layers)
    return build_graph(
        Analysis(
            path=Path("analysis.yaml"),
            title="",
            data=DataSpec(file="panel.csv"),
            nodes=tuple(Node(name=name, layer=layers[name], column=name, label=name) for name in names),
            edges=tuple(edges),
            question=Question(
                treatment=edges[0].source,
                contrast=Contrast(kind="values", low=0.0, high=1.0),
                outcomes=(edges[0].target,),
                mediators=(),
            ),
            **records,
        )
    )


def test_text_goes_layer_by_layer_and_marks_the_papers_edges():
    assert to_text(example(), {"law": "Labour law"}) == (
        "influencer\n"
        "  buyers\n"
        "    -> law          [analyst]\n"
        "environment\n"
        "  law  (Labour law)\n"
        "    -> enforcement  [paper: E12, E40 (+)]\n"
        "    -> unions       [analyst, also paper: E13]\n"
        "    -> log_wage     [analyst]\n"
        "actor\n"
        "  enforcement\n"
        "    -> unions       [analyst]\n"
        "  unions\n"
        "    -> log_wage     [analyst]\n"
        "    -> injury       [analyst]\n"
        "outcome\n"
        "  log_wage\n"
        "  injury\n"
        "context\n"
        "  size\n"
        "    -> law          [analyst]\n"
        "products\n"
        "  law * unions -> log_wage\n"
        "unmeasured common causes\n"
        "  enforcement <-> log_wage  @ row\n"
    )


def test_text_marks_nothing_where_the_paper_asserts_nothing():
    assert "[" not in to_text(example(paper=False), {})


def test_svg_draws_every_node_edge_and_hidden_cause():
    root = ET.fromstring(to_svg(example(), {"law": "Labour law"}))
    titles = {group.find(f"{SVG}title").text for group in root.iter(f"{SVG}g")}
    assert titles == {*LAYER_OF, "Labour law"} - {"law"}
    drawn = [path for path in root.findall(f"{SVG}path") if path.get("marker-end")]
    dashed = [path for path in drawn if path.get("stroke-dasharray")]
    assert (len(drawn), len(dashed)) == (9, 1)
    assert dashed[0].get("marker-start")
    assert len(root.findall(f"{SVG}g/{SVG}rect")) == 7


def test_svg_is_accessible_and_its_identifiers_can_be_kept_apart():
    root = ET.fromstring(to_svg(example(), {"law": "Labour law"}, id_prefix='before "x"'))
    title, description = root.get("aria-labelledby").split()
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").get("id") == title
    assert root.find(f"{SVG}desc").get("id") == description
    assert "Labour law to enforcement" in root.find(f"{SVG}desc").text
    assert "Unmeasured common causes: enforcement and log_wage." in root.find(f"{SVG}desc").text
    assert title.startswith("before--x-")


def test_svg_writes_weights_and_keeps_widths_within_bounds():
    weights = {
        ("law", "unions"): EdgeWeight(text="0.31 <b>", width=400.0),
        ("law", "enforcement"): EdgeWeight(text="", width=0.0),
    }
    root = ET.fromstring(to_svg(example(), {}, weights))
    assert "0.31 <b>" in [text.text for text in root.findall(f"{SVG}text")]
    widths = {path.get("stroke-width") for path in root.findall(f"{SVG}path") if path.get("marker-end")}
    assert widths == {"0.75", "1.50", "8.00"}


@pytest.mark.parametrize(
    "label",
    [
        "<script>alert(1)</script>",
        "\"quotes\" & 'commas', ]]> -->",
        "控えめな労働法とその執行についての長い名前",
        "null \x00 and \x1b[31m and \ufffe",
        "lone \ud800 surrogate",
        "x" * 500,
        "",
        "مثال",
    ],
)
def test_svg_stays_well_formed_with_hostile_labels(label):
    text = to_svg(example(), {"law": label}, {("law", "unions"): EdgeWeight(text=label)})
    root = ET.fromstring(text.encode("utf-8"))
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in text
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    if label.isprintable():
        assert label in titles


@pytest.mark.parametrize("seed", range(25))
def test_boxes_never_overlap_and_edges_end_on_their_boxes(seed):
    generator = np.random.default_rng(seed)
    names = [f"node_{i}" for i in range(int(generator.integers(2, 14)))]
    layers = {name: LAYERS[int(generator.integers(0, 5))] for name in names}
    pairs = [(a, b) for a, b in combinations(names, 2) if generator.random() < 0.4]
    pairs = list(dict.fromkeys([(names[0], names[1]), *pairs]))
    hidden = tuple(Unobserved(left=a, right=b) for a, b in combinations(names, 2) if generator.random() < 0.1)
    graph = graph_of(layers, [Edge(source=a, target=b) for a, b in pairs], unobserved=hidden)
    boxes = place(graph, {})
    for a, b in combinations(boxes.values(), 2):
        apart = a.x + BOX_WIDTH <= b.x or b.x + BOX_WIDTH <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert apart
    for edge, cubics in zip(graph.edges, routes(graph, boxes), strict=True):
        for name, (x, y) in ((edge.source, cubics[0][0]), (edge.target, cubics[-1][-1])):
            box = boxes[name]
            assert box.x - 0.01 <= x <= box.x + BOX_WIDTH + 0.01
            assert box.y - 0.01 <= y <= box.bottom + 0.01
        for before, after in pairwise(cubics):
            assert before[-1] == after[0]
    ET.fromstring(to_svg(graph, {}))

"""The analyst's edges joined with the paper's."""

import pytest

from causalcluster.analysis.records import Edge, Interaction, Unobserved
from causalcluster.errors import AnalysisFileError
from causalcluster.framework import framework_edges
from tests.analysis.files import BASE, changed, parse

CONCEPTS = {
    "law": "labour_law_robustness",
    "enforcement": "gov_enforcement",
    "unions": "workers_organisations",
    "wage": "social_conditions",
}


def with_concepts(edges: str) -> str:
    text = BASE.partition("edges:")[0] + f"edges: {edges}\n" + "question:" + BASE.partition("question:")[2]
    for node, concept in CONCEPTS.items():
        text = changed(f"  {node}: {{", f"  {node}: {{concept: {concept}, ", text)
    return text


def links(lag: int):
    return [link for link in framework_edges(CONCEPTS) if link.lag == lag and link.source != link.target]


def test_edges_come_in_the_order_of_the_list():
    assert [(edge.source, edge.target) for edge in parse().edges][:4] == [
        ("law", "enforcement"),
        ("law", "unions"),
        ("enforcement", "unions"),
        ("law", "wage"),
    ]
    assert {(edge.origin, edge.framework_ids, edge.sign) for edge in parse().edges} == {("analyst", (), "")}


def test_the_item_framework_adds_the_papers_edges_within_one_period():
    now = links(0)
    assert now
    edges = parse(with_concepts("[size -> wage, framework]")).edges
    assert edges[0] == Edge(source="size", target="wage")
    assert edges[1:] == tuple(
        Edge(
            source=link.source,
            target=link.target,
            origin="framework",
            framework_ids=link.edge_ids,
            sign=link.sign,
        )
        for link in now
    )


def test_an_edge_of_both_is_the_analysts_and_carries_the_papers():
    link = links(0)[0]
    edges = parse(with_concepts(f"[framework, {link.source} -> {link.target}]")).edges
    of_both = [edge for edge in edges if (edge.source, edge.target) == (link.source, link.target)]
    assert of_both == [Edge(source=link.source, target=link.target, framework_ids=link.edge_ids, sign=link.sign)]
    assert edges[-1] == of_both[0]


def test_without_the_item_nothing_is_added_but_the_paper_is_named():
    link = links(0)[0]
    (edge,) = parse(with_concepts(f"[{link.source} -> {link.target}]")).edges
    assert (edge.origin, edge.framework_ids) == ("analyst", link.edge_ids)
    assert parse(with_concepts(f"[{link.source} -> {link.target}]")).warnings == ()


def test_effects_in_the_next_period_are_left_out_with_a_sentence():
    later = links(1)
    assert later
    *warnings, common_causes = parse(with_concepts("[framework]")).warnings
    assert len(warnings) == len(later)
    assert common_causes.startswith("The framework names common causes that are not in this diagram")
    assert "enforcement and wage (policy_ideology" in common_causes
    for link, sentence in zip(later, warnings, strict=True):
        assert sentence.startswith(f"The framework's effect of {link.source} on {link.target} ({link.edge_ids[0]}")
        assert sentence.endswith(f"draw it yourself: '{link.source} -> {link.target} @ lag 1'.")


def test_a_framework_without_effects_is_said():
    text = changed("  law: {", "  law: {concept: labour_law_robustness, ").replace("edges:\n", "edges:\n  - framework\n")
    analysis = parse(text)
    assert analysis.warnings == ("The framework asserts no effect within one period among the named concepts.",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  - size -> law\n",
            "  - framework\n",
            "17: 'framework' under edges adds nothing, because no node names a "
            "concept. Give nodes a concept, or leave the item out.",
        ),
        (
            "size: {layer",
            "size: {concept: gov_enforcment, layer",
            "12: the framework has no concept 'gov_enforcment' "
            "(node 'size'). Did you mean 'gov_enforcement'? 'causalcluster framework nodes' lists all concepts.",
        ),
        ("  - size -> law\n", "  - sise -> law\n", "17: 'sise' in 'sise -> law' is not a node. Did you mean 'size'?"),
        ("  - size -> law\n", "  - [size, law]\n", "17: edges, item 4: a list is not text."),
        (
            "  - size -> law\n",
            "  - size -> law\n  - unions -> law @ lag 1\n",
            "18: the edge 'unions -> law @ lag 1' has "
            "a lag, but the data have no time. Name the column of the period under 'data: time'.",
        ),
    ],
)
def test_edges_that_cannot_be_joined(old, new, message):
    with pytest.raises(AnalysisFileError) as caught:
        parse(changed(old, new))
    assert str(caught.value) == f"analysis.yaml:{message}"


def test_the_framework_is_named_once():
    with pytest.raises(AnalysisFileError) as caught:
        parse(with_concepts("[framework, framework]"))
    assert str(caught.value) == "analysis.yaml:13: 'framework' stands twice under edges. Keep one of them."


def test_interactions_and_common_causes_are_read():
    more = "interactions: ['law * enforcement -> wage, injury']\nunobserved:\n  - enforcement <-> wage @ cluster\n"
    analysis = parse(BASE + more)
    assert analysis.interactions == (
        Interaction(factors=("law", "enforcement"), target="wage"),
        Interaction(factors=("law", "enforcement"), target="injury"),
    )
    assert analysis.unobserved == (Unobserved(left="enforcement", right="wage", level="cluster"),)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            "[law * enforcement -> size]",
            "the interaction 'law * enforcement -> size' needs an edge from law and "
            "enforcement to size. A product without its factors has no meaning of its own. "
            "Add 'law -> size' and 'enforcement -> size' under edges.",
        ),
        (
            "[law * size -> unions]",
            "the interaction 'law * size -> unions' needs an edge from size to unions. "
            "A product without its factors has no meaning of its own. Add 'size -> unions' under edges.",
        ),
        (
            "[law * unions -> wage, unions * law -> wage]",
            "the interaction 'unions * law -> wage' is given twice. Keep one of them.",
        ),
        ("[law * wage -> wage]", "the interaction 'law * wage -> wage' has its target among its factors."),
        ("[law * unoins -> wage]", "'unoins' in 'law * unoins -> wage' is not a node. Did you mean 'unions'?"),
    ],
)
def test_interactions_need_their_factors(items, message):
    with pytest.raises(AnalysisFileError) as caught:
        parse(f"{BASE}interactions: {items}\n")
    assert str(caught.value) == f"analysis.yaml:24: {message}"

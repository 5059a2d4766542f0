"""What the paper says about named concepts."""

import pytest

from causalcluster.errors import InputError
from causalcluster.framework import (
    composite_overlaps,
    framework_confounders,
    framework_edges,
    load_framework,
    unlinked_pairs,
)

CONCEPTS = {
    "law": "labour_law_robustness",
    "enforcement": "gov_enforcement",
    "voice": "wrk_collective_voice",
    "conditions": "social_conditions",
    "growth": "economic_growth",
}
LOOKUPS = [framework_edges, framework_confounders, unlinked_pairs, composite_overlaps]


def links_by_pair(concepts, lag=0):
    return {(link.source, link.target): link for link in framework_edges(concepts) if link.lag == lag}


def test_stated_effects_are_found_with_their_signs():
    links = links_by_pair(CONCEPTS)
    direct = {pair: link.sign for pair, link in links.items() if link.direct}
    assert direct == {
        ("law", "growth"): "contingent",
        ("enforcement", "conditions"): "+",
        ("voice", "conditions"): "+",
        # E204 is a null claim of the paper.
        ("growth", "conditions"): "0",
    }
    assert links["voice", "conditions"].edge_ids == ("E179",)


def test_a_chain_through_unnamed_concepts_is_joined():
    links = links_by_pair({"enforcement": "gov_enforcement", "conditions": "social_conditions"})
    link = links["enforcement", "conditions"]
    assert link.edge_ids == ("E155", "E158", "E161")
    assert (link.sign, link.direct, link.statuses) == ("+", True, ("A", "R"))
    chain = links_by_pair({"policy": "enforcement_policy", "conditions": "social_conditions"})
    assert chain["policy", "conditions"].direct is False
    assert "E130" in chain["policy", "conditions"].edge_ids


def test_naming_the_concept_between_splits_the_chain():
    concepts = {
        "policy": "enforcement_policy",
        "enforcement": "gov_enforcement",
        "conditions": "social_conditions",
    }
    links = links_by_pair(concepts)
    assert links["policy", "enforcement"].edge_ids == ("E130",)
    assert ("policy", "conditions") not in links


def test_feedback_has_lag_1():
    links = links_by_pair({"conditions": "social_conditions", "growth": "economic_growth"}, lag=1)
    assert "E228" in links["conditions", "growth"].edge_ids


def test_the_suspected_misstatement_is_left_out():
    links = links_by_pair({"currency": "currency_strength", "cost": "import_input_costs"})
    assert links["currency", "cost"].edge_ids == ("E091",)
    assert links["currency", "cost"].sign == "-"


def test_membership_in_a_composite_is_no_effect():
    concepts = {"rights": "union_organisation_rights", "growth": "economic_growth"}
    law = {"law": "labour_law_robustness", "growth": "economic_growth"}
    # E061 is an effect of the composite: its component does not inherit it.
    assert "E061" in links_by_pair(law)["law", "growth"].edge_ids
    inherited = links_by_pair(concepts).get(("rights", "growth"))
    assert inherited is None or "E061" not in inherited.edge_ids
    # E018 is an effect on the composite: its component does not inherit it.
    ideology = {"ideology": "policy_ideology", "wage_law": "minimum_wage_law"}
    assert ("ideology", "wage_law") not in links_by_pair(ideology)


def test_a_composite_beside_its_part_is_listed_and_stated_edges_are_kept():
    concepts = {"output": "productivity", "growth": "economic_growth", "law": "labour_law_robustness"}
    assert composite_overlaps(concepts) == (("output", "growth"),)
    assert "E211" in links_by_pair(concepts)["output", "growth"].edge_ids
    assert composite_overlaps(CONCEPTS) == ()


def test_two_measures_of_one_concept_get_the_same_links_and_none_between_them():
    concepts = {"enforcement": "gov_enforcement", "first": "social_conditions", "second": "social_conditions"}
    links = links_by_pair(concepts)
    assert set(links) == {("enforcement", "first"), ("enforcement", "second")}
    assert links["enforcement", "first"].edge_ids == links["enforcement", "second"].edge_ids
    assert unlinked_pairs(concepts) == ()
    assert all({pair.left, pair.right} != {"first", "second"} for pair in framework_confounders(concepts))


def test_unnamed_common_causes_are_named():
    pairs = {(pair.left, pair.right): pair.causes for pair in framework_confounders(CONCEPTS)}
    assert "policy_ideology" in pairs["law", "enforcement"]
    named = {**CONCEPTS, "ideology": "policy_ideology"}
    for pair in framework_confounders(named):
        assert "policy_ideology" not in pair.causes


def test_unlinked_pairs_are_those_without_a_link():
    pairs = unlinked_pairs(CONCEPTS)
    linked = {frozenset((link.source, link.target)) for link in framework_edges(CONCEPTS)}
    assert ("enforcement", "voice") in pairs
    assert all(frozenset(pair) not in linked for pair in pairs)
    assert len(pairs) + len({pair for pair in linked if len(pair) == 2}) == 10


def test_the_order_is_that_of_the_nodes():
    links = framework_edges(CONCEPTS)
    position = list(CONCEPTS)
    keys = [(link.lag, position.index(link.source), position.index(link.target)) for link in links]
    assert keys == sorted(keys)
    assert framework_edges(dict(reversed(CONCEPTS.items()))) != links


def test_naming_every_concept_gives_back_the_edges():
    concepts = {node.id: node.id for node in load_framework().nodes}
    pairs = {(edge.source, edge.target, edge.lag) for edge in load_framework().edges}
    links = framework_edges(concepts)
    assert {(link.source, link.target, link.lag) for link in links} == pairs
    assert framework_confounders(concepts) == ()


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_an_unknown_concept_is_refused_with_the_nearest(lookup):
    with pytest.raises(InputError, match=r"nodes\.law\.concept.*Did you mean 'labour_law_robustness'"):
        lookup({"law": "labour_law_robustnes"})


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_nothing_named_gives_nothing(lookup):
    assert lookup({}) == ()

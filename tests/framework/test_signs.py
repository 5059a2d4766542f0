"""The paper's certainty as a prior of signs, its cases recounted, and its hypotheses as claims."""

import csv
from itertools import pairwise

import pytest

from causalcluster.analysis.claims import parse_claim
from causalcluster.framework import load_framework
from causalcluster.framework.claims import claim_templates, framework_claims
from causalcluster.framework.signs import CERTAINTY, case_variable, count_cases, probability_positive
from causalcluster.resources import dataset_path

FRAMEWORK = load_framework()


def read(name):
    return list(csv.DictReader((dataset_path("framework") / name).read_text(encoding="utf-8").splitlines()))


def test_words_alone_make_the_prior_where_no_case_speaks():
    assert probability_positive("+", ["E064"]) == pytest.approx(CERTAINTY["R"])
    assert probability_positive("-", ["E064"]) == pytest.approx(1.0 - CERTAINTY["R"])
    # The weakest of the edges that an effect joins.
    assert probability_positive("+", ["E064", "E091"]) == pytest.approx(CERTAINTY["H"])
    for sign in ("?", "contingent", "0"):
        assert probability_positive(sign, ["E064"]) == 0.5


def test_every_prior_is_between_a_half_and_the_strongest_certainty_on_its_side():
    for edge in FRAMEWORK.edges:
        p = probability_positive(edge.sign, [edge.id], edge.source, edge.target)
        if edge.sign in ("+", "-"):
            towards = p if edge.sign == "+" else 1.0 - p
            assert 0.5 < towards < 0.9
        else:
            assert p == 0.5


def test_cases_are_those_of_the_long_table():
    """Counted again from the judgements rather than from the wide table."""
    rows = read("cases.csv")
    first, second = case_variable(FRAMEWORK, "emp_joint_upgrading"), case_variable(FRAMEWORK, "upgrading")
    assert (first, second) == ("employers_act", "out_upgrading")
    products = [int(row[first] or 0) * int(row[second] or 0) for row in rows]
    expected = (sum(p > 0 for p in products), sum(p < 0 for p in products))
    assert count_cases(FRAMEWORK, "emp_joint_upgrading", "upgrading") == expected
    assert sum(expected) > 0
    assert count_cases(FRAMEWORK, "emp_joint_upgrading", "emp_lobbying") == (0, 0)
    assert count_cases(FRAMEWORK, "aggregate_demand", "upgrading") == (0, 0)


def test_agreeing_cases_make_surer_and_others_less():
    edge = next(e for e in FRAMEWORK.edges if e.sign == "+" and sum(count_cases(FRAMEWORK, e.source, e.target)) > 2)
    alike, unlike = count_cases(FRAMEWORK, edge.source, edge.target)
    words = CERTAINTY[edge.status]
    expected = (4.0 * words + 0.25 * alike) / (4.0 + 0.25 * (alike + unlike))
    assert probability_positive("+", [edge.id], edge.source, edge.target) == pytest.approx(expected)


def test_all_twenty_hypotheses_are_there_and_rest_on_edges_of_the_paper():
    templates = claim_templates()
    assert list(dict.fromkeys(item.hypothesis for item in templates)) == [item.id for item in FRAMEWORK.hypotheses]
    assert len({item.id for item in templates}) == len(templates)
    concepts = {node.id for node in FRAMEWORK.nodes}
    edges = {edge.id for edge in FRAMEWORK.edges}
    rows = read("claims.csv")
    for row, item in zip(rows, templates, strict=True):
        assert {*item.treatments, *item.mediators, *(c for wanted in item.outcomes for c in wanted)} <= concepts
        assert set(filter(None, row["edges"].split(";"))) <= edges
        assert item.claim or item.scope
        if item.claim:
            names = {"M": "m", "Y": "y", "Y1": "y", "Y2": "z"}
            parse_claim(item.claim.format(**names), outcomes=("y", "z"), mediators=("m",), nodes=("t", "m", "y", "z"))


def test_the_sign_of_a_simple_claim_is_that_of_the_edges_behind_it():
    """An indirect effect along two or more signed edges has the product of their signs, where all are on its path."""
    signs = {edge.id: edge.sign for edge in FRAMEWORK.edges}
    checked = 0
    for row in read("claims.csv"):
        ids = row["edges"].split(";")
        steps = [next(edge for edge in FRAMEWORK.edges if edge.id == name) for name in ids]
        chain = all(left.target == right.source for left, right in pairwise(steps))
        whole = steps[0].source in row["treatment"].split("|") and steps[-1].target in row["outcome"].split("|")
        if row["claim"].startswith("nie") and chain and whole:
            product = 1
            for step in steps:
                product *= {"+": 1, "-": -1}[signs[step.id]]
            assert ("> 0" in row["claim"]) == (product > 0), row["id"]
            checked += 1
    assert checked >= 5


def test_claims_are_filled_in_where_the_concepts_stand_and_others_say_why():
    concepts = {"law": "minimum_wage_law", "inspection": "gov_enforcement", "pay": "fair_remuneration"}
    found = list(framework_claims(concepts, "law", ["inspection"], ["pay"]))
    # Parts of a composite count as it: minimum wages are labour law, pay is one of the social conditions.
    (claim,) = [item for item in found if item.claim]
    assert (claim.id, claim.claim) == ("H1a", "nie(pay, via=inspection) > 0")
    others = {item.id: item.reason for item in found if not item.claim}
    assert "band" in others["H1b"]
    assert others["H10a"] == "it is about productivity, which is no outcome here"
    assert "not the treatment" in others["H20"]
    several = list(framework_claims({**concepts, "hours": "safe_work_environment"}, "law", ["inspection"], ["pay", "hours"]))
    assert [item.id for item in several if item.claim] == ["H1a (inspection, pay)", "H1a (inspection, hours)"]

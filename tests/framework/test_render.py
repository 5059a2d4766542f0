"""The framework as text and JSON."""

import json

import pytest

from causalcluster.framework import TOPICS, load_framework, render_framework

FRAMEWORK = load_framework()


def test_the_summary_gives_the_counts():
    text = " ".join(render_framework(FRAMEWORK).split())
    for count in (
        "241 nodes",
        "256 edges (20 feedback)",
        "27 moderators",
        "20 hypotheses",
        "44 case episodes",
        "142 coded judgements",
    ):
        assert count in text
    assert "CBS working paper 1-2015" in text


def test_the_summary_as_json():
    summary = json.loads(render_framework(FRAMEWORK, as_json=True))
    counts = {name: summary[name] for name in ("nodes", "edges", "feedback_edges", "moderators", "hypotheses")}
    assert counts == {"nodes": 241, "edges": 256, "feedback_edges": 20, "moderators": 27, "hypotheses": 20}
    assert summary["cases"] == 44
    assert sum(summary["edges_by_sign"].values()) == sum(summary["edges_by_status"].values()) == 256


@pytest.mark.parametrize(("topic", "key"), [("nodes", "id"), ("edges", "id"), ("hypotheses", "id"), ("cases", "case_id")])
def test_every_record_is_in_the_text_and_in_the_json(topic, key):
    records = getattr(FRAMEWORK, topic)
    names = [getattr(record, key) for record in records]
    assert [item[key] for item in json.loads(render_framework(FRAMEWORK, topic, as_json=True))] == names
    text = render_framework(FRAMEWORK, topic)
    assert all(name in text for name in names)


def test_an_edge_line_tells_ends_sign_lag_and_status():
    (line,) = [line for line in render_framework(FRAMEWORK, "edges").splitlines() if line.startswith("E228")]
    assert "social_conditions -> economic_growth" in line
    assert line.split("economic_growth")[1].split()[:3] == ["+", "1", "R"]


def test_json_keeps_letters_and_codes():
    assert "Wältring" in render_framework(FRAMEWORK, "edges", as_json=True)
    case = json.loads(render_framework(FRAMEWORK, "cases", as_json=True))[0]
    assert case["codes"]["out_growth"] == 1


def test_a_reversed_part_is_marked_in_the_text():
    (line,) = [
        line
        for line in render_framework(FRAMEWORK, "nodes").splitlines()
        if line.strip().startswith("fixed_term_contract_law")
    ]
    assert line.endswith("[part of labour_law_robustness, reversed]")


@pytest.mark.parametrize("topic", TOPICS)
def test_text_has_no_blank_ends(topic):
    lines = render_framework(FRAMEWORK, topic).splitlines()
    assert lines[0]
    assert lines[-1]
    assert all(line == line.rstrip() for line in lines)

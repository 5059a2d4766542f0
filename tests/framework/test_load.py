"""The framework's tables."""

import csv
import hashlib
import json
from collections import Counter
from graphlib import TopologicalSorter

import pytest

from causalcluster.errors import InputError
from causalcluster.framework import load_framework
from causalcluster.framework.load import expand_ids, read_framework
from causalcluster.resources import dataset_path

FOLDER = dataset_path("framework")
CARD = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def framework():
    return load_framework()


def test_counts(framework):
    assert len(framework.nodes) == 241
    assert len(framework.edges) == 256
    assert sum(edge.lag == 1 for edge in framework.edges) == 20
    assert len(framework.moderators) == 27
    assert len(framework.hypotheses) == 20
    assert len(framework.cases) == 44
    assert len({case.cluster for case in framework.cases}) == 38
    assert len(framework.judgements) == 142


def test_it_is_read_once():
    assert load_framework() is load_framework()


@pytest.mark.parametrize("table", ["nodes", "edges", "moderators", "hypotheses"])
def test_ids_are_unique(framework, table):
    counts = Counter(record.id for record in getattr(framework, table))
    assert max(counts.values()) == 1


def test_edges_join_known_nodes(framework):
    known = {node.id for node in framework.nodes}
    assert {end for edge in framework.edges for end in (edge.source, edge.target)} <= known
    assert {node.component_of for node in framework.nodes} - {""} <= known


def test_lag_0_has_no_cycle_and_feedback_has(framework):
    def sorter(edges):
        graph = TopologicalSorter()
        for edge in edges:
            graph.add(edge.target, edge.source)
        return graph

    present = [edge for edge in framework.edges if edge.lag == 0]
    assert len(present) == 236
    sorter(present).prepare()
    with pytest.raises(ValueError, match="cycle"):
        sorter(framework.edges).prepare()


def test_moderators_and_hypotheses_refer_to_known_records(framework):
    edges = {edge.id for edge in framework.edges}
    moderators = {moderator.id for moderator in framework.moderators}
    assert {edge for moderator in framework.moderators for edge in moderator.focal_edges} <= edges
    assert {edge for hypothesis in framework.hypotheses for edge in hypothesis.edges} <= edges | moderators


def test_a_reversed_component_is_marked(framework):
    reversed_nodes = [node for node in framework.nodes if node.reversed_in_composite]
    assert [(node.id, node.component_of) for node in reversed_nodes] == [
        ("fixed_term_contract_law", "labour_law_robustness")
    ]


def test_codes_of_cases_follow_from_the_judgements(framework):
    judged = {(judgement.case_id, judgement.variable): [] for judgement in framework.judgements}
    for judgement in framework.judgements:
        judged[judgement.case_id, judgement.variable].append(judgement.code)
    for case in framework.cases:
        for variable, code in case.codes:
            codes = set(judged[case.case_id, variable])
            assert code == (codes.pop() if variable not in case.mixed else 0)


def test_number_of_codes_is_that_of_the_table(framework):
    with (FOLDER / "cases.csv").open(encoding="utf-8", newline="") as file:
        stated = [int(row["n_codes"]) for row in csv.DictReader(file)]
    assert [len(case.codes) for case in framework.cases] == stated


def test_employment_is_told_as_printed(framework):
    cases = {case.case_id: case for case in framework.cases}
    assert cases["panyu_jewelry"].employment_start == "very low base"
    assert cases["los_lagos_salmon"].employment_end == "45000 (2006, stated)"
    assert cases["los_lagos_salmon"].employment_start == ""


@pytest.mark.parametrize("table", CARD["tables"], ids=lambda table: table["file"])
def test_the_card_describes_the_tables(table):
    content = (FOLDER / table["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == table["sha256"]
    rows = list(csv.reader(content.decode("utf-8").splitlines(keepends=True)))
    assert len(rows) - 1 == table["rows"]
    assert rows[0] == [column["name"] for column in table["columns"]]
    assert all(column["meaning"] for column in table["columns"])


def test_the_card_lists_every_table_and_its_source():
    assert {table["file"] for table in CARD["tables"]} == {path.name for path in FOLDER.glob("*.csv")}
    assert "CBS working paper 1-2015" in CARD["source"]["citation"]
    assert CARD["licence"]["note"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ()),
        ("E155", ("E155",)),
        ("E053,E130, M19", ("E053", "E130", "M19")),
        ("E001,E006,E008-E010", ("E001", "E006", "E008", "E009", "E010")),
    ],
)
def test_ranges_of_ids_are_spelt_out(text, ids):
    assert expand_ids(text) == ids


@pytest.fixture
def copy(tmp_path):
    for path in FOLDER.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_missing_table_is_named(copy):
    (copy / "edges.csv").unlink()
    with pytest.raises(InputError, match=r"edges\.csv is missing"):
        read_framework(copy)


def test_an_unknown_code_is_named(copy):
    text = (copy / "edges.csv").read_text(encoding="utf-8")
    (copy / "edges.csv").write_text(text.replace(",contingent,", ",maybe,", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"E001.*'maybe'"):
        read_framework(copy)

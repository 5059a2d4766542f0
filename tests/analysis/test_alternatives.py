"""Alternatives as they are written: what they change, and what is wrong with them."""

import pytest

from causalcluster import parse_analysis, simulate
from causalcluster.errors import AnalysisFileError, InputError
from causalcluster.multiverse import plan_alternatives

MADE = simulate("linear", clusters=4, rows=12, seed=2)
LINES = MADE.analysis_text.count("\n")


def parse(*items):
    return parse_analysis(MADE.analysis_text + "alternatives:\n" + "".join(f"  - {item}\n" for item in items), path="x.yaml")


def test_changes_are_laid_over_the_file():
    found = parse(
        "{name: a, drop_edges: [size -> law], add_edges: []}",
        "{name: b, model: {pooling: none}, nodes: {wage: {family: student}}}",
        "{name: c, question: {contrast: {sd: 1}}}",
        "{name: d, interactions: [law * unions -> wage]}",
    )
    a, b, c, d = (item.analysis for item in found.alternatives)
    pairs = {(edge.source, edge.target) for edge in found.edges}
    assert {(edge.source, edge.target) for edge in a.edges} == pairs - {("size", "law")}
    assert [item.changed for item in found.alternatives] == [
        ("add_edges", "drop_edges"), ("nodes", "model"), ("question",), ("interactions",),
    ]  # fmt: skip
    assert (b.model.pooling, next(node for node in b.nodes if node.name == "wage").family) == ("none", "student")
    assert next(node for node in b.nodes if node.name == "wage").label == "Wage"
    assert (c.question.contrast.kind, c.question.mediators) == ("sd", found.question.mediators)
    assert [product.name for product in d.interactions] == ["law * unions"]
    assert found.model.pooling == "partial"
    assert all(not item.hypotheses and not item.alternatives for item in (a, b, c, d))


@pytest.mark.parametrize(
    ("items", "line", "words"),
    [
        (["{name: a, model: {pooling: partial}}"], 2, "does not change anything"),
        (["{name: a, question: {contrast: {from: 0, to: 1}}}"], 2, "does not change anything"),
        (["{name: a, model: {pooling: none}}", "{name: b, model: {pooling: none}}"], 3, "that 'a' does not change too"),
        (
            ["{name: a, model: {poling: none}}"],
            2,
            "alternative 'a': unknown key 'poling' under model. Did you mean 'pooling'",
        ),
        (["{name: a, drop_edges: [wage -> law]}"], 2, "which the diagram does not have"),
        (["{name: a, add_edges: [wag -> law]}"], 2, "'wag' in 'wag -> law' is not a node"),
        (["{name: a, edges: [law -> wage], drop_edges: [size -> law]}"], 2, "gives 'edges' and what to add or drop"),
        (["{name: a, sampling: {draws: 4}}"], 2, "unknown key 'sampling'"),
        (["{name: main, model: {pooling: none}}"], 2, "which is the analysis itself"),
        (["{name: a, model: {pooling: none}}", "{name: a, model: {varying: none}}"], 3, "two alternatives are called 'a'"),
        (["{nam: a}"], 2, "unknown key 'nam'"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(items, line, words):
    with pytest.raises(AnalysisFileError) as caught:
        parse(*items)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"x.yaml:{LINES + line}:")


def test_a_diagram_that_contradicts_itself_is_named_before_sampling():
    with pytest.raises(InputError, match="alternative 'loop'"):
        plan_alternatives(parse("{name: loop, add_edges: [wage -> unions]}"), MADE.table)

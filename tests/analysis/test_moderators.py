"""Values of moderators: under the question and in claims."""

import re
from pathlib import Path

import pytest
import yaml

from causalcluster.analysis.claims import parse_claim
from causalcluster.analysis.moderators import claimed_condition, condition_text, list_conditions
from causalcluster.errors import AnalysisFileError
from tests.analysis.files import changed, parse

AGE = changed("size: {layer: context}", "size: {layer: context}\n  age: {layer: environment}").replace(
    "size -> law\n", "size, age -> law\n"
)


def asked(at, more="", base=AGE):
    return parse(f"{base}  at: {at}\n{more}")


def claims(*texts):
    return "hypotheses:\n" + "".join(f'  - {{id: H{i}, claim: "{text}"}}\n' for i, text in enumerate(texts))


@pytest.mark.parametrize(
    ("at", "conditions"),
    [
        ("[{size: 0}, {size: 1.5}]", ((("size", 0.0),), (("size", 1.5),))),
        ("{size: -1}", ((("size", -1.0),),)),
        ("[{size: 0, age: 40}]", ((("age", 40.0), ("size", 0.0)),)),
        ("[]", ()),
    ],
)
def test_conditions_are_read_and_put_in_order(at, conditions):
    assert asked(at).question.at == conditions


def test_claims_add_the_conditions_that_the_question_lacks_once():
    more = claims(
        "nie(wage, via=unions, at={size: 0}) - nie(wage, via=unions, at={size: 1}) > 0",
        "total(wage, at={size: 0, age: 40}) + 2 * total(wage, at={age: 40, size: 0}) > total(wage, at={age: 50, size: 0})",
    )
    texts = [condition_text(condition) for condition in list_conditions(asked("[{size: 1}]", more))]
    assert texts == ["size=1", "size=0", "age=40;size=0", "age=50;size=0"]


def test_the_order_of_a_claims_pairs_does_not_matter():
    terms = [item.claim.terms[0][1] for item in parse(AGE + claims("total(wage, at={size: 2.5, age: -1}) > 0")).hypotheses]
    assert condition_text(claimed_condition(terms[0])) == "age=-1;size=2.5"


WHY = "A moderator says for whom the effect is, so it must not be a consequence of the treatment. "
FIX = "Name a node that the treatment does not reach, such as one of the context"


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("{law: 0}", f"effects cannot be given at a value of 'law', the treatment. {WHY}{FIX}."),
        (
            "{unions: 0}",
            f"effects cannot be given at a value of 'unions', a mediator. {WHY}{FIX}; a mediator is held by 'fix'.",
        ),
        ("{injury: 0}", f"effects cannot be given at a value of 'injury', an outcome. {WHY}{FIX}."),
        ("[{size: 1}, {size: 1.0}]", "the condition size=1 is given twice. Keep one of them."),
        ("{siz: 1}", "the moderator 'siz' is not a node. Did you mean 'size'?"),
        ("[{size: many}]", "question.at, item 1.size: 'many' is not a number."),
        ("[{}]", "question.at, item 1 is empty."),
    ],
)
def test_moderators_that_cannot_be(at, message):
    with pytest.raises(AnalysisFileError) as caught:
        asked(at)
    assert str(caught.value).startswith("analysis.yaml:")
    assert str(caught.value).endswith(f": {message}")


def test_a_node_that_the_treatment_reaches_is_no_moderator():
    text = changed("- size -> law", "- law -> size").replace(
        "law, enforcement, unions, size", "law, enforcement, unions, size"
    )
    with pytest.raises(AnalysisFileError, match="at a value of 'size', which 'law' affects"):
        asked("{size: 0}", base=text)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("total(wage, at={law: 0}) > 0", "effects cannot be given at a value of 'law', the treatment"),
        ("total(wage, at={size: small}) > 0", "the claim of 'H0' gives the moderator 'size' a value that is not a number"),
        ("path(wage, via=direct, at={size: 0}) > 0", "the claim of 'H0' asks for a path at a value of a moderator"),
    ],
)
def test_claims_at_values_that_cannot_be(claim, message):
    with pytest.raises(AnalysisFileError) as caught:
        parse(AGE + claims(claim))
    assert f": {message}" in str(caught.value)


def test_the_papers_moderated_hypotheses_in_the_documentation_parse():
    page = (Path(__file__).parents[2] / "docs" / "analysis-file.md").read_text(encoding="utf-8")
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if "H10a" in text)
    listed = yaml.safe_load(block)["hypotheses"]
    assert {item["id"].rstrip("ab") for item in listed} == {"H2", "H6", "H7", "H10"}
    moderators = ("enforcement", "small", "informality", "shortage", "skills")
    names = {
        "outcomes": ("compliance", "pay", "productivity"),
        "mediators": ("voice", "price_competition"),
        "nodes": moderators,
    }
    terms = [term for item in listed for _, term in parse_claim(item["claim"], **names).terms]
    assert {name for term in terms for name, _ in claimed_condition(term)} == set(moderators)

"""The question against the nodes."""

import pytest

from causalcluster.analysis.records import Contrast
from causalcluster.errors import AnalysisFileError
from tests.analysis.files import BASE, changed, parse

CONTRAST = "{from: 0, to: 1}"


def test_the_question_is_read():
    question = parse().question
    assert question.treatment == "law"
    assert question.outcomes == ("wage", "injury")
    assert question.mediators == ("enforcement", "unions")
    assert question.fix == (("enforcement", 0.0),)
    assert question.contrast == Contrast(kind="values", low=0.0, high=1.0)


@pytest.mark.parametrize(
    ("text", "contrast"),
    [
        ("{from: 2, to: -1}", Contrast(kind="values", low=2.0, high=-1.0)),
        ("{sd: -1}", Contrast(kind="sd", low=0.0, high=-1.0)),
        ("{quantiles: [0.9, 0]}", Contrast(kind="quantiles", low=0.9, high=0.0)),
    ],
)
def test_contrasts_are_read(text, contrast):
    assert parse(changed(CONTRAST, text)).question.contrast == contrast


FIX = "{enforcement: 0}"


def test_a_grid_of_fixed_values_is_read():
    question = parse(changed(FIX, "{enforcement: [0, 0.5, 1], unions: -1}")).question
    assert question.fix == (("enforcement", 0.0), ("enforcement", 0.5), ("enforcement", 1.0), ("unions", -1.0))


def test_decompositions_are_read():
    more = "{enforcement: 0, unions: [1, 2]}\n  decompositions: [four_way, interventional]"
    assert parse(changed(FIX, more)).question.decompositions == ("four_way", "interventional")
    assert parse(changed(FIX, f"{FIX}\n  decompositions: interventional")).question.decompositions == ("interventional",)
    assert parse().question.decompositions == ()


def test_a_decomposition_needs_mediators():
    text = changed("[enforcement, unions]", "[]").replace(f"fix: {FIX}", "decompositions: [interventional]")
    with pytest.raises(AnalysisFileError) as caught:
        parse(text)
    assert "the decomposition 'interventional' needs mediators, and there is none" in str(caught.value)


def grid(n):
    return "[" + ", ".join(map(str, range(n))) + "]"


def test_as_many_fixed_values_as_are_reported_and_no_more():
    assert len(parse(changed(FIX, f"{{enforcement: {grid(100)}}}")).question.fix) == 100
    # 9 and 9 with one mediator held, and 81 with both.
    assert len(parse(changed(FIX, f"{{enforcement: {grid(9)}, unions: {grid(9)}}}")).question.fix) == 18


def test_mediators_may_be_none_and_one_outcome_needs_no_list():
    text = changed("[wage, injury]", "wage").replace("[enforcement, unions]\n  fix: {enforcement: 0}", "[]")
    assert parse(text).question.outcomes == ("wage",)
    assert parse(text).question.mediators == ()


ONE_WAY = "the contrast must be given in exactly one way. Write {from: 0, to: 1}, {sd: 1} or {quantiles: [0.1, 0.9]}."
ZERO = "Every effect of such a contrast is zero. "


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (CONTRAST, "{from: 1, to: 1.0}", f"20: the contrast has equal ends, 1. {ZERO}Give two different values."),
        (CONTRAST, "{quantiles: [0.5, 0.5]}", f"20: the contrast has equal ends, 0.5. {ZERO}Give two different values."),
        (CONTRAST, "{sd: 0}", f"20: the contrast has a step of 0 standard deviations. {ZERO}Give another number than 0."),
        (CONTRAST, "{sd: 1, from: 0}", f"20: {ONE_WAY}"),
        (CONTRAST, "{sd: 1, quantiles: [0, 1]}", f"20: {ONE_WAY}"),
        (CONTRAST, "{}", f"20: {ONE_WAY}"),
        (CONTRAST, "{from: 0}", "20: the contrast has no 'to'. Write {from: 0, to: 1}."),
        (CONTRAST, "{to: 0}", "20: the contrast has no 'from'. Write {from: 0, to: 1}."),
        (
            CONTRAST,
            "{quantiles: [0.1, 90]}",
            "20: the contrast's quantiles 0.1 and 90 must lie between 0 and 1. Write {quantiles: [0.1, 0.9]}.",
        ),
        ("treatment: law", "treatment: lawz", "19: the treatment 'lawz' is not a node. Did you mean 'law'?"),
        ("[wage, injury]", "[wage, injry]", "21: the outcome 'injry' is not a node. Did you mean 'injury'?"),
        (
            "[enforcement, unions]",
            "[enforcement, xyz]",
            "22: the mediator 'xyz' is not a node. The nodes are: law, enforcement, unions, wage, injury, size.",
        ),
        (
            "[wage, injury]",
            "[wage, law]",
            "21: 'law' is the treatment and also one of the outcomes. An effect runs "
            "from the treatment to another node. Take it out of outcomes, or ask about another treatment.",
        ),
        (
            "[enforcement, unions]",
            "[law]",
            "22: 'law' is the treatment and also one of the mediators. An effect runs "
            "from the treatment to another node. Take it out of mediators, or ask about another treatment.",
        ),
        (
            "[enforcement, unions]",
            "[enforcement, wage]",
            "22: 'wage' is both a mediator and an outcome. Keep it in one of the lists.",
        ),
        ("[wage, injury]", "[wage, wage]", "21: the outcome 'wage' is listed twice. Keep one of them."),
        ("[enforcement, unions]", "[unions, unions]", "22: the mediator 'unions' is listed twice. Keep one of them."),
        (
            "{enforcement: 0}",
            "{enforcment: 0}",
            "23: 'enforcment' under question.fix is not a mediator. Did you mean 'enforcement'?",
        ),
        (
            "{enforcement: 0}",
            "{size: 0}",
            "23: 'size' under question.fix is not a mediator. The mediators are: enforcement, unions.",
        ),
        (FIX, "{enforcement: []}", "23: question.fix.enforcement is empty."),
        (FIX, "{enforcement: [0, x]}", "23: question.fix.enforcement, item 2: 'x' is not a number."),
        (FIX, "{enforcement: x}", "23: question.fix.enforcement: 'x' is not a number."),
        (FIX, "{enforcement: [1, 0.5, 1.0]}", "23: 'enforcement' is held at 1 twice. Keep one of them."),
        (
            FIX,
            f"{{enforcement: {grid(101)}}}",
            "23: the values under fix ask for 101 controlled direct effects: 101 with one mediator held. "
            "At most 100 are reported. Give fewer values, or fix fewer mediators.",
        ),
        (
            FIX,
            f"{{enforcement: {grid(10)}, unions: {grid(9)}}}",
            "23: the values under fix ask for 109 controlled direct effects: 19 with one mediator held and "
            "90 with all held. At most 100 are reported. Give fewer values, or fix fewer mediators.",
        ),
        (
            FIX,
            f"{FIX}\n  decompositions: [four_way]",
            "24: the decomposition 'four_way' needs a value of every mediator under 'fix', and 'unions' has none. Its "
            "controlled direct effect and its reference interaction hold all mediators at stated values. "
            "Write 'fix: {enforcement: 0, unions: 0}', with values that make sense.",
        ),
        (
            FIX,
            f"{FIX}\n  decompositions: [interventional, interventional]",
            "24: 'interventional' is listed twice. Keep one of them.",
        ),
        (
            FIX,
            f"{FIX}\n  decompositions: [fourway]",
            "24: question.decompositions, item 1 cannot be 'fourway'. Did you mean 'four_way'? "
            "It is one of: four_way, interventional.",
        ),
        (
            "{enforcement: 0}",
            "{enforcement: 0}\n  horizons: [0, 1]",
            "24: horizons need at least one edge with a lag, "
            "and there is none. Leave horizons out, or add an edge such as 'a -> b @ lag 1'.",
        ),
        (
            "{enforcement: 0}",
            "{enforcement: 0}\n  regimes: [pulse]",
            "24: regimes are given without horizons. Add horizons, or leave regimes out.",
        ),
    ],
)
def test_contradictions_are_told_with_their_line(old, new, message):
    with pytest.raises(AnalysisFileError) as caught:
        parse(changed(old, new))
    assert str(caught.value) == f"analysis.yaml:{message}"


def test_the_line_is_that_of_the_item():
    listed = "outcomes:\n    - wage\n    - law"
    with pytest.raises(AnalysisFileError) as caught:
        parse(changed("outcomes: [wage, injury]", listed, BASE))
    assert caught.value.line == 23

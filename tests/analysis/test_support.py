"""What the file may ask for and this version does not do: refused with key, line and a way out."""

import pytest

from causalcluster.errors import AnalysisFileError, ClaimError, UnsupportedError
from tests.analysis.files import BASE, CONTRACT, changed, parse


def refusal(text: str) -> str:
    with pytest.raises(UnsupportedError) as caught:
        parse(text)
    return str(caught.value)


def expected(line: int, what: str, fix: str) -> str:
    return f"analysis.yaml:{line}: {what} is not available in this version. {fix}."


PRODUCT = "Leave it out, or take a product of at most three factors"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("panel.csv", "panel.XLS", (4, "reading .xls files ('panel.XLS')", "Save the workbook as .xlsx")),
        (
            "panel.csv",
            "https://example.org/panel.csv",
            (4, "reading from an address ('https://example.org/panel.csv')", "Download the table first"),
        ),
    ],
)
def test_keys_of_later_versions(old, new, message):
    assert refusal(changed(old, new)) == expected(*message)


LAGGED = ("  - size -> law", "  - size -> law @ lag 1")


def test_what_does_not_go_together_with_lags():
    lagged = changed("  cluster: district", "  cluster: district\n  time: year").replace(*LAGGED)
    assert refusal(lagged).startswith("analysis.yaml:24: the key 'fix' under question, together with lagged edges,")
    without = lagged.replace("  fix: {enforcement: 0}\n", "")
    for old, new, what in (
        ("  time: year", "  time: year\n  unit: firm", "the key 'unit' under data"),
        ("  time: year", "  time: year\n  nested_in: [country]", "the key 'nested_in' under data"),
        (
            "injury: {layer: outcome}",
            "injury: {layer: outcome, family: bernoulli}",
            "the family 'bernoulli' (node 'injury')",
        ),
        ("hypotheses", "model: {time_effects: fixed}\nhypotheses", "the key 'time_effects' under model"),
    ):
        text = (without + "hypotheses: []\n").replace(old, new, 1)
        assert f"{what}, together with lagged edges, is not available in this version" in refusal(text)


def test_horizons_and_regimes():
    lagged = changed("  cluster: district", "  cluster: district\n  time: year").replace(*LAGGED)
    lagged = lagged.replace("  fix: {enforcement: 0}\n", "")
    question = parse(lagged).question
    assert (question.horizons, question.regimes) == ((0, 1), ("sustained", "pulse"))
    text = lagged + "  horizons: [3, 0]\n  regimes: [pulse]\nhypotheses: [{id: H1, claim: 'nie(wage) > 0'}]\n"
    (hypothesis,) = parse(text).hypotheses
    ((_, term),) = hypothesis.claim.terms
    assert (term.horizon, term.regime) == (0, "pulse")
    for claim, message in (
        ("nie(wage, horizon=2) > 0", "horizon 2 is not one of the question's: 0, 3"),
        ("nie(wage, regime=sustained) > 0", "the regime 'sustained' is not one of the question's: pulse"),
    ):
        with pytest.raises(ClaimError, match=message):
            parse(text.replace("nie(wage) > 0", claim))
    with pytest.raises(ClaimError, match="the diagram has no lagged edges"):
        parse(f"{BASE}hypotheses: [{{id: H1, claim: 'nie(wage, horizon=0) > 0'}}]\n")


@pytest.mark.parametrize(
    ("more", "what", "fix"),
    [
        (
            "model: {priors: framework, pooling: none}",
            "'priors: framework' without pooling",
            "Leave one of them out: signs are of means over the population of clusters",
        ),
        (
            "interactions: [law * law * law * law -> wage]",
            "the interaction 'law * law * law * law -> wage' (it has more than three factors)",
            PRODUCT,
        ),
    ],
)
def test_words_of_later_versions(more, what, fix):
    assert refusal(f"{BASE}{more}\n") == expected(24, what, fix)


def test_the_line_of_an_interaction_is_that_of_its_item():
    more = "interactions:\n  - law * unions -> wage, injury\n  - law * law -> unions\n  - law * law * law -> unions\n"
    assert refusal(f"{BASE}{more}  - law * law * law * law -> unions\n").startswith("analysis.yaml:28: the interaction 'law")


def test_products_of_any_causes_are_read():
    more = "interactions: ['law * unions, size -> wage']\n"
    with pytest.raises(AnalysisFileError, match="is not a node"):
        parse(BASE + more)
    more = "interactions: ['law * unions -> wage, injury', size * law -> wage, unions * size -> wage, size * size -> wage]\n"
    assert len(parse(BASE + more).interactions) == 5


def test_a_product_of_three_needs_its_products_of_two():
    three = "interactions: [law * size * unions -> wage, size * law -> wage, 'law * unions -> injury'"
    with pytest.raises(AnalysisFileError) as caught:
        parse(f"{BASE}{three}]\n")
    assert str(caught.value) == (
        "analysis.yaml:24: the interaction 'law * size * unions -> wage' needs the smaller products law * unions and "
        "size * unions in the same equation. Without them the model would depend on where the scales of the columns have "
        "their zero. Add 'law * unions -> wage' and 'size * unions -> wage' under interactions."
    )
    assert len(parse(f"{BASE}{three}, law * unions -> wage, unions * size -> wage]\n").interactions) == 5
    with pytest.raises(AnalysisFileError, match=r"the smaller product law \* law in"):
        parse(f"{BASE}interactions: [law * law * law -> wage]\n")


def test_the_first_refusal_of_the_file_is_told():
    text = changed("panel.csv", "panel.xls") + "model: {priors: framework, pooling: none}\n"
    assert refusal(text).startswith("analysis.yaml:4: reading .xls files")


def test_the_example_of_the_format_parses_up_to_its_refusals():
    assert refusal(CONTRACT).startswith(
        "analysis.yaml:6: the key 'nested_in' under data, together with lagged edges, is not"
    )
    text = changed("  horizons: [0, 1, 2, 5]\n  regimes: [sustained, pulse]\n", "", CONTRACT)
    text = changed("  - unions -> law @ lag 1     # a feedback edge\n", "", text)
    analysis = parse(text)
    assert [hypothesis.id for hypothesis in analysis.hypotheses] == ["H1", "H2", "H3", "H4"]
    assert analysis.data.time == "year"

"""What the file may ask for and this version does not do: refused with key, line and a way out."""

import pytest

from causalcluster.errors import AnalysisFileError, UnsupportedError
from tests.analysis.files import BASE, CONTRACT, changed, parse


def refusal(text: str) -> str:
    with pytest.raises(UnsupportedError) as caught:
        parse(text)
    return str(caught.value)


def expected(line: int, what: str, fix: str) -> str:
    return f"analysis.yaml:{line}: {what} is not available in this version. {fix}."


LEAVE = "Leave it out"
TABLE = "Save the table as CSV (UTF-8) or Parquet"
CLAIM = "Claim something about another effect, or leave the hypothesis out"
PRODUCT = "Leave it out, or take a product of at most three factors"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("panel.csv", "panel.feather", (4, "reading Feather files ('panel.feather')", TABLE)),
        ("panel.csv", "parts/*.ARROW", (4, "reading Arrow files ('parts/*.ARROW')", TABLE)),
        ("panel.csv", "panel.dta", (4, "reading Stata files ('panel.dta')", TABLE)),
        ("panel.csv", "panel.xlsx", (4, "reading Excel files ('panel.xlsx')", TABLE)),
        (
            "panel.csv",
            "https://example.org/panel.csv",
            (4, "reading from an address ('https://example.org/panel.csv')", "Download the table first"),
        ),
        (
            "injury: {layer: outcome}",
            "injury: {layer: outcome, indicators: [a, b]}",
            (11, "the key 'indicators' (node 'injury')", LEAVE),
        ),
        ("injury: {layer: outcome}", "injury: {layer: outcome, se: injury_se}", (11, "the key 'se' (node 'injury')", LEAVE)),
        (
            "title: Law and wages",
            "alternatives: [other.yaml]",
            (2, "the key 'alternatives'", "Write one file for each diagram"),
        ),
    ],
)
def test_keys_of_later_versions(old, new, message):
    assert refusal(changed(old, new)) == expected(*message)


def test_lagged_edges_and_horizons():
    lagged = changed("  cluster: district", "  time: year").replace("  - size -> law", "  - size -> law @ lag 1")
    lines = "Leave the edge out, or draw it without a lag"
    assert refusal(lagged) == expected(17, "the lagged edge 'size -> law @ lag 1'", lines)
    assert refusal(f"{lagged}  horizons: [0, 1]\n  regimes: [pulse]\n").startswith("analysis.yaml:17: the lagged edge")
    assert parse(changed("- size -> law", "- size -> law @ lag 0")).edges[-1].lag == 0


@pytest.mark.parametrize(
    ("more", "what", "fix"),
    [
        ("model: {priors: framework}", "'priors: framework' under model", "Write 'priors: neutral'"),
        ("model: {priors: {base: framework}}", "'priors: framework' under model", "Write 'priors: neutral'"),
        ("hypotheses: framework", "'hypotheses: framework'", "List your own, each with an id and a claim"),
        ("hypotheses: [{id: H1, claim: 'nie(wage, horizon=0) > 0'}]", "'horizon' in the claim of 'H1'", CLAIM),
        ("hypotheses: [{id: H1, claim: 'nie(wage, regime=pulse) > 0'}]", "'regime' in the claim of 'H1'", CLAIM),
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
    text = changed("panel.csv", "panel.dta") + "model: {priors: framework}\n"
    assert refusal(text).startswith("analysis.yaml:4: reading Stata files")


def test_the_example_of_the_format_parses_up_to_its_refusals():
    steps = [
        ("  - unions -> law @ lag 1     # a feedback edge\n", 23, "the lagged edge 'unions -> law @ lag 1'"),
    ]
    text = CONTRACT
    for passage, line, what in steps:
        assert refusal(text).startswith(f"analysis.yaml:{line}: {what} is not available in this version.")
        if "lag 1" in passage:
            text = changed("  horizons: [0, 1, 2, 5]\n  regimes: [sustained, pulse]\n", "", text)
        text = changed(passage, "", text)
    analysis = parse(text)
    assert [hypothesis.id for hypothesis in analysis.hypotheses] == ["H1", "H2", "H3", "H4"]
    assert analysis.data.time == "year"

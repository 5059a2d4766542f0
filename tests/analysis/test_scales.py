"""Scales of effects against the outcomes' families."""

import pytest

from causalcluster.analysis.records import analysis_to_json
from causalcluster.errors import AnalysisFileError, ClaimError
from tests.analysis.files import changed, parse

FIX = "fix: {enforcement: 0}"
COUNTS = "injury: {layer: outcome, family: poisson}"
CLAIM = '\nhypotheses:\n  - {id: H1, claim: "nie(injury, via=unions, scale=ratio) > 1"}\n'


def text(scales, family="poisson", claim=""):
    base = changed("injury: {layer: outcome}", f"injury: {{layer: outcome, family: {family}}}")
    return base.replace(FIX, f"{FIX}\n  scales: {scales}") + claim


def refused(content, error=AnalysisFileError):
    with pytest.raises(error) as caught:
        parse(content)
    return str(caught.value)


def test_differences_are_always_reported():
    assert parse().question.scales == ("difference",)
    assert parse(text("ratio")).question.scales == ("difference", "ratio")
    assert parse(text("[odds_ratio, ratio, difference]", "bernoulli")).question.scales == (
        "difference",
        "ratio",
        "odds_ratio",
    )
    assert analysis_to_json(parse(text("ratio")))["question"]["scales"] == ["difference", "ratio"]


def test_outcomes_without_the_scale_are_named():
    (warning,) = parse(text("[ratio]")).warnings
    assert warning == (
        "Effects on wage (gaussian) are not reported on the scale 'ratio'. "
        "A ratio exists for the families lognormal, bernoulli, binomial, poisson, negative_binomial, beta."
    )


def test_a_scale_that_no_outcome_has_is_refused():
    message = refused(text("[ratio, odds_ratio]"))
    assert message == (
        "analysis.yaml:24: no outcome has effects on the scale 'odds_ratio': wage (gaussian), injury (poisson). "
        "An odds ratio exists for the families bernoulli, binomial, beta. Leave it out, or declare the outcome's family."
    )
    assert "no outcome has effects on the scale 'ratio': wage (gaussian), injury (ordinal)" in refused(
        text("ratio", "ordinal")
    )


def test_misspelt_and_repeated_scales():
    assert "Did you mean 'odds_ratio'?" in refused(text("odds_rato"))
    assert "analysis.yaml:24: 'ratio' is listed twice. Keep one of them." in refused(text("[ratio, ratio]"))


def test_a_claim_switches_its_scale_on():
    analysis = parse(changed("injury: {layer: outcome}", COUNTS) + CLAIM)
    assert analysis.question.scales == ("difference", "ratio")
    assert analysis.warnings == parse(changed("injury: {layer: outcome}", COUNTS)).warnings
    assert analysis.hypotheses[0].claim.terms[0][1].scale == "ratio"


def test_a_claim_on_a_scale_that_its_outcome_lacks_is_refused():
    message = refused(changed("injury: {layer: outcome}", COUNTS) + CLAIM.replace("injury", "wage"))
    assert message.startswith("analysis.yaml:26: the claim of 'H1' is about a ratio of wage (gaussian). A ratio exists for")


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("path(injury, via=unions, scale=ratio) > 1", "path has no scale but 'difference'"),
        ("prop_mediated(injury, scale=ratio) > 1", "prop_mediated has no scale but 'difference'"),
        ("int_ref(injury, enforcement=0, scale=ratio) > 1", "int_ref has no scale but 'difference'"),
        ("iie(injury, via=dependence, scale=ratio) > 1", "iie via dependence has no scale but 'difference'"),
        ("total(injury, scale=ratio, level=between_sd) > 1", "the spread between clusters has no scale 'ratio'"),
        ("total(injury, scale=odds_rato) > 1", "Did you mean 'odds_ratio'?"),
        ("total(injury, scale=log) > 1", "There is: difference, ratio, odds_ratio."),
    ],
)
def test_claims_about_ratios_that_do_not_exist(claim, said):
    content = changed("injury: {layer: outcome}", COUNTS) + CLAIM.replace("nie(injury, via=unions, scale=ratio) > 1", claim)
    assert said in refused(content, ClaimError)

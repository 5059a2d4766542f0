"""Which coefficients vary, and priors of the analyst's own."""

import pytest

from causalcluster.analysis.records import PriorOverride
from causalcluster.errors import AnalysisFileError, UnsupportedError
from tests.analysis.files import BASE, changed, parse

WITH_PRODUCT = f"{BASE}interactions: [law * enforcement -> wage]\n"


def model(text: str, base: str = BASE):
    return parse(f"{base}model: {{{text}}}\n").model


@pytest.mark.parametrize(
    ("text", "varying"),
    [
        ("varying: all", "all"),
        ("varying: [all]", "all"),
        ("varying: none", "none"),
        ("varying: []", "none"),
        ("varying: intercepts", ("intercepts",)),
        ("varying: [intercepts, law->enforcement]", ("intercepts", "law -> enforcement")),
        ("varying: ['law, enforcement -> unions']", ("law -> unions", "enforcement -> unions")),
        # Products are named as under interactions, in whatever order their factors are asked for.
        ("varying: [enforcement * law -> wage]", ("law * enforcement -> wage",)),
        ("pooling: none, varying: [intercepts]", ("intercepts",)),
    ],
)
def test_what_varies_is_named_in_one_form(text, varying):
    assert model(text, WITH_PRODUCT).varying == varying


def test_the_defaults_are_those_of_the_contract():
    found = parse().model
    assert (found.varying, found.pooling, found.centre, found.time_effects, found.priors, found.prior_overrides) == (
        "all",
        "partial",
        "within",
        "none",
        "neutral",
        (),
    )


def test_priors_are_a_word_or_a_base_with_overrides():
    assert model("priors: flat").priors == "flat"
    found = model("priors: {base: flat, 'law -> wage': {mean: 0.3, sd: 1e-1}, 'size -> wage, injury': {between_sd: 2}}")
    assert found.priors == "flat"
    assert found.prior_overrides == (
        PriorOverride(edge=("law", "wage"), mean=0.3, sd=0.1),
        PriorOverride(edge=("size", "wage"), between_sd=2.0),
        PriorOverride(edge=("size", "injury"), between_sd=2.0),
    )
    assert model("priors: {'law -> wage': {mean: 0}}").priors == "neutral"


ADD = "Add it under edges, or leave it out here."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "varying: alll",
            "model.varying cannot be 'alll'. Did you mean 'all'? Write all, none, or a list such as [intercepts, a -> b].",
        ),
        (
            "varying: [intercept]",
            "model.varying cannot be 'intercept'. Did you mean 'intercepts'? "
            "Write all, none, or a list such as [intercepts, a -> b].",
        ),
        (
            "varying: [none, intercepts]",
            "'none' stands among other items of model.varying. Write 'varying: none', or leave it out.",
        ),
        (
            "varying: [enforcement -> law]",
            f"'enforcement -> law' is not one of the edges. Did you mean 'enforcement -> wage'? {ADD}",
        ),
        (
            "varying: [law * unions -> wage]",
            "'law * unions -> wage' is not one of the interactions. Add it under interactions, or leave it out here.",
        ),
        ("varying: [law -> wag]", "'wag' in 'law -> wag' is not a node. Did you mean 'wage'?"),
        ("varying: [law -> wage @ lag 1]", "'law -> wage @ lag 1' under model cannot be read. Write it as 'a, b -> c, d'."),
        ("varying: [law -> wage, law -> wage]", "model.varying names 'law -> wage' twice. Keep one of them."),
        (
            "priors: {enforcement -> law: {sd: 1}}",
            f"'enforcement -> law' is not one of the edges. Did you mean 'enforcement -> wage'? {ADD}",
        ),
        ("priors: {law -> wage: {}}", "the prior of 'law -> wage' says nothing. Give it mean, sd or between_sd."),
        ("priors: {law -> wage: }", "the prior of 'law -> wage' says nothing. Give it mean, sd or between_sd."),
        ("priors: {law -> wage: {sd: 1}, law->wage: {sd: 2}}", "model.priors gives 'law -> wage' twice. Keep one of them."),
    ],
)
def test_coefficients_must_exist(text, message):
    with pytest.raises(AnalysisFileError) as caught:
        model(text)
    assert str(caught.value) == f"analysis.yaml:24: {message}"


def test_a_prior_for_an_interaction_is_not_available():
    with pytest.raises(UnsupportedError) as caught:
        model("priors: {law * enforcement -> wage: {sd: 1}}", WITH_PRODUCT)
    assert str(caught.value) == (
        "analysis.yaml:25: a prior for the interaction 'law * enforcement -> wage' is not available in this version. "
        "Leave it out; its default prior is kept."
    )


SENTENCE = "The analysis names no cluster column, so nothing varies and 'varying' under model is ignored."


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("pooling: partial", ()),
        ("varying: none", ()),
        ("varying: all", (SENTENCE,)),
        ("varying: [law -> wage]", (SENTENCE,)),
    ],
)
def test_without_clusters_nothing_varies(text, warnings):
    analysis = parse(changed("  cluster: district\n", "") + f"model: {{{text}}}\n")
    assert analysis.model.varying == "none"
    assert analysis.warnings == warnings

"""How numbers are said."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.report import words
from causalcluster.report.records import EffectKey, HypothesisRow

LABELS = {"law": "Labour law", "enforcement": "Enforcement", "unions": "Trade unions"}


@settings(max_examples=50, deadline=None)
@given(value=st.floats(-1e8, 1e8), decimals=st.integers(0, 6))
def test_a_number_reads_back_to_within_half_a_unit(value, decimals):
    text = words.number(value, decimals).replace(words.MINUS, "-").replace(",", "")
    assert float(text) == pytest.approx(value, abs=0.5000001 * 10.0**-decimals)
    assert text != "-0"


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [
        (-0.1234, 2, "\N{MINUS SIGN}0.12"), (-0.0001, 2, "0.00"), (12345.6, 0, "12,346"), (None, 2, "\N{EM DASH}"),
        (math.nan, 2, "\N{EM DASH}"), (3.2e-12, 8, "3.20e\N{MINUS SIGN}12"),
    ],
)  # fmt: skip
def test_number(value, decimals, said):
    assert words.number(value, decimals) == said


@pytest.mark.parametrize(
    ("spreads", "decimals"),
    [([0.034], 3), ([0.34], 2), ([123.0], 0), ([], 3), ([0.0, None], 3), ([1e-12], 8)],
)
def test_decimals_show_two_digits_of_the_typical_spread(spreads, decimals):
    assert words.decimals_for(spreads) == decimals


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "over 99.9%"),
        (0.0, "under 0.1%"),
        (0.996, "99.6%"),
        (0.973, "97%"),
        (0.004, "0.4%"),
        (None, "\N{EM DASH}"),
    ],
)
def test_percent(share, said):
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.999, "almost certainly positive"), (0.001, "almost certainly negative"), (0.96, "very likely positive"),
        (0.1, "probably negative"), (0.7, "more likely positive than not"), (0.5, "of open sign"),
        (None, "of unknown sign"),
    ],
)  # fmt: skip
def test_direction(probability, said):
    assert words.direction(probability).startswith(said)


@pytest.mark.parametrize(
    ("effect", "via", "said"),
    [
        ("total", "", "Total effect"), ("nie", "all", "Through all mediators"),
        ("nie", "unions", "Through Trade unions"),
        ("path", "enforcement>unions", "Path: Enforcement \N{RIGHTWARDS ARROW} Trade unions"),
        ("path", "direct", "Path: straight to the outcome"),
        ("cde", "enforcement=0", "Direct effect with Enforcement = 0 held fixed"),
        ("prop_mediated", "unions", "Share through Trade unions"),
    ],
)  # fmt: skip
def test_effect_name(effect, via, said):
    assert words.effect_name(EffectKey(outcome="log_wage", effect=effect, via=via), LABELS) == said


def test_conditions_are_part_of_an_effects_name():
    key = EffectKey(outcome="y", effect="total", horizon="2", regime="pulse", at="size=0", scale="odds_ratio")
    assert words.effect_name(key, LABELS) == "Total effect (horizon 2, regime pulse, at size=0, odds ratio)"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("supported", "holds with probability 97%."), ("contradicted", "97% only."), ("undecided", "neither 95%"),
     ("not_testable", "not identified")],
)  # fmt: skip
def test_verdict_words(verdict, said):
    row = HypothesisRow(
        id="H",
        claim="c",
        probability=0.97,
        prior_probability=0.5,
        bayes_factor=None,
        verdict=verdict,
        reason="",
    )
    assert said in words.verdict_words(row)


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.5, "the data say little"), (5.0, "substantial evidence for it"), (0.05, "strong evidence against it"),
     (1000.0, "decisive evidence for it"), (None, ""), (0.0, "")],
)  # fmt: skip
def test_bayes_words(factor, said):
    assert words.bayes_words(factor) == said


def test_lists_and_sentences():
    assert words.joined([]) == ""
    assert words.joined(["a"]) == "a"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.sentence("done") == "Done."
    assert words.sentence("Done!") == "Done!"
    assert words.counted(1, "cluster") == "1 cluster"
    assert words.counted(1200, "row") == "1,200 rows"

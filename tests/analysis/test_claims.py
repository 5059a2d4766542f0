import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.analysis.claims import (
    EFFECTS,
    EffectTerm,
    number_text,
    parse_claim,
    render_claim,
    render_term,
    same_claim,
)
from causalcluster.errors import ClaimError

OUTCOMES, MEDIATORS = ("wage", "été"), ("insp", "unions")
NODES = ("law", *MEDIATORS, *OUTCOMES, "size")


def parse(text, nodes=NODES):
    return parse_claim(text, outcomes=OUTCOMES, mediators=MEDIATORS, nodes=nodes)


def only_term(text):
    ((factor, term),) = parse(f"{text} > 0").terms
    assert factor == 1.0
    return term


def refused(text, nodes=NODES):
    with pytest.raises(ClaimError) as caught:
        parse(text, nodes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total(wage)", {"effect": "total"}),
        ("nie( wage ,\n via = unions )", {"effect": "nie", "via": "unions"}),
        ("path(wage, via=insp>unions)", {"effect": "path", "via": "insp>unions"}),
        ("path(wage, via='insp > unions')", {"effect": "path", "via": "insp>unions"}),
        ("path(wage, via=size > unions)", {"effect": "path", "via": "size>unions"}),
        ("path(wage, via=direct)", {"effect": "path", "via": "direct"}),
        ("iie(wage, via=dependence)", {"effect": "iie", "via": "dependence"}),
        ("cde(wage, insp=0)", {"effect": "cde", "via": "insp=0"}),
        ("cde(wage, insp=-0.5)", {"effect": "cde", "via": "insp=-0.5"}),
        ('cde(wage, via="insp=0.0")', {"effect": "cde", "via": "insp=0"}),
        ("cde(wage, insp=0, unions=1)", {"effect": "cde", "via": "insp=0;unions=1"}),
        ("cde(wage, via='insp=0; unions=1')", {"effect": "cde", "via": "insp=0;unions=1"}),
        ("total(wage, level=sample_rows)", {"effect": "total", "level": "sample_rows"}),
        ("total(wage, cluster=sialkot)", {"effect": "total", "level": "cluster", "cluster": "sialkot"}),
        ("total(wage, cluster=007)", {"effect": "total", "level": "cluster", "cluster": "007"}),
        ("total(wage, cluster=x, level=cluster)", {"effect": "total", "level": "cluster", "cluster": "x"}),
        (r"total(wage, cluster='l\'est, \\ 1')", {"effect": "total", "level": "cluster", "cluster": "l'est, \\ 1"}),
        ("total(wage, horizon=2, regime=pulse)", {"effect": "total", "horizon": 2, "regime": "pulse"}),
        ("total(wage, at={size: 0, law: 1.50})", {"effect": "total", "at": "size=0;law=1.5"}),
        ("total(wage, scale=ratio)", {"effect": "total", "scale": "ratio"}),
        ("cde(wage, insp=0, scale=odds_ratio)", {"effect": "cde", "via": "insp=0", "scale": "odds_ratio"}),
        ("total(wage, scale=difference)", {"effect": "total"}),
        ("int_ref(wage, insp=0, unions=1)", {"effect": "int_ref", "via": "insp=0;unions=1"}),
        ("int_med(wage)", {"effect": "int_med", "via": "all"}),
    ],
)
def test_an_effect_is_read(text, expected):
    assert only_term(text) == EffectTerm(outcome="wage", **expected)


@pytest.mark.parametrize("effect", ["nie", "pnie", "iie", "prop_mediated"])
def test_indirect_effects_without_via_run_through_all_mediators(effect):
    assert only_term(f"{effect}(wage)").via == "all"


@pytest.mark.parametrize("effect", ["total", "nde", "tnde", "ide", "overall"])
def test_other_effects_have_no_via_and_take_none(effect):
    assert only_term(f"{effect}(wage)").via == ""
    assert f"{effect} takes no via" in refused(f"{effect}(wage, via=unions) > 0")


def test_every_effect_of_the_vocabulary_can_be_claimed():
    arguments = {"path": ", via=direct", "cde": ", insp=0", "int_ref": ", insp=0"}
    for effect in EFFECTS:
        assert only_term(f"{effect}(wage{arguments.get(effect, '')})").effect == effect


def test_names_in_another_unicode_form_are_the_analysis_own():
    assert only_term("total(e\u0301te\u0301)").outcome == "été"


@pytest.mark.parametrize(
    ("text", "terms", "constant", "low", "high"),
    [
        ("total(wage) > 1", [(1.0, "total")], -1.0, 0.0, math.inf),
        ("total(wage) < 1", [(-1.0, "total")], 1.0, 0.0, math.inf),
        ("1 <= total(wage)", [(1.0, "total")], -1.0, 0.0, math.inf),
        ("total(wage) − 1 ≥ 0", [(1.0, "total")], -1.0, 0.0, math.inf),
        ("nde(wage) - 0.5*total(wage) > 0", [(1.0, "nde"), (-0.5, "total")], 0.0, 0.0, math.inf),
        ("1.5 * (nde(wage) + nie(wage)) > 0", [(1.5, "nde"), (1.5, "nie")], 0.0, 0.0, math.inf),
        ("2*(nde(wage) + total(wage))/4 > nde(wage)", [(-0.5, "nde"), (0.5, "total")], 0.0, 0.0, math.inf),
        ("-(nde(wage) - 1) > --total(wage)", [(-1.0, "nde"), (-1.0, "total")], 1.0, 0.0, math.inf),
        ("total(wage) - total(wage) + nde(wage) > 0", [(1.0, "nde")], 0.0, 0.0, math.inf),
        ("total(wage) in [-0.1, 1e-1]", [(1.0, "total")], 0.0, -0.1, 0.1),
        ("total(wage) + .5 in [-(1/4), 2]", [(1.0, "total")], 0.5, -0.25, 2.0),
    ],
)
def test_a_claim_is_a_combination_and_an_interval(text, terms, constant, low, high):
    claim = parse(text)
    assert [(factor, term.effect) for factor, term in claim.terms] == terms
    assert (claim.constant, claim.low, claim.high) == (constant, low, high)
    assert claim.text == text


MESSAGES = {
    "misspelt effect": """\
'totla' is not an effect. Did you mean 'total'?
  totla(wage) > 0
  ^^^^^""",
    "unknown outcome": """\
'wag' is not an outcome of this analysis. Did you mean 'wage'?
  total(wag) > 0
        ^^^""",
    "unlike any outcome": """\
'zzz' is not an outcome of this analysis. There is: wage, été.
  total(zzz) > 0
        ^^^""",
    "unknown mediator": """\
'union' is not a mediator of this analysis. Did you mean 'unions'?
  nde(wage) > nie(wage, via=union)
                            ^^^^^""",
    "misspelt keyword": """\
'vai' is not a keyword of effects. Did you mean 'via'?
  nie(wage, vai=unions) > 0
            ^^^""",
    "misspelt level": """\
'smaple' is not a level. Did you mean 'sample'?
  total(wage, level=smaple) > 0
                    ^^^^^^""",
    "contradictory level": """\
level=sample contradicts cluster=. Leave out one of them.
  total(wage, level=sample, cluster=a) > 0
                    ^^^^^^""",
    "level without cluster": """\
level=cluster needs a cluster. Write cluster="its name".
  total(wage, level=cluster) > 0
                    ^^^^^^^""",
    "unquoted name": """\
two words after cluster=. Quote names with spaces or signs: cluster="cl 1".
  total(wage, cluster=cl 1) > 0
                      ^^^^""",
    "mediator without keyword": """\
only the outcome stands without a keyword. Write via=unions.
  nie(wage, unions) > 0
            ^^^^^^""",
    "path out of order": """\
a path runs in causal order. The order is insp > unions.
  path(wage, via=unions>insp) > 0
                 ^^^^^^^^^^^""",
    "path without via": """\
path needs via. Write path(outcome, via=M1>M2) or via=direct.
  path(wage) > 0
  ^^^^""",
    "cde without values": """\
cde needs the values at which mediators are held. Write cde(outcome, mediator=0).
  cde(wage) > 0
  ^^^""",
    "cde of no number": """\
'insp=low' does not hold a mediator at a number. Write cde(outcome, mediator=0) or via="mediator=0".
  cde(wage, via="insp=low") > 0
                ^^^^^^^^^^""",
    "held twice": """\
insp is held at two values.
  cde(wage, insp=0, insp=1) > 0
                    ^^^^""",
    "given twice": """\
via is given twice.
  nie(wage, via=insp, via=unions) > 0
                      ^^^""",
    "product of effects": """\
an effect is multiplied by an effect. Claims are linear in effects.
  nie(wage)*nde(wage) > 0
           ^""",
    "quotient of effects": """\
a division by an effect. Claims are linear in effects; nie/total is prop_mediated(outcome).
  nie(wage) / total(wage) > 0.5
            ^""",
    "division by zero": """\
a division by zero.
  total(wage)/(1 - 1) > 0
             ^""",
    "overflow": """\
the result is not a finite number.
  total(wage) > 1e999
                ^^^^^""",
    "equality": """\
'==' is not a comparison of claims. An effect equals a number with probability 0: \
claim a region with 'in [low, high]'.
  total(wage) == 0
              ^^""",
    "no comparison": """\
the claim compares nothing. End it with '> 0' or 'in [low, high]', for example.
  total(wage)
             ^""",
    "two comparisons": """\
a claim holds one comparison. Claim a region with 'in [low, high]'.
  0 < total(wage) < 1
                  ^""",
    "constants": """\
the claim holds no effect. Name one, such as total(outcome).
  1 > 0
  ^^^^^""",
    "cancelled": """\
the effects cancel out. Name one, such as total(outcome).
  total(wage) > total(wage)
  ^^^^^^^^^^^^^^^^^^^^^^^^^""",
    "empty region": """\
the lower bound 1 is not below the upper bound 0.
  total(wage) in [1, 0]
                 ^^^^^^""",
    "effect as bound": """\
a bound must be a number. Move the effect before 'in'.
  total(wage) in [0, nde(wage)]
                     ^^^""",
    "bare outcome": """\
'wage' is neither an effect nor a number. Write total(wage), for example.
  wage > 0
  ^^^^""",
    "open quotation": """\
the quotation is not closed. Add " after the name.
  total(wage, cluster="x) > 0
                      ^""",
    "open parenthesis": """\
')' is missing before '>'.
  (total(wage) > 0
               ^""",
    "code": """\
'__import__' is not an effect. There is: total, nde, nie, tnde, pnie, path, cde, int_ref, int_med, ide, iie, overall, prop_mediated.
  __import__('os') > 0
  ^^^^^^^^^^""",
    "wide characters": """\
'市' is not an outcome of this analysis. There is: wage, été.
  total(市) > 0
        ^^""",
    "horizon": """\
horizon is not a whole number of periods.
  total(wage, horizon=1.5) > 0
                      ^^^""",
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_an_error_says_what_is_wrong_and_points_at_it(message):
    claim = message.split("\n")[1].removeprefix("  ")
    assert refused(claim) == message


@pytest.mark.parametrize("text", ["", "   ", ">", "total wage > 0", "total() > 0", "(" * 5000, "total(wage) & 1"])
def test_what_is_not_a_claim_is_refused_with_a_caret(text):
    assert refused(text).endswith("^")


def test_without_the_diagram_paths_run_through_mediators_alone():
    assert "'size' is not a mediator" in refused("path(wage, via=size) > 0", nodes=())


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (-0.0, "0"), (3.0, "3"), (-2.5, "-2.5"), (1e-7, "1e-07")])
def test_numbers_in_keys_are_integers_without_decimals_or_exact(value, text):
    assert number_text(value) == text


labels = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
outcomes = st.sampled_from(OUTCOMES)
held = st.floats(-1e9, 1e9).map(number_text)
splits = st.builds(
    EffectTerm,
    effect=st.sampled_from(["nie", "prop_mediated"]),
    outcome=outcomes,
    via=st.sampled_from(("all", *MEDIATORS)),
    level=st.sampled_from(["population", "sample", "sample_rows", "new", "between_sd"]),
)
scaled = st.builds(
    EffectTerm,
    effect=st.sampled_from(["total", "nde", "overall"]),
    outcome=outcomes,
    level=st.sampled_from(["population", "sample", "new"]),
    scale=st.sampled_from(["difference", "ratio", "odds_ratio"]),
)
in_clusters = st.builds(EffectTerm, effect=st.just("total"), outcome=outcomes, level=st.just("cluster"), cluster=labels)
paths = st.builds(
    EffectTerm, effect=st.just("path"), outcome=outcomes, via=st.sampled_from(["direct", "insp", "insp>unions"])
)
controlled = st.builds(
    EffectTerm,
    effect=st.sampled_from(["cde", "int_ref"]),
    outcome=outcomes,
    via=st.builds("insp={};unions={}".format, held, held),
)
conditional = st.builds(
    EffectTerm,
    effect=st.just("nde"),
    outcome=outcomes,
    horizon=st.none() | st.integers(0, 99),
    regime=st.sampled_from(["", "sustained", "pulse"]),
    at=st.sampled_from(["", "size=0", "size=007", "law=a b", "size=-1.5;law=1"]),
)
terms = st.one_of(splits, scaled, in_clusters, paths, controlled, conditional)
factors = st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6)
sides = st.lists(st.tuples(factors, terms), min_size=1, max_size=4, unique_by=lambda pair: pair[1])
bounded = settings(max_examples=50, deadline=None)


def written(parts):
    return " + ".join(f"{factor!r}*{render_term(term)}" for factor, term in parts)


@bounded
@given(terms)
def test_a_rendered_effect_reads_back(term):
    assert only_term(render_term(term)) == term


@bounded
@given(sides, st.sampled_from(["> 1", "< -0.25", "in [-1, 2]"]))
def test_a_rendered_claim_reads_back(parts, comparison):
    claim = parse(f"{written(parts)} {comparison}")
    assert same_claim(parse(render_claim(claim)), claim)
    assert {term for _, term in claim.terms} == {term for _, term in parts}


@bounded
@given(sides, st.integers(-8, 8).filter(bool), st.integers(-5, 5))
def test_a_factor_before_parentheses_multiplies_every_effect_and_the_constant(parts, factor, constant):
    plain = parse(f"{written(parts)} + {constant} in [0, 1]")
    scaled = parse(f"{factor}*({written(parts)} + {constant}) in [0, 1]")
    assert scaled.terms == tuple((factor * coefficient, term) for coefficient, term in plain.terms)
    assert scaled.constant == factor * plain.constant


@bounded
@given(sides, sides, st.sampled_from([(">", "<"), (">=", "<="), (">", "<=")]))
def test_a_comparison_says_the_same_from_either_side(left, right, signs):
    forth = f"{written(left)} {signs[0]} {written(right)} + 0.125"
    back = f"{written(right)} + 0.125 {signs[1]} {written(left)}"
    try:
        claim = parse(forth)
    except ClaimError:
        assert "cancel" in refused(back)
    else:
        assert same_claim(claim, parse(back))


@bounded
@given(st.text("totalndwage()>,=<+-*/.0123456789 \"'[]{}in", max_size=40))
def test_any_text_is_read_or_refused_with_a_caret(text):
    try:
        claim = parse(text)
    except ClaimError as error:
        assert str(error).endswith("^")
    else:
        assert claim.terms

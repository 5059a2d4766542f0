import dataclasses
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.analysis.claims import parse_claim, render_claim, same_claim
from causalcluster.analysis.records import Hypothesis
from causalcluster.effects.levels import COORDS
from causalcluster.errors import InputError
from causalcluster.hypotheses import COLUMNS, check_claims, evaluate_hypotheses

CHAINS, DRAWS = 2, 200
ROWS = {
    ("y", "total", "", "population", ""): 2.0,
    ("y", "nde", "", "population", ""): 0.5,
    ("y", "nie", "all", "population", ""): 1.5,
    ("y", "nie", "m", "population", ""): 1.5,
    ("y", "nie", "m", "cluster", "cl 1, x"): 3.0,
    ("y", "nie", "m", "cluster", "São Paulo"): -1.0,
    ("y", "total", "", "sample", ""): 4.0,
}
NO_REASON: dict[tuple[str, str, str], str] = {}


def draws(*, seed=1, spread=1.0, rows=ROWS, centre=1.0):
    rng = np.random.default_rng(seed)
    values = np.stack([centre * mean + spread * rng.standard_normal((CHAINS, DRAWS)) for mean in rows.values()], -1)
    keys = [(*key, "", "", "", "difference") for key in rows]
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    return xr.Dataset({"effect": (("chain", "draw", "row"), values)}, coords=coords)


PRIOR = draws(seed=2, spread=1.0, centre=0.0)


def hypothesis(text, name="H1"):
    return Hypothesis(id=name, claim=parse_claim(text, outcomes=["y"], mediators=["m"]), text=text)


def judge(text, posterior=None, prior=PRIOR, unidentified=NO_REASON, **options):
    posterior = draws() if posterior is None else posterior
    table = evaluate_hypotheses([hypothesis(text)], posterior, prior, unidentified, **options)
    return table.iloc[0]


def row_values(effects, *key):
    names = ("outcome", "estimand", "via", "level", "cluster")
    mask = np.all([effects[name].values == part for name, part in zip(names, key, strict=True)], axis=0)
    return effects["effect"].values[..., mask].ravel()


def test_the_columns_are_those_of_the_contract_also_without_hypotheses():
    table = evaluate_hypotheses([], draws(), PRIOR, {})
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0


def test_the_probability_is_the_share_of_draws_in_which_the_claim_holds():
    effects = draws()
    total, nde = (
        row_values(effects, "y", "total", "", "population", ""),
        row_values(effects, "y", "nde", "", "population", ""),
    )
    row = judge("2 * total(y) - nde(y) > 3", effects)
    assert row["probability"] == np.mean(2 * total - nde > 3)
    prior = (
        row_values(PRIOR, "y", "total", "", "population", ""),
        row_values(PRIOR, "y", "nde", "", "population", ""),
    )
    before = np.mean(2 * prior[0] - prior[1] > 3)
    assert row["prior_probability"] == before
    odds = row["probability"] / (1 - row["probability"]) / (before / (1 - before))
    assert row["bayes_factor"] == pytest.approx(odds)
    assert row["reason"] == ""


def test_a_region_is_judged_from_both_sides():
    total = row_values(draws(), "y", "total", "", "population", "")
    assert judge("total(y) in [1, 2.5]")["probability"] == np.mean((total > 1) & (total < 2.5))


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [(400, "supported"), (380, "supported"), (379, "undecided"), (21, "undecided"), (20, "contradicted")],
)
def test_the_verdict_follows_the_probability(inside, verdict):
    effects = draws()
    values = np.where(np.arange(CHAINS * DRAWS) < inside, 1.0, -1.0).reshape(CHAINS, DRAWS)
    effects["effect"][:, :, 0] = values
    assert judge("total(y) > 0", effects)["verdict"] == verdict


def test_draws_that_all_agree_bound_the_bayes_factor_and_say_so():
    row = judge("total(y) > 0", draws(spread=0.01))
    prior = row["prior_probability"]
    assert row["probability"] == 1.0
    assert row["bayes_factor"] == pytest.approx((400.5 / 0.5) / (prior / (1 - prior)))
    assert "every draw" in row["reason"]
    assert "at least" in row["reason"]
    assert "400" in row["reason"]
    opposite = judge("total(y) < 0", draws(spread=0.01))
    assert 0 < opposite["bayes_factor"] < 0.01
    assert "at most" in opposite["reason"]


def test_no_bayes_factor_where_the_prior_leaves_no_odds():
    row = judge("total(y) > -100")
    assert row["prior_probability"] == 1.0
    assert math.isnan(row["bayes_factor"])
    assert "prior probability 1 lies outside" in row["reason"]
    assert row["verdict"] == "supported"


def test_an_unidentified_effect_is_not_testable_and_says_why():
    without = {key: mean for key, mean in ROWS.items() if key[1] != "nie"}
    row = judge(
        "nie(y, via=m) > nde(y)",
        draws(rows=without),
        unidentified={("y", "nie", "m"): "m and y are confounded"},
    )
    assert row["verdict"] == "not_testable"
    assert row["reason"] == "nie(y, via=m) is not identified: m and y are confounded"
    assert row[["probability", "prior_probability", "bayes_factor"]].isna().all()


def test_an_effect_that_was_not_computed_is_not_testable():
    row = judge("path(y, via=direct) > 0")
    assert row["verdict"] == "not_testable"
    assert "path(y, via=direct) is not among the effects" in row["reason"]


@pytest.mark.parametrize("argument", ["horizon=2", "regime=pulse", "at={size: 0}"])
def test_a_claim_about_another_time_or_condition_is_not_answered_from_the_plain_effect(argument):
    row = judge(f"total(y, {argument}) > 0")
    assert row["verdict"] == "not_testable"
    assert f"total(y, {argument}) is not among the effects" in row["reason"]


def test_a_horizon_selects_its_own_row():
    effects = draws()
    horizons = effects["horizon"].values.copy()
    horizons[1] = "2"
    estimands = effects["estimand"].values.copy()
    estimands[1] = "total"
    effects = effects.assign_coords(horizon=("row", horizons), estimand=("row", estimands))
    expected = np.mean(effects["effect"].values[..., 1] > 0.5)
    assert judge("total(y, horizon=2) > 0.5", effects)["probability"] == expected


def test_one_reason_without_a_via_stands_for_every_path():
    row = judge("path(y, via=m) > 0", unidentified={("y", "path", ""): "there are 900 directed paths"})
    assert row["reason"] == "path(y, via=m) is not identified: there are 900 directed paths"


def test_draws_that_are_not_numbers_are_not_testable():
    effects = draws()
    effects["effect"][0, 3, 0] = np.nan
    row = judge("total(y) > 0", effects)
    assert row["verdict"] == "not_testable"
    assert "not a finite number in every draw" in row["reason"]


def test_a_prior_without_numbers_gives_a_verdict_without_a_bayes_factor():
    before = draws(seed=2, centre=0.0)
    before["effect"][0, 3, 0] = np.nan
    row = judge("total(y) > 1", prior=before)
    assert row["verdict"] in ("supported", "undecided")
    assert math.isnan(row["prior_probability"])
    assert "no Bayes factor" in row["reason"]


def test_clusters_are_found_by_label_in_any_unicode_form():
    assert judge('nie(y, via=m, cluster="cl 1, x") > 0')["probability"] > 0.9
    decomposed = "Sa\u0303o Paulo"
    assert judge(f'nie(y, via=m, cluster="{decomposed}") > 0')["probability"] < 0.5


def test_without_clusters_a_claim_means_the_sample():
    sample = row_values(draws(), "y", "total", "", "sample", "")
    assert judge("total(y) > 4", default_level="sample")["probability"] == np.mean(sample > 4)


numbers = st.floats(-4, 4, allow_nan=False).map(lambda value: round(value, 3))
terms = st.sampled_from(["total(y)", "nde(y)", "nie(y)", "nie(y, via=m, cluster='cl 1, x')"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(numbers.filter(bool), terms), min_size=1, max_size=3), numbers)
def test_a_rendered_claim_has_the_same_probability(parts, bound):
    text = " + ".join(f"{factor} * {term}" for factor, term in parts) + f" > {bound}"
    factors = {term: sum(factor for factor, other in parts if other == term) for _, term in parts}
    if all(abs(factor) < 1e-9 for factor in factors.values()):
        return
    claim = parse_claim(text, outcomes=["y"], mediators=["m"])
    again = parse_claim(render_claim(claim), outcomes=["y"], mediators=["m"])
    assert same_claim(claim, again)
    assert judge(render_claim(claim))["probability"] == judge(text)["probability"]


@settings(max_examples=30, deadline=None)
@given(terms, terms, numbers.filter(bool))
def test_a_claim_and_its_opposite_share_out_the_draws(left, right, factor):
    if left == right and factor == 1:
        return
    claim, opposite = f"{left} > {factor} * {right}", f"{left} < {factor} * {right}"
    assert judge(claim)["probability"] + judge(opposite)["probability"] == pytest.approx(1.0)


def check(text, clusters=("sialkot", "tiruppur"), *, has_clusters=True, has_population=True):
    check_claims([hypothesis(text)], clusters, has_clusters=has_clusters, has_population=has_population)


def test_known_clusters_and_levels_pass():
    check("nie(y, via=m, cluster=sialkot) > nie(y, via=m, cluster=tiruppur)")
    check("total(y, level=new) > 0")
    check("total(y) > 0", (), has_clusters=False, has_population=False)
    check("total(y, level=sample) > 0", (), has_clusters=False, has_population=False)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "total(y, cluster=sialkott) > 0",
            {},
            "hypothesis H1: the data have no cluster 'sialkott'. Did you mean 'sialkot'?",
        ),
        (
            "total(y, cluster=zzz) > 0",
            {},
            "hypothesis H1: the data have no cluster 'zzz'. The clusters are: sialkot, tiruppur.",
        ),
        (
            "total(y, level=new) > 0",
            {"has_clusters": False},
            "hypothesis H1: total(y, level=new) is about level 'new', but the analysis has no clusters. Name the "
            "column of the clusters under 'data: cluster', or claim without a level.",
        ),
        (
            "total(y) > 0",
            {"has_population": False},
            "hypothesis H1: total(y) is about level 'population', but the model has no pooling. Without pooling the "
            "clusters are not taken as drawn from a population. Write level=sample in the claim, or "
            "'pooling: partial' under 'model'.",
        ),
    ],
)
def test_clusters_and_levels_that_do_not_exist_are_refused(text, options, message):
    with pytest.raises(InputError) as caught:
        check(text, **options)
    assert str(caught.value) == message


def test_judging_leaves_the_hypotheses_as_they_are():
    one = hypothesis("total(y) > 0")
    before = dataclasses.replace(one)
    evaluate_hypotheses([one], draws(), PRIOR, {}, default_level="sample")
    assert one == before


def test_a_share_of_a_total_that_may_be_zero_is_not_testable():
    rows = {**ROWS, ("y", "total", "", "population", ""): 0.0, ("y", "prop_mediated", "m", "population", ""): 0.4}
    row = judge("prop_mediated(y, via=m) > 0.5", draws(rows=rows), draws(seed=2, rows=rows))
    assert row["verdict"] == "not_testable"
    assert "may be zero" in row["reason"]


def test_a_controlled_direct_effect_must_be_one_of_the_questions():
    claims = [hypothesis("cde(y, m=1) > 0")]
    check_claims(claims, [], has_clusters=False, has_population=False, held=["m=1"])
    with pytest.raises(InputError, match="holds values that the question does not: m=0"):
        check_claims(claims, [], has_clusters=False, has_population=False, held=["m=0"])


def test_a_reference_interaction_must_hold_every_mediator():
    claims = [hypothesis("int_ref(y, m=1) > 0")]
    check_claims(claims, [], has_clusters=False, has_population=False, held=["m=1"], references=["m=1"])
    with pytest.raises(InputError, match="does not hold all its mediators: m=1;n=2"):
        check_claims(claims, [], has_clusters=False, has_population=False, held=["m=1"], references=["m=1;n=2"])


def test_a_claim_about_a_ratio_is_judged_by_the_ratios_draws():
    rows = {**ROWS, ("y", "total", "", "population", ""): 0.4}
    posterior, prior = draws(rows=rows), draws(seed=2, rows=rows)

    def scaled(effects):
        ratio = effects.assign(effect=effects["effect"] + 1.0).assign_coords(scale=("row", ["ratio"] * effects.sizes["row"]))
        return xr.concat([effects, ratio], dim="row")

    both = evaluate_hypotheses(
        [
            hypothesis("total(y) > 0.4", "D"),
            hypothesis("total(y, scale=ratio) > 1.4", "R"),
            hypothesis("total(y, scale=odds_ratio) > 1", "O"),
        ],
        scaled(posterior),
        scaled(prior),
        {},
    ).set_index("id")
    assert both.loc["R", "probability"] == both.loc["D", "probability"]
    assert 0.2 < both.loc["R", "probability"] < 0.8
    assert both.loc["O", "reason"] == "total(y, scale=odds_ratio) is not among the effects of this analysis"

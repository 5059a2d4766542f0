"""The scorecard on panels with the paper's signs and with signs turned round, under both priors."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from causalcluster import parse_analysis, simulate
from causalcluster.cli.main import main
from causalcluster.errors import InputError
from causalcluster.model.priors import SIGN_WIDTH, draw_priors, sign_density
from causalcluster.output import write_run
from causalcluster.pipeline import analyse
from causalcluster.planning import draw_up, prepare
from causalcluster.report import render_report
from causalcluster.scorecard import collect

MADE = simulate("framework", clusters=24, rows=60, seed=4)
TURNED = MADE.table.assign(strength=-MADE.table["strength"], wage=-MADE.table["wage"])


def run(table, priors="neutral", text=MADE.analysis_text):
    return analyse(parse_analysis(text + f"model: {{priors: {priors}}}\n", path="x.yaml"), table)


@pytest.fixture(scope="module")
def straight():
    return run(MADE.table)


@pytest.fixture(scope="module")
def turned():
    return run(TURNED)


def asked(result):
    return result.scorecard[result.scorecard["verdict"] != "not applicable"].set_index("id")


def test_the_papers_signs_are_found_where_the_panel_was_drawn_with_them(straight):
    found = asked(straight)
    assert list(found.index) == ["E064", "E152", "E178", "H6"]
    assert (found["prediction"] == ["+", "+", "+", "holds"]).all()
    assert (found[["probability", "probability_neutral", "probability_framework"]] > 0.9).all(axis=None)
    assert (found["share_of_clusters"] > 0.6).all()
    assert (found["bayes_factor"] > 9.0).all()
    spread = found["tau"].dropna()
    assert len(spread) == 3
    assert (spread > 0.0).all()


def test_and_denied_where_they_were_turned_round(turned):
    found = asked(turned)
    assert (found[["probability", "probability_neutral"]] < 0.1).all(axis=None)
    assert (found["verdict_neutral"] != "supported").all()


def test_both_priors_from_one_fit_are_those_of_two_fits(turned):
    """Weighted draws against a fit under the other prior, in odds: each holds some hundred draws on the rarer side."""
    text = MADE.analysis_text.replace("concept: union_organisation_rights, ", "").replace("hypotheses: framework\n", "")
    few = TURNED.groupby("cluster").head(6)
    neutral, framework = run(few, text=text), run(few, "framework", text)
    one, other = asked(neutral), asked(framework)
    for name in one.index:
        for column in ("probability_neutral", "probability_framework"):
            left, right = one.loc[name, column], other.loc[name, column]
            assert abs(left - right) < 0.05, (name, column)
    moved = one["probability_framework"] >= one["probability_neutral"]
    assert moved.all()
    for table in (one, other):
        flips = table["verdict_neutral"] != table["verdict_framework"]
        assert list(table["flipped"] == "yes") == list(flips)
    assert asked(turned)["flipped"].isin(["yes", "no"]).all()


def test_a_flip_is_a_warning(turned):
    from causalcluster.scorecard import score_warnings

    table = turned.scorecard.assign(flipped="no")
    assert score_warnings(table) == ()
    table.loc[0, ["flipped", "verdict_neutral", "verdict_framework"]] = ["yes", "contradicted", "undecided"]
    (said,) = score_warnings(table)
    assert "rights -> strength (contradicted under the neutral prior, undecided under the paper's signs)" in said


def test_the_prior_of_a_sign_leaves_sizes_alone():
    mean, sd = np.linspace(-3.0, 3.0, 121), 0.8
    both = sign_density(mean, sd, 0.85, cdf=ndtr) + sign_density(-mean, sd, 0.85, cdf=ndtr)
    np.testing.assert_allclose(both, 2.0)
    np.testing.assert_allclose(sign_density(mean, sd, 0.5, cdf=ndtr), 1.0)
    assert sign_density(5 * SIGN_WIDTH * sd, sd, 0.85, cdf=ndtr) == pytest.approx(1.7, abs=1e-5)
    plan = draw_up(parse_analysis(MADE.analysis_text + "model: {priors: framework}\n", path="x.yaml"), MADE.table)
    priors = prepare(plan).priors
    signed = np.flatnonzero(priors.positive != 0.5)
    names = [plan.design.terms[i].name for i in signed]
    assert names == ["rights -> strength", "strength -> bargaining", "bargaining -> wage"]
    drawn = draw_priors(priors, 40_000, random_seed=1)["mean"]
    for i in signed:
        # Within the width of the change the sign is less sure: a share of about SIGN_WIDTH / 2 of the draws.
        assert (drawn[:, i] > 0.0).mean() == pytest.approx(priors.positive[i], abs=0.02)
        assert np.abs(drawn[:, i]).mean() == pytest.approx(priors.sd[i] * np.sqrt(2.0 / np.pi), rel=0.02)
    others = np.setdiff1d(np.arange(len(priors.positive)), signed)
    assert np.abs((drawn[:, others] > 0.0).mean(axis=0) - 0.5).max() < 0.02


def test_reversed_columns_turn_the_papers_sign_round():
    text = MADE.analysis_text.replace("concept: union_strength", "reversed: true, concept: union_strength")
    table = MADE.table.assign(strength=-MADE.table["strength"])
    found = asked(run(table, text=text))
    assert list(found["prediction"][:3]) == ["-", "-", "+"]
    assert (found["probability"][:3] > 0.9).all()


def test_what_cannot_be_asked_is_refused():
    bare = MADE.analysis_text.replace("hypotheses: framework\n", "")
    for concept in ("union_organisation_rights", "union_strength", "wrk_collective_bargaining", "fair_remuneration"):
        bare = bare.replace(f"concept: {concept}, ", "")
    plan = draw_up(parse_analysis(bare + "model: {priors: framework}\n", path="x.yaml"), MADE.table)
    with pytest.raises(InputError, match="the paper gives no edge of this diagram a sign"):
        prepare(plan)
    with pytest.raises(InputError, match="is 'reversed', but names no concept"):
        parse_analysis(bare.replace("label: Wage", "reversed: true, label: Wage"), path="x.yaml")


def test_several_runs_are_collected_and_shown(straight, turned, tmp_path, capsys):
    write_run(straight, tmp_path / "one")
    write_run(turned, tmp_path / "two")
    table = collect([tmp_path / "one", tmp_path / "two"])
    assert set(table["run"]) == {str(tmp_path / "one"), str(tmp_path / "two")}
    with pytest.raises(SystemExit) as stop:
        main(["scorecard", str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(tmp_path / "all.csv")])
    assert stop.value.code in (0, None)
    stored = pd.read_csv(tmp_path / "all.csv", keep_default_na=False)
    assert len(stored) == len(table)
    with pytest.raises(SystemExit) as stop:
        main(["scorecard", str(tmp_path)])
    assert stop.value.code == 2
    assert "there is no scorecard here" in capsys.readouterr().err
    page = render_report(tmp_path / "two")
    assert "What the paper expects, and what these data say" in page
    assert "which is not the treatment here" in page

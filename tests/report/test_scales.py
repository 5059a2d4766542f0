"""Ratios, grids of held mediators and four-way parts in the report."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from causalcluster.report import effect_tables, figures, forests, grids, words
from causalcluster.report.answer import find_row
from causalcluster.report.glossary import TERMS, terms_of
from causalcluster.report.load import load_run
from causalcluster.report.scales import no_effect, on_scale, ratio_scales, ratio_sentences

LABELS = {"enforcement": "Enforcement", "unions": "Trade unions"}


def with_ratios(run):
    """The run with every effect as a ratio too: its exponential."""

    def scaled(row):
        numbers = {name: np.exp(getattr(row, name)) for name in ("mean", "median", "lower", "upper")}
        return replace(row, key=replace(row.key, scale="ratio"), **numbers)

    rows = [scaled(row) for row in run.effects if row.mean is not None and row.key.level != "between_sd"]
    draws = {replace(key, scale="ratio"): np.exp(values) for key, values in run.draws.items()}
    return replace(run, effects=(*rows, *run.effects), draws={**draws, **run.draws})


def with_held(run, vias, effect="cde"):
    total = find_row(run, "log_wage", "total")
    rows = [replace(total, key=replace(total.key, effect=effect, via=via), median=0.1 * i) for i, via in enumerate(vias)]
    return replace(run, effects=(*run.effects, *rows))


@pytest.fixture(name="run", scope="module")
def _run(make_run):
    return load_run(make_run())


def test_each_scale_has_tables_of_its_own(run):
    both = with_ratios(run)
    assert ratio_scales(run, "log_wage") == ()
    assert ratio_scales(both, "log_wage") == ("ratio",)
    plain = effect_tables.effect_tables(on_scale(both, "difference"), "log_wage")
    assert plain == effect_tables.effect_tables(run, "log_wage")
    (table, *others) = effect_tables.effect_tables(on_scale(both, "ratio"), "log_wage")
    assert "as ratios (no unit; direct and indirect effect multiply to the total)" in table.caption
    assert "Probability above 1" in table.header
    assert len(others) == len(plain) - 2
    row = find_row(both, "log_wage", "total")
    assert row.key.scale == "ratio"
    assert table.rows[0][1].number == row.mean
    clusters = effect_tables.cluster_effects_table(on_scale(both, "ratio"), "log_wage")
    assert "Probability above 1" in clusters.header


def test_the_answer_says_the_ratio(run):
    assert list(ratio_sentences(run, "log_wage")) == []
    (sentence,) = ratio_sentences(with_ratios(run), "log_wage")
    assert sentence.startswith("As a ratio (1 says no effect): Total effect 1.")
    assert "; Direct effect 1." in sentence
    assert "; Through all mediators 1." in sentence


def test_no_effect_is_zero_for_differences_and_one_for_ratios():
    assert [no_effect(scale) for scale in ("difference", "ratio", "odds_ratio")] == [0.0, 1.0, 1.0]


def references_of(draw):
    """Where vertical lines stand in what a function draws."""
    import matplotlib.axes

    places, original = [], matplotlib.axes.Axes.axvline

    def noted(self, x=0, *args, **kept):
        places.append(x)
        return original(self, x, *args, **kept)

    matplotlib.axes.Axes.axvline = noted
    try:
        return draw(), places
    finally:
        matplotlib.axes.Axes.axvline = original


@pytest.mark.parametrize(("scale", "reference"), [("difference", 0.0), ("ratio", 1.0)])
def test_the_reference_line_is_that_of_the_scale(run, scale, reference):
    seen = on_scale(with_ratios(run), scale)
    overview, places = references_of(lambda: figures.draw_overview(seen, "log_wage"))
    assert places == [reference]
    assert ("as ratios" in overview.caption) == (scale == "ratio")
    drawn, places = references_of(lambda: forests.draw_forests(seen, "log_wage"))
    assert places == [reference] * len(places)
    assert drawn and places


def test_a_grid_is_drawn_over_the_values_held(run):
    held = with_held(run, ["enforcement=0", "enforcement=0.5", "enforcement=1", "unions=2"])
    ((across, lines),) = grids.find_panels(held, "log_wage")
    assert across == "enforcement"
    assert [place for place, _ in lines[""]] == [0.0, 0.5, 1.0]
    figure = grids.draw_grid(held, "log_wage")
    assert "Enforcement = 0.5: " in figure.alt
    svg = base64.b64decode(figure.source.partition(",")[2]).decode()
    assert "Enforcement held at" in svg
    assert grids.draw_grid(run, "log_wage") is None
    assert grids.draw_grid(with_held(run, ["enforcement=0"]), "log_wage") is None


def test_a_grid_of_several_mediators_has_a_line_for_each_value_of_the_others(run):
    alone = [f"enforcement={m}" for m in (0, 1, 2)] + [f"unions={k}" for k in (0, 1)]
    together = [f"enforcement={m};unions={k}" for m in (0, 1, 2) for k in (0, 1)]
    held = with_held(run, alone + together)
    panels = grids.find_panels(held, "log_wage")
    assert [(name, list(lines)) for name, lines in panels] == [
        ("enforcement", [""]),
        ("unions", [""]),
        ("enforcement", ["unions=0", "unions=1"]),
    ]
    svg = base64.b64decode(grids.draw_grid(held, "log_wage").source.partition(",")[2]).decode()
    assert "Trade unions = 1" in svg
    wide = with_held(run, [f"enforcement={m};unions={k}" for m in range(7) for k in range(6)])
    assert grids.find_panels(wide, "log_wage") == []


@pytest.mark.parametrize(
    ("effect", "via", "said"),
    [
        ("cde", "enforcement=0;unions=1", "Direct effect with Enforcement = 0 and Trade unions = 1 held fixed"),
        ("int_ref", "enforcement=0;unions=1", "Interaction against Enforcement = 0 and Trade unions = 1 (int_ref)"),
        ("int_med", "all", "Interaction with the mediators' change (int_med)"),
    ],
)
def test_names_of_held_and_four_way_effects(run, effect, via, said):
    key = replace(find_row(run, "log_wage", "total").key, effect=effect, via=via)
    assert words.effect_name(key, LABELS) == said


def test_terms_are_explained_where_they_occur(run):
    assert terms_of(run) == TERMS
    assert [name for name, _ in terms_of(with_ratios(run))[len(TERMS) :]] == ["Ratio, odds ratio"]
    four = with_held(run, ["enforcement=0;unions=0"], "int_ref")
    assert [name for name, _ in terms_of(four)[len(TERMS) :]] == ["Interactions (int_ref, int_med)"]

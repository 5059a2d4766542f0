"""What is drawn, and when nothing is."""

import dataclasses
import re
from base64 import b64decode

import numpy as np
import pytest

from causalcluster.report import chains, forests
from causalcluster.report.diagrams import draw_paths, graph_of
from causalcluster.report.figures import draw_densities, draw_overview, estimate_density, headline_rows
from causalcluster.report.load import load_run


@pytest.fixture
def run(make_run):
    return load_run(make_run(draws=60))


def svg_of(figure):
    return b64decode(figure.source.partition(",")[2]).decode()


def test_main_effects_come_in_reading_order(run):
    rows = headline_rows(run, "log_wage", "population")
    assert [(row.key.effect, row.key.via) for row in rows] == [
        ("total", ""), ("nie", "enforcement"), ("nie", "unions"), ("nie", "all"), ("nde", ""),
    ]  # fmt: skip


def test_constant_draws_have_no_density(run):
    flat = {key: np.zeros_like(draws) for key, draws in run.draws.items()}
    assert draw_densities(dataclasses.replace(run, draws=flat), "log_wage") is None
    assert chains.draw_ranks(dataclasses.replace(run, draws=flat), "log_wage") is None


def test_the_overview_says_its_numbers_in_its_alt_text(run):
    figure = draw_overview(run, "log_wage")
    assert figure.alt.startswith("Intervals of the effects on Log wage: Total effect")
    assert "Through Trade unions" in svg_of(figure)


def test_an_outcome_without_rows_has_no_figure(run):
    assert draw_overview(run, "injury") is None
    assert draw_densities(run, "injury") is None
    assert forests.draw_forests(run, "injury") == ()


def test_a_density_integrates_to_one_and_follows_its_draws():
    draws = np.random.default_rng(3).normal(1.0, 2.0, (4, 1000))
    grid = np.linspace(-10, 12, 600)
    density = estimate_density(draws, grid)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-3)
    assert grid[density.argmax()] == pytest.approx(1.0, abs=0.5)


def test_a_density_of_heavy_tails_is_right_inside_the_window():
    draws = np.random.default_rng(4).standard_cauchy((4, 5000))
    grid = np.linspace(-2, 2, 200)
    truth = 1 / (np.pi * (1 + grid**2))
    np.testing.assert_allclose(estimate_density(draws, grid), truth, atol=0.02)


@pytest.mark.parametrize(("clusters", "left_out"), [(24, 0), (40, 0), (41, 1), (230, 190)])
def test_a_forest_of_many_clusters_is_cut_in_the_middle(make_run, clusters, left_out):
    figure = forests.draw_forests(load_run(make_run(clusters=clusters, draws=30)), "log_wage")[0]
    drawn = set(re.findall(r">Cluster \d+ ?\*?<", svg_of(figure)))
    assert len(drawn) == min(clusters, forests.MAX_CLUSTERS)
    assert (f"{left_out} between them" in figure.caption) == (left_out > 0)


def test_a_forest_is_ordered_from_the_highest_total(run):
    totals = {row.key.cluster: row.median for row in run.effects if row.key.level == "cluster" and row.key.effect == "total"}
    names = re.findall(r">(Cluster \d+)(?: \*)?<", svg_of(forests.draw_forests(run, "log_wage")[0]))
    assert names == sorted(totals, key=totals.__getitem__, reverse=True)


def test_clusters_that_do_not_span_the_contrast_are_marked(run):
    figure = forests.draw_forests(run, "log_wage")[0]
    assert "Cluster 02 *" in svg_of(figure)
    assert "do not span the contrast" in figure.caption


def test_ranks_of_one_distribution_stay_in_the_band_and_others_leave_it():
    rng = np.random.default_rng(5)
    band = chains.rank_band(4, 200)
    inside = 0
    for _ in range(100):
        inside += bool((np.abs(chains.rank_differences(rng.normal(size=(4, 200)))) <= band + 1e-9).all())
    assert 87 <= inside <= 100
    shifted = rng.normal(size=(4, 200)) + np.array([[1.0], [0], [0], [0]])
    assert (np.abs(chains.rank_differences(shifted)) > band).any()


def test_one_chain_has_no_rank_plot(make_run):
    assert chains.draw_ranks(load_run(make_run(chains=1, draws=200)), "log_wage") is None


def test_the_diagram_is_in_topological_order_and_paths_leave_context_out(run):
    graph = graph_of(run.run.analysis)
    assert graph.nodes.index("law") < graph.nodes.index("enforcement") < graph.nodes.index("unions")
    assert dict(graph.layers)["size"] == "context"
    assert "Firm size" not in svg_of(draw_paths(run, "log_wage"))


def test_no_coefficient_is_drawn_where_a_part_is_not_identified(run):
    first, *rest = run.identification
    changed = dataclasses.replace(run, identification=(dataclasses.replace(first, identified=False), *rest))
    assert draw_paths(changed, "log_wage") is None


def test_a_dollar_sign_in_a_name_is_a_dollar_sign(make_run):
    run = load_run(make_run(hostile=True, clusters=10, draws=30))
    assert "$\\frac{1}{0}$" in svg_of(forests.draw_forests(run, "log_wage")[0])

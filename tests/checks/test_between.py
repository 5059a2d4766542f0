"""Associations between groups: recovered from latent means, and warned of where effects inside groups are other ones."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import analyse, parse_analysis
from causalcluster.checks.between import compare_between
from causalcluster.checks.latent_means import GroupMeans, draw_between, draw_between_units
from causalcluster.output.files import write_run
from causalcluster.report import render_report

TEXT = """
schema: causalcluster/1
data: {file: x.csv, cluster: cluster, nested_in: [country]}
nodes: {law: {layer: environment}, actor: {layer: actor}, wage: {layer: outcome}}
edges: [law -> actor, "law, actor -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [actor]}
sampling: {draws: 300, tune: 400, chains: 2}
"""


def between_only(*, clusters=30, rows=25, seed=1):
    """Return a table in which law, actor and wage go together between clusters, and not at all inside them."""
    rng = np.random.default_rng(seed)
    law, noise = rng.standard_normal(clusters), rng.standard_normal((2, clusters))
    actor = 0.9 * law + 0.8 * noise[0]
    level = np.column_stack([law, actor, 0.8 * actor + 0.1 * law + 0.3 * noise[1]])
    place = np.repeat(np.arange(clusters), rows)
    values = level[place] + rng.standard_normal((clusters * rows, 3))
    table = pd.DataFrame(values, columns=["law", "actor", "wage"])
    return table.assign(cluster=[f"c{g:02d}" for g in place], country=[f"k{g % 5}" for g in place])


@pytest.fixture(scope="module")
def result():
    return analyse(parse_analysis(TEXT, path="x.yaml"), between_only())


class TestLatentMeans:
    def test_covariance_of_true_means_is_recovered(self):
        rng = np.random.default_rng(2)
        truth = np.array([[1.0, 0.7], [0.7, 1.0]])
        error = np.diag([0.8, 0.4])
        means = rng.multivariate_normal([0, 0], truth, 400) + rng.multivariate_normal([0, 0], error, 400)
        drawn = draw_between(GroupMeans(mean=means, error=np.repeat(error[None], 400, 0)), 600, random_seed=1)
        # Standard errors of a variance of 1 + 0.8 over 400 groups are 0.13; of three of them nothing is outside.
        np.testing.assert_allclose(drawn.mean(axis=0), truth, atol=0.38)
        assert abs(drawn[:, 0, 1].mean() - np.cov(means.T)[0, 1]) < 0.05
        # Observed variances hold the errors' as well.
        assert drawn[:, 0, 0].mean() < np.var(means[:, 0]) - 0.5

    def test_units_against_the_analysis_of_variance(self):
        rng = np.random.default_rng(3)
        truth, size, units = np.array([[1.0, -0.4], [-0.4, 0.5]]), 6, 500
        own = rng.multivariate_normal([0, 0], truth, units)
        rows = own[:, None] + rng.standard_normal((units, size, 2))
        inside = rows - rows.mean(axis=1, keepdims=True)
        within = np.einsum("uti,utj->ij", inside, inside)
        away = rows.mean(axis=1) - rows.mean(axis=(0, 1))
        between = size * away.T @ away
        dof = (units - 1.0, units * (size - 1.0))
        drawn = draw_between_units(between, within, dof, size, 2000, random_seed=1)
        expected = (between / dof[0] - within / dof[1]) / size
        np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=0.02)


@pytest.mark.sampling
class TestTable:
    def test_effects_inside_are_nothing_and_associations_are_not(self, result):
        table = result.between.set_index(["effect", "via"])
        row = table.loc[("nie", "actor")]
        assert row["within_lower"] < 0.0 < row["within_upper"]
        assert abs(row["within_mean"]) < 0.05
        assert row["lower"] > 0.0
        assert row["prob_above_within"] > 0.975
        assert (table["groups"] == 30).all()
        assert (table["grouping"] == "cluster").all()

    def test_parts_add_up(self, result):
        mean = result.between.set_index(["effect", "via"])["mean"]
        assert mean["nde", ""] + mean["nie", "all"] == pytest.approx(mean["total", ""], abs=1e-9)

    def test_a_warning_gives_both_numbers(self, result):
        said = [warning for warning in result.plan.warnings if "differences between groups are no effect" in warning]
        assert any(warning.startswith("nie(wage, via=actor) is ") for warning in said)

    def test_the_same_inside_and_between_raises_none(self):
        rng = np.random.default_rng(5)
        table = between_only()
        law = np.repeat(rng.standard_normal(30), 25) + rng.standard_normal(750)
        actor = 0.5 * law + rng.standard_normal(750)
        table = table.assign(law=law, actor=actor, wage=0.4 * actor + 0.2 * law + rng.standard_normal(750))
        found = analyse(parse_analysis(TEXT, path="x.yaml"), table)
        assert not any("differences between groups" in warning for warning in found.plan.warnings)

    def test_too_few_clusters_have_no_table(self, result):
        plan = result.plan
        few = plan.moments.table.isel(cluster=slice(0, 6))
        from dataclasses import replace

        given = (plan.analysis, plan.graph, plan.design, replace(plan.moments, table=few), (0.0, 1.0))
        assert compare_between(*given, result.tree["effects"].to_dataset(), identified=[("wage", "nie", "all")]) is None

    def test_groups_and_associations_are_in_the_files_and_the_report(self, result, tmp_path):
        write_run(result, tmp_path / "out")
        effects = pd.read_csv(tmp_path / "out" / "effects.csv", keep_default_na=False)
        own = effects[(effects["level"] == "country") & (effects["effect"] == "nie") & (effects["via"] == "actor")]
        assert list(own["cluster"]) == ["k0", "k1", "k2", "k3", "k4"]
        assert (tmp_path / "out" / "between.csv").exists()
        page = render_report(tmp_path / "out")
        assert "By country: expected effects on wage in its clusters" in page
        assert "Inside and between cluster: effects on wage, and associations that are none" in page
        assert list(result.tree["posterior"]["level"].values) == ["cluster", "country"]

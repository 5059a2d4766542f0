"""Diagrams over time: moments with the past, effects at horizons, what identifies them, and what is refused."""

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import multivariate_normal

from causalcluster import analyse, parse_analysis, simulate
from causalcluster.effects.horizons import effect_values, evaluate_horizons, spectral_radius
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.errors import DataError, GraphError, UnsupportedError
from causalcluster.fitting.coefficients import coefficient_roots
from causalcluster.model.lagged import FIRST_VALUE_SD, spread_of_levels
from causalcluster.model.layer_kernel import layered_log_likelihood
from causalcluster.model.layers import layer_log_sd
from causalcluster.output.files import write_run
from causalcluster.planning import draw_up, prepare
from causalcluster.report import render_report
from causalcluster.simulation.feedback import (
    draw_feedback_slopes,
    feedback_effects,
    feedback_parameters,
)

TEXT = """
schema: causalcluster/1
data: {file: x.csv, cluster: cluster, time: year, missing: drop}
nodes:
  law: {layer: environment}
  actor: {layer: actor}
  union: {layer: actor}
  wage: {layer: outcome}
edges:
  - law -> actor
  - law, actor -> union
  - actor, union -> wage
  - law -> union @ lag 1
  - actor, wage -> wage @ lag 1
  - wage -> law @ lag 2
question:
  treatment: law
  contrast: {from: 0, to: 2}
  outcomes: [wage]
  mediators: [actor, union]
  horizons: [0, 1, 3]
"""


def panel(clusters=5, years=12, seed=1):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.standard_normal((clusters * years, 4)), columns=["law", "actor", "union", "wage"])
    return rows.assign(
        cluster=np.repeat([f"c{g}" for g in range(clusters)], years), year=np.tile(np.arange(years), clusters)
    )


@pytest.fixture(scope="module")
def asked():
    return parse_analysis(TEXT, path="x.yaml")


@pytest.fixture(scope="module")
def prepared(asked):
    plan = draw_up(asked, panel())
    return plan, prepare(plan)


class TestMoments:
    def test_as_by_shifting_inside_clusters_but_never_across_a_gap(self, asked):
        table = panel()
        table = table.drop(index=table.index[[5, 17, 40]]).sample(frac=1.0, random_state=2)
        plan = draw_up(asked, table)
        arrays, scale = prepare(plan).arrays, prepare(plan).scale
        standard = table.copy()
        for name in ("law", "actor", "union", "wage"):
            standard[name] = (table[name] - scale.shift[name]) / scale.scale[name]
        keyed = standard.set_index(["cluster", "year"])
        columns = {}
        for name, lag in (("law", 1), ("actor", 1), ("wage", 1), ("wage", 2)):
            earlier = [(cluster, year - lag) for cluster, year in keyed.index]
            columns[f"{name}@{lag}"] = keyed[name].reindex(earlier).to_numpy()
        keyed = keyed.assign(**columns)
        for k, equation in enumerate(plan.design.equations[:4]):
            names = [term.factors[0] for term in equation.terms if term.factors]
            for g, label in enumerate(arrays.clusters):
                own = keyed.loc[label].dropna(subset=names)
                x = np.column_stack([np.ones(len(own)), own[names].to_numpy()])
                part = slice(arrays.starts[k], arrays.starts[k + 1])
                np.testing.assert_allclose(arrays.sxx[g, part, part], x.T @ x, atol=1e-10)
                np.testing.assert_allclose(arrays.sxy[g, part], x.T @ own[equation.node], atol=1e-10)
                assert arrays.dof[g, k] == len(own)

    def test_periods_that_are_two_years_apart(self, asked):
        every, other = draw_up(asked, panel()), draw_up(asked, panel().assign(year=lambda rows: 2000 + 2 * rows["year"]))
        np.testing.assert_array_equal(prepare(every).arrays.sxx, prepare(other).arrays.sxx)

    def test_first_values_are_those_of_the_first_period(self, prepared):
        plan, made = prepared
        firsts = [equation for equation in plan.design.equations if equation.level == "first"]
        assert [equation.node for equation in firsts] == ["law#0", "union#0", "wage#0"]
        table = panel().groupby("cluster")["wage"].first()
        np.testing.assert_allclose(plan.moments.lags.first.sel(column="wage").values, table)
        assert np.exp(made.arrays.layers.fixed[-1]) == pytest.approx(FIRST_VALUE_SD)

    def test_first_values_owe_to_the_causes_of_their_period(self, prepared):
        plan, _ = prepared
        names = {equation.node: [term.name for term in equation.terms] for equation in plan.design.equations}
        assert names["law#0"] == ["first value of law"]
        assert names["union#0"] == ["first value of union", "law -> first value of union", "actor -> first value of union"]
        assert not any(term.varies for term in plan.design.terms if "-> first value" in term.name)

    def test_spread_of_levels_between_that_of_inside_and_of_pooled_slopes(self, prepared):
        plan, made = prepared
        table = panel()
        for name in ("law", "actor", "union", "wage"):
            table[name] = (table[name] - made.scale.shift[name]) / made.scale.scale[name]
        table["law@1"] = table.groupby("cluster")["law"].shift(1)
        table, names = table.dropna(), ["law", "actor", "law@1"]
        inside = smf.ols("union ~ law + actor + Q('law@1') + C(cluster)", table).fit().params.to_numpy()[-3:]
        pooled = smf.ols("union ~ law + actor + Q('law@1')", table).fit().params.to_numpy()[-3:]
        means = table.groupby("cluster")[["union", *names]].mean()
        apart = [(means["union"] - means[names] @ slopes).std() for slopes in (inside, pooled)]
        k = plan.design.nodes.index("union")
        assert spread_of_levels(made.arrays)[k] == pytest.approx(np.sqrt(np.prod(apart)), rel=1e-9)

    def test_likelihood_against_dense_normal_densities(self, prepared):
        plan, made = prepared
        arrays, design, rng = made.arrays, plan.design, np.random.default_rng(4)
        pairs = arrays.n_correlated * (arrays.n_correlated - 1) // 2
        values = []
        for _ in range(2):
            mean, tau = 0.3 * rng.standard_normal(len(design.terms)), rng.uniform(0.2, 0.6, len(arrays.varying))
            partial = rng.uniform(-0.2, 0.2, pairs)
            log_sigma = 0.2 * rng.standard_normal((len(arrays.clusters), 4))
            own = arrays.layers
            log_sd = layer_log_sd(log_sigma, np.zeros(0), own)
            ours = layered_log_likelihood(
                mean, tau, partial, log_sd, own.dof, own.sxx, own.sxy, own.syy, own.equation, arrays.starts, arrays.varying
            )[0]
            values.append(ours - self.dense(plan, made, mean, tau, partial, log_sigma))
        assert values[0] == pytest.approx(values[1], abs=1e-7)

    @staticmethod
    def dense(plan, made, mean, tau, partial, log_sigma):
        arrays, scale, total = made.arrays, made.scale, 0.0
        root = coefficient_roots(tau=tau[None], partial=partial[None], arrays=arrays, n_coefficients=len(plan.design.terms))[
            0
        ]
        table = panel()
        for name in ("law", "actor", "union", "wage"):
            table[name] = (table[name] - scale.shift[name]) / scale.scale[name]
        for g, label in enumerate(arrays.clusters):
            own = table[table["cluster"] == label].reset_index(drop=True)
            x, y, sd = [], [], []
            for k, equation in enumerate(plan.design.equations):
                block = np.zeros((len(own), len(mean)))
                if equation.level == "first":
                    for i, term in enumerate(equation.terms, arrays.starts[k]):
                        block[0, i] = own.loc[0, term.factors[0]] if term.factors else 1.0
                    x, y, sd = [*x, block[:1]], [*y, own[equation.node[:-2]].to_numpy()[:1]], [*sd, [FIRST_VALUE_SD]]
                    continue
                for i, term in enumerate(equation.terms, arrays.starts[k]):
                    name, _, lag = term.factors[0].partition("@") if term.factors else ("", "", "")
                    block[:, i] = own[name].shift(int(lag or 0)) if name else 1.0
                there = ~np.isnan(block).any(axis=1)
                x, y = [*x, block[there]], [*y, own[equation.node].to_numpy()[there]]
                sd.append(np.full(there.sum(), np.exp(log_sigma[g, k])))
            x, y, sd = np.concatenate(x), np.concatenate(y), np.concatenate(sd)
            total += multivariate_normal(x @ mean, x @ root @ root.T @ x.T + np.diag(sd**2)).logpdf(y)
        return total


def unrolled_sums(loop, theta, regime, horizon, outcome):
    """Return sums over the paths of the unrolled diagram, by the first mediator on them, from networkx."""
    graph = nx.DiGraph()
    for arrow in loop.arrows:
        for t in range(arrow.lag, horizon + 1):
            if arrow.target == loop.treatment and (t == 0 or regime == "sustained"):
                continue
            graph.add_edge((arrow.source, t - arrow.lag), (arrow.target, t), weight=theta[arrow.place])
    found = dict.fromkeys(("", *loop.mediators), 0.0)
    for start in range(horizon + 1 if regime == "sustained" else 1):
        if not graph.has_node((loop.treatment, start)) or not graph.has_node((outcome, horizon)):
            continue
        for path in nx.all_simple_paths(graph, (loop.treatment, start), (outcome, horizon)):
            way = next((name for name, _ in path if name in loop.mediators), "")
            found[way] += np.prod([graph.edges[edge]["weight"] for edge in pairwise(path)])
    return found


class TestHorizons:
    def test_sums_over_paths_of_the_unrolled_diagram(self, prepared):
        plan, made = prepared
        theta = np.random.default_rng(3).standard_normal(len(plan.design.terms))
        loop = made.targets.loop
        unit = 2.0 * made.scale.scale["wage"] / made.scale.scale["law"]
        values = dict(effect_values(loop, theta))
        for regime in ("sustained", "pulse"):
            for horizon in (0, 1, 3):
                sums = unrolled_sums(loop, theta, regime, horizon, "wage")
                key = ("wage", "nie", "actor", str(horizon), regime)
                assert values[key] == pytest.approx(unit * sums["actor"], rel=1e-10, abs=1e-12)
                total = values["wage", "total", "", str(horizon), regime]
                assert total == pytest.approx(unit * sum(sums.values()), rel=1e-10, abs=1e-12)
                parts = [values["wage", "nie", name, str(horizon), regime] for name in ("actor", "union")]
                direct = values["wage", "nde", "", str(horizon), regime]
                assert direct + sum(parts) == pytest.approx(total, abs=1e-12)

    def test_the_simulation_agrees(self):
        made = simulate("feedback", clusters=6, seed=1)
        plan = draw_up(parse_analysis(made.analysis_text, path="x.yaml"), made.table)
        ready = prepare(plan)
        slopes = draw_feedback_slopes(feedback_parameters(), 4, np.random.default_rng(2))
        names = {"policy -> actor": 0, "policy -> wage": 1, "actor -> wage": 2, "wage @ lag 1 -> policy": 3}
        theta = np.zeros((4, len(plan.design.terms)))
        for i, term in enumerate(plan.design.terms):
            if term.name in names:
                source = term.factors[0].partition("@")[0]
                theta[:, i] = slopes[:, names[term.name]] * ready.scale.scale[source] / ready.scale.scale[term.target]
        truth = feedback_effects(slopes)
        for (_, effect, via, horizon, regime), value in effect_values(ready.targets.loop, theta):
            np.testing.assert_allclose(value, truth[effect, via, int(horizon), regime], rtol=1e-10, atol=1e-12)

    def test_population_is_the_expectation_over_clusters(self, prepared):
        plan, made = prepared
        rng, p = np.random.default_rng(5), len(plan.design.terms)
        mean, root = 0.3 * rng.standard_normal(p), 0.08 * rng.standard_normal((p, 6))
        draws = CoefficientDraws(
            clusters=("a", "b"),
            rows=np.array([3, 1]),
            theta=np.broadcast_to(mean, (1, 60, 2, p)),
            mean=np.broadcast_to(mean, (1, 60, p)),
            root=np.broadcast_to(root, (1, 60, p, 6)),
            has_population=True,
        )
        found = evaluate_horizons(made.targets.loop, draws, random_seed=1)
        many = mean + rng.standard_normal((400_000, 6)) @ root.T
        for (outcome, effect, via, horizon, regime), value in effect_values(made.targets.loop, many):
            key = {"outcome": outcome, "estimand": effect, "via": via, "horizon": horizon, "regime": regime}
            for level, expected in (("population", value.mean()), ("between_sd", value.std())):
                mask = np.all([found[name].values == item for name, item in (*key.items(), ("level", level))], axis=0)
                # 60 sets of points, each about a tenth of the spread between clusters off: 2% is more than a standard error.
                # A spread from 256 points of a distribution with long tails is some percent too small.
                own = found["effect"].values[0, :, mask]
                assert own.mean() == pytest.approx(
                    expected, abs=(0.02 if level == "population" else 0.08) * value.std() + 1e-9
                )
                assert own.std() < 0.2 * value.std() + 1e-12

    def test_spectral_radius(self, prepared):
        plan, made = prepared
        theta = np.zeros(len(plan.design.terms))
        names = [term.name for term in plan.design.terms]
        theta[names.index("wage @ lag 1 -> wage")] = 0.7
        assert spectral_radius(made.targets.loop, theta) == pytest.approx(0.7)
        # law -> actor -> wage and, two periods on, back: a product of 0.5 over two steps.
        theta[:] = 0.0
        for name, value in (("law -> actor", 1.0), ("actor -> wage", 0.5), ("wage @ lag 2 -> law", 1.0)):
            theta[names.index(name)] = value
        assert spectral_radius(made.targets.loop, theta) == pytest.approx(np.sqrt(0.5))


class TestIdentification:
    def test_every_effect_is_identified_by_the_past(self, prepared):
        plan, _ = prepared
        assert {(v.effect, v.via) for v in plan.verdicts} == {
            ("total", ""), ("nde", ""), ("nie", "all"), ("nie", "actor"), ("nie", "union"),
        }  # fmt: skip
        assert all(v.identified and v.by == "g-formula over periods" for v in plan.verdicts)
        assert plan.verdicts[0].adjustment == ("wage @ lag 2",)
        assert any("interventional" in text for text in plan.verdicts[0].assumptions)

    @pytest.mark.parametrize(("level", "identified"), [("row", False), ("all", False), ("cluster", True)])
    def test_an_unmeasured_cause(self, level, identified):
        suffix = "" if level == "all" else f" @ {level}"
        asked = parse_analysis(f"{TEXT}unobserved: [actor <-> wage{suffix}]\n", path="x.yaml")
        verdicts = draw_up(asked, panel()).verdicts
        assert {v.identified for v in verdicts} == {identified}
        if not identified:
            assert "An unmeasured cause of actor and wage acts in every period" in verdicts[0].reason


class TestRefusals:
    def test_one_period(self, asked):
        with pytest.raises(DataError, match="one period only"):
            draw_up(asked, panel(years=1))

    def test_a_lag_that_is_too_long(self):
        text = TEXT.replace("wage -> law @ lag 2", "wage -> law @ lag 20")
        with pytest.raises(DataError, match=r"no row has a value of 'wage' 20 period\(s\) before it"):
            draw_up(parse_analysis(text, path="x.yaml"), panel())

    def test_a_circle_within_a_period_is_spelt_out(self):
        text = TEXT.replace("wage -> law @ lag 2", "wage -> law")
        with pytest.raises(GraphError, match=r"law -> actor -> wage -> law.*wage -> law @ lag 1"):
            draw_up(parse_analysis(text, path="x.yaml"), panel())

    def test_repeated_period(self, asked):
        with pytest.raises(DataError, match="cluster 'c0' has 2 rows with 'year' = 0"):
            draw_up(asked, pd.concat([panel(), panel().iloc[:1]]))

    def test_missing_values(self, asked):
        holes = panel().assign(wage=lambda rows: rows["wage"].where(rows.index != 3))
        model = replace(asked, data=replace(asked.data, missing="model"))
        with pytest.raises(UnsupportedError, match="not averaged over in an analysis with lagged edges"):
            draw_up(model, holes)


@pytest.mark.sampling
def test_a_run_from_table_to_report(tmp_path):
    made = simulate("feedback", clusters=8, seed=2)
    text = made.analysis_text + "sampling: {draws: 200, tune: 300, chains: 2}\n"
    result = analyse(parse_analysis(text, path="x.yaml"), made.table)
    write_run(result, tmp_path / "out")
    effects = pd.read_csv(tmp_path / "out" / "effects.csv", keep_default_na=False)
    assert set(effects["horizon"].astype(str)) == {"0", "1", "2", "5"}
    assert set(effects["regime"]) == {"sustained", "pulse"}
    keys = ["effect", "via", "level", "cluster", "horizon", "regime"]
    assert not effects.duplicated(keys).any()
    truth = made.truth.assign(horizon=made.truth["horizon"].astype(int))
    merged = effects.merge(truth, on=["outcome", *keys], suffixes=("", "_true"))
    assert len(merged) == len(truth)
    assert result.diagnostics.divergences == 0
    assert set(result.hypotheses["verdict"]) <= {"supported", "undecided", "contradicted"}
    page = render_report(tmp_path / "out")
    assert "horizon 5" in page

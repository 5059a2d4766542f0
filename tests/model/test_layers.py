"""Nodes that are one number in a cluster and period: against dense normal densities of the rows, and pandas."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from causalcluster import analyse, parse_analysis
from causalcluster.errors import UnsupportedError
from causalcluster.fitting.coefficients import coefficient_roots
from causalcluster.model.build import build_model
from causalcluster.model.layer_kernel import draw_layered_coefficients, layered_log_likelihood
from causalcluster.model.layers import layer_log_sd
from causalcluster.planning import draw_up, prepare

TEXT = """
schema: causalcluster/1
data: {{file: x.csv, cluster: cluster, unit: firm, time: year}}
nodes:
  law: {{layer: environment}}
  size: {{layer: context}}
  actor: {{layer: actor}}
  wage: {{layer: outcome{family}}}
edges: [law -> actor, "law, actor, size -> wage"]
question: {{treatment: law, contrast: {{from: 0, to: 1}}, outcomes: [wage], mediators: [actor]}}
model: {{time_effects: {time_effects}, varying: {varying}}}
sampling: {{draws: 200, tune: 300, chains: 2}}
"""


def asked(time_effects="none", varying="all", family=""):
    return parse_analysis(TEXT.format(time_effects=time_effects, varying=varying, family=family), path="x.yaml")


def make_panel(*, clusters=4, years=6, firms=5, thinned=0.75, seed=1, own_firms=False):
    """Return firms in cluster-years with a law and an actor of the cluster-year; ``own_firms`` gives each firm one row."""
    rng = np.random.default_rng(seed)
    rows = []
    for g in range(clusters):
        a, b, own = 0.5 + 0.3 * rng.standard_normal(), 0.4 + 0.3 * rng.standard_normal(), rng.standard_normal(firms)
        for year in range(years):
            law = rng.standard_normal()
            actor, shock = a * law + 0.7 * rng.standard_normal(), 0.8 * rng.standard_normal()
            for firm in range(firms):
                if rng.random() < thinned:
                    size = rng.standard_normal()
                    wage = 0.2 * law + b * actor + 0.3 * size + own[firm] + shock + rng.standard_normal()
                    name = f"{firm}-{year}" if own_firms else f"{firm}"
                    rows.append((f"c{g}", name, year, law, size, actor, wage))
    return pd.DataFrame(rows, columns=["cluster", "firm", "year", "law", "size", "actor", "wage"])


def project(groups):
    """Return an orthonormal basis of what is left of rows when each group's mean is taken out."""
    dummies = pd.get_dummies(groups).to_numpy(float)
    left = np.eye(len(dummies)) - dummies @ np.linalg.pinv(dummies)
    values, vectors = np.linalg.eigh(left)
    return vectors[:, values > 0.5]


def dense_log_likelihood(plan, prepared, table, point):
    """Return the log density of both equations' data, cluster coefficients integrated out, from the rows themselves."""
    design, scale = plan.design, prepared.scale
    root = coefficient_roots(
        tau=point["tau"][None], partial=point["partial"][None], arrays=prepared.arrays, n_coefficients=len(design.terms)
    )[0]
    standard = {name: (table[name] - scale.shift[name]) / scale.scale[name] for name in scale.shift if "=" not in name}
    total = 0.0
    for g, label in enumerate(prepared.arrays.clusters):
        rows = table.index[table["cluster"] == label]
        own, cells = table.loc[rows], table.loc[rows].groupby("year").head(1).index
        cell = project(np.zeros(len(cells)))
        unit = project(own["firm"] if own["firm"].duplicated().any() else np.zeros(len(own)))
        parts, noise = [], []
        for k, equation in enumerate(design.equations):
            index, basis = (cells, cell) if equation.level == "cell" else (rows, unit)
            x = np.column_stack([standard[term.factors[0]][index] for term in equation.terms])
            first = prepared.arrays.starts[k]
            block = np.zeros((basis.shape[1], len(design.terms)))
            block[:, first : first + len(equation.terms)] = basis.T @ x
            parts.append((basis.T @ standard[equation.node][index].to_numpy(), block))
            errors = np.exp(2.0 * point["log_sigma"][g, k]) * np.eye(basis.shape[1])
            if equation.shocks:
                z = basis.T @ pd.get_dummies(own["year"]).to_numpy(float)
                errors = errors + point["shock_sd"][design.shocked.index(k)] ** 2 * z @ z.T
            noise.append(errors)
        y, x = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        covariance = x @ root @ root.T @ x.T
        at = 0
        for errors in noise:
            covariance[at : at + len(errors), at : at + len(errors)] += errors
            at += len(errors)
        total += multivariate_normal(x @ point["mean"], covariance).logpdf(y)
    return total


def random_point(prepared, design, rng):
    n_pairs = prepared.arrays.n_correlated * (prepared.arrays.n_correlated - 1) // 2
    return {
        "mean": 0.3 * rng.standard_normal(len(design.terms)),
        "tau": rng.uniform(0.2, 0.8, len(prepared.arrays.varying)),
        "partial": rng.uniform(-0.5, 0.5, n_pairs),
        "log_sigma": 0.2 * rng.standard_normal((len(prepared.arrays.clusters), len(design.equations))),
        "shock_sd": rng.uniform(0.3, 1.0, len(design.shocked)),
    }


def kernel_value(prepared, point):
    arrays, own = prepared.arrays, prepared.arrays.layers
    log_sd = layer_log_sd(point["log_sigma"], point["shock_sd"], own)
    return layered_log_likelihood(
        point["mean"], point["tau"], point["partial"], log_sd, own.dof, own.sxx, own.sxy, own.syy, own.equation,
        arrays.starts, arrays.varying,
    )  # fmt: skip


class TestLikelihood:
    @pytest.mark.parametrize(
        "panel",
        [{"thinned": 1.0}, {"thinned": 0.7}, {"thinned": 0.8, "own_firms": True}],
        ids=["balanced", "unbalanced", "cross-sections"],
    )
    def test_against_dense_normal_densities(self, panel):
        table = make_panel(**panel)
        plan = draw_up(asked(), table)
        prepared, rng = prepare(plan), np.random.default_rng(3)
        assert [equation.level for equation in plan.design.equations] == ["cell", "row"]
        assert plan.design.shocked == (1,)
        first, second = random_point(prepared, plan.design, rng), random_point(prepared, plan.design, rng)
        ours = kernel_value(prepared, first)[0] - kernel_value(prepared, second)[0]
        dense = [dense_log_likelihood(plan, prepared, table, point) for point in (first, second)]
        assert ours == pytest.approx(dense[0] - dense[1], abs=1e-7)

    def test_gradients(self):
        plan = draw_up(asked(), make_panel())
        prepared, rng = prepare(plan), np.random.default_rng(5)
        point = random_point(prepared, plan.design, rng)
        arrays, own = prepared.arrays, prepared.arrays.layers
        log_sd = layer_log_sd(point["log_sigma"], point["shock_sd"], own)
        at = [point["mean"], point["tau"], point["partial"], log_sd]
        rest = (own.dof, own.sxx, own.sxy, own.syy, own.equation, arrays.starts, arrays.varying)
        gradients = layered_log_likelihood(*at, *rest)[1:]
        for k, gradient in enumerate(gradients):
            for place in [tuple(rng.integers(0, n) for n in gradient.shape) for _ in range(4)]:
                moved = [[value.copy() for value in at] for _ in range(2)]
                for sign, values in zip((1.0, -1.0), moved, strict=True):
                    values[k][place] += sign * 1e-5
                slope = (layered_log_likelihood(*moved[0], *rest)[0] - layered_log_likelihood(*moved[1], *rest)[0]) / 2e-5
                assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-5)

    def test_draws_of_coefficients_have_the_exact_conditional_moments(self):
        plan = draw_up(asked(), make_panel())
        prepared, rng = prepare(plan), np.random.default_rng(7)
        point, arrays, own = random_point(prepared, plan.design, rng), prepared.arrays, prepared.arrays.layers
        root = coefficient_roots(
            tau=point["tau"][None], partial=point["partial"][None], arrays=arrays, n_coefficients=len(plan.design.terms)
        )
        log_sd, n = layer_log_sd(point["log_sigma"], point["shock_sd"], own), 20_000
        out = np.empty((n, len(arrays.clusters), len(point["mean"])))
        noise = rng.standard_normal((n, len(arrays.clusters), root.shape[2]))
        draw_layered_coefficients(
            np.repeat(point["mean"][None], n, 0), np.repeat(root, n, 0), np.repeat(log_sd[None], n, 0), own.sxx, own.sxy,
            own.equation, arrays.starts, noise, out,
        )  # fmt: skip
        for g in range(len(arrays.clusters)):
            information, pull = np.zeros((len(point["mean"]),) * 2), np.zeros(len(point["mean"]))
            for layer, k in enumerate(own.equation):
                part, weight = slice(arrays.starts[k], arrays.starts[k + 1]), np.exp(-2.0 * log_sd[g, layer])
                size = part.stop - part.start
                information[part, part] += weight * own.sxx[g, layer, :size, :size]
                pull[part] += weight * own.sxy[g, layer, :size]
            prior = np.linalg.inv(root[0] @ root[0].T)
            covariance = np.linalg.inv(prior + information)
            mean = covariance @ (prior @ point["mean"] + pull)
            # Five standard errors of 20,000 draws.
            error = np.sqrt(np.diag(covariance) / n)
            assert (np.abs(out[:, g].mean(0) - mean) < 5.0 * error).all()
            np.testing.assert_allclose(out[:, g].var(0), np.diag(covariance), rtol=0.06)


class TestDesign:
    def test_one_observation_per_cell(self):
        table = make_panel(thinned=0.8)
        plan = draw_up(asked(), table)
        cells = table.groupby(["cluster", "year"])[["law", "actor"]].first().reset_index()
        for label, own in cells.groupby("cluster"):
            away = own[["law", "actor"]] - own[["law", "actor"]].mean()
            found = plan.moments.cells.table.sel(cluster=label, column=["law", "actor"], column_2=["law", "actor"])
            np.testing.assert_allclose(found["cross"].values, away.T @ away, rtol=1e-12)
            assert int(found["n"]) == len(own)
        assert "actor is one number in each cluster and year" in " ".join(plan.design.notes)

    def test_period_effects_need_variation_between_clusters(self):
        plan = draw_up(asked("fixed"), make_panel())
        prepared = prepare(plan)
        model = build_model(plan.design, prepared.arrays, prepared.priors)
        assert "shock_sd" in model.named_vars
        assert plan.moments.cells.table.sizes["column"] == 4 + 5

    def test_rows_without_shared_nodes_have_no_layers(self):
        table = make_panel(thinned=1.0)
        rng = np.random.default_rng(1)
        table[["law", "actor"]] += 0.01 * rng.standard_normal((len(table), 2))
        plan = draw_up(asked(), table)
        assert not plan.design.layered
        assert plan.moments.cells is None


class TestRefusals:
    def test_families(self):
        table = make_panel(own_firms=True).assign(wage=lambda rows: (rows["wage"] > 0) * 1.0)
        with pytest.raises(UnsupportedError, match="one number in each cluster and period"):
            draw_up(asked(family=", family: bernoulli"), table)

    def test_common_intercepts(self):
        with pytest.raises(UnsupportedError, match="intercepts are shared by all clusters"):
            draw_up(asked(varying="none"), make_panel(own_firms=True))


@pytest.mark.sampling
def test_a_run_from_table_to_effects():
    result = analyse(asked(), make_panel(clusters=8, years=12))
    found = result.effects.set_index(["effect", "via", "level", "cluster"])["mean"]
    assert np.isfinite(found["nie", "actor", "population", ""])
    assert "shock_sd" in result.tree["posterior"]
    assert any("predictive checks are not made" in warning for warning in result.plan.warnings)
    assert result.predictive is None

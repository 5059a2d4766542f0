"""The same model with one likelihood term per row, in plain PyMC: the oracle, and what a formula package would write."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

from tests.oracles.systems import Prepared


def standard_rows(prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Return rows on the standardised scale, with product columns named by their factors."""
    scale = prepared.scale
    out = pd.DataFrame({name: (table[name] - scale.shift[name]) / scale.scale[name] for name in scale.shift})
    for term in prepared.design.terms:
        if term.kind == "interaction":
            out[term.factors] = out[list(term.factors)].prod(axis=1)
    out["cluster"] = table["cluster"].to_numpy()
    return out


def regressors(prepared: Prepared, rows: pd.DataFrame) -> list[np.ndarray]:
    """Return one matrix of regressors per equation (row, term), centred where the design says so."""
    matrices = []
    for equation in prepared.design.equations:
        parts = []
        for term in equation.terms:
            if term.kind == "intercept":
                parts.append(np.ones(len(rows)))
                continue
            column = rows[term.factors if term.kind == "interaction" else term.factors[0]]
            if prepared.design.centred:
                column = column - column.groupby(rows["cluster"].to_numpy()).transform("mean")
            parts.append(column.to_numpy())
        matrices.append(np.column_stack(parts))
    return matrices


def correlation_root(partial: pt.TensorVariable, size: int) -> pt.TensorVariable:
    """Return the Cholesky factor of a correlation matrix, entry by entry from its definition."""
    rows = []
    position = 0
    for i in range(size):
        row, rest = [], pt.constant(1.0)
        for _ in range(i):
            row.append(partial[position] * rest)
            rest = rest * pt.sqrt(1.0 - partial[position] ** 2)
            position += 1
        rows.append(pt.stack([*row, rest, *[pt.constant(0.0)] * (size - i - 1)]))
    return pt.stack(rows)


def marginal_row_model(prepared: Prepared, table: pd.DataFrame) -> pm.Model:
    """Every cluster's rows of all equations are one multivariate normal vector: coefficients integrated out by rows.

    Cluster intercepts apart from the slopes add their variance to all pairs of rows of one equation in a cluster.
    """
    design, arrays, priors = prepared.design, prepared.arrays, prepared.priors
    rows = standard_rows(prepared, table)
    matrices = regressors(prepared, rows)
    n_eq = len(design.equations)
    with pm.Model() as model:
        mean = pm.Normal("mean", priors.mean, priors.sd)
        tau = pm.Gamma("tau", priors.tau_shape, priors.tau_rate)
        half = pm.Beta("partial", priors.partial_alpha, priors.partial_alpha)
        centre = pm.Normal("log_sigma", priors.log_sigma_mean, priors.log_sigma_sd, shape=n_eq)
        spread = pm.Gamma("sigma_spread", priors.spread_shape, priors.spread_rate, shape=n_eq)
        shape = 1.0 / (4.0 * spread**2)
        variance_of_cluster = pm.InverseGamma(
            "variance", shape, shape * pt.exp(2.0 * centre), shape=(len(arrays.clusters), n_eq)
        )
        log_sigma = 0.5 * pt.log(variance_of_cluster)
        free = design.intercepts == "separate"
        if free:
            scale = priors.intercept_scale
            intercept = pm.Normal("intercept_mean", 0.0, 2.5 * np.maximum(scale, 1.0), shape=n_eq)
            intercept_sd = pm.Gamma("intercept_sd", 2.0, 2.0 / scale, shape=n_eq)
        root = pt.zeros((len(arrays.varying), len(arrays.varying)))
        root = pt.set_subtensor(
            root[: arrays.n_correlated, : arrays.n_correlated], correlation_root(2.0 * half - 1.0, arrays.n_correlated)
        )
        for q in range(arrays.n_correlated, len(arrays.varying)):
            root = pt.set_subtensor(root[q, q], 1.0)
        root = tau[:, None] * root
        for g, label in enumerate(arrays.clusters):
            inside = (rows["cluster"] == label).to_numpy()
            n = int(inside.sum())
            big = np.zeros((n * n_eq, len(design.terms)))
            for k in range(n_eq):
                big[k * n : (k + 1) * n, arrays.starts[k] : arrays.starts[k + 1]] = matrices[k][inside]
            variance = pt.repeat(pt.exp(2.0 * log_sigma[g]), n)
            carried = big[:, arrays.varying] @ root
            covariance = carried @ carried.T + pt.diag(variance)
            location = big @ mean
            if free:
                same = np.kron(np.eye(n_eq), np.ones((n, n)))
                covariance = covariance + same * pt.repeat(intercept_sd**2, n)[:, None]
                location = location + pt.repeat(intercept, n)
            observed = np.concatenate([rows.loc[inside, node].to_numpy() for node in design.nodes])
            pm.MvNormal(f"rows_{g}", mu=location, cov=covariance, observed=observed)
    return model


def ordinary_row_model(prepared: Prepared, table: pd.DataFrame, *, centred: bool) -> pm.Model:
    """Cluster coefficients sampled, one normal term per row, an LKJ covariance: what a user writes by hand."""
    design, arrays = prepared.design, prepared.arrays
    rows = standard_rows(prepared, table)
    index = np.searchsorted(np.array(arrays.clusters), rows["cluster"].to_numpy().astype(str))
    n_eq, n_terms, n_clusters = len(design.equations), len(design.terms), len(arrays.clusters)
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0, shape=n_terms)
        chol, _, sd = pm.LKJCholeskyCov("covariance", n=n_terms, eta=1.0, sd_dist=pm.Gamma.dist(2.0, 5.0, shape=n_terms))
        pm.Deterministic("tau", sd)
        pm.Deterministic("covariance_matrix", chol @ chol.T)
        if centred:
            theta = pm.MvNormal("theta", mu=mean, chol=chol, shape=(n_clusters, n_terms))
        else:
            raw = pm.Normal("raw", shape=(n_clusters, n_terms))
            theta = pm.Deterministic("theta", mean + raw @ chol.T)
        log_sigma = pm.Normal("log_sigma", -0.5, 1.0, shape=n_eq)
        spread = pm.Gamma("sigma_spread", 2.0, 8.0, shape=n_eq)
        if centred:
            log_sigma_cluster = pm.Normal("log_sigma_cluster", log_sigma, spread, shape=(n_clusters, n_eq))
        else:
            offset = pm.Normal("log_sigma_raw", shape=(n_clusters, n_eq))
            log_sigma_cluster = log_sigma + spread * offset
        intercept = pm.Normal("intercept_mean", 0.0, 5.0, shape=n_eq)
        intercept_sd = pm.Gamma("intercept_sd", 2.0, 1.0, shape=n_eq)
        if centred:
            intercepts = pm.Normal("intercepts", intercept, intercept_sd, shape=(n_clusters, n_eq))
        else:
            intercepts = intercept + intercept_sd * pm.Normal("intercepts_raw", shape=(n_clusters, n_eq))
        for k, (equation, matrix) in enumerate(zip(design.equations, regressors(prepared, rows), strict=True)):
            coefficients = theta[:, int(arrays.starts[k]) : int(arrays.starts[k + 1])]
            location = intercepts[index, k] + (matrix * coefficients[index]).sum(axis=1)
            pm.Normal(
                f"rows of {equation.node}",
                location,
                pt.exp(log_sigma_cluster[index, k]),
                observed=rows[equation.node].to_numpy(),
            )
    return model

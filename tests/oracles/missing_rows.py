"""The likelihood of rows with missing values by brute force: every missing value of every row is summed over."""

from itertools import product

import numpy as np
import pandas as pd
from scipy import special, stats

CDFS = {"logit": special.expit, "probit": special.ndtr, "cloglog": lambda x: -np.expm1(-np.exp(x))}


def observed_log_likelihood(prepared, table, theta, sigma, parameters, thresholds) -> float:
    """Log likelihood of all that is there.

    theta (G, P) in the design's order, sigma by node (G,), parameters by (node, name), thresholds by node. Missing
    continuous values are integrated by the trapezoid rule on 301 points, discrete ones summed. Nodes that nothing
    asks about are summed over like the others: that they drop out is for the test to see.
    """
    total = 0.0
    for _, row in table.iterrows():
        g = prepared.arrays.clusters.index(row["cluster"])
        total += _row(
            prepared, row, theta[g], {node: values[g] for node, values in sigma.items()}, parameters, thresholds, g
        )
    return total


def _row(prepared, row, theta, sigma, parameters, thresholds, g):
    equations = prepared.design.equations
    nodes = {equation.node: equation for equation in equations}
    missing = [name for name in nodes if pd.isna(row[name])]
    values, steps = [], []
    for name in missing:
        grid = _grid(prepared, nodes[name], parameters)
        values.append(grid)
        steps.append(1.0 if nodes[name].family not in ("gaussian", "lognormal") else None)
    mesh = np.meshgrid(*values, indexing="ij") if missing else []
    size = mesh[0].size if missing else 1
    raw = {name: np.full(size, float(row[name])) for name in prepared.scale.shift if name not in missing}
    log_step = np.zeros(size)
    for name, column, step in zip(missing, mesh, steps, strict=True):
        own = column.ravel()
        if step is None:
            spacing = np.diff(values[missing.index(name)])[0]
            log_step += np.log(spacing)
            scale, shift = prepared.scale.scale[name], prepared.scale.shift[name]
            own = np.exp(own) if nodes[name].family == "lognormal" else own * scale + shift
        raw[name] = own
    density, start = log_step, 0
    for equation in equations:
        eta = np.zeros(size)
        for t, term in enumerate(equation.terms):
            column = np.ones(size)
            for factor in term.factors:
                column = column * (raw[factor] - prepared.scale.shift[factor]) / prepared.scale.scale[factor]
            if term.factors and prepared.design.centred and term.fixed is None:
                column = column - prepared.arrays.column_mean[term.factors][g]
            eta = eta + theta[start + t] * column
        start += len(equation.terms)
        density = density + _log_density(prepared, equation, raw[equation.node], eta, sigma, parameters, thresholds)
    return special.logsumexp(density)


def _grid(prepared, equation, parameters):
    if equation.family == "bernoulli":
        return np.array([0.0, 1.0])
    if equation.family == "ordinal":
        return np.array([1.0, 2.0, 3.0, 4.0])
    if equation.family == "binomial":
        return np.arange(7.0)
    if equation.family in ("poisson", "negative_binomial"):
        return np.arange(120.0)
    if equation.family == "lognormal":
        return np.linspace(-8.0, 8.0, 4001)
    return np.linspace(-14.0, 14.0, 301)


def _log_density(prepared, equation, raw, eta, sigma, parameters, thresholds):
    node, family, cdf = equation.node, equation.family, CDFS.get(equation.link)
    if family == "gaussian":
        y = (raw - prepared.scale.shift[node]) / prepared.scale.scale[node]
        return stats.norm.logpdf(y, eta, sigma[node])
    if family == "lognormal":
        return stats.norm.logpdf(np.log(raw), eta, parameters[node, "sd"])
    if family == "bernoulli":
        return stats.bernoulli.logpmf(raw, cdf(eta))
    if family == "binomial":
        return stats.binom.logpmf(raw, 6, cdf(eta))
    if family == "poisson":
        return stats.poisson.logpmf(raw, np.exp(eta))
    if family == "negative_binomial":
        shape = parameters[node, "shape"]
        return stats.nbinom.logpmf(raw, shape, shape / (shape + np.exp(eta)))
    edges = np.concatenate([[-np.inf], thresholds[node], [np.inf]])
    grade = raw.astype(int) - 1
    return np.log(cdf(edges[grade + 1] - eta) - cdf(edges[grade] - eta))


def normal_log_likelihood(prepared, table, theta, sigma) -> float:
    """The same for gaussian equations without products, any number of values missing, by the multivariate normal density.

    Values with a standard error in the table are measured with it.
    """
    errors = {node.name: node.se for node in prepared.analysis.nodes if node.se is not None}
    equations, total = prepared.design.equations, 0.0
    nodes = [equation.node for equation in equations]
    for _, row in table.iterrows():
        g = prepared.arrays.clusters.index(row["cluster"])
        size = len(nodes)
        slopes, constant, start = np.zeros((size, size)), np.zeros(size), 0
        for i, equation in enumerate(equations):
            for t, term in enumerate(equation.terms):
                coefficient = theta[g, start + t]
                if not term.factors:
                    constant[i] += coefficient
                    continue
                (factor,) = term.factors
                centred = prepared.design.centred and term.fixed is None
                centre = prepared.arrays.column_mean[term.factors][g] if centred else 0.0
                constant[i] -= coefficient * centre
                if factor in nodes:
                    slopes[i, nodes.index(factor)] += coefficient
                else:
                    constant[i] += coefficient * (row[factor] - prepared.scale.shift[factor]) / prepared.scale.scale[factor]
            start += len(equation.terms)
        inverse = np.linalg.inv(np.eye(size) - slopes)
        mean = inverse @ constant
        covariance = inverse @ np.diag([sigma[node][g] ** 2 for node in nodes]) @ inverse.T
        for node, se in errors.items():
            covariance[nodes.index(node), nodes.index(node)] += (row[se] / prepared.scale.scale[node]) ** 2
        there = np.array([not pd.isna(row[node]) for node in nodes])
        y = np.array([(row[node] - prepared.scale.shift[node]) / prepared.scale.scale[node] for node in nodes])
        total += stats.multivariate_normal.logpdf(y[there], mean[there], covariance[np.ix_(there, there)])
    return total


def every_pattern(names, most):
    """All sets of missing names of up to ``most`` members."""
    return [set(chosen) for size in range(1, most + 1) for chosen in product(names, repeat=size) if len(set(chosen)) == size]

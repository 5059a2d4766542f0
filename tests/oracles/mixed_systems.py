"""Small systems with families of every kind, their rows, and their log density by SciPy from the rows."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import special, stats

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.design import columns, products
from causalcluster.equations import build_design
from causalcluster.families import default_link
from causalcluster.graph import build_graph
from causalcluster.model.priors import set_priors
from causalcluster.model.row_arrays import with_rows
from causalcluster.model.standard import choose_scale, standardise
from tests.oracles.row_model import regressors, standard_rows
from tests.oracles.systems import Prepared, make_analysis, plain_moments

CDFS = {"logit": special.expit, "probit": special.ndtr, "cloglog": lambda x: -np.expm1(-np.exp(x))}


def mixed_analysis(edges: str, families: dict[str, str], **more: object) -> Analysis:
    """`make_analysis` with families by node; 'bernoulli probit' names a link too."""
    analysis = make_analysis(edges, **more)
    nodes = []
    for node in analysis.nodes:
        family, _, link = families.get(node.name, "gaussian").partition(" ")
        nodes.append(replace(node, family=family, link=link or None))
    return replace(analysis, nodes=tuple(nodes))


def with_indicators(analysis: Analysis, node: str, indicators: Sequence[str]) -> Analysis:
    """Let effects of ``node`` in the diagram be its indicators; the first one's column is its own."""
    own = {name: replace(node_by_name(analysis, name), measures=node) for name in indicators}
    measured = replace(node_by_name(analysis, node), column=indicators[0], indicators=tuple(indicators))
    nodes = tuple(measured if item.name == node else own.get(item.name, item) for item in analysis.nodes)
    edges = tuple(replace(e, origin="measurement") if e.target in own else e for e in analysis.edges)
    return replace(analysis, nodes=nodes, edges=edges)


def draw_value(family: str, link: str, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw values with a parameter of 2 wherever a family has one."""
    cdf = CDFS.get(link)
    if family == "gaussian":
        return eta + rng.standard_normal(eta.shape)
    if family == "student":
        return eta + 0.7 * rng.standard_t(5.0, eta.shape)
    if family == "lognormal":
        return np.exp(eta + 0.5 * rng.standard_normal(eta.shape))
    if family == "poisson":
        return rng.poisson(np.exp(eta)).astype(float)
    if family == "negative_binomial":
        return rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, eta.shape)).astype(float)
    if family in ("bernoulli", "binomial"):
        return rng.binomial(1 if family == "bernoulli" else 6, cdf(eta)).astype(float)
    if family == "beta":
        return np.clip(rng.beta(cdf(eta) * 5.0, (1.0 - cdf(eta)) * 5.0), 1e-6, 1.0 - 1e-6)
    levels = np.array([-1.0, 0.5, 2.0])
    return 1.0 + (rng.uniform(size=eta.shape)[:, None] > cdf(levels - eta[:, None])).sum(axis=1)


def draw_mixed_rows(analysis: Analysis, *, sizes: list[int], seed: int) -> pd.DataFrame:
    """Draw rows of a system whose slopes and intercepts vary by cluster; parents enter as they are, times small slopes."""
    rng = np.random.default_rng(seed)
    design = build_design(analysis, build_graph(analysis))
    family_of = {node.name: (node.family, node.link or default_link(node.family)) for node in analysis.nodes}
    family_of |= {equation.node: (equation.family, equation.link) for equation in design.equations}
    parts = []
    for g, size in enumerate(sizes):
        values: dict[str, np.ndarray] = {}
        for node in build_graph(analysis).nodes:
            eta = 0.2 + 0.4 * rng.normal() + np.zeros(size)
            for edge in analysis.edges:
                if edge.target == node:
                    eta = eta + (0.3 + 0.2 * rng.normal()) * values[edge.source]
            for item in analysis.interactions:
                if item.target == node:
                    eta = eta + 0.15 * np.prod([values[factor] for factor in item.factors], axis=0)
            values[node] = draw_value(*family_of[node], eta, rng)
        parts.append(pd.DataFrame(values).assign(cluster=f"c{g:02d}"))
    return pd.concat(parts, ignore_index=True)


def row_values(table: pd.DataFrame, analysis: Analysis) -> SimpleNamespace:
    """Rows as the model takes them; a binomial node has six trials."""
    labels = sorted(table["cluster"].unique())
    trials = {node.name: np.full(len(table), 6.0) for node in analysis.nodes if node.family == "binomial"}
    return SimpleNamespace(
        cluster=table["cluster"].map(labels.index).to_numpy().astype(np.int64),
        columns={node.name: table[node.name].to_numpy(dtype=float) for node in analysis.nodes},
        trials=trials,
        exposure={},
        weight=np.ones(len(table)),
    )


def prepare_mixed(analysis: Analysis, table: pd.DataFrame) -> Prepared:
    """Take an analysis and its rows to what the model reads."""
    graph = build_graph(analysis)
    design = build_design(analysis, graph)
    moments = plain_moments(table, list(columns(design)), list(products(design)))
    scale = choose_scale(moments, design)
    arrays = with_rows(standardise(moments, design, scale), design, row_values(table, analysis), scale)
    return Prepared(
        analysis=analysis,
        graph=graph,
        design=design,
        moments=moments,
        scale=scale,
        arrays=arrays,
        priors=set_priors(analysis.model, design, graph, arrays, scale),
    )


def log_likelihood(prepared: Prepared, table: pd.DataFrame, theta: np.ndarray, parameters, thresholds) -> float:
    """Log likelihood of the rows of all equations that need them, given coefficients (G, P) of all equations."""
    rows = standard_rows(prepared, table)
    labels = list(prepared.arrays.clusters)
    cluster = rows["cluster"].map(labels.index).to_numpy()
    total, start, scale = 0.0, 0, prepared.scale
    for equation, x in zip(prepared.design.equations, regressors(prepared, rows), strict=True):
        own = theta[cluster, start : start + x.shape[1]]
        start += x.shape[1]
        if equation.family != "gaussian":
            eta, y = (own * x).sum(axis=1), table[equation.node].to_numpy()
            named = {name: value for (node, name), value in parameters.items() if node == equation.node}
            if equation.family == "student":
                y = (y - scale.shift[equation.node]) / scale.scale[equation.node]
            total += _log_density(equation.family, equation.link, y, eta, named, thresholds.get(equation.node)).sum()
    return total


def _log_density(family, link, y, eta, named, thresholds):
    cdf = CDFS.get(link)
    if family in ("bernoulli", "binomial"):
        return stats.binom.logpmf(y, 1 if family == "bernoulli" else 6, cdf(eta))
    if family == "poisson":
        return stats.poisson.logpmf(y, np.exp(eta))
    if family == "negative_binomial":
        shape = named["shape"]
        return stats.nbinom.logpmf(y, shape, shape / (shape + np.exp(eta)))
    if family == "student":
        return stats.t.logpdf(y, named["nu"], eta, named["sd"])
    if family == "lognormal":
        return stats.lognorm.logpdf(y, named["sd"], scale=np.exp(eta))
    if family == "beta":
        precision = named["precision"]
        return stats.beta.logpdf(y, cdf(eta) * precision, (1 - cdf(eta)) * precision)
    edges = np.column_stack([np.zeros(len(eta)), cdf(thresholds - eta[:, None]), np.ones(len(eta))])
    return np.log(np.diff(edges, axis=1)[np.arange(len(eta)), y.astype(int) - 1])

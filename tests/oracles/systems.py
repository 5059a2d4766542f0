"""Small systems with their rows, written without the package's own simulation or moments code."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from causalcluster.analysis.records import (
    Analysis,
    Contrast,
    DataSpec,
    Edge,
    Interaction,
    ModelSpec,
    Node,
    Question,
    Sampling,
)
from causalcluster.design import Design, columns, products
from causalcluster.effects.worlds import System
from causalcluster.equations import build_design
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.model.priors import Priors, set_priors
from causalcluster.model.standard import MomentArrays, Scale, choose_scale, standardise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    analysis: Analysis
    graph: CausalGraph
    design: Design
    moments: xr.Dataset
    scale: Scale
    arrays: MomentArrays
    priors: Priors

    @property
    def system(self) -> System:
        return System(design=self.design, column_mean=self.arrays.column_mean)


def make_analysis(
    edges: str,
    *,
    treatment: str,
    mediators: tuple[str, ...],
    outcomes: tuple[str, ...],
    interactions: tuple[tuple[str, ...], ...] = (),
    fix: tuple[tuple[str, float], ...] = (),
    contrast: tuple[float, float] = (0.0, 1.0),
    cluster: str | None = "cluster",
    sampling: Sampling | None = None,
    **model: object,
) -> Analysis:
    """Build an analysis from edges written as 'a>b c>d'; an interaction is its factors, then its target."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    names = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    layers = {treatment: "environment", **dict.fromkeys(mediators, "actor"), **dict.fromkeys(outcomes, "outcome")}
    if cluster is None:
        model = {"varying": "none", **model}
    return Analysis(
        path=Path("analysis.yaml"),
        title="a test",
        data=DataSpec(file=None, cluster=cluster),
        nodes=tuple(Node(name=name, layer=layers.get(name, "context"), column=name, label=name) for name in names),
        edges=tuple(Edge(source=source, target=target) for source, target in pairs),
        interactions=tuple(Interaction(factors=tuple(factors), target=target) for *factors, target in interactions),
        question=Question(
            treatment=treatment,
            contrast=Contrast(kind="values", low=contrast[0], high=contrast[1]),
            outcomes=outcomes,
            mediators=mediators,
            fix=fix,
        ),
        model=ModelSpec(**model),
        sampling=sampling or Sampling(draws=200, tune=200, chains=2),
    )


def plain_moments(table: pd.DataFrame, names: list[str], interactions: list[tuple[str, ...]]) -> xr.Dataset:
    """Return moments by looping over clusters in NumPy; without a cluster column there is one cluster, ''."""
    table = table.copy()
    if "cluster" not in table:
        table["cluster"] = ""
    for factors in interactions:
        table[" * ".join(factors)] = table[list(factors)].prod(axis=1)
    every = [*names, *(" * ".join(factors) for factors in interactions)]
    labels = sorted(table["cluster"].unique())
    rows = {label: table.loc[table["cluster"] == label, every].to_numpy(float) for label in labels}
    mean = np.stack([rows[label].mean(axis=0) for label in labels])
    cross = np.stack([(rows[label] - m).T @ (rows[label] - m) for label, m in zip(labels, mean, strict=True)])
    return xr.Dataset(
        {
            "n": ("cluster", np.array([len(rows[label]) for label in labels])),
            "mean": (("cluster", "column"), mean),
            "cross": (("cluster", "column", "column_2"), cross),
        },
        coords={"cluster": labels, "column": every, "column_2": every},
    )


def prepare_system(analysis: Analysis, table: pd.DataFrame, *, between_only: tuple[str, ...] = ()) -> Prepared:
    """Take an analysis and its rows to what the model reads."""
    graph = build_graph(analysis)
    design = build_design(analysis, graph, between_only=between_only)
    moments = plain_moments(table, list(columns(design)), list(products(design)))
    scale = choose_scale(moments, design)
    arrays = standardise(moments, design, scale)
    return Prepared(
        analysis=analysis,
        graph=graph,
        design=design,
        moments=moments,
        scale=scale,
        arrays=arrays,
        priors=set_priors(analysis.model, design, graph, arrays, scale),
    )


def draw_rows(analysis: Analysis, *, sizes: list[int], seed: int, level: float = 3.0) -> pd.DataFrame:
    """Draw rows of a linear system with varying slopes; exogenous nodes are normal with cluster means."""
    rng = np.random.default_rng(seed)
    graph = build_graph(analysis)
    parts = []
    for g, size in enumerate(sizes):
        values: dict[str, np.ndarray] = {}
        for node in graph.nodes:
            parents = [edge.source for edge in analysis.edges if edge.target == node]
            values[node] = level + rng.normal() + rng.normal(size=size) * rng.uniform(0.6, 1.4)
            for parent in parents:
                values[node] = values[node] + (0.5 + 0.3 * rng.normal()) * values[parent]
            for item in analysis.interactions:
                if item.target == node:
                    values[node] = values[node] + (0.2 + 0.1 * rng.normal()) * np.prod(
                        [values[factor] for factor in item.factors], axis=0
                    )
        parts.append(pd.DataFrame(values).assign(cluster=f"c{g:02d}"))
    table = pd.concat(parts, ignore_index=True)
    return table if analysis.data.cluster is not None else table.drop(columns="cluster")

"""Analyses and tables for tests of the data and moments stages."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from causalcluster.analysis.records import Analysis, Contrast, DataSpec, Edge, Interaction, ModelSpec, Node, Question
from causalcluster.data import open_rows
from causalcluster.moments import reduce_rows
from causalcluster.panel import describe_panel


def analysis_of(
    file=None, *, cluster="g", time=None, missing="model", contrast=None, columns=None, context=("c",), varying="all"
) -> Analysis:
    """a -> m -> y with context nodes; ``columns`` renames node columns."""
    columns = columns or {}

    def node(name, layer):
        return Node(name=name, layer=layer, column=columns.get(name, name), label=name)

    nodes = (node("a", "environment"), node("m", "actor"), node("y", "outcome"), *(node(c, "context") for c in context))
    edges = [("a", "m"), ("a", "y"), ("m", "y")] + [(c, t) for c in context for t in ("m", "y")]
    return Analysis(
        path=Path("/study/analysis.yaml"),
        title="test",
        data=DataSpec(file=None if file is None else str(file), cluster=cluster, time=time, missing=missing),
        nodes=nodes,
        edges=tuple(Edge(source=s, target=t) for s, t in edges),
        question=Question(
            treatment="a",
            contrast=contrast or Contrast(kind="values", low=0.0, high=1.0),
            outcomes=("y",),
            mediators=("m",),
        ),
        model=ModelSpec(varying=varying),
    )


def table_of(rows=60, clusters=4, seed=0, **columns) -> pd.DataFrame:
    """A clean table with columns g, a, m, y, c."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "g": np.arange(rows) % clusters,
            "a": rng.normal(size=rows) * 2,
            "m": 1e6 + 1e3 * rng.normal(size=rows),
            "y": rng.normal(size=rows),
            "c": rng.integers(0, 5, size=rows),
        }
    )
    return frame.assign(**columns)


def with_node_columns(analysis, **columns):
    """Return the analysis with other columns for some nodes."""
    return replace(analysis, nodes=tuple(replace(n, column=columns.get(n.name, n.column)) for n in analysis.nodes))


def with_families(analysis, **nodes):
    """Return the analysis with other fields for some nodes: ``y={"family": "binomial", "trials": "n"}``, or a family's name."""
    changes = {name: {"family": given} if isinstance(given, str) else given for name, given in nodes.items()}
    return replace(analysis, nodes=tuple(replace(n, **changes.get(n.name, {})) for n in analysis.nodes))


def with_products(analysis, products):
    """Return the analysis with an interaction for each product of nodes."""
    return replace(analysis, interactions=tuple(Interaction(factors=tuple(p), target="y") for p in products))


def load_moments(analysis, frame=None):
    """Reduce the analysis' table, or a frame."""
    with open_rows(analysis, frame) as rows:
        return reduce_rows(analysis, rows)


def load_panel(analysis, frame=None):
    """Return the facts about the analysis' table, or a frame."""
    return describe_panel(analysis, load_moments(analysis, frame))

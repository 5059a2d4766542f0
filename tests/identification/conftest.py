"""Diagrams written as text, for the tests of identification."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from causalcluster.analysis.records import (
    Analysis,
    Contrast,
    DataSpec,
    Edge,
    Interaction,
    ModelSpec,
    Node,
    Question,
    Unobserved,
)


def diagram(
    text: str,
    *,
    treatment: str = "A",
    outcomes: str = "Y",
    mediators: str = "",
    fix: tuple[tuple[str, float], ...] = (),
    cluster: str | None = None,
    **model: object,
) -> Analysis:
    """Read 'A -> M -> Y; A -> Y; M <-> Y @ row; A * M -> Y' into an analysis; nodes in order of mention."""
    names: dict[str, None] = {}
    edges: dict[tuple[str, str], None] = {}
    unobserved, interactions = [], []
    for statement in filter(None, (part.strip() for part in text.split(";"))):
        if "<->" in statement:
            ends, _, level = statement.partition("@")
            left, right = (name.strip() for name in ends.split("<->"))
            unobserved.append(Unobserved(left=left, right=right, level=level.strip() or "all"))
            names |= {left: None, right: None}
        elif "*" in statement:
            factors, target = statement.split("->")
            product = tuple(name.strip() for name in factors.split("*"))
            interactions.append(Interaction(factors=product, target=target.strip()))
        else:
            chain = [name.strip() for name in statement.split("->")]
            names |= dict.fromkeys(chain)
            edges |= dict.fromkeys(pairwise(chain))
    return Analysis(
        path=Path("analysis.yaml"),
        title="",
        data=DataSpec(file="panel.csv", cluster=cluster),
        nodes=tuple(Node(name=name, layer="actor", column=name, label=name) for name in names),
        edges=tuple(Edge(source=source, target=target) for source, target in edges),
        interactions=tuple(interactions),
        unobserved=tuple(unobserved),
        question=Question(
            treatment=treatment,
            contrast=Contrast(kind="values", low=0.0, high=1.0),
            outcomes=tuple(outcomes.split()),
            mediators=tuple(mediators.split()),
            fix=fix,
        ),
        model=ModelSpec(**model),
    )


@pytest.fixture(scope="session", name="diagram")
def _diagram() -> Callable[..., Analysis]:
    return diagram

"""Names of columns inside the engine: SQL engines do not tell ``M`` from ``m``, so users' names cannot serve there."""

from causalcluster.analysis.records import Analysis, Node

CLUSTER = "cluster"
"""The cluster's label as text; '' everywhere where the analysis names no cluster column."""

UNIT = "unit"
"""The panel unit's label as text, inside its cluster."""

OUTER = "outer"
"""Stem of the labels of groups of clusters: 'outer0', 'outer1', ..."""

TIME = "time"
"""The period."""

PERIOD = "period"
"""The period's place among those of the table, from 0."""


def position_column(position: int) -> str:
    """Return the name of the numeric column at ``position``."""
    return f"x{position}"


def numeric_columns(analysis: Analysis) -> tuple[str, ...]:
    """Return the user's names of the numeric columns by position: one per node, then further ones of their own.

    A further column that several nodes share, or that is a node's own, is there once.
    """
    own = [node.column for node in analysis.nodes]
    further = [column for node in analysis.nodes for _, column in further_columns(node)]
    return (*own, *(column for column in dict.fromkeys(further) if column not in own))


def further_columns(node: Node) -> list[tuple[str, str]]:
    """Return key and user's name of every column that a node has beside its own."""
    found = (("trials", node.trials), ("exposure", node.exposure), ("se", node.se))
    return [(key, column) for key, column in found if column is not None]


def engine_column(analysis: Analysis, column: str) -> str:
    """Return the engine's name of the numeric column that the user calls ``column``."""
    return position_column(numeric_columns(analysis).index(column))

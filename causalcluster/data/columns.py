"""Names of columns inside the engine: SQL engines do not tell ``M`` from ``m``, so users' names cannot serve there."""

CLUSTER = "cluster"
"""The cluster's label as text; '' everywhere where the analysis names no cluster column."""

TIME = "time"
"""The period."""


def position_column(position: int) -> str:
    """Return the name of the numeric column at ``position``."""
    return f"x{position}"

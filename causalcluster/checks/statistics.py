"""Statistics of replicated data beside the observed ones, and how far in the tail the observed ones lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.design import Term

Floats = NDArray[np.float64]
Source = Literal["population", "own"]
EVERY = ""
"""In place of a cluster's label: all rows together."""
COLUMNS = (
    "node",
    "statistic",
    "cluster",
    "coefficients",
    "rows",
    "observed",
    "median",
    "lower",
    "upper",
    "ci_prob",
    "tail_area",
    "p_value",
    "reason",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicated:
    """One statistic of one node, S times replicated, in C clusters.

    Attributes
    ----------
    node, statistic
        What it is of, and its name.
    coefficients
        'population': replicates have coefficients drawn anew from the population of clusters, as those of a cluster not yet
        seen. 'own': those of the cluster itself.
    clusters, rows
        Labels, `EVERY` for all rows together, and numbers of rows (C,).
    observed
        (C,), or (S, C) where it depends on the draw.
    replicated
        (S, C).
    """

    node: str
    statistic: str
    coefficients: Source
    clusters: tuple[str, ...]
    rows: NDArray[np.int64]
    observed: Floats
    replicated: Floats


def correlation_name(term: Term) -> str:
    """Return the name of the correlation with a term's predictor."""
    return f"correlation with {' * '.join(term.factors)}"


def tabulate(found: Sequence[Replicated], *, ci_prob: float) -> pd.DataFrame:
    """Return one row per node, statistic and cluster: the columns of predictive.csv.

    The tail area is the share of replicates above the observed value, equal ones counted half (Gelman, Meng and Stern 1996,
    Statistica Sinica 6); the p-value is twice the smaller tail.
    """
    parts = [_table(item, ci_prob) for item in found if len(item.clusters)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True).loc[:, list(COLUMNS)]


def _table(item: Replicated, ci_prob: float) -> pd.DataFrame:
    observed = np.broadcast_to(item.observed, item.replicated.shape)
    above = (item.replicated > observed).sum(axis=0) + 0.5 * (item.replicated == observed).sum(axis=0)
    area = (above + 0.5) / (len(item.replicated) + 1.0)
    tail = (1.0 - ci_prob) / 2.0
    lower, median, upper = np.quantile(item.replicated, [tail, 0.5, 1.0 - tail], axis=0)
    return pd.DataFrame(
        {
            "node": item.node,
            "statistic": item.statistic,
            "cluster": list(item.clusters),
            "coefficients": item.coefficients,
            "rows": item.rows,
            "observed": observed.mean(axis=0),
            "median": median,
            "lower": lower,
            "upper": upper,
            "ci_prob": ci_prob,
            "tail_area": area,
            "p_value": np.minimum(1.0, 2.0 * np.minimum(area, 1.0 - area)),
            "reason": "",
        }
    )

"""Predictive checks in few numbers and in words: what the model does not reproduce, against what chance alone would show."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from causalcluster.checks.statistics import EVERY

SMALL_P = 0.05
"""A cluster whose p-value is below this counts as not reproduced."""
CHANCE = 0.01
"""Chance, over all kinds of check together, of calling one not reproduced by clusters although the model is right."""
OUTSIDE = 0.004
"""All rows together lie outside below this p-value, beyond every one of 250 replicates or more, ..."""
FAR = 2.0
"""... and so many times as far from the replicates' median as the end of their interval."""
_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGroup:
    """One statistic of one node over all clusters.

    Attributes
    ----------
    node, statistic
        Which.
    clusters
        How many were checked.
    small
        How many of them have a p-value below `SMALL_P`.
    expected
        How many would by chance.
    chance
        Probability of at least as many by chance, were clusters independent.
    together
        P-value of all rows together, or None.
    outside
        Whether all rows together lie far outside the replicates (`OUTSIDE`, `FAR`).
    worst
        Labels with the smallest p-values, smallest first, of those below `SMALL_P`.
    reproduced
        Whether neither number is beyond chance.
    """

    node: str
    statistic: str
    clusters: int
    small: int
    expected: float
    chance: float
    together: float | None
    outside: bool
    worst: tuple[str, ...]
    reproduced: bool


def summarise_checks(table: pd.DataFrame) -> tuple[CheckGroup, ...]:
    """Return one record per node and statistic of a table with the columns of predictive.csv, in its order."""
    groups = [
        (str(node), str(statistic), rows) for (node, statistic), rows in table.groupby(["node", "statistic"], sort=False)
    ]
    return tuple(_group(node, statistic, rows, CHANCE / len(groups)) for node, statistic, rows in groups)


def _group(node: str, statistic: str, rows: pd.DataFrame, bound: float) -> CheckGroup:
    from scipy.stats import binom

    every = rows[rows["cluster"] == EVERY].to_dict("records")
    by_cluster = rows[rows["cluster"] != EVERY].sort_values("p_value", kind="stable")
    small = by_cluster.loc[by_cluster["p_value"] < SMALL_P, "cluster"]
    chance = float(binom.sf(len(small) - 1, len(by_cluster), SMALL_P)) if len(by_cluster) else 1.0
    outside = any(_lies_outside(row) for row in every)
    return CheckGroup(
        node=node,
        statistic=statistic,
        clusters=len(by_cluster),
        small=len(small),
        expected=SMALL_P * len(by_cluster),
        chance=chance,
        together=float(every[0]["p_value"]) if every else None,
        outside=outside,
        worst=tuple(str(label) for label in small[:_NAMED_AT_MOST]),
        reproduced=chance >= bound and not outside,
    )


def _lies_outside(row: Mapping[Hashable, Any]) -> bool:
    away = row["observed"] - row["median"]
    end = row["upper"] if away > 0.0 else row["lower"]
    return bool(row["p_value"] < OUTSIDE and abs(away) > FAR * abs(end - row["median"]))


def describe_failures(groups: Sequence[CheckGroup]) -> tuple[str, ...]:
    """Return a sentence for every statistic that the model does not reproduce."""
    return tuple(_sentence(group) for group in groups if not group.reproduced)


def _sentence(group: CheckGroup) -> str:
    found = []
    if group.chance < CHANCE:
        found.append(
            f"in {group.small} of {group.clusters} clusters ({group.expected:.1f} expected by chance), most of all in "
            + ", ".join(map(repr, group.worst))
        )
    if group.outside:
        found.append("in all rows together" if group.clusters else "in the data")
    return f"predictive checks: the model does not reproduce {group.statistic} of {group.node} {', and '.join(found)}"

"""Predictive checks in few numbers and in words: what the model does not reproduce, against what chance alone would show."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from causalcluster.checks.statistics import EVERY

SMALL_P = 0.05
"""A cluster whose p-value is below this counts as not reproduced."""
CHANCE = 0.01
"""Chance, over all kinds of check together, of calling one not reproduced by clusters although the model is right."""
OUTSIDE = 0.004
"""P-value of all rows together below which a check is not reproduced: beyond every one of 400 replicates, or all but one."""
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

    every = rows.loc[rows["cluster"] == EVERY, "p_value"]
    by_cluster = rows[rows["cluster"] != EVERY].sort_values("p_value", kind="stable")
    small = by_cluster.loc[by_cluster["p_value"] < SMALL_P, "cluster"]
    chance = float(binom.sf(len(small) - 1, len(by_cluster), SMALL_P)) if len(by_cluster) else 1.0
    together = float(every.iloc[0]) if len(every) else None
    return CheckGroup(
        node=node,
        statistic=statistic,
        clusters=len(by_cluster),
        small=len(small),
        expected=SMALL_P * len(by_cluster),
        chance=chance,
        together=together,
        worst=tuple(str(label) for label in small[:_NAMED_AT_MOST]),
        reproduced=chance >= bound and (together is None or together >= OUTSIDE),
    )


def describe_failures(groups: Sequence[CheckGroup]) -> tuple[str, ...]:
    """Return a sentence for every statistic that the model does not reproduce."""
    return tuple(_sentence(group) for group in groups if not group.reproduced)


def _sentence(group: CheckGroup) -> str:
    found = []
    if group.small and group.chance < CHANCE:
        found.append(
            f"in {group.small} of {group.clusters} clusters ({group.expected:.1f} expected by chance), most of all in "
            + ", ".join(map(repr, group.worst))
        )
    if group.together is not None and group.together < OUTSIDE:
        found.append("in all rows together" if group.clusters else "in the data")
    return f"predictive checks: the model does not reproduce {group.statistic} of {group.node} {', and '.join(found)}"

"""Groups of clusters: the countries that they lie in, the sectors that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.data.columns import CLUSTER, OUTER
from causalcluster.data.table import Wanted
from causalcluster.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """A column whose groups hold whole clusters: its name, and the group of each cluster by label."""

    column: str
    of_cluster: Mapping[str, str]


def find_groups(frame: nw.LazyFrame[Any], wanted: Wanted, *, nested: int, where: str) -> tuple[Grouping, ...]:
    """Return the group of every cluster at each outer level, in one scan.

    Parameters
    ----------
    frame
        Complete rows with `CLUSTER` and the columns 'outer0', 'outer1', ....
    wanted
        The user's names of these; the first ``nested`` of the outer ones lie in each other, inner to outer.
    nested
        See above.
    where
        What messages call the table.

    Raises
    ------
    DataError
        A cluster is in two groups, or a group of an inner level in two of an outer one.
    """
    if not wanted.outer:
        return ()
    keys = [f"{OUTER}{k}" for k in range(len(wanted.outer))]
    found = collect_sums(frame.group_by(CLUSTER, *keys).agg(nw.len().alias("rows")))
    clusters = [str(label) for label in plain_values(found[CLUSTER])]
    levels = [[str(label) for label in plain_values(found[key])] for key in keys]
    groupings = []
    for k, column in enumerate(wanted.outer):
        key = "nested_in" if k < nested else "crossed_with"
        of_cluster = _nest(clusters, levels[k], (f"cluster ({wanted.cluster!r})", column, key), where)
        if 0 < k < nested:
            _nest(levels[k - 1], levels[k], (repr(wanted.outer[k - 1]), column, key), where)
        groupings.append(Grouping(column=column, of_cluster=of_cluster))
    return tuple(groupings)


def _nest(inner: list[str], outer: list[str], names: tuple[str, str, str], where: str) -> dict[str, str]:
    """Return the outer group of each inner one."""
    found: dict[str, str] = {}
    for small, large in sorted(zip(inner, outer, strict=True)):
        if found.setdefault(small, large) != large:
            what, column, key = names
            fix = f"Correct the labels, or leave {column!r} out of '{key}'"
            if key == "nested_in" and not what.startswith("cluster"):
                fix += "; levels that do not lie in each other go under 'crossed_with'"
            raise DataError(
                f"{what} {small!r} is in two groups of {column!r}: {found[small]!r} and {large!r}",
                where=where,
                why=f"'{key}' names groups of whole clusters",
                fix=fix,
            )
    return found

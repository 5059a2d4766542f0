"""Small cells: records that would give rows away, left out before anything is written.

A record holds the moments of the rows of one cluster in which the same values are missing.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from causalcluster.data import Counts, Rows, Survey
from causalcluster.errors import DataError
from causalcluster.moments.labels import sort_labels

REVEALING = 2
"""Up to so many rows can be read off a record's mean and cross-products."""


def keep_large(survey: Survey, min_cell: int | None) -> tuple[Survey, tuple[str, ...]]:
    """Return the survey of groups with at least ``min_cell`` rows, and the labels of clusters with a smaller group."""
    large = survey.rows >= (min_cell or 0)
    small = dict.fromkeys(str(group[0]) for group, kept in zip(survey.groups, large, strict=True) if not kept)
    kept = Survey(
        groups=tuple(group for group, is_large in zip(survey.groups, large, strict=True) if is_large),
        rows=survey.rows[large],
        complete=survey.complete[large],
        present=survey.present[large],
        minimum=survey.minimum[large],
        maximum=survey.maximum[large],
    )
    return kept, tuple(small)


def split_small(small: Iterable[str], tables: Sequence[xr.Dataset]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which clusters with a record that was left out have none in ``tables``, and which still have some."""
    left = {str(label) for table in tables for label in table["cluster"].values}
    labels = sort_labels(list(set(small)))
    return tuple(label for label in labels if label not in left), tuple(label for label in labels if label in left)


def count_without(rows: Rows, dropped: Sequence[str], columns: Sequence[str]) -> Counts:
    """Return the counts of all rows but those of the clusters ``dropped``; ``columns`` are the nodes'."""
    survey = rows.survey
    few = frozenset(dropped)
    gone = np.array([label in few for (label,) in survey.groups])
    lost = int(survey.rows[gone].sum())
    missing = dict(rows.counts.missing)
    for i, column in enumerate(columns):
        missing[column] -= lost - int(survey.present[gone, i].sum())
    return Counts(
        rows=rows.counts.rows - lost,
        clusters=rows.counts.clusters - len(dropped),
        missing=missing,
        complete=rows.counts.complete - int(survey.complete[gone].sum()),
    )


def refuse_nothing_left(survey: Survey, min_cell: int | None, where: str) -> None:
    """Raise DataError where no cluster has enough complete rows."""
    if len(survey.groups) == 0:
        few = f"every cluster has fewer than {min_cell} complete rows" if min_cell else "no row is complete"
        raise DataError(
            few,
            where=where,
            why="Nothing would be left to write",
            fix="Use a coarser 'cluster', or a smaller --min-cell" if min_cell else "Fill missing values in",
        )


def warn_about_small_records(tables: Sequence[xr.Dataset]) -> tuple[str, ...]:
    """Return a warning where a record has so few rows that it shows them."""
    small = sorted({str(label) for table in tables for label in table["cluster"].values[table["n"].values <= REVEALING]})
    if not small:
        return ()
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    return (
        f"{len(small)} cluster(s) have a record of {REVEALING} rows or fewer ({', '.join(map(repr, small[:5]))}{more}): "
        "its moments reveal these rows; --min-cell leaves such records out",
    )

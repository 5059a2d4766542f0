"""Positivity: how much of the data spans what the question sets, the contrast and the values of ``fix``."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.moments.available import available_table
from causalcluster.moments.records import Moments
from causalcluster.panel.records import Coverage, Positivity

LOW_SHARE = 0.5
"""Below this share of clusters or of rows a warning is given."""


def measure_positivity(analysis: Analysis, moments: Moments) -> Positivity:
    """Count the clusters, and their rows, whose own data reach what an intervention sets.

    A cluster spans the contrast where it has a row at or below its lower and one at or above its upper end; it spans a value
    of ``fix`` where it has rows on both sides of it, or at it. Effects in other clusters rest on the shape of the equations
    alone (Petersen, Porter, Gruber, Wang and van der Laan 2012, Statistical Methods in Medical Research 21).
    """
    table = available_table(moments)
    inside = (table["reaches_low"] & table["reaches_high"]).values
    return Positivity(
        contrast=_cover(table, inside, analysis.question.treatment, None),
        fixed=tuple(_cover(table, _holds(table, node, value), node, value) for node, value in analysis.question.fix),
    )


def _holds(table: xr.Dataset, node: str, value: float) -> NDArray[np.bool_] | None:
    """Return which clusters have rows on both sides of a value; None where the extremes are not known."""
    if "minimum" not in table or "maximum" not in table:
        return None
    low, high = table["minimum"].sel(node=node).values, table["maximum"].sel(node=node).values
    return np.asarray((low <= value) & (high >= value))


def _cover(table: xr.Dataset, spans: NDArray[np.bool_] | None, node: str, value: float | None) -> Coverage:
    rows = table["n"].values
    return Coverage(
        node=node,
        value=value,
        clusters=len(rows),
        rows=int(rows.sum()),
        clusters_spanning=None if spans is None else int(spans.sum()),
        rows_spanning=None if spans is None else int(rows[spans].sum()),
    )


def warn_about_positivity(analysis: Analysis, positivity: Positivity) -> tuple[str, ...]:
    """Return a sentence for whatever few clusters, or clusters with few of the rows, span."""
    single = analysis.data.cluster is None
    # That all rows together do not reach the contrast is said by `causalcluster.panel.variation.warn_about_clusters`.
    asked = positivity.fixed if single else (positivity.contrast, *positivity.fixed)
    return tuple(_sentence(item, single=single) for item in asked if _is_low(item))


def _is_low(item: Coverage) -> bool:
    if item.clusters_spanning is None or item.rows_spanning is None:
        return False
    return item.clusters_spanning < LOW_SHARE * item.clusters or item.rows_spanning < LOW_SHARE * item.rows


def _sentence(item: Coverage, *, single: bool) -> str:
    if single:
        return (
            f"the data of {item.node!r} do not lie on both sides of {item.value:g}, the value at which it is held: "
            "its controlled direct effect is an extrapolation"
        )
    share = 100.0 * (item.rows_spanning or 0) / item.rows
    covered = f"{item.clusters_spanning} of {item.clusters} clusters, with {share:.0f}% of the rows, have data"
    if item.value is None:
        return (
            f"low positivity: {covered} at both ends of the contrast in {item.node!r}; "
            "average effects rest on extrapolation for the others"
        )
    return (
        f"low positivity: {covered} in which {item.node!r} lies on both sides of {item.value:g}, the value at which "
        "it is held; its controlled direct effects rest on extrapolation for the others"
    )

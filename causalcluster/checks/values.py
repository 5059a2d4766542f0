"""Values that a gaussian equation takes badly, and ratios whose denominator the treatment moves.

Such values are spikes, one value that many rows share, and values far from their cluster's median in robust standard
deviations: the median absolute deviation over 0.6745, pooled over clusters (Rousseeuw and Croux 1993, JASA 88).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.data import RowTable
from causalcluster.design import Design
from causalcluster.graph import CausalGraph, descendants

Floats = NDArray[np.float64]
FAR = 6.0
"""Robust standard deviations from which a value is far: of normal ones two in a thousand million are."""
SPIKE_SHARE, SPIKE_ROWS = 0.05, 10
"""One value is a spike where at least this share of the rows have it, and so many rows."""
COLUMNS = ("node", "kind", "value", "cluster", "rows", "share", "distance")
_NORMAL = 0.6744897501960817


def flag_values(design: Design, rows: RowTable | None) -> pd.DataFrame | None:
    """Return spikes and far values of every gaussian node; None where rows were not collected or nothing is flagged.

    Returns
    -------
    pandas.DataFrame or None
        The table of values.csv: ``kind`` is spike or far; of far values the farthest of each cluster, with the number of
        such ``rows`` and the ``distance`` in robust standard deviations.
    """
    if rows is None:
        return None
    found = [
        row
        for equation in design.equations
        if equation.family == "gaussian" and equation.node in rows.columns and equation.node not in design.latent
        for row in (*_spikes(equation.node, rows), *_far(equation.node, rows))
    ]
    return pd.DataFrame(found).reindex(columns=list(COLUMNS)) if found else None


def _spikes(node: str, rows: RowTable) -> Iterator[dict[str, object]]:
    values, weight = rows.columns[node], rows.weight
    known = np.isfinite(values)
    distinct, place = np.unique(values[known], return_inverse=True)
    counts = np.bincount(place, weights=weight[known])
    total = counts.sum()
    # Where there are few values all of them are frequent: the node is discrete, not spiked.
    usual = np.median(counts)
    for k in np.flatnonzero((counts >= SPIKE_SHARE * total) & (counts >= SPIKE_ROWS) & (counts >= 5.0 * usual)):
        yield {
            "node": node, "kind": "spike", "value": float(distinct[k]), "cluster": "", "rows": int(counts[k]),
            "share": float(counts[k] / total), "distance": np.nan,
        }  # fmt: skip


def _far(node: str, rows: RowTable) -> Iterator[dict[str, object]]:
    values, weight, cluster = rows.columns[node], rows.weight, rows.cluster
    known = np.isfinite(values)
    values, weight, cluster = values[known], weight[known], cluster[known]
    away = values - _medians(values, weight, cluster, len(rows.clusters))[cluster]
    scale = _weighted_median(np.abs(away), weight) / _NORMAL
    if not scale > 0.0:
        return
    distance = np.abs(away) / scale
    for g in np.unique(cluster[distance > FAR]):
        own = (cluster == g) & (distance > FAR)
        worst = int(np.flatnonzero(own)[distance[own].argmax()])
        yield {
            "node": node, "kind": "far", "value": float(values[worst]), "cluster": rows.clusters[g],
            "rows": int(weight[own].sum()), "share": float(weight[own].sum() / weight.sum()),
            "distance": float(distance[worst]),
        }  # fmt: skip


def _medians(values: Floats, weight: Floats, cluster: NDArray[np.int64], n_clusters: int) -> Floats:
    out = np.zeros(n_clusters)
    for g in np.unique(cluster):
        own = cluster == g
        out[g] = _weighted_median(values[own], weight[own])
    return out


def _weighted_median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])


def value_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every node with flagged values, with what to do."""
    if table is None:
        return ()
    said = []
    for node, own in table.groupby("node", sort=False):
        parts = []
        for row in own[own["kind"] == "spike"].to_dict("records"):
            parts.append(f"{row['share']:.0%} of the rows are exactly {row['value']:g}")
        far = own[own["kind"] == "far"]
        if len(far):
            worst = far.sort_values("distance").to_dict("records")[-1]
            where = f" in cluster {worst['cluster']}" if worst["cluster"] else ""
            parts.append(
                f"{int(far['rows'].sum())} rows are more than {FAR:g} robust standard deviations from their median (the "
                f"farthest, {worst['value']:g}{where}, {worst['distance']:.0f} of them)"
            )
        fix = f"an alternative with 'nodes: {{{node}: {{family: student}}}}' shows whether the answer hangs on them"
        said.append(f"{node}, whose equation is gaussian (values.csv): {'; '.join(parts)}; {fix}")
    return tuple(said)


def denominator_warnings(analysis: Analysis, graph: CausalGraph) -> tuple[str, ...]:
    """Return a sentence for every mediator and outcome that is a ratio to something that the treatment moves.

    A ratio is declared by ``per``, or is a count per exposure or successes per trial whose column is another node's.
    """
    moved = {analysis.question.treatment, *descendants(graph, analysis.question.treatment)}
    columns = {node.column: node.name for node in analysis.nodes}
    said = []
    for name in (*analysis.question.mediators, *analysis.question.outcomes):
        node = node_by_name(analysis, name)
        below = node.per or columns.get(node.exposure or "") or columns.get(node.trials or "")
        if below is not None and below in moved:
            said.append(
                f"{name} is a ratio to {below}, which {analysis.question.treatment} moves: part of an effect on {name} may "
                f"be that on {below} alone; compare it with that one, or take the numerator as the outcome"
            )
    return tuple(said)

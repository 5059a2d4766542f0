"""How well indicators measure their nodes: loadings, and reliability inside clusters."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis, Node, node_by_name
from causalcluster.design import Design
from causalcluster.model.standard import MomentArrays, Scale

Floats = NDArray[np.float64]


def summarise_measurement(
    analysis: Analysis, design: Design, scale: Scale, arrays: MomentArrays, posterior: xr.Dataset, *, ci_prob: float
) -> pd.DataFrame | None:
    """Summarise the measurement of every node that has indicators, or a column with known errors.

    The reliability of a gaussian indicator is the share of its variance inside clusters that is not its own error; that of
    the sum of the gaussian ones is McDonald's omega (McDonald 1999, Test Theory). Others have no variance of an error.

    Parameters
    ----------
    analysis, design, scale, arrays
        The analysis, its equations, and what they are fitted to.
    posterior
        ``cluster_coefficient`` (chain, draw, cluster, coefficient) and ``residual_sd`` (chain, draw, cluster, equation) in
        the user's units.
    ci_prob
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame or None
        One row per indicator or such column, and one with an empty ``indicator`` for the sum of the gaussian ones: ``node``,
        ``indicator``, ``family``, ``mean``, ``sd``, ``lower``, ``upper`` of ``loading`` and ``reliability``, ``ci_prob``,
        ``reason``. None without such nodes.
    """
    rows = [
        row | {"ci_prob": ci_prob, "reason": ""}
        for node in design.latent
        if node in design.nodes
        for row in _rows(analysis, node, scale, arrays, posterior, ci_prob)
    ]
    return pd.DataFrame(rows) if rows else None


def _rows(
    analysis: Analysis, node: str, scale: Scale, arrays: MomentArrays, posterior: xr.Dataset, ci_prob: float
) -> Iterator[dict[str, object]]:
    own = node_by_name(analysis, node)
    if own.se is not None:
        yield _known(own, arrays, ci_prob)
        return
    indicators = [node_by_name(analysis, name) for name in own.indicators]
    weight = arrays.rows / arrays.rows.sum()
    loadings: list[Floats] = []
    errors: list[Floats] = []
    for item in indicators:
        # A loading is the same in every cluster.
        loading = posterior["cluster_coefficient"].sel(coefficient=f"{node} -> {item.name}").values[:, :, 0]
        row: dict[str, object] = {"node": node, "indicator": item.name, "family": item.family}
        row |= _summary("loading", loading, ci_prob)
        if item.family == "gaussian":
            variance = np.square(posterior["residual_sd"].sel(equation=item.name).values) @ weight
            row |= _summary("reliability", np.maximum(1.0 - variance / scale.scale[item.name] ** 2, 0.0), ci_prob)
            loadings, errors = [*loadings, loading], [*errors, variance]
        yield row
    if len(loadings) > 1:
        shared = np.maximum(scale.scale[node] ** 2 - errors[0], 0.0) * np.square(np.sum(loadings, axis=0))
        omega = shared / (shared + np.sum(errors, axis=0))
        yield {"node": node, "indicator": "", "family": "gaussian", **_summary("reliability", omega, ci_prob)}


def _known(node: Node, arrays: MomentArrays, ci_prob: float) -> dict[str, object]:
    """Return the row of a column whose errors are known: its reliability is a number, not a parameter."""
    assert arrays.row_equations is not None
    gaps = arrays.row_equations.gaps
    assert gaps is not None
    place = 1 + gaps.columns.index(node.name)
    precision, rows = gaps.precision[:, place, place], gaps.second[:, 0, 0]
    seen = (precision > 0.0) & (rows > 0.0)
    # Columns are in standard deviations inside clusters.
    share = max(1.0 - float(np.average(1.0 / precision[seen], weights=rows[seen])), 0.0)
    row: dict[str, object] = {"node": node.name, "indicator": node.column, "family": "gaussian"}
    return row | _summary("loading", np.ones(1), ci_prob) | _summary("reliability", np.array([share]), ci_prob)


def _summary(name: str, draws: Floats, ci_prob: float) -> dict[str, float]:
    lower, upper = np.quantile(draws, [0.5 - ci_prob / 2.0, 0.5 + ci_prob / 2.0])
    found = {"mean": draws.mean(), "sd": draws.std(), "lower": lower, "upper": upper}
    return {f"{name}_{key}": float(value) for key, value in found.items()}


def measurement_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every indicator that may have nothing to do with what it is said to measure."""
    if table is None:
        return ()
    idle = table[(table["loading_lower"] < 0.0) & (table["loading_upper"] > 0.0)]
    return tuple(
        f"the indicator '{row.indicator}' may have nothing to do with '{row.node}': its loading is between "
        f"{row.loading_lower:.3g} and {row.loading_upper:.3g}"
        for row in idle.itertuples()
    )

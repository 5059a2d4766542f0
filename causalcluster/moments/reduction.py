"""Panel -> rows, means and centred cross-products of every cluster."""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from operator import mul

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.data.central import central_moments, needed_monomials
from causalcluster.data.collection import collect
from causalcluster.data.exact_sums import GroupSums, Monomial, group_sums
from causalcluster.data.panel import CLUSTER, Panel, engine_column

Floats = NDArray[np.float64]


def reduce_panel(panel: Panel, columns: Sequence[str] | None = None, products: Sequence[Sequence[str]] = ()) -> xr.Dataset:
    """Reduce a panel to the moments that the Gaussian likelihood needs, in one query of two scans.

    Products cost one more scan, for their extremes.

    Parameters
    ----------
    panel
        The validated table.
    columns
        Nodes to keep; all by default.
    products
        Products of nodes, each a sequence of factors out of ``columns``: ('law', 'enforcement').

    Returns
    -------
    xr.Dataset
        ``n`` (cluster), ``mean`` (cluster, column), ``cross`` (cluster, column, column_2), the sums of squares
        and products around the cluster's means, ``minimum`` and ``maximum`` (cluster, column), in the user's
        units. Products are of the raw columns and are called 'law * enforcement'. Same rows, same bits: the
        order of rows, the engine and its threads do not matter.

    Notes
    -----
    With x = m + r z, z scaled into [-1/2, 1/2] inside the cluster, a product of raw columns is a polynomial
    in the z: x1 x2 = m1 m2 + m1 r2 z2 + m2 r1 z1 + r1 r2 z1 z2. So the raw product, which may be 1e18 with a
    spread of 1, is formed for its extremes alone; its moments are algebra on those of z1, z2 and z1 z2.
    """
    nodes = list(panel.nodes if columns is None else columns)
    factors = [tuple(nodes.index(name) for name in product) for product in products]
    terms = [(i,) for i in range(len(nodes))] + factors
    basis = _basis(terms)
    sums = group_sums(
        panel.frame,
        key=CLUSTER,
        columns=[engine_column(panel, node) for node in nodes],
        monomials=needed_monomials(basis),
        most_rows=max(rows for _, rows in panel.clusters),
    )
    order = [sums.labels.index(label) for label, _ in panel.clusters]
    scaled_mean, scaled_cross = central_moments(sums, basis)
    mean, cross = _raw_moments(terms, basis, sums, scaled_mean, scaled_cross)
    low, high = _extremes(panel, nodes, factors, sums)
    names = nodes + [" * ".join(product) for product in products]
    return xr.Dataset(
        {
            "n": ("cluster", sums.rows[order]),
            "mean": (("cluster", "column"), mean[order]),
            "cross": (("cluster", "column", "column_2"), cross[order]),
            "minimum": (("cluster", "column"), low[order]),
            "maximum": (("cluster", "column"), high[order]),
        },
        coords={"cluster": [label for label, _ in panel.clusters], "column": names, "column_2": names},
    )


def pooled_mean(moments: xr.Dataset) -> xr.DataArray:
    """Return the mean over all rows (column,)."""
    # Around one cluster's mean, so that a large common level costs no digits.
    base = moments["mean"].isel(cluster=0, drop=True)
    offset = (moments["n"] * (moments["mean"] - base)).sum("cluster") / moments["n"].sum()
    pooled: xr.DataArray = base + offset
    return pooled


def pooled_within_sd(moments: xr.Dataset) -> xr.DataArray:
    """Return the standard deviation inside clusters (column,), pooled over ``rows - clusters``.

    It is 0 where every cluster has one row.
    """
    cross = moments["cross"].sum("cluster").transpose("column", "column_2").values
    dof = max(int((moments["n"] - 1).sum()), 1)
    return xr.DataArray(np.sqrt(np.diagonal(cross) / dof), dims=("column",), coords={"column": moments["column"].values})


def _basis(terms: Sequence[Monomial]) -> list[Monomial]:
    """Return every product of scaled columns that an expanded term holds, short ones first."""
    sizes = [(term, size) for term in terms for size in range(1, len(term) + 1)]
    parts = {tuple(sorted(part)) for term, size in sizes for part in combinations(term, size)}
    return sorted(parts, key=lambda part: (len(part), part))


def _raw_moments(
    terms: Sequence[Monomial], basis: Sequence[Monomial], sums: GroupSums, mean: Floats, cross: Floats
) -> tuple[Floats, Floats]:
    """Map moments of scaled products (group, basis) to moments of raw terms (group, term)."""
    middle, spread = sums.middle, sums.spread
    groups = len(sums.labels)
    transform, constant = np.zeros((groups, len(terms), len(basis))), np.empty((groups, len(terms)))
    position = {part: i for i, part in enumerate(basis)}
    for t, term in enumerate(terms):
        constant[:, t] = np.prod(middle[:, list(term)], axis=1)
        places = range(len(term))
        for chosen in (c for size in range(1, len(term) + 1) for c in combinations(places, size)):
            weight = np.ones(groups)
            for place in places:
                weight *= spread[:, term[place]] if place in chosen else middle[:, term[place]]
            transform[:, t, position[tuple(sorted(term[place] for place in chosen))]] += weight
    raw_mean = constant + np.einsum("gtb,gb->gt", transform, mean)
    raw_cross = np.einsum("gtb,gbc,guc->gtu", transform, cross, transform)
    return raw_mean, 0.5 * (raw_cross + raw_cross.transpose(0, 2, 1))


def _extremes(panel: Panel, nodes: Sequence[str], factors: Sequence[Monomial], sums: GroupSums) -> tuple[Floats, Floats]:
    """Return minimum and maximum of nodes and raw products (group, column)."""
    if not factors:
        return sums.minimum, sums.maximum
    products = [reduce(mul, (nw.col(engine_column(panel, nodes[i])) for i in term)) for term in factors]
    rows = panel.frame.select(CLUSTER, *(product.alias(f"p{j}") for j, product in enumerate(products)))
    lows = [nw.col(f"p{j}").min().alias(f"low{j}") for j in range(len(factors))]
    highs = [nw.col(f"p{j}").max().alias(f"high{j}") for j in range(len(factors))]
    found = collect(rows.group_by(CLUSTER).agg(*lows, *highs))
    place = {str(label): i for i, label in enumerate(found[CLUSTER].to_list())}
    order = [place[label] for label in sums.labels]
    low = np.array([found[f"low{j}"].to_list() for j in range(len(factors))], dtype=float).T[order]
    high = np.array([found[f"high{j}"].to_list() for j in range(len(factors))], dtype=float).T[order]
    return np.hstack([sums.minimum, low]), np.hstack([sums.maximum, high])

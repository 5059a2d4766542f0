"""Rows -> moments: counts, means and centred cross-products of every cluster."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.data import CLUSTER, Rows, Survey, position_column, survey_rows
from causalcluster.moments.available import available_columns
from causalcluster.moments.central import central_moments, needed_monomials
from causalcluster.moments.compensated import two_sum
from causalcluster.moments.contrast import add_reach, resolve_contrast
from causalcluster.moments.disclosure import count_without, keep_large, refuse_nothing_left, split_small
from causalcluster.moments.exact_sums import GroupSums, group_sums, rows_changed
from causalcluster.moments.labels import sort_labels
from causalcluster.moments.patterns import PATTERN, count_records, mark_patterns
from causalcluster.moments.products import Monomial, expand_products
from causalcluster.moments.records import Column, Moments, Pattern, product_name

Floats = NDArray[np.float64]


def reduce_rows(analysis: Analysis, rows: Rows, *, min_cell: int | None = None) -> Moments:
    """Reduce rows to the moments of all nodes and of the products that the analysis names.

    Under ``missing: model`` rows with missing values are reduced too, by pattern.

    One scan; where values are missing, one more for the extremes of the complete rows, and two more where the
    incomplete ones are kept.

    Parameters
    ----------
    analysis
        The analysis.
    rows
        From `causalcluster.data.open_rows`.
    min_cell
        Leave out records (of one cluster and one pattern of missing values) with fewer rows.

    Returns
    -------
    Moments

    Raises
    ------
    DataError
        Every record of complete rows has fewer than ``min_cell`` rows, or the table changed after the first survey.
    """
    names = tuple(node.name for node in analysis.nodes)
    products, treatment = analysis_products(analysis), analysis.question.treatment
    whole = rows.counts.complete == rows.counts.rows
    survey = rows.survey if whole else _survey_again(rows.complete, rows, rows.counts.complete, len(names), (CLUSTER,))
    survey, small = keep_large(survey, min_cell)
    refuse_nothing_left(survey, min_cell, rows.name)
    complete = rows.complete.filter(~nw.col(CLUSTER).is_in(small)) if small else rows.complete
    table = reduce_frame(complete, survey, names, products, name=rows.name)
    column = position_column(names.index(treatment))
    columns = tuple(node.column for node in analysis.nodes)
    counts = count_without(rows, small, columns)
    incomplete: tuple[Pattern, ...] = ()
    known, treated, n_treated = table, complete, int(table["n"].sum())
    if analysis.data.missing == "model" and not whole:
        incomplete, more = reduce_incomplete(rows, names, products, min_cell)
        small, counts = small + more, count_records(analysis, table, incomplete)
        known = available_columns([treatment], table, incomplete)
        treated = rows.frame.filter(~nw.col(column).is_null())
        n_treated = int(rows.survey.present[:, names.index(treatment)].sum())
    ends = resolve_contrast(analysis.question.contrast, treatment, known, treated, column, n_treated)
    dropped, thinned = split_small(small, [table, *(pattern.table for pattern in incomplete)])
    return Moments(
        table=add_reach(table, treatment, ends),
        incomplete=tuple(
            pattern if treatment in pattern.missing else replace(pattern, table=add_reach(pattern.table, treatment, ends))
            for pattern in incomplete
        ),
        columns=tuple(Column(node=node.name, column=node.column) for node in analysis.nodes),
        products=products,
        counts=counts,
        asked=analysis.question.contrast,
        contrast=ends,
        treatment=treatment,
        cluster_column=analysis.data.cluster,
        time_column=analysis.data.time,
        missing=analysis.data.missing,
        name=rows.name,
        file=rows.file,
        fingerprint=rows.fingerprint or _hash_moments(table),
        min_cell=min_cell,
        dropped=dropped,
        n_dropped=len(dropped),
        thinned=thinned,
        n_thinned=len(thinned),
    )


def reduce_incomplete(
    rows: Rows, nodes: Sequence[str], products: Sequence[tuple[str, ...]], min_cell: int | None
) -> tuple[tuple[Pattern, ...], tuple[str, ...]]:
    """Reduce the rows with missing values by pattern; returns also the clusters with a record that is too small."""
    marked, gaps = mark_patterns(rows, nodes)
    keys = (CLUSTER, PATTERN)
    every = _survey_again(marked, rows, rows.counts.rows - rows.counts.complete, len(nodes), keys)
    survey, small = keep_large(every, min_cell)
    if not survey.groups:
        return (), small
    kept = sorted({int(code) for _, code in survey.groups})
    tables = reduce_groups(marked.filter(nw.col(PATTERN).is_in(kept)), survey, nodes, products, keys=keys, name=rows.name)
    patterns = []
    for (code,), table in tables.items():
        missing = tuple(node for k, node in enumerate(gaps) if int(code) >> k & 1)
        present = [node for node in nodes if node not in missing]
        there = present + [product_name(p) for p in products if not set(p) & set(missing)]
        patterns.append(Pattern(missing=missing, table=table.sel(column=there, column_2=there, node=present)))
    return tuple(patterns), small


def _survey_again(frame: nw.LazyFrame[Any], rows: Rows, expected: int, columns: int, keys: Sequence[str]) -> Survey:
    """Survey some of the rows; raise DataError where they are not as many as the first survey found."""
    survey = survey_rows(frame, columns=columns, keys=keys)
    if int(survey.rows.sum()) != expected:
        raise rows_changed(expected, int(survey.rows.sum()), rows.name)
    return survey


def analysis_products(analysis: Analysis) -> tuple[tuple[str, ...], ...]:
    """Return the distinct products of nodes among the analysis' interactions."""
    return tuple(dict.fromkeys(interaction.factors for interaction in analysis.interactions))


def reduce_frame(
    frame: nw.LazyFrame[Any],
    survey: Survey,
    nodes: Sequence[str],
    products: Sequence[Sequence[str]] = (),
    *,
    name: str = "the table",
) -> xr.Dataset:
    """Reduce typed rows without missing values, in one scan.

    Parameters
    ----------
    frame
        The text column `CLUSTER` and one Float64 column per node, ``x0``, ``x1``, ...
    survey
        Of the same rows by cluster.
    nodes
        Names of these columns.
    products
        Products of nodes, each a sequence of factors: ('law', 'enforcement').
    name
        What messages call the table.

    Returns
    -------
    xr.Dataset
        ``n``, ``mean``, ``mean_rest``, ``reference``, ``cross``, ``minimum`` and ``maximum`` as in `Moments`. Same
        rows, same bits: the order of rows, the engine and its threads do not matter.

    Notes
    -----
    With x = m + r z, z scaled into [-1/2, 1/2] inside the cluster, and c the cluster's mean, a product of deviations
    is a polynomial in the z: (x1 - c1)(x2 - c2) = d1 d2 + d1 r2 z2 + d2 r1 z1 + r1 r2 z1 z2 with d = m - c. So the
    raw product, which may be 1e18 with a spread of 1, is never formed.
    """
    (table,) = reduce_groups(frame, survey, nodes, products, keys=(CLUSTER,), name=name).values()
    return table


def reduce_groups(
    frame: nw.LazyFrame[Any],
    survey: Survey,
    nodes: Sequence[str],
    products: Sequence[Sequence[str]],
    *,
    keys: Sequence[str],
    name: str,
) -> dict[tuple[Any, ...], xr.Dataset]:
    """Return a table as in `reduce_frame` for each value of the keys after the first, which is the cluster.

    A column is present in all rows of a group or in none; moments of an absent one are without meaning.
    """
    terms = _terms(nodes, products)
    basis = _basis(terms)
    sums = group_sums(frame, survey, keys=keys, monomials=needed_monomials(basis), name=name)
    mean, rest, cross = _term_moments(terms, basis, sums, *central_moments(sums, basis))
    reference = np.where([len(term) == 1 for term in terms], mean, 0.0)
    names = [*nodes, *(product_name(tuple(product)) for product in products)]
    groups: dict[tuple[Any, ...], dict[str, int]] = {}
    for g, group in enumerate(survey.groups):
        groups.setdefault(group[1:], {})[str(group[0])] = g
    tables = {}
    for key, places in sorted(groups.items()):
        labels = sort_labels(list(places))
        order = [places[label] for label in labels]
        tables[key] = xr.Dataset(
            {
                "n": ("cluster", survey.rows[order]),
                "mean": (("cluster", "column"), mean[order]),
                "mean_rest": (("cluster", "column"), rest[order]),
                "reference": (("cluster", "column"), reference[order]),
                "cross": (("cluster", "column", "column_2"), cross[order]),
                "minimum": (("cluster", "node"), survey.minimum[order]),
                "maximum": (("cluster", "node"), survey.maximum[order]),
            },
            coords={"cluster": labels, "column": names, "column_2": names, "node": list(nodes)},
        )
    return tables


def _terms(nodes: Sequence[str], products: Sequence[Sequence[str]]) -> list[Monomial]:
    factors = [tuple(sorted(nodes.index(name) for name in product)) for product in products]
    return [(i,) for i in range(len(nodes))] + factors


def _hash_moments(table: xr.Dataset) -> str:
    """Hash what the rows came to: the same for every engine and order of rows."""
    digest = hashlib.sha256("\0".join(str(label) for label in table["cluster"].values).encode())
    for name in ("n", "mean", "cross", "minimum", "maximum"):
        digest.update(np.ascontiguousarray(table[name].values.astype("<f8")).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _basis(terms: Sequence[Monomial]) -> list[Monomial]:
    """Return every product of scaled columns that an expanded term holds, short ones first."""
    sizes = [(term, size) for term in terms for size in range(1, len(term) + 1)]
    parts = {tuple(sorted(part)) for term, size in sizes for part in combinations(term, size)}
    return sorted(parts, key=lambda part: (len(part), part))


def _term_moments(
    terms: Sequence[Monomial], basis: Sequence[Monomial], sums: GroupSums, mean: Floats, cross: Floats
) -> tuple[Floats, Floats, Floats]:
    """Map moments of scaled products (group, basis) to means, their rests and cross-products of the terms (group, term).

    The first terms are the nodes; each product is of its factors' deviations from their means.
    """
    nodes = slice(0, sums.middle.shape[1])
    node_mean, node_rest = two_sum(sums.middle, sums.spread * mean[:, nodes])
    weights, constant = expand_products(terms, basis, two_sum(sums.middle, -node_mean), sums.spread)
    term_mean, lost = two_sum(constant[0], np.einsum("gtb,gb->gt", weights, mean))
    rest = lost + constant[1]
    term_mean[:, nodes], rest[:, nodes] = node_mean, node_rest
    term_cross = np.einsum("gtb,gbc,guc->gtu", weights, cross, weights)
    return term_mean, rest, 0.5 * (term_cross + term_cross.transpose(0, 2, 1))

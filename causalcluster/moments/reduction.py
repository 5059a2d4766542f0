"""Rows -> moments: counts, means and centred cross-products of every cluster."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.data import CLUSTER, Rows, Survey, position_column, survey_rows
from causalcluster.errors import UnsupportedError
from causalcluster.moments.available import available_columns
from causalcluster.moments.contrast import add_reach, resolve_contrast
from causalcluster.moments.disclosure import count_without, keep_large, refuse_nothing_left, split_small
from causalcluster.moments.exact_sums import rows_changed
from causalcluster.moments.grouped import reduce_frame, reduce_groups
from causalcluster.moments.lags import reduce_lags
from causalcluster.moments.panel import add_panel_effects
from causalcluster.moments.patterns import PATTERN, absent_names, count_records, mark_patterns
from causalcluster.moments.records import Column, LagMoments, Moments, Pattern, product_name


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
    panel = add_panel_effects(analysis, table, complete, survey, rows, gaps=not whole)
    table = panel.table
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
        periods=panel.periods,
        cells=panel.cells,
        lags=_reduce_lags(analysis, rows, table, gaps=not whole),
        groups=rows.groups,
    )


def _reduce_lags(analysis: Analysis, rows: Rows, table: xr.Dataset, *, gaps: bool) -> LagMoments | None:
    if gaps and analysis.data.missing == "model" and any(edge.lag for edge in analysis.edges):
        raise UnsupportedError(
            "values are missing, and missing values are not averaged over in an analysis with lagged edges",
            where=f"{analysis.path}: data: missing",
            fix="Set 'missing: drop' under 'data' (a lag then reaches no row that was left out), or draw no lags",
        )
    return reduce_lags(analysis, rows, [str(label) for label in table["cluster"].values])


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
        missing = tuple(absent_names(int(code), gaps))
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


def _hash_moments(table: xr.Dataset) -> str:
    """Hash what the rows came to: the same for every engine and order of rows."""
    digest = hashlib.sha256("\0".join(str(label) for label in table["cluster"].values).encode())
    for name in ("n", "mean", "cross", "minimum", "maximum"):
        digest.update(np.ascontiguousarray(table[name].values.astype("<f8")).tobytes())
    return f"sha256:{digest.hexdigest()}"

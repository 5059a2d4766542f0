"""Moments of several tables to those of their rows together."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.data import Counts
from causalcluster.errors import DataError
from causalcluster.moments.compensated import Pair, two_sum
from causalcluster.moments.contrast import moment_contrast
from causalcluster.moments.disclosure import split_small
from causalcluster.moments.labels import sort_labels
from causalcluster.moments.products import move_reference
from causalcluster.moments.records import Moments, Pattern, product_name

Floats = NDArray[np.float64]


def pool_moments(moments: Sequence[Moments], *, overlapping: Literal["error", "add"] = "error") -> Moments:
    """Pool moments of one design, as if the rows behind them had been one table.

    Parameters
    ----------
    moments
        One or more; different clusters are put side by side.
    overlapping
        What to do with a cluster in two of them: an error, or add its moments.

    Returns
    -------
    Moments

    Raises
    ------
    DataError
        Two designs differ, quantiles of the treatment differ, two are of the same rows, or a cluster is in two of them.
    """
    if not moments:
        raise DataError("there are no moments to pool", fix="Give at least one Moments record or file")
    first = moments[0]
    if len(moments) == 1:
        return first
    for other in moments[1:]:
        _refuse_other_design(first, other)
    _refuse_copies(moments)
    shared = _shared_clusters(moments)
    if shared and overlapping == "error":
        _refuse_shared(first, shared)
    table = pool_records([item.table for item in moments], first.products)
    ends = first.contrast if first.asked.kind != "sd" else moment_contrast(first.asked, first.treatment, table)
    table, unknown = _reach(first, table, ends, moments)
    incomplete = _pool_patterns(moments)
    lone = _warn_about_lone_clusters(moments) if overlapping == "add" else ()
    return replace(
        first,
        table=table,
        incomplete=incomplete,
        counts=_add_counts(moments, table),
        contrast=ends,
        name=", ".join(item.name for item in moments),
        file=", ".join(item.file for item in moments if item.file),
        fingerprint="sha256:" + hashlib.sha256("\n".join(item.fingerprint for item in moments).encode()).hexdigest(),
        **_pool_left_out(moments, [table, *(pattern.table for pattern in incomplete)]),
        warnings=tuple(dict.fromkeys(text for item in moments for text in item.warnings)) + lone + unknown,
    )


def add_tables(left: xr.Dataset, right: xr.Dataset, products: Sequence[tuple[str, ...]] = ()) -> xr.Dataset:
    """Return the moments of the rows behind two tables of the same clusters and columns.

    With d the difference of the means, cross = cross_1 + cross_2 + d d' n_1 n_2 / n: nothing cancels. Products are
    first taken about the pooled means.
    """
    reference = np.where(_is_product(left, products), 0.0, _add_means(left, right)[0])
    left, right = (move_reference(table, products, reference) for table in (left, right))
    n_left, n_right = left["n"].values, right["n"].values
    total, delta = n_left + n_right, _difference(left, right)
    weight = n_left * n_right / total
    cross = left["cross"].values + right["cross"].values + weight[:, None, None] * delta[:, :, None] * delta[:, None, :]
    mean, rest = _add_means(left, right)
    added = left.copy()
    added["n"] = ("cluster", total)
    added["mean"], added["mean_rest"] = (("cluster", "column"), mean), (("cluster", "column"), rest)
    added["cross"] = (("cluster", "column", "column_2"), cross)
    for name in ("reaches_low", "reaches_high"):
        if name in left:
            added[name] = ("cluster", left[name].values | right[name].values)
    if "minimum" in left:
        added["minimum"] = (("cluster", "node"), np.fmin(left["minimum"].values, right["minimum"].values))
        added["maximum"] = (("cluster", "node"), np.fmax(left["maximum"].values, right["maximum"].values))
    return added


def _is_product(table: xr.Dataset, products: Sequence[tuple[str, ...]]) -> list[bool]:
    names = {product_name(product) for product in products}
    return [str(name) in names for name in table["column"].values]


def _difference(left: xr.Dataset, right: xr.Dataset) -> Floats:
    """Return the difference of the means; the rests keep it exact where a large common level rounds the means."""
    difference: Floats = (right["mean"].values - left["mean"].values) + (
        right["mean_rest"].values - left["mean_rest"].values
    )
    return difference


def _add_means(left: xr.Dataset, right: xr.Dataset) -> Pair:
    share = right["n"].values / (left["n"].values + right["n"].values)
    mean, lost = two_sum(left["mean"].values, _difference(left, right) * share[:, None])
    return two_sum(mean, left["mean_rest"].values + lost)


def pool_records(tables: Sequence[xr.Dataset], products: Sequence[tuple[str, ...]] = ()) -> xr.Dataset:
    """Pool tables of the same columns: clusters side by side, those in several added; extremes where all have them."""
    names = sorted(set.intersection(*({str(name) for name in table.data_vars} for table in tables)))
    first, *others = _layers([table[names] for table in tables])
    for layer in others:
        both = layer["cluster"].values
        added = add_tables(first.sel(cluster=both), layer, products)
        first = xr.concat([first.drop_sel(cluster=both), added], "cluster")
    return first.sel(cluster=sort_labels([str(label) for label in first["cluster"].values]))


def _layers(tables: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return one table of the clusters as they come first, one of those that come a second time, and so on."""
    layers: list[list[xr.Dataset]] = []
    times: Counter[str] = Counter()
    for table in tables:
        labels = [str(label) for label in table["cluster"].values]
        times.update(labels)
        depth = np.array([times[label] for label in labels])
        for level in np.unique(depth):
            if level > len(layers):
                layers.append([])
            layers[level - 1].append(table.isel(cluster=depth == level))
    return [xr.concat(parts, "cluster") for parts in layers]


def _pool_patterns(moments: Sequence[Moments]) -> tuple[Pattern, ...]:
    groups: dict[tuple[str, ...], list[xr.Dataset]] = {}
    for item in moments:
        for pattern in item.incomplete:
            groups.setdefault(pattern.missing, []).append(pattern.table)
    return tuple(
        Pattern(missing=missing, table=pool_records(tables, moments[0].products)) for missing, tables in groups.items()
    )


def _pool_left_out(moments: Sequence[Moments], tables: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Return the fields on what small cells took; a cluster that one file left out may be in another."""
    dropped, thinned = split_small((label for item in moments for label in item.dropped + item.thinned), tables)
    named = all(len(item.dropped) == item.n_dropped and len(item.thinned) == item.n_thinned for item in moments)
    limits = [item.min_cell for item in moments if item.min_cell is not None]
    return {
        "min_cell": max(limits, default=None),
        "dropped": dropped,
        "thinned": thinned,
        "n_dropped": len(dropped) if named else sum(item.n_dropped for item in moments),
        "n_thinned": len(thinned) if named else sum(item.n_thinned for item in moments),
    }


def _add_counts(moments: Sequence[Moments], table: xr.Dataset) -> Counts:
    counts = [item.counts for item in moments]
    lost = sum(c.clusters - item.table.sizes["cluster"] for c, item in zip(counts, moments, strict=True))
    return Counts(
        rows=sum(c.rows for c in counts),
        clusters=table.sizes["cluster"] + lost,
        missing={column: sum(c.missing.get(column, 0) for c in counts) for column in counts[0].missing},
        complete=sum(c.complete for c in counts),
    )


def _reach(
    first: Moments, table: xr.Dataset, ends: tuple[float, float], moments: Sequence[Moments]
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return the table with what is known about the clusters' reach, and a warning where it is not known."""
    if all(item.contrast == ends for item in moments):
        return table, ()
    known = {name: ("cluster", np.ones(table.sizes["cluster"], dtype=bool)) for name in ("reaches_low", "reaches_high")}
    return table.assign(known), (
        "the ends of an 'sd' contrast moved when moments were pooled, so it is not known which clusters have rows at both "
        f"ends in {first.treatment!r}: effects that are extrapolations are not marked",
    )


def _shared_clusters(moments: Sequence[Moments]) -> list[tuple[str, Moments, Moments]]:
    owner: dict[str, Moments] = {}
    shared = []
    for item in moments:
        for label in sorted(_labels(item)):
            if label in owner:
                shared.append((label, owner[label], item))
            owner.setdefault(label, item)
    return shared


def _refuse_copies(moments: Sequence[Moments]) -> None:
    """Raise DataError for moments of the same file or frame as some before them: their rows would count twice."""
    owner: dict[str, Moments] = {}
    for item in moments:
        earlier = owner.setdefault(item.fingerprint, item)
        if earlier is not item:
            raise DataError(
                f"these moments are of the same rows as {earlier.name} (both have fingerprint {item.fingerprint[:23]}...)",
                where=item.name,
                why="Each row would count twice",
                fix="Leave one of the two out",
            )


def _refuse_shared(first: Moments, shared: Sequence[tuple[str, Moments, Moments]]) -> None:
    label, left, right = shared[0]
    more = f", and so are {len(shared) - 1} more" if len(shared) > 1 else ""
    what = f"cluster {label!r} is in {left.name} too{more}"
    raise DataError(
        what if first.cluster_column is not None else f"the rows of the table may be in {left.name} too",
        where=right.name,
        why="The same rows may be in both",
        fix="Take it out of one, or, where the rows are different ones, write 'overlapping: add' under 'data'",
    )


def _labels(moments: Moments) -> set[str]:
    tables = (moments.table, *(pattern.table for pattern in moments.incomplete))
    return {str(label) for table in tables for label in table["cluster"].values}


def _warn_about_lone_clusters(moments: Sequence[Moments]) -> tuple[str, ...]:
    shared = {label for label, _, _ in _shared_clusters(moments)}
    warnings = []
    for item in moments:
        alone = sort_labels([label for label in _labels(item) - shared])
        if alone and item.cluster_column is not None:
            named = ", ".join(map(repr, alone[:5])) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
            warnings.append(f"'overlapping: add' was asked for, and {item.name} alone has {named}")
    return tuple(warnings)


def _refuse_other_design(first: Moments, other: Moments) -> None:
    here, there = _design(other), _design(first)
    for key in here:
        if here[key] != there[key]:
            raise DataError(
                f"this file is for another design than {first.name}: its {key} is {here[key]}, there it is {there[key]}",
                where=other.name,
                why="Moments of different columns or contrasts cannot be pooled",
                fix="Make both with 'causalcluster reduce' and one analysis file",
            )
    if first.asked.kind == "quantiles" and first.contrast != other.contrast:
        raise DataError(
            f"the quantiles of {first.treatment!r} are {other.contrast[0]:g} and {other.contrast[1]:g} here, "
            f"{first.contrast[0]:g} and {first.contrast[1]:g} in {first.name}",
            where=other.name,
            why="Quantiles of the rows together cannot be had from moments",
            fix="Give the two values in the analysis, 'contrast: {from: 0, to: 1}', and reduce again",
        )


def _design(moments: Moments) -> dict[str, Any]:
    """Return what moments must share to be pooled."""
    asked = moments.asked
    return {
        "nodes": [f"{item.node} ({item.column})" for item in moments.columns],
        "products": [product_name(product) for product in moments.products],
        "treatment": moments.treatment,
        "contrast": (asked.kind, asked.low, asked.high),
        "cluster": moments.cluster_column,
        "time": moments.time_column,
        "missing": moments.missing,
    }

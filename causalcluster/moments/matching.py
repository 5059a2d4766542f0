"""Moments of a file, cut to what an analysis asks for."""

from collections.abc import Sequence
from dataclasses import replace

import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.errors import DataError, did_you_mean
from causalcluster.moments.pooling import pool_records
from causalcluster.moments.records import Column, Moments, Pattern, product_name
from causalcluster.moments.reduction import analysis_products

Names = Sequence[tuple[str, str]]
"""What a column is called in the moments, and in the analysis."""
_ACCEPTED = {"model": ("model",), "drop": ("model", "drop"), "error": ("error",)}
"""Policies of a file that serve an analysis with the policy before the colon."""


def match_moments(analysis: Analysis, moments: Moments) -> Moments:
    """Return the moments of the analysis' nodes and products, under its names for them.

    Nodes are matched by their columns. Rows in which only values that the analysis does not need are missing
    count as complete where the moments hold them.

    Raises
    ------
    DataError
        The moments are for another design; the message names the difference.
    """
    _refuse_differences(analysis, moments)
    theirs = {item.column: item.node for item in moments.columns}
    # A node that indicators measure and the first of these have one column.
    names = [(theirs[node.column], node.name) for node in analysis.nodes]
    products = _match_products(analysis, moments, dict(names))
    named = [*names, *zip(map(product_name, products), map(product_name, analysis_products(analysis)), strict=True)]
    used = {source for source, _ in names}
    whole = [moments.table, *(p.table for p in moments.incomplete if used.isdisjoint(p.missing))]
    table = pool_records([_take(part, named, names) for part in whole], analysis_products(analysis))
    missing = {column: moments.counts.missing.get(column, 0) for column in _columns(analysis)}
    return replace(
        moments,
        table=table,
        incomplete=tuple(_take_pattern(p, named, names) for p in moments.incomplete if not used.isdisjoint(p.missing)),
        columns=tuple(Column(node=node.name, column=node.column) for node in analysis.nodes),
        products=analysis_products(analysis),
        counts=replace(moments.counts, missing=missing, complete=int(table["n"].sum())),
        treatment=analysis.question.treatment,
        warnings=moments.warnings + _warn_about_unused_gaps(moments, missing) + _warn_about_dropped(moments),
    )


def _columns(analysis: Analysis) -> list[str]:
    groupings = (analysis.data.cluster, analysis.data.time)
    return [node.column for node in analysis.nodes] + [column for column in groupings if column is not None]


def _take(table: xr.Dataset, terms: Names, nodes: Names) -> xr.Dataset:
    """Return what is there of some columns, under their new names."""
    found = table
    for dim, asked in (("column", terms), ("column_2", terms), ("node", nodes)):
        if dim in table.dims:
            there = set(table[dim].values)
            own = [(source, name) for source, name in asked if source in there]
            found = found.sel({dim: [source for source, _ in own]}).assign_coords({dim: [name for _, name in own]})
    return found


def _take_pattern(pattern: Pattern, terms: Names, nodes: Names) -> Pattern:
    missing = tuple(name for source, name in nodes if source in pattern.missing)
    return Pattern(missing=missing, table=_take(pattern.table, terms, nodes))


def _match_products(analysis: Analysis, moments: Moments, names: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the moments' products in the order of the analysis' own."""
    known = {tuple(sorted(names.get(f, f) for f in product)): product for product in moments.products}
    found = []
    for product in analysis_products(analysis):
        if tuple(sorted(product)) not in known:
            raise _other_design(
                moments, f"it has no moments of the product {product_name(product)!r}", "Reduce again with this interaction"
            )
        found.append(known[tuple(sorted(product))])
    return found


def _refuse_differences(analysis: Analysis, moments: Moments) -> None:
    columns = [item.column for item in moments.columns]
    for node in analysis.nodes:
        if node.column not in columns:
            hint = did_you_mean(node.column, columns)
            what = f"it has no moments of the column {node.column!r} (node {node.name!r}).{hint}"
            raise _other_design(moments, what, f"Its columns are {', '.join(map(repr, columns))}")
    for key, asked, found in (
        ("cluster", analysis.data.cluster, moments.cluster_column),
        ("time", analysis.data.time, moments.time_column),
    ):
        if asked != found:
            what = f"its {key!r} is {found or 'left out'}, the analysis' is {asked or 'left out'}"
            raise _other_design(moments, what, f"Make {key!r} under 'data' the same")
    if moments.missing not in _ACCEPTED[analysis.data.missing]:
        what = f"it was made with 'missing: {moments.missing}', the analysis says 'missing: {analysis.data.missing}'"
        raise _other_design(moments, what, f"Write 'missing: {moments.missing}' under 'data'")
    treatment = next(node.column for node in analysis.nodes if node.name == analysis.question.treatment)
    theirs = next(item.column for item in moments.columns if item.node == moments.treatment)
    if treatment != theirs:
        raise _other_design(moments, f"its treatment is {theirs!r}, the analysis' is {treatment!r}", "Reduce again")
    asked_for, found_there = analysis.question.contrast, moments.asked
    if asked_for != found_there:
        what = f"its contrast is {_words(found_there)}, the analysis' is {_words(asked_for)}"
        raise _other_design(moments, what, "Ask for the same contrast, or reduce again")


def _words(contrast: object) -> str:
    kind, low, high = (getattr(contrast, name) for name in ("kind", "low", "high"))
    if kind == "values":
        return f"{{from: {low:g}, to: {high:g}}}"
    return f"{{sd: {high:g}}}" if kind == "sd" else f"{{quantiles: [{low:g}, {high:g}]}}"


def _other_design(moments: Moments, what: str, fix: str) -> DataError:
    return DataError(f"the moments are for another design: {what}", where=moments.name, fix=fix)


def _warn_about_unused_gaps(moments: Moments, missing: dict[str, int]) -> tuple[str, ...]:
    unused = [column for column, count in moments.counts.missing.items() if count and column not in missing]
    if not unused or moments.missing == "model":
        return ()
    return (
        f"rows without a value in {', '.join(map(repr, unused))} were left out when the moments were made, "
        "though this analysis does not use these columns",
    )


def _warn_about_dropped(moments: Moments) -> tuple[str, ...]:
    few = f"with fewer than {moments.min_cell} rows"
    sentences = {
        f"{moments.n_dropped} cluster(s) {few} are not in the moments": moments.n_dropped,
        f"records {few} (of one pattern of missing values) are not in the moments of {moments.n_thinned} cluster(s)": (
            moments.n_thinned
        ),
    }
    return tuple(sentence for sentence, count in sentences.items() if count)

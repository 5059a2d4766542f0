"""Checks that the data vary where the question needs them to."""

from collections.abc import Sequence

import xarray as xr

from causalcluster.analysis.records import Analysis, Node
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.moments.pooled import within_squares

_NAMED_AT_MOST = 5


def refuse_constant_columns(analysis: Analysis, table: xr.Dataset, where: str) -> None:
    """Raise DataError for the first column that holds one value only."""
    squares = within_squares(table)
    for node in analysis.nodes:
        means = table["mean"].sel(column=node.name).values
        if (squares.sel(column=node.name) == 0.0).all() and (means == means[0]).all():
            role = "the treatment's column" if node.name == analysis.question.treatment else "column"
            raise DataError(
                f"{role} {node.column!r} is {means[0]:g} in every row",
                where=where,
                why="What does not vary tells nothing about causes or effects",
                fix=f"Take the node {node.name!r} out of the diagram or give a table in which it varies",
            )


def refuse_single_cluster(analysis: Analysis, table: xr.Dataset, where: str) -> None:
    """Raise DataError where a cluster column names one cluster only."""
    if analysis.data.cluster is not None and table.sizes["cluster"] < 2:
        raise DataError(
            f"the cluster column {analysis.data.cluster!r} holds one cluster only ({str(table['cluster'].values[0])!r})",
            where=where,
            why="Variation between clusters cannot be seen in one",
            fix="Leave 'cluster' out for a single-level analysis",
        )


def warn_about_lost_clusters(table: xr.Dataset, clusters: int) -> tuple[str, ...]:
    """Return a warning where clusters of the table have no complete row."""
    lost = clusters - table.sizes["cluster"]
    return (f"{lost} of {clusters} clusters have no complete row and are left out",) if lost else ()


def constant_inside_clusters(analysis: Analysis, table: xr.Dataset) -> tuple[str, ...]:
    """Return the nodes that do not vary inside any cluster."""
    still = (within_squares(table) == 0.0).all("cluster")
    return tuple(node.name for node in analysis.nodes if bool(still.sel(column=node.name)))


def refuse_between_only(
    analysis: Analysis, between_only: tuple[str, ...], where: str, *, inside_units: bool = False
) -> None:
    """Refuse nodes without variation inside clusters, or inside units where these are absorbed, that need some.

    Raises
    ------
    DataError
        A varying slope of such a node was asked for by name.
    UnsupportedError
        The treatment or a node with an equation of its own varies only between clusters.
    """
    cluster = analysis.data.cluster
    if cluster is None and not inside_units:
        return
    inside = f"unit ({analysis.data.unit!r})" if inside_units else "cluster"
    refuse_asked_slopes(analysis, between_only, where, inside=inside)
    explained = nodes_with_equations(analysis)
    for node in analysis.nodes:
        if node.name in between_only and (node.name == analysis.question.treatment or node.name in explained):
            if inside_units:
                raise DataError(
                    f"{_role(analysis, node)} {node.name!r} (column {node.column!r}) never changes inside any {inside}",
                    where=where,
                    why="The units' own intercepts hold all that differs between units, and nothing is left of it",
                    fix="Leave 'unit' out, or use a measure that changes inside units",
                )
            raise UnsupportedError(
                f"{_role(analysis, node)} {node.name!r} (column {node.column!r}) varies only between clusters: "
                f"it is one number in every {cluster!r}",
                where=where,
                why="One row is not one observation of it, and the model for such nodes is not available in this version",
                fix="Use a coarser 'cluster', or a measure that varies inside clusters",
            )


def refuse_asked_slopes(analysis: Analysis, still: Sequence[str], where: str, *, inside: str = "cluster") -> None:
    """Raise DataError where 'varying' names a slope of a node that does not vary inside any cluster or unit."""
    for name in still:
        asked = _asked_slopes(analysis, name)
        if asked:
            raise DataError(
                f"{name!r} is constant inside every {inside}, yet 'varying' asks for the slope {asked[0]!r} by cluster",
                where=where,
                why="Where a cause never changes nothing can be seen of its slope",
                fix="Take the slope out of 'model: varying'",
            )


def _role(analysis: Analysis, node: Node) -> str:
    question = analysis.question
    if node.name == question.treatment:
        return "the treatment"
    if node.name in question.mediators:
        return "the mediator"
    return "the outcome" if node.name in question.outcomes else "the node"


def _asked_slopes(analysis: Analysis, source: str) -> list[str]:
    varying = analysis.model.varying
    if isinstance(varying, str):
        return []
    return [item for item in varying if "->" in item and item.split("->")[0].strip() == source]


def nodes_with_equations(analysis: Analysis) -> frozenset[str]:
    """Return mediators, outcomes and every other node that the treatment reaches."""
    reached = {analysis.question.treatment}
    frontier = [analysis.question.treatment]
    while frontier:
        source = frontier.pop()
        for edge in analysis.edges:
            if edge.source == source and edge.target not in reached:
                reached.add(edge.target)
                frontier.append(edge.target)
    reached.discard(analysis.question.treatment)
    return frozenset(reached | set(analysis.question.mediators) | set(analysis.question.outcomes))


def warn_about_clusters(
    analysis: Analysis, clusters: Sequence[tuple[str, int]], spans: Sequence[bool], contrast: tuple[float, float]
) -> tuple[str, ...]:
    """Return warnings about clusters with one row and clusters that do not span the contrast."""
    warnings: list[str] = []
    if analysis.data.cluster is None:
        if not all(spans):
            low, high = min(contrast), max(contrast)
            warnings.append(
                f"the data do not reach from {low:g} to {high:g} in {analysis.question.treatment!r}: "
                "the effects are extrapolations along straight lines"
            )
        return tuple(warnings)
    single = [label for label, rows in clusters if rows == 1]
    if single:
        warnings.append(
            f"{_count(single)} one row only ({_named(single)}): kept, but such a cluster tells nothing about slopes"
        )
    short = [label for (label, _), inside in zip(clusters, spans, strict=True) if not inside]
    if short:
        warnings.append(
            f"{_count(short)} no rows at both ends of the contrast, {min(contrast):g} and {max(contrast):g} in "
            f"{analysis.question.treatment!r} ({_named(short)}): effects there are extrapolations"
        )
    return tuple(warnings)


def _count(labels: list[str]) -> str:
    return "1 cluster has" if len(labels) == 1 else f"{len(labels)} clusters have"


def _named(labels: list[str]) -> str:
    more = len(labels) - _NAMED_AT_MOST
    return ", ".join(repr(label) for label in labels[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")

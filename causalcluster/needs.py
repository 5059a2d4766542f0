"""What an analysis needs beyond moments: which nodes have equations, and whether likelihoods or effects need rows."""

from collections.abc import Collection, Iterator, Sequence

from causalcluster.analysis.records import Analysis, Interaction, node_by_name
from causalcluster.errors import UnsupportedError
from causalcluster.families import needs_rows
from causalcluster.gaps import GapPlan
from causalcluster.graph import CausalGraph, ancestors, descendants


def modelled_nodes(analysis: Analysis, graph: CausalGraph) -> tuple[str, ...]:
    """Return the nodes that have an equation, in causal order: those that the treatment moves on its way to an outcome."""
    question = analysis.question
    downstream = set(descendants(graph, question.treatment))
    needed = set(question.outcomes)
    for outcome in question.outcomes:
        needed |= set(ancestors(graph, outcome)) & downstream
    return tuple(node for node in graph.nodes if node in needed)


def wants_rows(analysis: Analysis, graph: CausalGraph, between_only: Collection[str] = ()) -> bool:
    """Whether moments alone do not do: for some equation that the question needs, or for effects."""
    families = any(needs_rows(node_by_name(analysis, name).family) for name in modelled_nodes(analysis, graph))
    return families or any(_row_products(analysis, graph, between_only))


def row_columns(analysis: Analysis, graph: CausalGraph) -> tuple[str, ...]:
    """Return the nodes of which rows are needed, where any are: all of them, or the context where likelihoods need none."""
    modelled = modelled_nodes(analysis, graph)
    if any(needs_rows(node_by_name(analysis, name).family) for name in modelled):
        return tuple(node.name for node in analysis.nodes)
    others = (analysis.question.treatment, *modelled)
    return tuple(node.name for node in analysis.nodes if node.name not in others)


def _row_products(analysis: Analysis, graph: CausalGraph, between_only: Collection[str]) -> Iterator[Interaction]:
    """Yield products of which effects need more than means."""
    modelled = modelled_nodes(analysis, graph)
    for product in analysis.interactions:
        still = (analysis.question.treatment, *between_only)
        if product.target in modelled and not has_known_mean(product.factors, modelled, still):
            yield product


def has_known_mean(factors: Sequence[str], modelled: Collection[str], still: Collection[str]) -> bool:
    """Whether a product's mean follows from means: of one node with an equation, or of context, times constants.

    ``still`` are the treatment, which is set, and nodes that are constant inside clusters.
    """
    moving = [factor for factor in factors if factor not in still]
    responding = sum(factor in modelled for factor in moving)
    return responding == 0 or len(moving) == 1


def refuse_moments_alone(analysis: Analysis, graph: CausalGraph, between_only: Collection[str] | None = None) -> None:
    """Raise UnsupportedError for the first equation that needs rows, where there are moments only.

    Families are known beforehand; products are looked at where it is known which nodes do not vary inside clusters.
    """
    for product in () if between_only is None else _row_products(analysis, graph, between_only):
        raise UnsupportedError(
            f"effects with the interaction '{product.name} -> {product.target}' cannot be computed from moments",
            where=f"{analysis.path}: interactions",
            why="They need the distribution of the context inside clusters, not its means alone",
            fix="Run the analysis where the rows are, with 'file' under 'data', or leave the interaction out",
        )
    for name in modelled_nodes(analysis, graph):
        node = node_by_name(analysis, name)
        if needs_rows(node.family):
            raise UnsupportedError(
                f"the node {name!r} is {node.family}, and its equation cannot be fitted to moments",
                where=f"{analysis.path}: nodes: {name}: family",
                why="Its likelihood needs rows; that of a gaussian node needs counts, means and products alone",
                fix="Run the analysis where the rows are, with 'file' under 'data', or leave 'family' out",
            )


def refuse_gaps_alone(analysis: Analysis, gaps: GapPlan) -> None:
    """Raise UnsupportedError where missing values cannot be averaged over without the rows."""
    touched = next((gap for gap in gaps.gaps if gap.touched and gap.method != "moments"), None)
    if touched is not None:
        raise UnsupportedError(
            f"values of {', '.join(touched.averaged)} are missing, and an interaction multiplies what they act on",
            where=f"{analysis.path}: data: moments",
            why="Averaging over them needs the rows: moments of products with a missing factor do not exist",
            fix="Run the analysis where the rows are, leave the interaction out, or reduce with 'missing: drop'",
        )

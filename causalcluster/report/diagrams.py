"""The causal diagram of a finished run, without and with the posterior of its coefficients."""

from causalcluster import diagram
from causalcluster.graph import CausalGraph
from causalcluster.report import words
from causalcluster.report.answer import labels_of
from causalcluster.report.canvas import embed_svg
from causalcluster.report.records import AnalysisSummary, CoefficientSummary, Figure, FinishedRun


def graph_of(analysis: AnalysisSummary) -> CausalGraph:
    """Return the diagram of a run folder's analysis; it was checked when the analysis was run."""
    import networkx as nx

    names = [node.name for node in analysis.nodes]
    edges = tuple(edge for edge in analysis.edges if edge.lag == 0)
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(names)
    digraph.add_edges_from((edge.source, edge.target) for edge in edges)
    order = tuple(nx.lexicographical_topological_sort(digraph, key=names.index))
    layer = {node.name: node.layer for node in analysis.nodes}
    return CausalGraph(
        nodes=order,
        layers=tuple((name, layer[name]) for name in order),
        edges=edges,
        unobserved=analysis.unobserved,
        interactions=analysis.interactions,
    )


def draw_diagram(run: FinishedRun) -> Figure:
    """Draw the diagram in the framework's layers."""
    labels, analysis = labels_of(run), run.run.analysis
    arrows = "; ".join(
        f"{labels.get(edge.source, edge.source)} to {labels.get(edge.target, edge.target)}" for edge in analysis.edges
    )
    return Figure(
        source=embed_svg(diagram.to_svg(graph_of(analysis), labels)),
        alt=f"Causal diagram in layers. Arrows: {arrows or 'none'}.",
        caption=(
            "The causal diagram in the framework's layers. An arrow says that there may be a direct influence; a "
            "missing arrow says that there is none."
        ),
    )


def draw_weighted_diagram(run: FinishedRun) -> Figure | None:
    """Draw the diagram with the posterior mean of each coefficient; None where there are no coefficients."""
    labels, analysis = labels_of(run), run.run.analysis
    slopes = [item for item in run.run.coefficients if item.mean is not None and " * " not in item.source]
    if not slopes:
        return None
    weights = {(item.source, item.target): item for item in slopes}
    said = "; ".join(
        f"{labels.get(item.source, item.source)} to {labels.get(item.target, item.target)} {_weight_words(item)}"
        for item in slopes
    )
    return Figure(
        source=embed_svg(diagram.to_svg(graph_of(analysis), labels, weights)),
        alt=f"Causal diagram with the posterior means of its coefficients: {said}.",
        caption=(
            "What the data say about each arrow: posterior mean of its coefficient (change of the target for one "
            "unit more of the source, averaged over clusters) and the probability of that sign."
        ),
    )


def _weight_words(item: CoefficientSummary) -> str:
    return f"{words.number(item.mean, words.decimals_for((item.sd,)))}, {words.direction(item.prob_positive)}"

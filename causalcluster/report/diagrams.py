"""The causal diagram of a finished run, without and with the posterior of its coefficients."""

from causalcluster.diagram import EdgeWeight, to_svg
from causalcluster.graph import CausalGraph, ancestors, descendants
from causalcluster.report import words
from causalcluster.report.answer import labels_of
from causalcluster.report.canvas import embed_svg, printable
from causalcluster.report.records import AnalysisSummary, CoefficientSummary, EffectKey, Figure, FinishedRun


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
        source=embed_svg(to_svg(graph_of(analysis), _safe(labels))),
        alt=f"Causal diagram in layers. Arrows: {arrows or 'none'}.",
        caption=(
            "The causal diagram in the framework's layers. An arrow says that there may be a direct influence; a "
            "missing arrow says that there is none."
        ),
    )


def draw_paths(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the paths from treatment to one outcome with the posterior means of their coefficients.

    None where no coefficient is on a path, and where an effect along the paths is not identified: a number beside
    an arrow would be read as one.
    """
    labels = labels_of(run)
    if unidentified_parts(run, outcome):
        return None
    graph = _paths_alone(graph_of(run.run.analysis), run.run.analysis.question.treatment, outcome)
    drawn = {(edge.source, edge.target) for edge in graph.edges}
    slopes = [item for item in run.run.coefficients if item.mean is not None and (item.source, item.target) in drawn]
    if not slopes:
        return None
    said = "; ".join(f"{labels[item.source]} to {labels[item.target]} {_weight_words(item)}" for item in slopes)
    average = ", averaged over clusters" if run.run.data.cluster_column else ""
    weights = {(item.source, item.target): _weigh(item) for item in slopes}
    return Figure(
        source=embed_svg(to_svg(graph, _safe(labels), weights)),
        alt=f"Paths to {labels[outcome]} with the posterior means of their coefficients: {said}.",
        caption=(
            f"The paths to {labels[outcome]}. Beside each arrow: posterior mean of its coefficient (change of the "
            f"target for one unit more of the source{average}) and the probability of that sign; "
            "thicker where the sign is more certain. The table of coefficients holds the other arrows."
        ),
    )


def unidentified_parts(run: FinishedRun, outcome: str) -> tuple[str, ...]:
    """Return the names of the total, direct and indirect effects on an outcome that are not identified."""
    labels = labels_of(run)
    return tuple(
        words.effect_name(EffectKey(outcome=outcome, effect=item.effect, via=item.via), labels)
        for item in run.identification
        if item.outcome == outcome and item.effect in ("total", "nde", "nie") and not item.identified
    )


def _paths_alone(graph: CausalGraph, treatment: str, outcome: str) -> CausalGraph:
    """Return the part of a diagram that lies on directed paths from treatment to outcome."""
    after = {treatment, *descendants(graph, treatment)}
    kept = after & {outcome, *ancestors(graph, outcome)}
    return CausalGraph(
        nodes=tuple(name for name in graph.nodes if name in kept),
        layers=tuple((name, layer) for name, layer in graph.layers if name in kept),
        edges=tuple(edge for edge in graph.edges if edge.source in kept and edge.target in kept),
        unobserved=(),
        interactions=(),
    )


def _safe(labels: dict[str, str]) -> dict[str, str]:
    return {name: printable(label) for name, label in labels.items()}


def _weight_words(item: CoefficientSummary) -> str:
    return f"{words.number(item.mean, words.decimals_for((item.sd,)))}, {words.direction(item.prob_positive)}"


def _weigh(item: CoefficientSummary) -> EdgeWeight:
    mean = words.number(item.mean, words.decimals_for((item.sd,)))
    if item.prob_positive is None:
        return EdgeWeight(text=mean)
    sure = item.prob_positive if (item.mean or 0.0) >= 0 else 1 - item.prob_positive
    return EdgeWeight(text=f"{mean} ({words.percent(sure)})", width=1.0 + 5.0 * max(sure - 0.5, 0.0))

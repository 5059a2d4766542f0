"""The diagram with posterior weights on its edges, in the framework's layers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from causalcluster.errors import InputError
from causalcluster.pipeline import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LAYERS = ("influencer", "environment", "actor", "outcome", "context")
_COLOR = {True: "#0b5394", False: "#a3400b"}
SURE = 0.95


def plot_paths(result: Result, *, backend: str | None = None) -> "Figure":
    """Draw the diagram of one period with the mean slope of every edge that has an equation.

    Slopes are averages over the population of clusters (over the observed ones where there is none), in the units of their
    columns or, for other families, of their link. Edges whose sign has a probability below 0.95 are dashed; those without a
    slope, from context and to the treatment, are grey.

    Parameters
    ----------
    result
        From `causalcluster.analyse`.
    backend
        matplotlib, the only one that draws diagrams.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        Another backend, or an analysis over time, whose diagram is of several periods.
    """
    if backend not in (None, "matplotlib"):
        raise InputError(f"diagrams are not drawn by {backend!r}", where="plot", fix="leave the backend out")
    graph = result.plan.graph
    if graph.lagged:
        raise InputError("the diagram is of several periods", where="plot", fix="look at the unrolled one of the report")
    from matplotlib.figure import Figure

    places = _place(result)
    figure = Figure(
        figsize=(2.2 + 2.1 * len({x for x, _ in places.values()}), 1.5 + 1.1 * _tallest(places)), layout="constrained"
    )
    axis = figure.subplots()
    axis.set_axis_off()
    slopes = _slopes(result)
    for edge in graph.edges:
        _draw_edge(axis, places[edge.source], places[edge.target], slopes.get((edge.source, edge.target)))
    labels = {node.name: node.label for node in result.plan.analysis.nodes}
    for name, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "#444444"}
        axis.text(x, y, labels[name], ha="center", va="center", fontsize=8, bbox=box, zorder=3)
    across, along = zip(*places.values(), strict=True)
    axis.set_xlim(min(across) - 0.5, max(across) + 0.5)
    axis.set_ylim(min(along) - 0.6, max(along) + 0.6)
    return figure


def _place(result: Result) -> dict[str, tuple[float, float]]:
    """Return a place for every node: layers from left to right, the nodes of one below each other."""
    layers = dict(result.plan.graph.layers)
    used = [layer for layer in _LAYERS if layer in layers.values()]
    places = {}
    for column, layer in enumerate(used):
        own = [name for name in result.plan.graph.nodes if layers[name] == layer]
        for row, name in enumerate(own):
            # Nodes of one layer stand a little apart, so that arrows between them are seen.
            places[name] = (column + 0.25 * (row % 2), -(row - (len(own) - 1) / 2.0))
    return places


def _tallest(places: dict[str, tuple[float, float]]) -> float:
    heights = [y for _, y in places.values()]
    return max(heights) - min(heights) + 1.0


def _slopes(result: Result) -> dict[tuple[str, str], tuple[float, float]]:
    """Return mean slopes and the probability that they are positive, by edge."""
    posterior = result.tree["posterior"].to_dataset()
    of_population = "coefficient_mean" in posterior
    values = posterior["coefficient_mean"] if of_population else posterior["cluster_coefficient"].mean("cluster")
    found = {}
    for term in result.plan.design.terms:
        if term.kind == "slope":
            draws = values.sel(coefficient=term.name).values
            found[term.factors[0], term.target] = (float(draws.mean()), float((draws > 0.0).mean()))
    return found


def _draw_edge(axis: Any, start: tuple[float, float], end: tuple[float, float], slope: tuple[float, float] | None) -> None:
    color, style, width = "#999999", "-", 0.8
    if slope is not None:
        mean, positive = slope
        color, width = _COLOR[mean > 0.0], 1.4
        style = "-" if max(positive, 1.0 - positive) >= SURE else "--"
        middle = 0.42 * np.array(start) + 0.58 * np.array(end)
        axis.text(*middle, f"{mean:.3g}", color=color, fontsize=7, ha="center", va="bottom", zorder=2)
    arrow = {"arrowstyle": "-|>", "color": color, "linestyle": style, "linewidth": width, "shrinkA": 22, "shrinkB": 24}
    axis.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=1)

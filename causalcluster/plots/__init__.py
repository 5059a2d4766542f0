"""Plots of a finished analysis by arviz-plots: all but the diagram return a `PlotCollection`, on any backend."""

from causalcluster.plots.curves import plot_responses, plot_rho
from causalcluster.plots.forests import plot_decomposition, plot_forest
from causalcluster.plots.intervals import plot_scorecard, plot_specifications
from causalcluster.plots.paths import plot_paths

__all__ = [
    "plot_decomposition",
    "plot_forest",
    "plot_paths",
    "plot_responses",
    "plot_rho",
    "plot_scorecard",
    "plot_specifications",
]

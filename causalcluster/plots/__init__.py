"""Plots of a finished analysis by arviz-plots: each returns a `PlotCollection`, and takes a backend."""

from causalcluster.plots.curves import plot_responses, plot_rho
from causalcluster.plots.forests import plot_decomposition, plot_forest
from causalcluster.plots.intervals import plot_scorecard, plot_specifications

__all__ = [
    "plot_decomposition",
    "plot_forest",
    "plot_responses",
    "plot_rho",
    "plot_scorecard",
    "plot_specifications",
]

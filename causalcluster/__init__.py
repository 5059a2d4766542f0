"""Through whom does a policy reach wages and working conditions? Hierarchical causal mediation across clusters.

Names are loaded when first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causalcluster.analysis import Analysis, parse_analysis, read_analysis
    from causalcluster.errors import CausalClusterError, InputError
    from causalcluster.fitting.sample import compile_model, refit
    from causalcluster.framework import load_framework
    from causalcluster.model.standard import standardise
    from causalcluster.moments import Moments, pool_moments, read_moments, reduce_table, write_moments
    from causalcluster.output import write_run
    from causalcluster.pipeline import Result, analyse
    from causalcluster.planning import Plan, plan_analysis, prepare
    from causalcluster.plots import (
        plot_decomposition,
        plot_forest,
        plot_paths,
        plot_responses,
        plot_rho,
        plot_scorecard,
        plot_specifications,
    )
    from causalcluster.report import write_report
    from causalcluster.simulation import simulate

__all__ = [
    "Analysis",
    "CausalClusterError",
    "InputError",
    "Moments",
    "Plan",
    "Result",
    "analyse",
    "compile_model",
    "load_framework",
    "parse_analysis",
    "plan_analysis",
    "plot_decomposition",
    "plot_forest",
    "plot_paths",
    "plot_responses",
    "plot_rho",
    "plot_scorecard",
    "plot_specifications",
    "pool_moments",
    "prepare",
    "read_analysis",
    "read_moments",
    "reduce_table",
    "refit",
    "simulate",
    "standardise",
    "write_moments",
    "write_report",
    "write_run",
]

_HOMES = {
    "Analysis": "analysis",
    "parse_analysis": "analysis",
    "read_analysis": "analysis",
    "CausalClusterError": "errors",
    "InputError": "errors",
    "compile_model": "fitting.sample",
    "refit": "fitting.sample",
    "load_framework": "framework",
    "standardise": "model.standard",
    "Moments": "moments",
    "pool_moments": "moments",
    "read_moments": "moments",
    "reduce_table": "moments",
    "write_moments": "moments",
    "write_run": "output",
    "Plan": "planning",
    "Result": "pipeline",
    "analyse": "pipeline",
    "plan_analysis": "planning",
    "prepare": "planning",
    "write_report": "report",
    "simulate": "simulation",
    "plot_decomposition": "plots",
    "plot_forest": "plots",
    "plot_paths": "plots",
    "plot_responses": "plots",
    "plot_rho": "plots",
    "plot_scorecard": "plots",
    "plot_specifications": "plots",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    if name not in _HOMES:
        raise AttributeError(f"module 'causalcluster' has no attribute {name!r}")
    return getattr(import_module(f"causalcluster.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

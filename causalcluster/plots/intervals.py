"""Intervals side by side: an effect in every analysis, and the paper's predictions under two priors."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from causalcluster.errors import InputError
from causalcluster.pipeline import Result
from causalcluster.plots.selection import choose_outcome, main_level

if TYPE_CHECKING:
    from arviz_plots import PlotCollection


def plot_specifications(
    result: Result,
    *,
    outcome: str | None = None,
    effect: str = "total",
    via: str = "",
    level: str | None = None,
    backend: str | None = None,
) -> "PlotCollection":
    """Draw an effect's mean and interval in every analysis, ordered by size: a specification curve.

    Parameters
    ----------
    result
        From `causalcluster.analyse`, of an analysis with ``alternatives``.
    outcome
        The only one without it.
    effect, via
        Which effect.
    level
        The population without it, or the sample where there is none.
    backend
        Of arviz-plots.

    Raises
    ------
    InputError
        The analysis names no alternatives, or the effect is in none.
    """
    if result.multiverse is None:
        raise InputError("the analysis names no alternatives", where="plot", fix="list them under 'alternatives:'")
    outcome, level = choose_outcome(result, outcome), level or main_level(result)
    table = result.multiverse.effects
    own = (table["outcome"] == outcome) & (table["effect"] == effect) & (table["via"] == via) & (table["level"] == level)
    table = table[own & table["mean"].notna()].sort_values("mean", ignore_index=True)
    if table.empty:
        raise InputError(f"no analysis has {effect}({outcome}) via {via!r}", where="plot", fix="look at multiverse.csv")
    name = f"{effect}({outcome}{f', via={via}' if via else ''})"
    return _rows(table["alternative"], {"mean": table["mean"]}, table["lower"], table["upper"], name, backend, line=0.0)


def plot_scorecard(result: Result, *, backend: str | None = None) -> "PlotCollection":
    """Draw the posterior probability of what the paper expects under the neutral prior and under that of its signs.

    Parameters
    ----------
    result
        From `causalcluster.analyse`, of an analysis whose nodes name the paper's concepts.
    backend
        Of arviz-plots.

    Raises
    ------
    InputError
        The analysis covers nothing of the paper.
    """
    table = result.scorecard
    if table is not None:
        table = table[table["probability"].notna()].reset_index(drop=True)
    if table is None or table.empty:
        fix = "name concepts under nodes that the paper links"
        raise InputError("the analysis covers no edge and no hypothesis of the paper", where="plot", fix=fix)
    points = {"neutral": table["probability_neutral"], "framework": table["probability_framework"]}
    ends = pd.concat(list(points.values()), axis=1)
    name = "probability (first color: neutral prior)"
    return _rows(table["statement"], points, ends.min(axis=1), ends.max(axis=1), name, backend, line=0.5)


def _rows(
    labels: pd.Series,
    points: dict[str, pd.Series],
    lower: pd.Series,
    upper: pd.Series,
    name: str,
    backend: str | None,
    *,
    line: float,
) -> "PlotCollection":
    """Draw one line for each row, with its points, from the bottom up."""
    from arviz_plots import PlotCollection, visuals

    height = xr.DataArray(np.arange(len(labels), dtype=float), dims="row")
    first = next(iter(points.values())).to_numpy(dtype=float)
    drawn: Any = PlotCollection.grid(xr.Dataset({name: ("row", first)}), backend=backend, **_room(backend))
    for k in range(len(labels)):
        ends = xr.Dataset({name: ("end", [float(lower[k]), float(upper[k])])})
        at_height = xr.Dataset({name: ("end", [float(k)] * 2)})
        drawn.map(visuals.line_xy, f"interval {k}", x=ends[name], data=at_height, color="C0")
    for number, (label, values) in enumerate(points.items()):
        at = xr.DataArray(values.to_numpy(dtype=float), dims="row")
        drawn.map(visuals.scatter_xy, label, data=height.to_dataset(name=name), x=at, color=f"C{number}")
    span = xr.DataArray([line, line], dims="end")
    drawn.map(
        visuals.line_xy, "reference", data=xr.Dataset({name: ("end", [-0.5, len(labels) - 0.5])}), x=span, color="gray"
    )
    _name_rows(drawn, list(labels.astype(str)), name)
    found: PlotCollection = drawn
    return found


def _room(backend: str | None) -> dict[str, Any]:
    """Leave room for long names, where the backend does not by itself."""
    from arviz_base import rcParams

    chosen = backend or rcParams["plot.backend"]
    return {"figure_kwargs": {"layout": "constrained", "figsize": (8.0, 4.0)}} if chosen == "matplotlib" else {}


def _name_rows(drawn: Any, labels: list[str], name: str) -> None:
    """Write the rows' names beside them: arviz-plots has that in its backends alone."""
    from importlib import import_module

    from arviz_plots import visuals

    backend: Any = import_module(f"arviz_plots.backend.{drawn.backend}")
    backend.yticks(list(range(len(labels))), labels, drawn.get_target(name, {}))
    drawn.map(visuals.labelled_x, "x", text=name, ignore_aes="all", subset_info=False)

"""Curves with bands: effects by the correlation of errors, and responses over time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from causalcluster.errors import InputError
from causalcluster.pipeline import Result
from causalcluster.plots.selection import choose_outcome, main_level

if TYPE_CHECKING:
    from arviz_plots import PlotCollection


def plot_rho(
    result: Result, *, outcome: str | None = None, level: str | None = None, backend: str | None = None
) -> "PlotCollection":
    """Draw the effect through each mediator over the correlation of its error with the outcome's.

    Parameters
    ----------
    result
        From `causalcluster.analyse`.
    outcome
        The only one without it.
    level
        The population without it, or the sample where there is none.
    backend
        Of arviz-plots.

    Raises
    ------
    InputError
        The result has no sensitivity analysis of this outcome.
    """
    outcome, level = choose_outcome(result, outcome), level or main_level(result)
    table = result.sensitivity.curve
    if table is not None:
        own = (table["outcome"] == outcome) & (table["level"] == level) & (table["effect"] == "nie")
        table = table[own & (table["via"] == table["mediator"]) & table["rho"].notna()]
    if table is None or table.empty:
        raise InputError(f"there is no sensitivity analysis of {outcome!r}", where="plot", fix="tipping.csv says why")
    return _curves(table, x="rho", panel="via", label="correlation of errors", backend=backend)


def plot_responses(
    result: Result, *, outcome: str | None = None, regime: str = "sustained", effect: str = "total", via: str = "",
    backend: str | None = None,
) -> "PlotCollection":  # fmt: skip
    """Draw an effect over the periods after the change.

    Parameters
    ----------
    result
        From `causalcluster.analyse`.
    outcome
        The only one without it.
    regime
        ``sustained`` or ``pulse``.
    effect, via
        Which effect.
    backend
        Of arviz-plots.

    Raises
    ------
    InputError
        The analysis has no horizons, or no such effect.
    """
    outcome, level = choose_outcome(result, outcome), main_level(result)
    table = result.effects
    own = (table["outcome"] == outcome) & (table["level"] == level) & (table["effect"] == effect) & (table["via"] == via)
    table = table[own & (table["regime"] == regime)]
    if table.empty:
        fix = "name lagged edges and 'horizons' under question, and an effect of effects.csv"
        raise InputError(f"there is no response {effect}({outcome}) under regime {regime!r}", where="plot", fix=fix)
    table = table.assign(horizon=table["horizon"].astype(float), panel=f"{effect} {via}".strip())
    return _curves(table, x="horizon", panel="panel", label="periods after the change", backend=backend)


def _curves(table: pd.DataFrame, *, x: str, panel: str, label: str, backend: str | None) -> "PlotCollection":
    from arviz_plots import PlotCollection, visuals

    wide = {name: table.pivot(index=panel, columns=x, values=name).sort_index(axis=1) for name in ("mean", "lower", "upper")}
    at = xr.DataArray(wide["mean"].columns.to_numpy(dtype=float), dims=x)
    arrays = {
        name: xr.DataArray(own.to_numpy(), dims=("panel", x), coords={"panel": list(own.index)})
        for name, own in wide.items()
    }
    drawn: Any = PlotCollection.wrap(arrays["mean"].to_dataset(name="effect"), cols=["panel"], backend=backend)
    band = {name: arrays[name].to_dataset(name="effect") for name in ("lower", "upper")}
    drawn.map(visuals.fill_between_y, "band", x=at, y_bottom=band["lower"], y_top=band["upper"], alpha=0.2)
    drawn.map(visuals.line_xy, "mean", x=at)
    zero = xr.zeros_like(arrays["mean"]).to_dataset(name="effect")
    drawn.map(visuals.line_xy, "zero", data=zero, x=at, color="gray", alpha=0.6)
    drawn.map(visuals.labelled_title, "title", subset_info=True, labeller=_labeller())
    drawn.map(visuals.labelled_x, "x", text=label, ignore_aes="all", subset_info=False)
    found: PlotCollection = drawn
    return found


def _labeller() -> Any:
    from arviz_base.labels import BaseLabeller

    class Labeller(BaseLabeller):
        """The panel's name alone."""

        def make_label_vert(self, var_name: str | None, sel: Any, isel: Any) -> str:
            """Return what is drawn."""
            del isel
            return str(np.ravel(list(sel.values()))[0]) if sel else str(var_name)

    return Labeller()

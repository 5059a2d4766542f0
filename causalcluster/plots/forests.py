"""Forests: one effect by cluster, and the parts of a total effect."""

from typing import TYPE_CHECKING, Any

import xarray as xr

from causalcluster.pipeline import Result
from causalcluster.plots.selection import choose_outcome, draws_of, labelled, main_level

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

_AVERAGES = {"population": "population", "sample": "average of these", "new": "a new one"}


def plot_forest(
    result: Result,
    *,
    outcome: str | None = None,
    effect: str = "total",
    via: str = "",
    backend: str | None = None,
    **settings: Any,
) -> "PlotCollection":
    """Draw one effect in every cluster, with the averages below.

    Parameters
    ----------
    result
        From `causalcluster.analyse`.
    outcome
        The only one without it.
    effect, via
        Which effect, as in effects.csv.
    backend
        Of arviz-plots: matplotlib, plotly, bokeh or none.
    **settings
        For `arviz_plots.plot_forest`.

    Raises
    ------
    InputError
        The result has no such effect.
    """
    outcome = choose_outcome(result, outcome)
    key = {"outcome": outcome, "effect": effect, "via": via}
    parts, names = [], []
    if result.plan.analysis.data.cluster is not None:
        own = draws_of(result, **key, level="cluster")
        parts.append(labelled(own, [str(label) for label in own["cluster"].values], "cluster"))
    for level, name in _AVERAGES.items():
        if ((result.effects["level"] == level) & (result.effects["effect"] == effect)).any():
            names.append(name)
            parts.append(labelled(draws_of(result, **key, level=level), [name], "cluster"))
    return _forest(xr.concat(parts, dim="cluster"), f"{effect}({outcome}{f', via={via}' if via else ''})", backend, settings)


def plot_decomposition(
    result: Result, *, outcome: str | None = None, level: str | None = None, backend: str | None = None, **settings: Any
) -> "PlotCollection":
    """Draw the total effect, the direct one and that through each mediator, which add up to it.

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
    **settings
        For `arviz_plots.plot_forest`.

    Raises
    ------
    InputError
        The result has no total effect at this level.
    """
    outcome, level = choose_outcome(result, outcome), level or main_level(result)
    parts = [("total", "", "total"), ("nde", "", "direct")]
    parts += [("nie", name, f"through {name}") for name in result.plan.analysis.question.mediators]
    table = result.effects[(result.effects["outcome"] == outcome) & (result.effects["level"] == level)]
    there = set(zip(table["effect"], table["via"], strict=True))
    drawn = [
        labelled(draws_of(result, outcome=outcome, effect=effect, via=via, level=level), [label], "part")
        for effect, via, label in parts
        if (effect, via) in there or effect == "total"
    ]
    return _forest(xr.concat(drawn, dim="part"), f"effect({outcome})", backend, settings)


def _forest(draws: xr.DataArray, name: str, backend: str | None, settings: dict[str, Any]) -> "PlotCollection":
    from arviz_plots import plot_forest as draw

    tree = xr.DataTree.from_dict({"/posterior": draws.to_dataset(name=name)})
    chosen = {"combined": True, "ci_kind": "eti", "ci_probs": (0.5, 0.95)} | settings
    found: PlotCollection = draw(tree, backend=backend, **chosen)
    return found

"""Associations between clusters, or between units, beside the effects inside them: the table of between.csv."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.claim_records import name_effect
from causalcluster.analysis.records import Analysis
from causalcluster.checks.latent_means import GroupMeans, draw_between, draw_between_units
from causalcluster.design import Design
from causalcluster.families import needs_rows
from causalcluster.graph import CausalGraph, parents
from causalcluster.moments import Moments, absorbs_units

Floats = NDArray[np.float64]
DRAWS = 2000
SPARE = 4
"""So many groups beyond the number of columns are needed for a table."""
COLUMNS = (
    "outcome",
    "effect",
    "via",
    "grouping",
    "groups",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "ci_prob",
    "within_mean",
    "within_lower",
    "within_upper",
    "prob_above_within",
    "reason",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Between:
    """Draws (draw, column, column) of covariances between the groups of a column, and how many groups there are."""

    grouping: str
    groups: int
    covariance: Floats
    names: tuple[str, ...]


def compare_between(
    analysis: Analysis,
    graph: CausalGraph,
    design: Design,
    moments: Moments,
    contrast: tuple[float, float],
    effects: xr.Dataset,
    *,
    identified: Collection[tuple[str, str, str]],
) -> pd.DataFrame | None:
    """Put what the diagram's equations give between groups beside the effects inside them.

    Between groups nothing is adjusted for what else differs between them: the numbers are associations, shown because an
    analysis that pools rows would mix them with the effects.

    Parameters
    ----------
    analysis, graph, design, moments
        What was fitted, and to which data.
    contrast
        Treatment values from and to.
    effects
        Draws of effects, as `causalcluster.effects.levels.evaluate_effects` returns them.
    identified
        The (outcome, effect, via) that are identified.

    Returns
    -------
    pandas.DataFrame or None
        The columns of between.csv; None where slopes do not use differences inside groups alone, equations are not linear
        and gaussian, values are missing, or groups are too few.
    """
    linear = not analysis.interactions and not any(needs_rows(equation.family) for equation in design.equations)
    if not (design.centred and linear and not design.gaps):
        return None
    names = _columns(graph, design)
    between = _units(analysis, moments, names) if absorbs_units(moments) else _clusters(analysis, moments, names)
    if between is None:
        return None
    size = contrast[1] - contrast[0]
    paths = effect_paths(graph, design, _slopes(graph, design, between), analysis.question.mediators)
    level = "population" if "population" in effects["level"].values else "sample"
    rows = []
    for outcome in analysis.question.outcomes:
        for (effect, via), draw in paths(outcome).items():
            if (outcome, effect, via) in identified:
                within = _within(effects, level, outcome, effect, via)
                # The two posteriors are of different parts of the data, and independent.
                other = np.sort(np.quantile(within, np.linspace(0.0005, 0.9995, 1000)))
                above = float(np.searchsorted(other, size * draw).mean() / len(other))
                row = comparison_row(size * draw, within, above, analysis.sampling.ci_prob)
                key = {"outcome": outcome, "effect": effect, "via": via}
                rows.append(key | {"grouping": between.grouping, "groups": between.groups} | row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def between_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every effect whose value inside groups and association between them differ beyond chance."""
    found = []
    for row in [] if table is None else table.to_dict("records"):
        if (row["effect"], row["via"]) != ("nie", "all") and is_apart(row["prob_above_within"], row["ci_prob"]):
            name = name_effect(row["effect"], row["outcome"], row["via"])
            found.append(
                f"{name} is {row['within_mean']:.3g} inside {row['grouping']} and the "
                f"association between them is {row['mean']:.3g} [{row['lower']:.3g}, {row['upper']:.3g}]: they differ by "
                "more than chance, and differences between groups are no effect inside them (between.csv)"
            )
    return tuple(found)


def is_apart(prob_above: float, ci_prob: float) -> bool:
    """Return whether a value between groups is above, or below, that inside them with more than ``ci_prob``, two-sided."""
    tail = (1.0 - ci_prob) / 2.0
    return not tail <= prob_above <= 1.0 - tail


def _columns(graph: CausalGraph, design: Design) -> tuple[str, ...]:
    used = {design.treatment, *design.nodes}
    used |= {parent for node in design.nodes for parent in parents(graph, node)}
    return tuple(name for name in graph.nodes if name in used)


def _clusters(analysis: Analysis, moments: Moments, names: Sequence[str]) -> _Between | None:
    column = analysis.data.cluster
    n = moments.table["n"].values.astype(float)
    if column is None or len(n) < len(names) + SPARE:
        return None
    chosen = moments.table.sel(column=list(names), column_2=list(names))
    cross, freedom = chosen["cross"].values, np.maximum(n - 1.0, 0.0)
    pooled = cross.sum(axis=0) / max(freedom.sum(), 1.0)
    # A cluster's own covariance, with the pooled one counted as many rows as there are columns.
    weight = len(names) + 1.0
    error = (cross + weight * pooled) / (freedom + weight)[:, None, None] / n[:, None, None]
    means = chosen["mean"].values + chosen["mean_rest"].values
    scale = np.maximum(means.std(axis=0, ddof=1), 1e-12)
    groups = GroupMeans(mean=(means - means.mean(axis=0)) / scale, error=error / scale / scale[:, None])
    drawn = draw_between(groups, DRAWS, random_seed=analysis.sampling.seed)
    return _Between(grouping=column, groups=len(n), covariance=drawn * scale * scale[:, None], names=tuple(names))


def _units(analysis: Analysis, moments: Moments, names: Sequence[str]) -> _Between | None:
    table = moments.table.sel(column=list(names), column_2=list(names))
    rows, units = float(table["n"].sum()), float(table["units"].sum())
    clusters = float(table.sizes["cluster"])
    dof = (units - clusters, rows - units)
    if min(dof) < len(names) + SPARE:
        return None
    within = table["cross_units"].values.sum(axis=0)
    between = table["cross"].values.sum(axis=0) - within
    scale = np.sqrt(np.maximum(np.diag(between + within) / rows, 1e-24))
    drawn = draw_between_units(
        between / scale / scale[:, None],
        within / scale / scale[:, None],
        dof,
        rows / units,
        DRAWS,
        random_seed=analysis.sampling.seed,
    )
    return _Between(
        grouping=str(analysis.data.unit), groups=int(units), covariance=drawn * scale * scale[:, None], names=tuple(names)
    )


def _slopes(graph: CausalGraph, design: Design, between: _Between) -> dict[tuple[str, str], Floats]:
    """Return the slopes (draw,) of every node on its causes that covariances between groups imply."""
    position = {name: i for i, name in enumerate(between.names)}
    slopes: dict[tuple[str, str], Floats] = {}
    for node in design.nodes:
        causes = list(parents(graph, node))
        x = [position[name] for name in causes]
        block = between.covariance[:, x][:, :, x]
        across = between.covariance[:, x, position[node]]
        found = np.linalg.solve(block, across[..., None])[..., 0]
        slopes |= {(cause, node): found[:, i] for i, cause in enumerate(causes)}
    return slopes


def effect_paths(
    graph: CausalGraph, design: Design, slopes: Mapping[tuple[str, str], Floats], mediators: Sequence[str]
) -> Callable[[str], Mapping[tuple[str, str], Floats]]:
    """Return a function from an outcome to its effects (draw,) for one unit of the treatment, by effect and via.

    ``slopes`` (draw,) are by cause and node.
    """
    draws = len(next(iter(slopes.values())))

    def mean(outcome: str, moved: Collection[str], *, own: bool) -> Floats:
        """Return the outcome's response where the treatment acts on ``moved`` mediators, and on all else where ``own``."""
        values: dict[str, Floats] = {design.treatment: np.ones(draws)}
        for node in design.nodes:
            acts = node in moved if node in mediators else own
            parts = [
                slopes[cause, node] * values[cause]
                for cause in parents(graph, node)
                if cause in values and (cause != design.treatment or acts)
            ]
            values[node] = sum(parts, start=np.zeros(draws))
        return values[outcome]

    def effects(outcome: str) -> Mapping[tuple[str, str], Floats]:
        steps = [mean(outcome, mediators[:k], own=True) for k in range(len(mediators) + 1)]
        found = {("total", ""): steps[-1], ("nde", ""): steps[0], ("nie", "all"): steps[-1] - steps[0]}
        return found | {("nie", name): steps[k + 1] - steps[k] for k, name in enumerate(mediators)}

    return effects


def _within(effects: xr.Dataset, level: str, outcome: str, effect: str, via: str) -> Floats:
    key = {"outcome": outcome, "estimand": effect, "via": via, "level": level, "at": "", "scale": "difference"}
    mask = np.all([effects[name].values == value for name, value in key.items()], axis=0)
    values: Floats = effects["effect"].values[..., int(np.flatnonzero(mask)[0])].ravel()
    return values


def comparison_row(draw: Floats, within: Floats, above: float, ci_prob: float) -> dict[Hashable, Any]:
    """Return what between.csv says of draws between groups and inside them, the first above with probability ``above``."""
    tail = (1.0 - ci_prob) / 2.0
    lower, median, upper = np.quantile(draw, [tail, 0.5, 1.0 - tail])
    inside = np.quantile(within, [tail, 1.0 - tail])
    return {
        "mean": float(draw.mean()),
        "sd": float(draw.std(ddof=1)),
        "median": float(median),
        "lower": float(lower),
        "upper": float(upper),
        "ci_prob": ci_prob,
        "within_mean": float(within.mean()),
        "within_lower": float(inside[0]),
        "within_upper": float(inside[1]),
        "prob_above_within": above,
        "reason": "",
    }

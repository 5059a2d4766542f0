"""Draws of effects to the rows of effects.csv."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.convergence import measure_convergence
from causalcluster.effects.levels import COORDS, KEYS

Floats = NDArray[np.float64]

COLUMNS = (
    *KEYS,
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "ci_prob",
    "prob_positive",
    "ess_bulk",
    "ess_tail",
    "r_hat",
    "reason",
)
RATIO_REASON = "the total effect's interval holds 0, so a share of it has no meaning"


def summarise_effects(effects: xr.Dataset, *, ci_prob: float, extrapolated: Collection[str] = ()) -> pd.DataFrame:
    """Summarise draws by row.

    Parameters
    ----------
    effects
        ``effect`` (chain, draw, row).
    ci_prob
        Probability of the equal-tailed intervals.
    extrapolated
        Labels of clusters whose data do not span the contrast.

    Returns
    -------
    pandas.DataFrame
        The columns of effects.csv, one row per ``row``. Proportions have no mean and no sd, and nothing at all where
        the total's interval holds 0.
    """
    values = effects["effect"].transpose("chain", "draw", "row")
    table = pd.DataFrame({name: effects[coord].values for name, coord in zip(KEYS, COORDS, strict=True)})
    flat = values.values.reshape(values.sizes["chain"] * values.sizes["draw"], values.sizes["row"])
    tail = (1.0 - ci_prob) / 2.0
    lower, median, upper = np.quantile(flat, [tail, 0.5, 1.0 - tail], axis=0) if flat.shape[1] else np.zeros((3, 0))
    table["mean"], table["sd"] = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    table["median"], table["lower"], table["upper"], table["ci_prob"] = median, lower, upper, ci_prob
    table["prob_positive"] = (flat > 0.0).mean(axis=0)
    for name, numbers in measure_convergence(values.values).items():
        table[name] = numbers
    table["reason"] = ""
    _blank_proportions(table)
    _flag_extrapolation(table, extrapolated)
    return table.loc[:, list(COLUMNS)]


def _blank_proportions(table: pd.DataFrame) -> None:
    proportion = table["effect"] == "prop_mediated"
    table.loc[proportion, ["mean", "sd"]] = np.nan
    totals = table[table["effect"] == "total"].set_index(["outcome", "level", "cluster"])
    for i in table.index[proportion]:
        total = totals.loc[tuple(table.loc[i, ["outcome", "level", "cluster"]])]
        if total["lower"] <= 0.0 <= total["upper"]:
            numbers = [name for name in COLUMNS if name not in (*KEYS, "ci_prob", "reason")]
            table.loc[i, [*numbers, "ci_prob"]] = np.nan
            table.loc[i, "reason"] = RATIO_REASON


def _flag_extrapolation(table: pd.DataFrame, extrapolated: Collection[str]) -> None:
    outside = (table["level"] == "cluster") & table["cluster"].isin(list(extrapolated))
    sentence = "extrapolated: this cluster's data do not span the contrast"
    table.loc[outside, "reason"] = [f"{text}; {sentence}" if text else sentence for text in table.loc[outside, "reason"]]

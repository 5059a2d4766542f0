"""Draws of effects to the rows of effects.csv."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

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
    for name, numbers in _convergence(values).items():
        table[name] = numbers
    table["reason"] = ""
    _blank_proportions(table)
    _flag_extrapolation(table, extrapolated)
    return table.loc[:, list(COLUMNS)]


def _convergence(values: xr.DataArray) -> dict[str, Floats]:
    """Return bulk and tail ESS and R-hat by row; NaN where there are too few draws to compute them."""
    import arviz_stats as azs

    n_rows = values.sizes["row"]
    if values.sizes["draw"] < 4 or n_rows == 0:
        return {name: np.full(n_rows, np.nan) for name in ("ess_bulk", "ess_tail", "r_hat")}
    bare = xr.DataArray(values.values, dims=("chain", "draw", "row"), name="effect")
    constant = np.ptp(bare.values.reshape(-1, n_rows), axis=0) == 0.0
    if constant.any():
        bare = bare.copy(data=np.where(constant, np.nan, bare.values))
    kept = bare.isel(row=np.flatnonzero(~constant))
    found = {
        "ess_bulk": azs.ess(kept, method="bulk"),
        "ess_tail": azs.ess(kept, method="tail"),
        "r_hat": azs.rhat(kept) if values.sizes["chain"] > 1 else xr.full_like(kept[0, 0], np.nan),
    }
    result = {}
    for name, numbers in found.items():
        result[name] = np.full(n_rows, np.nan)
        result[name][~constant] = np.asarray(numbers.values, dtype=float)
    return result


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

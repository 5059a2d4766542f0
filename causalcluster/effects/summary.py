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
_NUMBERS_AT_ONCE = 4_000_000
NOT_FINITE = "not a finite number in every draw: a mean that divides is 0, or a share 1"
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
        the total's interval holds 0. ``prob_positive`` of a ratio is the share of draws above 1; a ratio that is not
        a finite number in every draw is blank.
    """
    values = effects["effect"].transpose("chain", "draw", "row")
    table = pd.DataFrame({name: effects[coord].values for name, coord in zip(KEYS, COORDS, strict=True)})
    ratio = (table["scale"] != "difference").to_numpy()
    drawn, finite = _finite_ratios(values.values, ratio)
    table = table.assign(**_summarise(drawn, (1.0 - ci_prob) / 2.0, ratio.astype(float)), ci_prob=ci_prob)
    for name, found in measure_convergence(drawn).items():
        table[name] = found
    table["reason"] = ""
    _blank(table, ~finite, NOT_FINITE)
    _blank_proportions(table)
    _flag_extrapolation(table, extrapolated)
    return table.loc[:, list(COLUMNS)]


def _finite_ratios(values: Floats, ratio: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return draws, ones for ratios that are not finite in every draw, and whether each row is kept as it is."""
    finite = np.ones(values.shape[2], dtype=bool)
    finite[ratio] = np.isfinite(values[:, :, ratio]).all(axis=(0, 1))
    return (values if finite.all() else np.where(finite, values, 1.0)), finite


def _summarise(values: Floats, tail: float, no_effect: Floats) -> dict[str, Floats]:
    """Return mean, sd, quantiles and the share above ``no_effect`` (row,) of draws (chain, draw, row), rows in chunks."""
    names = ("mean", "sd", "lower", "median", "upper", "prob_positive")
    n_draws, n_rows = values.shape[0] * values.shape[1], values.shape[2]
    found = np.zeros((len(names), n_rows))
    at_once = max(1, _NUMBERS_AT_ONCE // n_draws)
    for start in range(0, n_rows, at_once):
        stop = min(start + at_once, n_rows)
        rows = values[:, :, start:stop].transpose(2, 0, 1).reshape(stop - start, n_draws)
        part = found[:, start:stop]
        part[0], part[1] = rows.mean(axis=1), rows.std(axis=1, ddof=1)
        part[2:5] = np.quantile(rows, [tail, 0.5, 1.0 - tail], axis=1)
        part[5] = (rows > no_effect[start:stop, None]).mean(axis=1)
    return dict(zip(names, found, strict=True))


def _blank_proportions(table: pd.DataFrame) -> None:
    proportion = table["effect"] == "prop_mediated"
    table.loc[proportion, ["mean", "sd"]] = np.nan
    totals = table[(table["effect"] == "total") & (table["scale"] == "difference")].set_index(
        ["outcome", "level", "cluster", "at"]
    )
    for i in table.index[proportion]:
        total = totals.loc[tuple(table.loc[i, ["outcome", "level", "cluster", "at"]])]
        if total["lower"] <= 0.0 <= total["upper"]:
            _blank(table, table.index == i, RATIO_REASON)


def _blank(table: pd.DataFrame, rows: NDArray[np.bool_], reason: str) -> None:
    if rows.any():
        table.loc[rows, [name for name in COLUMNS if name not in (*KEYS, "reason")]] = np.nan
        table.loc[rows, "reason"] = reason


def _flag_extrapolation(table: pd.DataFrame, extrapolated: Collection[str]) -> None:
    outside = (table["level"] == "cluster") & table["cluster"].isin(list(extrapolated))
    sentence = "extrapolated: this cluster's data do not span the contrast"
    table.loc[outside, "reason"] = [f"{text}; {sentence}" if text else sentence for text in table.loc[outside, "reason"]]

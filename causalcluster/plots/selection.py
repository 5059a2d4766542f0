"""Which rows of a result a plot is about."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from causalcluster.errors import InputError
from causalcluster.pipeline import Result

_KEYS = ("outcome", "estimand", "via", "level", "cluster", "horizon", "regime", "at", "scale")


def choose_outcome(result: Result, outcome: str | None) -> str:
    """Return the outcome that is asked for, or the only one.

    Raises
    ------
    InputError
        There are several and none is named, or there is none of this name.
    """
    known = result.plan.analysis.question.outcomes
    if outcome is None and len(known) == 1:
        return known[0]
    if outcome not in known:
        what = "there are several outcomes" if outcome is None else f"{outcome!r} is not an outcome"
        raise InputError(what, where="plot", fix=f"name one of: {', '.join(known)}")
    return outcome


def main_level(result: Result) -> str:
    """Return `population` where there is one, else `sample`."""
    return "population" if (result.effects["level"] == "population").any() else "sample"


def draws_of(result: Result, **key: str) -> xr.DataArray:
    """Return draws (chain, draw, row) of the rows with these values, in the order of effects.csv.

    Raises
    ------
    InputError
        There is no such row.
    """
    effects = result.tree["effects"].to_dataset()
    wanted = {"horizon": "", "regime": "", "at": "", "scale": "difference", **key}
    if any(str(value) for value in effects["horizon"].values):
        wanted.pop("horizon"), wanted.pop("regime")
        wanted |= {name: key[name] for name in ("horizon", "regime") if name in key}
    mask = np.ones(effects.sizes["row"], dtype=bool)
    for name, value in wanted.items():
        own = effects["estimand" if "estimand" in effects and name == "effect" else name]
        mask &= own.values.astype(str) == value
    if not mask.any():
        asked = ", ".join(f"{name}={value}" for name, value in key.items() if value)
        raise InputError(
            f"the result has no effect with {asked}", where="plot", fix="look at effects.csv for those there are"
        )
    return effects["effect"].isel(row=np.flatnonzero(mask))


def labelled(draws: xr.DataArray, labels: Sequence[str], dim: str) -> xr.DataArray:
    """Return draws whose rows are named."""
    plain = draws.reset_coords(drop=True).drop_vars([name for name in _KEYS if name in draws.coords], errors="ignore")
    return plain.rename(row=dim).assign_coords({dim: list(labels)})

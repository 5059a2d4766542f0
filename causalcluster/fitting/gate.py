"""Whether the draws can be trusted: thresholds on effects, divergences and energy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.gformula import Noise

POPULATION_R_HAT, POPULATION_ESS = 1.01, 400.0
OTHER_R_HAT, OTHER_ESS = 1.03, 200.0
DIVERGENT_SHARE, LEAST_E_BFMI = 0.001, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """The gate's answer.

    Attributes
    ----------
    status
        'ok' or 'unreliable'.
    reasons
        What failed, in words; empty when ok.
    max_r_hat, min_ess_bulk, min_ess_tail
        Over all rows of effects.csv that have draws; None where there are too few draws to tell.
    divergences
        Number of divergent transitions after tuning.
    e_bfmi
        By chain.
    retried
        Whether this is the second, more careful, attempt.
    simulation
        Where effects are simulated: by level the largest Monte Carlo error over posterior standard deviation, and how many
        points were used; None where effects are exact.
    """

    status: Literal["ok", "unreliable"]
    reasons: tuple[str, ...]
    max_r_hat: float | None
    min_ess_bulk: float | None
    min_ess_tail: float | None
    divergences: int
    e_bfmi: tuple[float, ...]
    retried: bool
    simulation: Mapping[str, Any] | None = None


def judge(table: pd.DataFrame, sample_stats: xr.Dataset, *, retried: bool, noise: Noise | None = None) -> Diagnostics:
    """Hold convergence of the effects and of the sampler against the thresholds of docs/outputs.md.

    Parameters
    ----------
    table
        Rows of effects.csv.
    sample_stats
        ``diverging`` and ``energy`` (chain, draw).
    retried
        Whether this fit is the retry.
    noise
        Measured error of simulated effects.

    Returns
    -------
    Diagnostics
    """
    diverging = sample_stats["diverging"].values
    e_bfmi = energy_information(sample_stats["energy"].transpose("chain", "draw").values)
    # Rows without draws of their own are left out: blank proportions, and effects that the diagram makes exactly zero.
    used = table[table["median"].notna() & (table["lower"] < table["upper"])]
    main = used[used["level"] == "population"]
    reasons = [*_failures(main, "population effects", POPULATION_R_HAT, POPULATION_ESS)]
    reasons += _failures(used.drop(main.index), "other effects", OTHER_R_HAT, OTHER_ESS)
    share = float(diverging.mean())
    if share > DIVERGENT_SHARE:
        reasons.append(f"{int(diverging.sum())} divergent transitions ({share:.2%}; at most {DIVERGENT_SHARE:.1%})")
    if not all(value >= LEAST_E_BFMI for value in e_bfmi):
        reasons.append(f"E-BFMI of {min(e_bfmi):.2f} in a chain (at least {LEAST_E_BFMI})")
    return Diagnostics(
        status="unreliable" if reasons else "ok",
        reasons=tuple(reasons),
        max_r_hat=_extreme(used["r_hat"], np.nanmax),
        min_ess_bulk=_extreme(used["ess_bulk"], np.nanmin),
        min_ess_tail=_extreme(used["ess_tail"], np.nanmin),
        divergences=int(diverging.sum()),
        e_bfmi=e_bfmi,
        retried=retried,
        simulation=None if noise is None else asdict(noise),
    )


def mark_unreliable(table: pd.DataFrame, diagnostics: Diagnostics) -> pd.DataFrame:
    """Return a table of results; where the gate failed, every row's ``reason`` begins with 'unreliable'."""
    if diagnostics.status == "ok":
        return table
    return table.assign(reason=[f"unreliable; {text}" if text else "unreliable" for text in table["reason"]])


def energy_information(energy: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the estimated Bayesian fraction of missing information by chain (Betancourt 2016)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1)
    return tuple(float(value) for value in ratio)


def diagnostics_to_json(diagnostics: Diagnostics, timings: dict[str, float], warnings: list[str]) -> dict[str, Any]:
    """Return the contents of diagnostics.json."""
    plain = asdict(diagnostics)
    plain["reasons"], plain["e_bfmi"] = list(diagnostics.reasons), [_plain(v) for v in diagnostics.e_bfmi]
    return {**plain, "warnings": warnings, "timings": timings}


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _failures(rows: pd.DataFrame, what: str, r_hat: float, ess: float) -> list[str]:
    if rows.empty:
        return []
    found = []
    if not (rows["r_hat"] <= r_hat).all():
        found.append(f"R-hat of {what} is not at most {r_hat} (largest: {_show(rows['r_hat'], np.nanmax)})")
    for column, name in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        if not (rows[column] >= ess).all():
            found.append(
                f"{name} effective sample size of {what} is not at least {ess:.0f} (least: {_show(rows[column], np.nanmin)})"
            )
    return found


def _extreme(values: pd.Series, pick: Any) -> float | None:
    known = values.dropna()
    return float(pick(known)) if len(known) else None


def _show(values: pd.Series, pick: Any) -> str:
    number = _extreme(values, pick)
    return "unknown: too few draws or chains" if number is None else f"{number:.4g}"

"""How draws of one effect move with the correlation of two errors, and the correlations that would undo it."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]
FINE = np.linspace(-0.99, 0.99, 199)
"""Correlations among which `rho_interval` looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Whose effect it is: a row of effects.csv, and the mediator whose error is correlated with the outcome's."""

    outcome: str
    effect: str
    via: str
    level: str
    cluster: str
    mediator: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bent:
    """An effect that is linear in rho / sqrt(1 - rho^2).

    Attributes
    ----------
    key
        The row's key.
    value
        (draw,) the effect at rho = 0.
    slope
        (draw,) what it gains with rho / sqrt(1 - rho^2).
    """

    key: Key
    value: Floats
    slope: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traced:
    """An effect that is known at some correlations, and between them by cubic splines.

    Attributes
    ----------
    key
        The row's key.
    value
        (draw,) the effect at rho = 0, of all draws.
    rho
        (R,) ascending, with 0.
    values
        (R, D) of some draws.
    """

    key: Key
    value: Floats
    rho: Floats
    values: Floats


Curve = Bent | Traced


def effect_at(curve: Curve, rho: float) -> Floats:
    """Return draws of the effect at a correlation; of `Traced` it must be one of those at which it is known."""
    if isinstance(curve, Bent):
        return cast("Floats", curve.value + curve.slope * (rho / np.sqrt(1.0 - rho * rho)))
    if rho == 0.0:
        return curve.value
    return cast("Floats", curve.values[int(np.flatnonzero(curve.rho == rho)[0])])


def effect_near(curve: Curve, rho: float) -> Floats:
    """Return draws of the effect at any correlation; of `Traced` between its ends, by splines."""
    if isinstance(curve, Bent) or rho in curve.rho:
        return effect_at(curve, rho)
    inside = float(np.clip(rho, curve.rho[0], curve.rho[-1]))
    return np.asarray(CubicSpline(curve.rho, curve.values)(inside))


def averaged(curve: Curve, prior_sd: float, random_seed: int) -> Floats:
    """Return draws of the effect where the correlation is Normal(0, prior_sd), inside where it is known."""
    most = 1.0 if isinstance(curve, Bent) else float(curve.rho[-1])
    size = len(curve.value) if isinstance(curve, Bent) else curve.values.shape[1]
    rng = np.random.default_rng([random_seed, 27])
    rho = rng.normal(0.0, prior_sd, size)
    while (out := np.abs(rho) >= most).any():
        rho[out] = rng.normal(0.0, prior_sd, int(out.sum()))
    if isinstance(curve, Bent):
        return curve.value + curve.slope * rho / np.sqrt(1.0 - rho**2)
    spline = CubicSpline(curve.rho, curve.values)
    piece = np.clip(np.searchsorted(curve.rho, rho, side="right") - 1, 0, len(curve.rho) - 2)
    power = (rho - curve.rho[piece]) ** np.arange(3, -1, -1)[:, None]
    return cast("Floats", (spline.c[:, piece, np.arange(size)] * power).sum(axis=0))


def rho_zero(curve: Curve) -> float:
    """Return the correlation nearest to 0 at which the effect's mean is 0; NaN where none is."""
    if isinstance(curve, Bent):
        slope = float(curve.slope.mean())
        if slope == 0.0:
            return np.nan
        ratio = -float(curve.value.mean()) / slope
        return float(ratio / np.sqrt(1.0 + ratio * ratio))
    mean = curve.values.mean(axis=1)
    if np.ptp(mean) <= 1e-12 * np.abs(mean).max():
        return np.nan
    roots = CubicSpline(curve.rho, mean).roots(extrapolate=False)
    return float(roots[np.abs(roots).argmin()]) if len(roots) else np.nan


def rho_interval(curve: Curve, ci_prob: float) -> float:
    """Return the correlation nearest to 0 at which the interval holds 0, of 199 between -0.99 and 0.99; NaN where none does.

    The interval holds 0 where neither sign has more than its upper end of the probability.
    """
    tail = (1.0 - ci_prob) / 2.0
    share = _share_below(curve) if isinstance(curve, Bent) else _share_below_traced(curve)
    inside = FINE[(share >= tail) & (share <= 1.0 - tail)]
    if not len(inside):
        return np.nan
    return float(np.round(inside[np.abs(inside).argmin()], 2)) + 0.0


def _share_below(curve: Bent) -> Floats:
    """Return the share of draws of at most 0 at each of `FINE`.

    A draw changes its sign at rho / sqrt(1 - rho^2) = -value / slope: sorting the draws once serves all correlations.
    """
    at = FINE / np.sqrt(1.0 - FINE**2)
    still = curve.slope == 0.0
    turn = -curve.value[~still] / curve.slope[~still]
    falls = curve.slope[~still] < 0.0
    below = np.searchsorted(np.sort(turn[falls]), at, side="right")
    below = below + (~falls).sum() - np.searchsorted(np.sort(turn[~falls]), at, side="left")
    return cast("Floats", (below + (curve.value[still] <= 0.0).sum()) / len(curve.value))


def _share_below_traced(curve: Traced) -> Floats:
    """Return the same where the effect is known; NaN elsewhere, and that of all draws at 0."""
    share = np.full(len(FINE), np.nan)
    known = (curve.rho[0] <= FINE) & (curve.rho[-1] >= FINE)
    share[known] = (CubicSpline(curve.rho, curve.values)(FINE[known]) <= 0.0).mean(axis=1)
    share[np.abs(FINE) < 1e-9] = (curve.value <= 0.0).mean()
    return share

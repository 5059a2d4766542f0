"""Stored ranks against ArviZ's simultaneous bands of a uniform distribution (Saeilynoja, Buerkner and Vehtari 2022)."""

import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from arviz_stats.ecdf_utils import compute_ecdf, ecdf_pit

PROBABILITY = 0.99
_SIMULATIONS = 5000


def uniforms(ranks: Sequence[int], draws: int, name: str) -> np.ndarray:
    """Return ranks 0 to ``draws`` as numbers that are uniform on (0, 1) where the ranks are: spread inside their step."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return (np.asarray(ranks) + rng.uniform(size=len(ranks))) / (draws + 1)


@cache
def band(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inner evaluation points and the band's lower and upper ends for ``count`` replicates."""
    points, _, lower, upper = ecdf_pit(np.linspace(0.0, 1.0, count), PROBABILITY, _SIMULATIONS)
    return points[1:-1], lower[1:-1], upper[1:-1]


def deviation(ranks: Sequence[int], draws: int, name: str) -> float:
    """Return the largest distance of the ranks' distribution from uniform, in half-widths of the band: above 1 is outside.

    Where the band reaches 0 or 1 nothing can be beyond it, and nothing counts.
    """
    points, lower, upper = band(len(ranks))
    away = compute_ecdf(uniforms(ranks, draws, name), points) - points
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(upper < 1.0, away / (upper - points), 0.0)
        below = np.where(lower > 0.0, -away / (points - lower), 0.0)
    return float(max(above.max(), below.max()))


def deviations(stored: Mapping[str, Any]) -> dict[str, float]:
    """Return the largest deviation by quantity."""
    return {name: round(deviation(ranks, stored["draws"], name), 3) for name, ranks in stored["ranks"].items()}

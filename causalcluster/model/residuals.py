"""Coordinates of the clusters' residual standard deviations, in which the sampler meets no funnel."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalcluster.model.gap_kernel import SIGMA
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResidualGuide:
    """Rough residual sums of squares (G, K) of every cluster and the degrees of freedom (G, K) behind them.

    They only place the sampler's coordinates, never the posterior: see `place_log_sigma`.
    """

    rss: Floats
    dof: Floats


def guide_residuals(arrays: MomentArrays) -> ResidualGuide:
    """Fit a ridge regression towards the pooled slopes in every cluster."""
    own = _guide_block(arrays.dof, arrays.sxx, arrays.sxy, arrays.syy, arrays.starts)
    gaps = None if arrays.row_equations is None else arrays.row_equations.gaps
    if gaps is None:
        return own
    starts = arrays.row_equations.starts[gaps.first :]  # type: ignore[union-attr]
    sampled = _guide_block(gaps.dof, gaps.sxx, gaps.sxy, gaps.syy, starts)
    order = np.argsort(np.concatenate([gaps.integrated, gaps.equations[gaps.first :, SIGMA]]))
    return ResidualGuide(
        rss=np.concatenate([own.rss, sampled.rss], axis=1)[:, order],
        dof=np.concatenate([own.dof, sampled.dof], axis=1)[:, order],
    )


def pooled_log_sigma(arrays: MomentArrays) -> Floats:
    """Return the log residual standard deviation (K,) of every gaussian equation, from the rough fit to all clusters."""
    guide = guide_residuals(arrays)
    return np.asarray(0.5 * np.log(np.maximum(guide.rss.sum(0), 1e-6) / np.maximum(guide.dof.sum(0), 1.0)))


def _guide_block(dof: Floats, sxx: Floats, sxy: Floats, syy: Floats, starts: NDArray[np.int64]) -> ResidualGuide:
    """Guide of some equations from moments of their rows (G, K), (G, P, P), (G, P), (G, K); starts (K + 1,)."""
    rss, left = np.zeros_like(syy), np.zeros_like(syy)
    for k in range(syy.shape[1]):
        block = slice(starts[k], starts[k + 1])
        own, across, total_y, rows = sxx[:, block, block], sxy[:, block], syy[:, k], dof[:, k]
        width = own.shape[1]
        pooled = np.linalg.lstsq(own.sum(0), across.sum(0), rcond=None)[0]
        total = total_y - 2.0 * across @ pooled + np.einsum("i,gij,j->g", pooled, own, pooled)
        variance = max(float(total.sum() / max(rows.sum() - width, 1.0)), 1e-12)
        ridge = np.eye(width) * variance / 0.3**2
        shrunk = np.linalg.solve(own + ridge, (across + pooled @ ridge)[..., None])[..., 0]
        used = np.trace(np.linalg.solve(own + ridge, own), axis1=1, axis2=2)
        fitted = 2.0 * (across * shrunk).sum(1) - np.einsum("gi,gij,gj->g", shrunk, own, shrunk)
        rss[:, k] = np.maximum(total_y - fitted, 0.0)
        left[:, k] = np.maximum(rows - used, 0.0)
    return ResidualGuide(rss=rss, dof=left)


def place_log_sigma(centre: Any, spread: Any, raw: Any, rss: Any, dof: Any, *, log: Callable[..., Any]) -> tuple[Any, Any]:
    """Return log residual standard deviations and the information of their coordinates.

    Given the typical value and the spread over clusters, a cluster's residual variance is inverse-gamma, prior and
    approximate posterior alike; ``raw`` counts standard deviations of its logarithm from that posterior's mode. So the
    coordinates are nearly standard normal whether a cluster says much, little or nothing about its variance.

    Parameters
    ----------
    centre, spread
        (..., K) log of the typical residual standard deviation, and its spread over clusters.
    raw
        (..., G, K) the sampled coordinates.
    rss, dof
        (G, K) from `guide_residuals`.
    log
        The logarithm of the arrays' library (NumPy or PyTensor).
    """
    shape = shape_of_spread(spread)
    information = 2.0 * (dof + 2.0 * shape)
    typical = math.e ** (2.0 * centre)
    mode = 0.5 * log(2.0 * (rss + 2.0 * shape * typical) / information)
    return mode + raw / information**0.5, information


def shape_of_spread(spread: Any) -> Any:
    """Return the inverse-gamma shape whose log standard deviations spread by about ``spread`` (1 / (4 shape)).

    A spread below 1e-6 counts as that: clusters are the same then to any use, and the density of larger shapes is a
    difference of numbers so large that rounding would make modes of its own.
    """
    return 0.25 / (spread**2.0 + LEAST_SPREAD**2.0)

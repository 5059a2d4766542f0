"""How columns go together between groups: covariances of the groups' true means, which samples of rows only approach.

The observed mean of a group is its true mean and a sampling error, whose covariance follows from the rows inside it. Taken
as true, observed means make associations between groups look like those inside them where groups are small (Preacher, Zyphur
and Zhang 2010, Psychological Methods 15; Luedtke et al. 2008, same journal 13).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import invwishart

Floats = NDArray[np.float64]
_BURN_IN = 200
_FLOOR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupMeans:
    """Observed means (group, column) of standardised columns, and covariances (group, column, column) of their errors."""

    mean: Floats
    error: Floats


def draw_between(groups: GroupMeans, draws: int, *, random_seed: int) -> Floats:
    """Draw covariances (draw, column, column) of the groups' true means from their posterior.

    A Gibbs sampler: true means given the covariance are normal, the covariance given them is inverse-Wishart. Its prior has
    uniform correlations (degrees of freedom one above the number of columns) and the scale of the observed means.
    """
    n_groups, size = groups.mean.shape
    rng = np.random.default_rng([random_seed, 21])
    precision_of_error = _invert(groups.error)
    centre, truth = groups.mean.mean(axis=0), groups.mean.copy()
    spread = np.maximum(groups.mean.var(axis=0, ddof=1), _FLOOR)
    prior, out = np.diag(0.5 * spread), np.empty((draws, size, size))
    for step in range(_BURN_IN + draws):
        away = truth - centre
        scale = prior + away.T @ away
        covariance = np.atleast_2d(invwishart.rvs(size + 1 + n_groups, scale, random_state=rng))
        centre = truth.mean(axis=0) + np.linalg.cholesky(covariance / n_groups) @ rng.standard_normal(size)
        own = np.linalg.inv(covariance)
        posterior = np.linalg.inv(precision_of_error + own)
        pull = np.einsum("gij,gj->gi", precision_of_error, groups.mean) + own @ centre
        root = np.linalg.cholesky(posterior)
        truth = np.einsum("gij,gj->gi", posterior, pull) + np.einsum("gij,gj->gi", root, rng.standard_normal(truth.shape))
        if step >= _BURN_IN:
            out[step - _BURN_IN] = covariance
    return out


def draw_between_units(
    between: Floats, within: Floats, dof: tuple[float, float], size: float, draws: int, *, random_seed: int
) -> Floats:
    """Draw covariances (draw, column, column) of units' true means from sums of squares between and inside units.

    The sums are Wishart with the covariances T U + W and W, for units of T rows; draws in which U is not positive definite
    have its negative directions set to zero.

    Parameters
    ----------
    between, within
        (column, column) sums of products of units' means, each counted once a row, and inside units.
    dof
        Their degrees of freedom.
    size
        T, or its mean over units as the analysis of variance takes it.
    """
    rng = np.random.default_rng([random_seed, 22])
    ridge = np.diag(np.maximum(np.diag(between + within), _FLOOR)) * 1e-12
    whole = np.asarray(invwishart.rvs(dof[0], between + ridge, size=draws, random_state=rng))
    inside = np.asarray(invwishart.rvs(dof[1], within + ridge, size=draws, random_state=rng))
    values, vectors = np.linalg.eigh((whole - inside).reshape(draws, *between.shape) / size)
    kept = np.maximum(values, _FLOOR * np.abs(values).max(axis=1, keepdims=True))
    covariance: Floats = np.einsum("sij,sj,skj->sik", vectors, kept, vectors)
    return covariance


def _invert(covariance: Floats) -> Floats:
    """Invert covariances of errors; a column without any gets a tiny one."""
    size = covariance.shape[1]
    places = np.arange(size)
    floored = covariance.copy()
    floored[:, places, places] += 1e-8
    return np.linalg.inv(floored)

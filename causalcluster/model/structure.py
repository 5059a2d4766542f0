"""What the model reads: its structure, its data and a point to start from. None of it needs PyMC."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.model.priors import Priors
from causalcluster.model.residuals import guide_residuals
from causalcluster.model.standard import MomentArrays

INDEPENDENT_SD = 2.5
"""Standard deviation of every coefficient of every cluster where clusters share nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Which parts the model has: all that decides its graph, whatever the sizes.

    Attributes
    ----------
    pooled
        Whether clusters are draws from a population.
    varying, correlated
        Whether some coefficients vary by cluster, and some of these share a correlation matrix.
    residual_sd_varies
        Whether clusters have residual standard deviations of their own.
    separate_intercepts
        Whether cluster intercepts have a distribution apart from the slopes.
    """

    pooled: bool
    varying: bool
    correlated: bool
    residual_sd_varies: bool
    separate_intercepts: bool


def structure_of(design: Design, arrays: MomentArrays, priors: Priors) -> Structure:
    """Return the structure of the model of these equations."""
    pooled = design.pooling == "partial"
    return Structure(
        pooled=pooled,
        varying=len(arrays.varying) > 0,
        correlated=len(priors.partial_alpha) > 0,
        residual_sd_varies=design.residual_sd_varies,
        separate_intercepts=pooled and design.intercepts == "separate",
    )


def model_data(arrays: MomentArrays, priors: Priors) -> dict[str, NDArray[Any]]:
    """Return what enters the model as `pm.Data`: moments, hyperparameters and the positions of coefficients."""
    guide = guide_residuals(arrays)
    return {
        "dof": arrays.dof,
        "sxx": arrays.sxx,
        "sxy": arrays.sxy,
        "syy": arrays.syy,
        "starts": arrays.starts,
        "varying_at": arrays.varying,
        "node_mean": arrays.mean,
        "rows": arrays.rows.astype(float),
        "guide_rss": guide.rss,
        "guide_dof": guide.dof,
        "prior_mean": priors.mean,
        "prior_sd": priors.sd,
        "tau_shape": np.asarray(priors.tau_shape),
        "tau_rate": priors.tau_rate,
        "partial_alpha": priors.partial_alpha,
        "log_sigma_mean": np.asarray(priors.log_sigma_mean),
        "log_sigma_sd": np.asarray(priors.log_sigma_sd),
        "spread_shape": np.asarray(priors.spread_shape),
        "spread_rate": np.asarray(priors.spread_rate),
        "intercept_scale": priors.intercept_scale,
    }


def model_start(arrays: MomentArrays, priors: Priors) -> dict[str, NDArray[np.float64]]:
    """Return a point well inside every prior, by free variable, on its own scale."""
    n_clusters, n_equations = arrays.dof.shape
    return {
        "mean": priors.mean,
        "tau": priors.tau_shape / priors.tau_rate,
        "partial": np.full(len(priors.partial_alpha), 0.5),
        "log_sigma": np.full(n_equations, priors.log_sigma_mean),
        "sigma_spread": np.full(n_equations, priors.spread_shape / priors.spread_rate),
        "sigma_raw": np.zeros((n_clusters, n_equations)),
        "intercept_mean": np.zeros(n_equations),
        "intercept_sd": priors.intercept_scale,
    }


def dim_lengths(arrays: MomentArrays, priors: Priors) -> dict[str, int]:
    """Return the length of every dim of the model's variables."""
    n_clusters, n_equations = arrays.dof.shape
    return {
        "coefficient": len(priors.mean),
        "varying": len(arrays.varying),
        "pair": len(priors.partial_alpha),
        "equation": n_equations,
        "cluster": n_clusters,
    }

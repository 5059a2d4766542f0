"""Standardised moments to a PyMC model: all equations at once, cluster coefficients integrated out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.model.likelihood import ClusterMarginalLikelihood
from causalcluster.model.priors import Priors
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
INDEPENDENT_SD = 2.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResidualGuide:
    """Rough residual sums of squares (G, K) of every cluster and the degrees of freedom (G, K) behind them.

    They only place the sampler's coordinates, never the posterior: see `place_log_sigma`.
    """

    rss: Floats
    dof: Floats


def guide_residuals(arrays: MomentArrays) -> ResidualGuide:
    """Fit a ridge regression towards the pooled slopes in every cluster."""
    rss, left = np.zeros_like(arrays.syy), np.zeros_like(arrays.syy)
    for k in range(arrays.syy.shape[1]):
        block = slice(arrays.starts[k], arrays.starts[k + 1])
        sxx, sxy, syy, dof = arrays.sxx[:, block, block], arrays.sxy[:, block], arrays.syy[:, k], arrays.dof[:, k]
        width = sxx.shape[1]
        pooled = np.linalg.lstsq(sxx.sum(0), sxy.sum(0), rcond=None)[0]
        total = syy - 2.0 * sxy @ pooled + np.einsum("i,gij,j->g", pooled, sxx, pooled)
        variance = max(float(total.sum() / max(dof.sum() - width, 1.0)), 1e-12)
        ridge = np.eye(width) * variance / 0.3**2
        shrunk = np.linalg.solve(sxx + ridge, (sxy + pooled @ ridge)[..., None])[..., 0]
        used = np.trace(np.linalg.solve(sxx + ridge, sxx), axis1=1, axis2=2)
        fitted = 2.0 * (sxy * shrunk).sum(1) - np.einsum("gi,gij,gj->g", shrunk, sxx, shrunk)
        rss[:, k] = np.maximum(syy - fitted, 0.0)
        left[:, k] = np.maximum(dof - used, 0.0)
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
    """Return the inverse-gamma shape whose log standard deviations spread by about ``spread`` (1 / (4 shape))."""
    return 0.25 * spread**-2.0


def build_model(design: Design, arrays: MomentArrays, priors: Priors) -> pm.Model:
    """Write the hierarchical model.

    With theta_g the coefficients of all equations in cluster g,

        theta_g ~ MvNormal(mean, diag(tau) R diag(tau)),  row of equation k ~ Normal(x theta_gk, sigma_kg)

    theta_g is integrated out (`causalcluster.model.kernel`); `causalcluster.fitting` draws it back exactly.
    Residual variances sigma_kg^2 are inverse-gamma around the equation's typical value: unlike a log-normal, that keeps
    the posterior proper where a node is constant inside a cluster. `place_log_sigma` gives them coordinates without the
    funnel that either usual parametrisation has; the posterior is the same.

    Parameters
    ----------
    design, arrays, priors
        Equations, standardised moments and priors.

    Returns
    -------
    pymc.Model
        Free variables ``mean`` (coefficient), ``tau`` (varying), ``partial`` (pair), ``log_sigma`` (equation),
        ``sigma_spread`` (equation), ``sigma_raw`` (cluster, equation), and for separate intercepts
        ``intercept_mean`` and ``intercept_sd`` (equation). The moments are `pm.Data`: new ones need no compiling.
    """
    names = [term.name for term in design.terms]
    coords = {
        "coefficient": names,
        "varying": [names[i] for i in arrays.varying],
        "equation": list(design.nodes),
        "cluster": list(arrays.clusters),
    }
    guide = guide_residuals(arrays)
    with pm.Model(coords=coords) as model:
        data = {
            name: pm.Data(name, value)
            for name, value in (
                ("dof", arrays.dof),
                ("sxx", arrays.sxx),
                ("sxy", arrays.sxy),
                ("syy", arrays.syy),
                ("node_mean", arrays.mean),
                ("rows", arrays.rows.astype(float)),
                ("guide_rss", guide.rss),
                ("guide_dof", guide.dof),
            )
        }
        mean, tau, partial = _coefficient_priors(design, arrays, priors)
        log_sigma = _residual_priors(design, priors, data)
        if design.intercepts == "separate" and design.pooling == "partial":
            _intercept_likelihood(priors, data, log_sigma)
        inputs = (data["dof"], data["sxx"], data["sxy"], data["syy"])
        results: Any = ClusterMarginalLikelihood()(mean, tau, partial, log_sigma, *inputs, arrays.starts, arrays.varying)
        pm.Potential("moments", results[0])
    return model


def _coefficient_priors(design: Design, arrays: MomentArrays, priors: Priors) -> tuple[Any, Any, Any]:
    n_varying, n_partial = len(arrays.varying), len(priors.partial_alpha)
    if design.pooling == "none":
        return (
            pt.zeros(len(design.terms)),
            pt.full(n_varying, INDEPENDENT_SD),
            pt.zeros(n_partial),
        )
    mean = pm.Normal("mean", priors.mean, priors.sd, dims="coefficient")
    tau = pm.Gamma("tau", priors.tau_shape, priors.tau_rate, dims="varying") if n_varying else pt.zeros(0)
    if not n_partial:
        return mean, tau, pt.zeros(0)
    half = pm.Beta("partial", priors.partial_alpha, priors.partial_alpha, shape=n_partial)
    return mean, tau, 2.0 * half - 1.0


def _residual_priors(design: Design, priors: Priors, data: dict[str, Any]) -> Any:
    centre = pm.Normal("log_sigma", priors.log_sigma_mean, priors.log_sigma_sd, dims="equation")
    if not design.residual_sd_varies:
        return pt.zeros_like(data["dof"]) + centre
    spread = pm.Gamma("sigma_spread", priors.spread_shape, priors.spread_rate, dims="equation")
    raw = pm.Flat("sigma_raw", dims=("cluster", "equation"))
    log_sigma, information = place_log_sigma(centre, spread, raw, data["guide_rss"], data["guide_dof"], log=pt.log)
    shape, away = shape_of_spread(spread), log_sigma - centre
    density = shape * pt.log(shape) - pt.gammaln(shape) - 2.0 * shape * away - shape * pt.exp(-2.0 * away)
    pm.Potential("sigma_prior", (density - 0.5 * pt.log(information)).sum())
    return log_sigma


def _intercept_likelihood(priors: Priors, data: dict[str, Any], log_sigma: Any) -> None:
    scale = priors.intercept_scale
    centre = pm.Normal("intercept_mean", 0.0, 2.5 * np.maximum(scale, 1.0), dims="equation")
    spread = pm.Gamma("intercept_sd", 2.0, 2.0 / scale, dims="equation")
    rows = data["rows"][:, None]
    variance = spread**2 + pt.exp(2.0 * log_sigma) / pt.maximum(rows, 1.0)
    terms = -0.5 * (data["node_mean"] - centre) ** 2 / variance - 0.5 * pt.log(variance)
    pm.Potential("cluster_means", pt.switch(pt.gt(rows, 0.0), terms, 0.0).sum())

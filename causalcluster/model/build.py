"""Standardised moments to a PyMC model: all equations at once, cluster coefficients integrated out."""

from dataclasses import dataclass

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
    """Rough residual log standard deviations of each cluster (G, K), from its moments, and their precision (G, K).

    They only place the sampler's coordinates, never the posterior: see `build_model`.
    """

    log_sd: Floats
    precision: Floats


def guide_residuals(arrays: MomentArrays) -> ResidualGuide:
    """Estimate residual standard deviations by a ridge regression towards the pooled slopes in every cluster."""
    log_sd, precision = np.zeros_like(arrays.syy), np.zeros_like(arrays.syy)
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
        rss = syy - 2.0 * (sxy * shrunk).sum(1) + np.einsum("gi,gij,gj->g", shrunk, sxx, shrunk)
        left = np.maximum(dof - used, 0.0)
        log_sd[:, k] = 0.5 * np.log(np.maximum(rss, 1e-3 * variance) / np.maximum(left, 1.0))
        precision[:, k] = 2.0 * left
    return ResidualGuide(log_sd=log_sd, precision=precision)


def build_model(design: Design, arrays: MomentArrays, priors: Priors) -> pm.Model:
    """Write the hierarchical model.

    With theta_g the coefficients of all equations in cluster g,

        theta_g ~ MvNormal(mean, diag(tau) R diag(tau)),  row of equation k ~ Normal(x theta_gk, sigma_kg)

    theta_g is integrated out (`causalcluster.model.kernel`); `causalcluster.fitting` draws it back exactly.
    Residual standard deviations are sampled in coordinates that are standard normal when the rough estimates of
    `guide_residuals` are right: the same posterior, without the funnel that either usual parametrisation has.

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
                ("guide_log_sd", guide.log_sd),
                ("guide_precision", guide.precision),
            )
        }
        mean, tau, partial = _coefficient_priors(design, arrays, priors)
        log_sigma = _residual_priors(design, priors, data)
        if design.intercepts == "separate" and design.pooling == "partial":
            _intercept_likelihood(priors, data, log_sigma)
        inputs = (data["dof"], data["sxx"], data["sxy"], data["syy"])
        results = ClusterMarginalLikelihood()(mean, tau, partial, log_sigma, *inputs, arrays.starts, arrays.varying)
        pm.Potential("moments", results[0])
    return model


def _coefficient_priors(
    design: Design, arrays: MomentArrays, priors: Priors
) -> tuple[pt.TensorVariable, pt.TensorVariable, pt.TensorVariable]:
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


def _residual_priors(design: Design, priors: Priors, data: dict[str, pt.TensorVariable]) -> pt.TensorVariable:
    centre = pm.Normal("log_sigma", priors.log_sigma_mean, priors.log_sigma_sd, dims="equation")
    if not design.residual_sd_varies:
        return pt.zeros_like(data["dof"]) + centre
    spread = pm.Gamma("sigma_spread", priors.spread_shape, priors.spread_rate, dims="equation")
    raw = pm.Flat("sigma_raw", dims=("cluster", "equation"))
    prior_precision = spread**-2.0
    precision = data["guide_precision"] + prior_precision
    guided = (data["guide_precision"] * data["guide_log_sd"] + prior_precision * centre) / precision
    log_sigma = guided + raw / pt.sqrt(precision)
    jacobian = -0.5 * pt.log(precision)
    pm.Potential("sigma_prior", (-0.5 * ((log_sigma - centre) / spread) ** 2 - pt.log(spread) + jacobian).sum())
    return log_sigma


def _intercept_likelihood(priors: Priors, data: dict[str, pt.TensorVariable], log_sigma: pt.TensorVariable) -> None:
    scale = priors.intercept_scale
    centre = pm.Normal("intercept_mean", 0.0, 2.5 * np.maximum(scale, 1.0), dims="equation")
    spread = pm.Gamma("intercept_sd", 2.0, 2.0 / scale, dims="equation")
    rows = data["rows"][:, None]
    variance = spread**2 + pt.exp(2.0 * log_sigma) / pt.maximum(rows, 1.0)
    terms = -0.5 * (data["node_mean"] - centre) ** 2 / variance - 0.5 * pt.log(variance)
    pm.Potential("cluster_means", pt.switch(pt.gt(rows, 0.0), terms, 0.0).sum())

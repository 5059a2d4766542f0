"""Standardised moments to a PyMC model: all equations at once, cluster coefficients integrated out.

The data, the priors and the structure of the equations are `pm.Data`, and no shape is fixed, so that one compiled
model serves every design of the same `Structure`.
"""

import math
from collections.abc import Mapping
from typing import Any

import pymc as pm
import pytensor.tensor as pt

from causalcluster.design import Design
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.likelihood import ClusterMarginalLikelihood, LayeredMarginalLikelihood, OuterMarginalLikelihood
from causalcluster.model.mixed import add_row_equations
from causalcluster.model.priors import PERIOD_SD_MEAN, SHOCK_SD_MEAN, Priors, sign_density
from causalcluster.model.residuals import place_log_sigma, shape_of_spread
from causalcluster.model.row_arrays import row_labels
from causalcluster.model.standard import MomentArrays
from causalcluster.model.structure import Structure, model_data, structure_of

INTERCEPT_MEAN_SDS = 2.5
"""Standard deviations of the observed cluster means that make the prior of a typical intercept."""


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
        ``intercept_mean`` and ``intercept_sd`` (equation); for random effects of periods ``period_sd`` (node), in units
        of which ``mean`` holds them; for errors that rows of a cell share ``shock_sd`` (shocked); for groups of clusters
        ``outer_sd`` (outer, varying); with rows those of `add_row_equations`. The
        moments are `pm.Data`: new ones need no compiling.
    """
    names = [term.name for term in design.terms]
    coords = {
        "coefficient": names,
        "varying": [names[i] for i in arrays.varying],
        "pair": range(len(priors.partial_alpha)),
        "equation": gaussian_nodes(design),
        "node": list(design.nodes),
        "shocked": [design.equations[k].node for k in design.shocked],
        "outer": list(arrays.outer.columns) if arrays.outer is not None else [],
        "cluster": list(arrays.clusters),
        **row_labels(arrays.row_equations),
    }
    # Every prior is proper wherever the data put it, so the bounds of its parameters need no check at every step.
    with pm.Model(coords=coords, check_bounds=False) as model:
        data = {name: pm.Data(name, value) for name, value in model_data(arrays, priors).items()}
        structure = structure_of(design, arrays, priors)
        mean, tau, partial = _coefficient_priors(structure, data)
        log_sigma = _residual_priors(structure, data) if structure.gaussian else pt.zeros_like(data["guide_dof"])
        if structure.separate_intercepts:
            _intercept_likelihood(data, log_sigma)
        if structure.sampled:
            add_row_equations(structure, data, mean, tau, partial, log_sigma)
            return model
        if structure.layered:
            _layered_likelihood(structure, data, mean, tau, partial, log_sigma)
            return model
        moments = (data[name] for name in ("dof", "sxx", "sxy", "syy", "starts", "varying_at"))
        results: Any = ClusterMarginalLikelihood()(mean, tau, partial, log_sigma, *moments)
        pm.Potential("moments", results[0])
    return model


def _layered_likelihood(
    structure: Structure, data: Mapping[str, Any], mean: Any, tau: Any, partial: Any, log_sigma: Any
) -> None:
    own = log_sigma[:, pt.minimum(data["layer_equation"], log_sigma.shape[1] - 1)]
    log_sd = data["layer_own"] * own + data["layer_fixed"]
    if structure.shocks:
        shock_sd = pm.Gamma("shock_sd", 2.0, 2.0 / SHOCK_SD_MEAN, dims="shocked")
        shock = data["layer_shock"]
        counted = pt.switch(pt.ge(shock, 0), data["layer_size"], 0.0)
        log_sd = 0.5 * pt.log(pt.exp(2.0 * log_sd) + counted * shock_sd[pt.maximum(shock, 0)] ** 2)
    names = ("layer_dof", "layer_sxx", "layer_sxy", "layer_syy", "layer_equation", "starts", "varying_at")
    moments = [data[name] for name in names]
    if structure.outer:
        outer_sd = pm.Gamma("outer_sd", data["tau_shape"], data["tau_rate"], dims=("outer", "varying"))
        groups = [data[name] for name in ("outer_combo", "outer_combos", "outer_offset")]
        results: Any = OuterMarginalLikelihood()(mean, tau, partial, log_sd, outer_sd, *moments, *groups)
    else:
        results = LayeredMarginalLikelihood()(mean, tau, partial, log_sd, *moments)
    pm.Potential("moments", results[0])


def _coefficient_priors(structure: Structure, data: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    none = pt.zeros(0)
    if not structure.pooled:
        return data["prior_mean"], data["independent_sd"], pt.zeros_like(data["partial_alpha"])
    mean = pm.Normal("mean", data["prior_mean"], data["prior_sd"], dims="coefficient")
    if structure.signed:
        # Positive at every value: the prior of a sign is never 0 or 1.
        tilt = sign_density(mean, data["prior_sd"], data["positive"], cdf=_normal_cdf)
        pm.Potential("signs", pt.log(tilt).sum())
    if structure.periods:
        period_sd = pm.Gamma("period_sd", 2.0, 2.0 / PERIOD_SD_MEAN, dims="node")
        equation = data["period_to"]
        unit = period_sd[pt.maximum(equation, 0)] * data["period_unit"]
        mean = mean * pt.switch(pt.ge(equation, 0), unit, 1.0)
    tau = pm.Gamma("tau", data["tau_shape"], data["tau_rate"], dims="varying") if structure.varying else none
    if not structure.correlated:
        return mean, tau, none
    half = pm.Beta("partial", data["partial_alpha"], data["partial_alpha"], dims="pair")
    return mean, tau, 2.0 * half - 1.0


def _normal_cdf(value: Any) -> Any:
    return 0.5 * pt.erfc(-value / math.sqrt(2.0))


def _residual_priors(structure: Structure, data: Mapping[str, Any]) -> Any:
    centre = pm.Normal("log_sigma", data["log_sigma_mean"], data["log_sigma_sd"], dims="equation")
    if not structure.residual_sd_varies:
        return pt.zeros_like(data["guide_dof"]) + centre
    spread = pm.Gamma("sigma_spread", data["spread_shape"], data["spread_rate"], dims="equation")
    raw = pm.Flat("sigma_raw", dims=("cluster", "equation"))
    log_sigma, information = place_log_sigma(centre, spread, raw, data["guide_rss"], data["guide_dof"], log=pt.log)
    shape, away = shape_of_spread(spread), log_sigma - centre
    density = shape * pt.log(shape) - pt.gammaln(shape) - 2.0 * shape * away - shape * pt.exp(-2.0 * away)
    pm.Potential("sigma_prior", (density - 0.5 * pt.log(information)).sum())
    return log_sigma


def _intercept_likelihood(data: Mapping[str, Any], log_sigma: Any) -> None:
    scale = data["intercept_scale"]
    centre = pm.Normal("intercept_mean", 0.0, INTERCEPT_MEAN_SDS * pt.maximum(scale, 1.0), dims="equation")
    spread = pm.Gamma("intercept_sd", 2.0, 2.0 / scale, dims="equation")
    rows = data["rows"]
    variance = spread**2 + pt.exp(2.0 * log_sigma) / pt.maximum(rows, 1.0)
    terms = -0.5 * (data["node_mean"] - centre) ** 2 / variance - 0.5 * pt.log(variance)
    pm.Potential("cluster_means", pt.switch(pt.gt(rows, 0.0), terms, 0.0).sum())

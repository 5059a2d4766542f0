"""How effects move when the prior or the likelihood counts a little more or less: power-scaling, without a refit.

Kallioinen, Paananen, Buerkner and Vehtari (2024, Statistics and Computing 34, 57), by ArviZ's `psense`. The prior is that of
what all clusters share: means, standard deviations and correlations of coefficients, residual standard deviations. The
likelihood is of the data with clusters' coefficients integrated out.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

from causalcluster.analysis.claim_records import name_effect
from causalcluster.design import Design
from causalcluster.fitting.coefficients import coefficient_roots, flat_population
from causalcluster.model.build import INTERCEPT_MEAN_SDS
from causalcluster.model.kernel import conditional_log_likelihood
from causalcluster.model.priors import PERIOD_SD_MEAN, SHOCK_SD_MEAN, Priors, sign_density
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
THRESHOLD = 0.05
"""Above it the posterior follows a change of the prior or of the likelihood (Kallioinen et al. 2024)."""
LEAST_DRAWS = 100
"""With fewer the weights' tails cannot be smoothed."""
COLUMNS = ("outcome", "effect", "via", "level", "prior", "likelihood", "diagnosis", "reason")
_EFFECTS = ("total", "nde", "nie")
_LEVELS = ("population", "sample")


def power_scale(
    design: Design,
    priors: Priors,
    arrays: MomentArrays,
    posterior: xr.Dataset,
    residual_sd: Floats,
    effects: xr.Dataset,
) -> pd.DataFrame | None:
    """Return how sensitive every total, direct and indirect effect is to powers of prior and likelihood.

    Parameters
    ----------
    design, priors, arrays
        The model.
    posterior
        Its free variables.
    residual_sd
        (chain, draw, G, K).
    effects
        Draws of effects.

    Returns
    -------
    pandas.DataFrame or None
        The table of power.csv; None where no such effect was computed, the posterior has no prior of this kind, or too few
        draws.
    """
    chosen = np.flatnonzero(
        np.isin(effects["estimand"].values.astype(str), _EFFECTS)
        & np.isin(effects["level"].values.astype(str), _LEVELS)
        & (effects["at"].values == "")
        & (effects["scale"].values == "difference")
    )
    few = effects.sizes["chain"] * effects.sizes["draw"] < LEAST_DRAWS
    if not len(chosen) or design.pooling == "none" or few:
        return None
    own = effects["effect"].isel(row=chosen).reset_coords(drop=True)
    prior = log_prior(posterior, priors)
    reason = why_no_likelihood(design, arrays)
    likelihood = None if reason else log_likelihood(design, posterior, priors, arrays, residual_sd)
    found = {"prior": _sensitivity(own, prior, "prior")}
    found["likelihood"] = np.full(len(chosen), np.nan) if likelihood is None else _sensitivity(own, likelihood, "likelihood")
    keys = ("outcome", "effect", "via", "level")
    rows = [
        {name: str(effects["estimand" if name == "effect" else name].values[i]) for name in keys}
        | {"prior": found["prior"][k], "likelihood": found["likelihood"][k]}
        | {"diagnosis": _diagnose(found["prior"][k], found["likelihood"][k]), "reason": reason}
        for k, i in enumerate(chosen)
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _diagnose(prior: float, likelihood: float) -> str:
    if not np.isfinite(prior) or prior < THRESHOLD:
        return ""
    if np.isnan(likelihood):
        return "follows the prior"
    return "prior and data disagree" if likelihood >= THRESHOLD else "the prior is strong or the data say little"


def _sensitivity(effects: xr.DataArray, group: xr.DataArray, name: str) -> Floats:
    from arviz_stats import psense

    tree = xr.DataTree.from_dict({"/posterior": xr.Dataset({"effect": effects}), f"/log_{name}": xr.Dataset({"all": group})})
    with warnings.catch_warnings():
        # An effect that is exactly zero has no spread to compare.
        warnings.simplefilter("ignore", RuntimeWarning)
        found: Any = psense(tree, var_names=["effect"], group=name)
    return np.nan_to_num(np.asarray(found["effect"].values, dtype=float))


def log_prior(posterior: xr.Dataset, priors: Priors) -> xr.DataArray:
    """Return the log density (chain, draw) of the prior of what all clusters share."""
    total = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]))

    def add(name: str, density: Any, *, used: Any = None) -> None:
        nonlocal total
        if name not in posterior or posterior[name].size == 0:
            return
        values = posterior[name].transpose("chain", "draw", ...).values
        terms = density(values)
        if used is not None:
            terms = np.where(used, terms, 0.0)
        total = total + terms.reshape(*terms.shape[:2], -1).sum(axis=-1)

    def gamma(shape: Any, rate: Any) -> Any:
        return lambda x: stats.gamma.logpdf(x, shape, scale=1.0 / np.asarray(rate))

    add("mean", lambda x: stats.norm.logpdf(x, priors.mean, priors.sd), used=priors.mean_free > 0.0)
    if priors.signed:
        add("mean", lambda x: np.log(sign_density(x, priors.sd, priors.positive, cdf=ndtr)))
    add("tau", gamma(priors.tau_shape, priors.tau_rate))
    add("partial", lambda x: stats.beta.logpdf(x, priors.partial_alpha, priors.partial_alpha))
    add("log_sigma", lambda x: stats.norm.logpdf(x, priors.log_sigma_mean, priors.log_sigma_sd))
    add("sigma_spread", gamma(priors.spread_shape, priors.spread_rate))
    add("intercept_mean", lambda x: stats.norm.logpdf(x, 0.0, INTERCEPT_MEAN_SDS * np.maximum(priors.intercept_scale, 1.0)))
    add("intercept_sd", gamma(2.0, 2.0 / priors.intercept_scale))
    add("period_sd", gamma(2.0, 2.0 / PERIOD_SD_MEAN))
    add("shock_sd", gamma(2.0, 2.0 / SHOCK_SD_MEAN))
    add("outer_sd", gamma(priors.tau_shape, priors.tau_rate))
    return xr.DataArray(total, dims=("chain", "draw"))


def why_no_likelihood(design: Design, arrays: MomentArrays) -> str:
    """Return why the likelihood is not evaluated again, or nothing."""
    if arrays.row_equations is not None:
        return "the likelihood needs rows, and is not evaluated again"
    if arrays.layers is not None or arrays.outer is not None or design.lagged:
        return "the likelihood has layers, and is not evaluated again"
    return ""


def log_likelihood(
    design: Design, posterior: xr.Dataset, priors: Priors, arrays: MomentArrays, residual_sd: Floats
) -> xr.DataArray:
    """Return the log likelihood (chain, draw) of the moments of all clusters, up to a constant."""
    shape = residual_sd.shape[:2]
    n_draws = shape[0] * shape[1]
    population = flat_population(design, posterior, arrays, priors, n_draws)
    root = coefficient_roots(tau=population.tau, partial=population.partial, arrays=arrays, n_coefficients=len(design.terms))
    log_sigma = np.log(residual_sd.reshape(n_draws, *residual_sd.shape[2:]))
    moments = (arrays.dof, arrays.sxx, arrays.sxy, arrays.syy, arrays.starts)
    found = np.array(
        [
            conditional_log_likelihood(population.mean[s][None], root[s], np.ascontiguousarray(log_sigma[s]), *moments)[0]
            for s in range(n_draws)
        ]
    )
    if design.intercepts == "separate" and "intercept_mean" in posterior:
        rows = np.maximum(arrays.rows.astype(float), 1.0)[:, None]
        level, spread = (
            posterior[name].transpose("chain", "draw", ...).values.reshape(n_draws, 1, -1)
            for name in ("intercept_mean", "intercept_sd")
        )
        variance = spread**2 + np.exp(2.0 * log_sigma) / rows
        terms = -0.5 * ((arrays.mean - level) ** 2 / variance + np.log(variance))
        found += np.where(arrays.rows[:, None] > 0, terms, 0.0).sum(axis=(1, 2))
    return xr.DataArray(found.reshape(shape), dims=("chain", "draw"))


def power_warnings(table: pd.DataFrame | None, level: str) -> tuple[str, ...]:
    """Return a sentence for the user where effects at ``level`` follow the prior."""
    if table is None:
        return ()
    moved = table[(table["level"] == level) & (table["diagnosis"] != "")]
    names = [name_effect(row["effect"], row["outcome"], row["via"]) for row in moved.to_dict("records")]
    if not names:
        return ()
    return (f"These effects follow a change of the prior (power.csv): {', '.join(names)}",)

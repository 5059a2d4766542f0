"""How well a fit without a cluster foretells that cluster: exact, since clusters' coefficients are integrated out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from causalcluster.analysis.records import Sampling
from causalcluster.design import Design
from causalcluster.fitting.many import compiled_here, without_cluster
from causalcluster.fitting.nuts import Start
from causalcluster.fitting.sample import Draws, refit
from causalcluster.model.kernel import conditional_log_likelihood
from causalcluster.model.priors import Priors
from causalcluster.model.residuals import guide_residuals, place_log_sigma, shape_of_spread
from causalcluster.model.standard import MomentArrays

Floats = NDArray[np.float64]
_PROPOSALS = 4
_WIDTH = 1.2
"""Standard deviations of proposals of a cluster's residual standard deviations, a little wider than their posterior."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutTask:
    """One fit without a cluster; it can be sent to another machine.

    Attributes
    ----------
    design, priors, arrays
        The model, and the moments of all clusters.
    cluster
        Position of the cluster that is left out.
    sampling
        Settings, with the fit's own seed.
    start
        Where the fit to all clusters ended.
    """

    design: Design
    priors: Priors
    arrays: MomentArrays
    cluster: int
    sampling: Sampling
    start: Start | None


def why_no_density(design: Design, arrays: MomentArrays) -> str:
    """Return why the density of a new cluster is not computed, or nothing."""
    if arrays.clusters == ("",):
        return "the analysis has no clusters"
    if design.pooling != "partial":
        return "without pooling there is no distribution of a new cluster"
    if arrays.row_equations is not None:
        return "an equation is not linear, or values are missing"
    if arrays.layers is not None or arrays.outer is not None or design.lagged:
        return "rows share errors, clusters are in groups, or edges have lags"
    if design.intercepts == "absorbed":
        return "intercepts of units are taken out"
    return ""


def fit_held_out(task: HeldOutTask) -> float:
    """Fit without the cluster; return the log density of its moments under a new cluster of that fit."""
    compiled = compiled_here(task.design, task.arrays, task.priors)
    arrays = without_cluster(task.arrays, task.cluster)
    draws = refit(compiled, arrays, task.sampling, start=task.start, cores=1)
    return log_density_of_cluster(task.design, task.arrays, draws, task.cluster, random_seed=task.sampling.seed)


def log_density_of_cluster(design: Design, arrays: MomentArrays, draws: Draws, g: int, *, random_seed: int) -> float:
    """Return the log of the mean density of cluster g's moments over draws in which it has no part.

    Its coefficients are integrated out in closed form, its residual standard deviations by importance sampling from their
    approximate posterior given each draw. Constants that all models of the same rows share (powers of 2 pi) are left out.
    """
    posterior = draws.posterior["posterior"].to_dataset().stack(sample=("chain", "draw"))
    mean = draws.coefficients.mean.reshape(-1, draws.coefficients.mean.shape[-1])
    root = draws.coefficients.root.reshape(len(mean), mean.shape[1], -1)
    centre = posterior["log_sigma"].transpose("sample", "equation").values
    own = [np.ascontiguousarray(item[g : g + 1]) for item in (arrays.dof, arrays.sxx, arrays.sxy, arrays.syy)]
    rows = max(float(arrays.rows[g]), 1.0)
    sigma, weight = _residuals(design, posterior, arrays, centre, g, random_seed)
    level, spread = _intercepts(posterior) if design.intercepts == "separate" else (None, None)
    found = np.empty(sigma.shape[:2])
    for s in range(len(mean)):
        for j in range(sigma.shape[1]):
            log_sigma = np.ascontiguousarray(sigma[s, j][None])
            found[s, j] = conditional_log_likelihood(mean[s][None], root[s], log_sigma, *own, arrays.starts)[0]
            if level is not None and spread is not None:
                variance = spread[s] ** 2 + np.exp(2.0 * sigma[s, j]) / rows
                # The density of rows is that of their mean over sqrt(rows), times that of what is left.
                found[s, j] -= 0.5 * ((arrays.mean[g] - level[s]) ** 2 / variance + np.log(rows * variance)).sum()
    return float(logsumexp(found + weight) - np.log(found.size))


def _intercepts(posterior: object) -> tuple[Floats, Floats]:
    level, spread = (posterior[name].transpose("sample", "equation").values for name in ("intercept_mean", "intercept_sd"))  # type: ignore[index]
    return level, spread


def _residuals(
    design: Design, posterior: object, arrays: MomentArrays, centre: Floats, g: int, random_seed: int
) -> tuple[Floats, Floats]:
    """Return log residual standard deviations (draw, proposal, K) and log weights (draw, proposal)."""
    if not design.residual_sd_varies:
        return centre[:, None], np.zeros((len(centre), 1))
    spread = posterior["sigma_spread"].transpose("sample", "equation").values[:, None]  # type: ignore[index]
    guide, rng = guide_residuals(arrays), np.random.default_rng([random_seed, 33])
    raw = _WIDTH * rng.standard_normal((len(centre), _PROPOSALS, centre.shape[1]))
    sigma, information = place_log_sigma(centre[:, None], spread, raw, guide.rss[g], guide.dof[g], log=np.log)
    shape, away = shape_of_spread(spread), sigma - centre[:, None]
    # The density of log sigma, of a variance that is inverse-gamma with mean inverse exp(-2 centre).
    prior = np.log(2.0) + shape * np.log(shape) - gammaln(shape) - 2.0 * shape * away - shape * np.exp(-2.0 * away)
    proposed = -0.5 * (raw / _WIDTH) ** 2 - np.log(_WIDTH) - 0.5 * np.log(2.0 * np.pi)
    return sigma, (prior - 0.5 * np.log(information) - proposed).sum(axis=-1)


def stacking_weights(density: Floats) -> Floats:
    """Return the weights (M,) of a mixture of models that foretells clusters best, from log densities (M, G).

    Yao, Vehtari, Simpson and Gelman (2018, Bayesian Analysis 13), by the EM algorithm of mixture proportions.
    """
    weight = np.full(len(density), 1.0 / len(density))
    relative = np.exp(density - density.max(axis=0))
    for _ in range(10_000):
        share = weight[:, None] * relative
        after = (share / share.sum(axis=0)).mean(axis=1)
        if np.abs(after - weight).max() < 1e-10:
            break
        weight = after
    return weight

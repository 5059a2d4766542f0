"""A fit as one ArviZ-readable DataTree: parameters in the user's units, effects, sampler statistics, prior draws."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design, correlated_terms
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.fitting.sample import Draws
from causalcluster.fitting.units import unit_map
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]


def coefficients_dataset(design: Design, scale: Scale, draws: CoefficientDraws) -> xr.Dataset:
    """Return coefficients in the user's units.

    Returns
    -------
    xarray.Dataset
        ``coefficient_mean`` and ``coefficient_sd`` (chain, draw, coefficient): mean and standard deviation over the
        population of clusters; ``cluster_coefficient`` (chain, draw, cluster, coefficient); ``correlation``
        (chain, draw, path_coefficient, path_coefficient_2) of the coefficients that effects multiply. Without a
        population of clusters, ``cluster_coefficient`` alone.
    """
    weights, constants = unit_map(design, scale)
    names = [term.name for term in design.terms]
    clusters = list(draws.clusters) if draws.clusters != ("",) else ["all rows"]
    variables: dict[str, tuple[tuple[str, ...], Floats]] = {
        "cluster_coefficient": (("chain", "draw", "cluster", "coefficient"), draws.theta @ weights.T + constants),
    }
    coords: dict[str, object] = {
        "chain": np.arange(draws.theta.shape[0]),
        "draw": np.arange(draws.theta.shape[1]),
        "cluster": clusters,
        "coefficient": names,
    }
    if draws.has_population:
        root = np.einsum("ij,cdjq->cdiq", weights, draws.root)
        sd = np.sqrt(np.square(root).sum(axis=-1))
        path = list(correlated_terms(design))
        variables["coefficient_mean"] = (("chain", "draw", "coefficient"), draws.mean @ weights.T + constants)
        variables["coefficient_sd"] = (("chain", "draw", "coefficient"), sd)
        if path:
            scaled = root[:, :, path] / np.where(sd[:, :, path, None] > 0.0, sd[:, :, path, None], 1.0)
            variables["correlation"] = (
                ("chain", "draw", "path_coefficient", "path_coefficient_2"),
                scaled @ scaled.swapaxes(-1, -2),
            )
            coords["path_coefficient"] = coords["path_coefficient_2"] = [names[i] for i in path]
    return xr.Dataset(variables, coords=coords)


def fit_tree(
    design: Design, scale: Scale, draws: Draws, effects: xr.Dataset, prior: CoefficientDraws, prior_effects: xr.Dataset
) -> xr.DataTree:
    """Collect the groups of posterior.nc: posterior, sample_stats, effects, prior, prior_effects."""
    posterior = coefficients_dataset(design, scale, draws.coefficients)
    units = np.array([scale.scale[node] for node in design.nodes])
    posterior = posterior.assign_coords(equation=list(design.nodes)).assign(
        residual_sd=(("chain", "draw", "cluster", "equation"), draws.residual_sd * units)
    )
    statistics = draws.posterior["sample_stats"].to_dataset()
    kept = [name for name in ("diverging", "energy", "n_steps", "step_size", "depth") if name in statistics]
    prior_coefficients = coefficients_dataset(design, scale, prior).drop_vars("cluster_coefficient")
    return xr.DataTree.from_dict(
        {
            "/posterior": posterior,
            "/sample_stats": statistics[kept],
            "/effects": _text_coords(effects),
            "/prior": prior_coefficients.drop_vars("cluster", errors="ignore"),
            "/prior_effects": _text_coords(prior_effects),
        }
    )


def _text_coords(effects: xr.Dataset) -> xr.Dataset:
    """Give key coords a text type that netCDF stores, also where there are no rows."""
    text = {
        name: ("row", np.asarray(coord.values, dtype=np.dtypes.StringDType()).astype(object))
        for name, coord in effects.coords.items()
        if coord.dims == ("row",)
    }
    return effects.assign_coords(text)

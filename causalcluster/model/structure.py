"""What the model reads: its structure, its data and a point to start from. None of it needs PyMC."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.families import Family, Link
from causalcluster.model.gap_arrays import GROUPS, GapArrays
from causalcluster.model.layers import Layers
from causalcluster.model.outer import OuterArrays
from causalcluster.model.priors import PERIOD_SD_MEAN, SHOCK_SD_MEAN, Priors
from causalcluster.model.residuals import guide_residuals
from causalcluster.model.row_arrays import RowEquations
from causalcluster.model.standard import MomentArrays


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
    moments
        Whether some equation's coefficients are integrated out.
    rows
        Family and link of every equation whose likelihood needs rows.
    gaps
        Whether gaussian equations are sampled, or rows have values that are averaged over.
    grid
        Whether some of these are summed over.
    gaussian
        Whether some equation is gaussian.
    periods
        Whether effects of periods have a distribution of their own.
    layered, shocks
        Whether moments come in layers, and whether rows of a cell share errors in some equation.
    outer
        Whether clusters are in groups.
    signed
        Whether signs of mean coefficients have a prior of their own.
    """

    pooled: bool
    varying: bool
    correlated: bool
    residual_sd_varies: bool
    separate_intercepts: bool
    moments: bool = True
    rows: tuple[tuple[Family, Link], ...] = ()
    gaps: bool = False
    grid: bool = False
    gaussian: bool = True
    periods: bool = False
    layered: bool = False
    shocks: bool = False
    outer: bool = False
    signed: bool = False

    @property
    def sampled(self) -> bool:
        """Whether some equation's coefficients are sampled."""
        return bool(self.rows) or self.gaps


def structure_of(design: Design, arrays: MomentArrays, priors: Priors) -> Structure:
    """Return the structure of the model of these equations."""
    pooled = design.pooling == "partial"
    own = arrays.row_equations
    gaps = None if own is None else own.gaps
    return Structure(
        pooled=pooled,
        varying=len(arrays.varying) > 0,
        correlated=len(priors.partial_alpha) > 0,
        residual_sd_varies=design.residual_sd_varies,
        separate_intercepts=pooled and design.intercepts == "separate",
        moments=arrays.dof.shape[1] > 0,
        rows=tuple((item.family, item.link) for item in own.equations) if own is not None else (),
        gaps=gaps is not None,
        grid=gaps is not None and len(gaps.grid.weight) > 0,
        gaussian=arrays.n_gaussian > 0,
        periods=priors.random_periods,
        layered=arrays.layers is not None,
        shocks=bool(design.shocked),
        outer=arrays.outer is not None,
        signed=pooled and priors.signed,
    )


def model_data(arrays: MomentArrays, priors: Priors) -> dict[str, NDArray[Any]]:
    """Return what enters the model as `pm.Data`: moments, hyperparameters and the positions of coefficients."""
    guide = guide_residuals(arrays)
    rows = {} if arrays.row_equations is None else _row_data(arrays.row_equations, priors, arrays.dof.shape[1])
    return {
        **rows,
        "dof": arrays.dof,
        "sxx": arrays.sxx,
        "sxy": arrays.sxy,
        "syy": arrays.syy,
        "starts": arrays.starts,
        "varying_at": arrays.varying,
        "node_mean": arrays.mean,
        "rows": observations(arrays),
        "guide_rss": guide.rss,
        "guide_dof": guide.dof,
        "prior_mean": priors.mean,
        "independent_sd": priors.independent_sd,
        "prior_sd": priors.sd,
        "tau_shape": np.asarray(priors.tau_shape),
        "tau_rate": priors.tau_rate,
        "partial_alpha": priors.partial_alpha,
        "log_sigma_mean": np.asarray(priors.log_sigma_mean),
        "log_sigma_sd": np.asarray(priors.log_sigma_sd),
        "spread_shape": np.asarray(priors.spread_shape),
        "spread_rate": np.asarray(priors.spread_rate),
        "intercept_scale": priors.intercept_scale,
        **({"period_to": priors.period_to, "period_unit": priors.period_unit} if priors.random_periods else {}),
        **({"positive": priors.positive} if priors.signed else {}),
        **({} if arrays.layers is None else _layer_data(arrays.layers)),
        **({} if arrays.outer is None else _outer_data(arrays.outer)),
    }


def _outer_data(outer: OuterArrays) -> dict[str, NDArray[Any]]:
    return {f"outer_{name}": getattr(outer, name) for name in ("combo", "combos", "offset")}


def _layer_data(layers: Layers) -> dict[str, NDArray[Any]]:
    names = ("equation", "shock", "size", "dof", "sxx", "sxy", "syy")
    own = np.isnan(layers.fixed)
    fixed = {"layer_own": own.astype(float), "layer_fixed": np.where(own, 0.0, layers.fixed)}
    return {f"layer_{name}": getattr(layers, name) for name in names} | fixed


def _row_data(rows: RowEquations, priors: Priors, n_integrated: int) -> dict[str, NDArray[Any]]:
    data: dict[str, NDArray[Any]] = {
        "mean_free": priors.mean_free,
        "row_starts": rows.starts,
        "row_terms": rows.terms,
        "row_columns": rows.columns,
        "moment_terms": rows.moment_terms,
        "moment_columns": rows.moment_columns,
        "guide_information": rows.information,
        "guide_pull": rows.pull,
        "threshold_offsets": rows.offsets,
        "parameter_mean": priors.parameter_mean,
        "parameter_sd": priors.parameter_sd,
    }
    for k, item in enumerate(rows.equations):
        for name in ("x", "y", "other", "weight", "cluster"):
            data[f"{name}_{k}"] = getattr(item, name)
    if rows.gaps is None:
        return {**data, "integrated": np.arange(n_integrated)}
    return {**data, "integrated": rows.gaps.integrated, **_gap_data(rows.gaps)}


def _gap_data(gaps: GapArrays) -> dict[str, NDArray[Any]]:
    names = ("equations", "dof", "sxx", "sxy", "syy", *GROUPS)
    points = ("at", "begin", "weight", "x", "y", "other", "log_weight")
    data = {f"gap_{name}": getattr(gaps, name) for name in names}
    return data | {f"grid_{name}": getattr(gaps.grid, name) for name in points if len(gaps.grid.weight)}


def observations(arrays: MomentArrays) -> NDArray[np.float64]:
    """Return the number of observations behind the cluster means of every equation's node (G, K)."""
    if arrays.layers is not None:
        return arrays.layers.counts
    return np.repeat(arrays.rows[:, None].astype(float), arrays.mean.shape[1], axis=1)


def n_shocks(arrays: MomentArrays) -> int:
    """Return the number of equations in which rows of a cell share errors."""
    return 0 if arrays.layers is None else int(arrays.layers.shock.max(initial=-1)) + 1


def n_outer(arrays: MomentArrays) -> int:
    """Return the number of outer levels."""
    return 0 if arrays.outer is None else len(arrays.outer.columns)


def model_start(arrays: MomentArrays, priors: Priors) -> dict[str, NDArray[np.float64]]:
    """Return a point well inside every prior, by free variable, on its own scale."""
    n_clusters, n_equations = len(arrays.rows), arrays.n_gaussian
    return {
        "mean": priors.mean,
        "tau": priors.tau_shape / priors.tau_rate,
        "partial": np.full(len(priors.partial_alpha), 0.5),
        "log_sigma": np.full(n_equations, priors.log_sigma_mean),
        "sigma_spread": np.full(n_equations, priors.spread_shape / priors.spread_rate),
        "sigma_raw": np.zeros((n_clusters, n_equations)),
        "intercept_mean": np.zeros(n_equations),
        "intercept_sd": priors.intercept_scale,
        "period_sd": np.full(len(priors.intercept_scale), PERIOD_SD_MEAN),
        "shock_sd": np.full(n_shocks(arrays), SHOCK_SD_MEAN),
        "outer_sd": np.repeat((0.5 * priors.tau_shape / priors.tau_rate)[None], n_outer(arrays), axis=0),
        **({} if arrays.row_equations is None else _row_start(arrays.row_equations, priors, n_clusters)),
    }


def _row_start(rows: RowEquations, priors: Priors, n_clusters: int) -> dict[str, NDArray[np.float64]]:
    return {
        "row_raw": np.zeros((n_clusters, len(rows.columns))),
        "log_parameter": priors.parameter_mean,
        "raw_threshold": rows.raw_thresholds,
    }


def dim_lengths(arrays: MomentArrays, priors: Priors) -> dict[str, int]:
    """Return the length of every dim of the model's variables."""
    n_clusters, n_equations = len(arrays.rows), arrays.n_gaussian
    return {
        "coefficient": len(priors.mean),
        "varying": len(arrays.varying),
        "pair": len(priors.partial_alpha),
        "equation": n_equations,
        "node": len(priors.intercept_scale),
        "shocked": n_shocks(arrays),
        "outer": n_outer(arrays),
        "cluster": n_clusters,
        **({} if arrays.row_equations is None else _row_lengths(arrays.row_equations)),
    }


def _row_lengths(rows: RowEquations) -> dict[str, int]:
    return {"row_column": len(rows.columns), "parameter": len(rows.parameters), "threshold": len(rows.raw_thresholds)}

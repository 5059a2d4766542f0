"""Posterior draws of a model to draws of everything that a system of equations is simulated from."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.data import RowTable
from causalcluster.design import Design, columns, question_design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import ContextRows, Network, SystemDraws
from causalcluster.effects.worlds import System, covariances_inside
from causalcluster.fitting.regressors import describe_regressors
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.row_arrays import RowEquations
from causalcluster.model.standard import MomentArrays, Scale

Floats = NDArray[np.float64]


def build_network(design: Design, scale: Scale, arrays: MomentArrays, rows: RowTable) -> Network:
    """Return the equations with the rows of context over which effects are averaged."""
    nodes = set(design.nodes)
    context = tuple(name for name in columns(design) if name not in nodes and name != design.treatment)
    values = [(rows.columns[name] - scale.shift[name]) / scale.scale[name] for name in context]
    equations = () if arrays.row_equations is None else arrays.row_equations.equations
    return Network(
        design=design,
        scale=scale,
        column_mean=arrays.column_mean,
        context=ContextRows(
            columns=context,
            cluster=rows.cluster,
            values=np.column_stack(values) if values else np.zeros((len(rows.cluster), 0)),
            weights=rows.weight,
            sizes={**rows.trials, **rows.exposure},
        ),
        grades={item.node: np.array(item.grades) for item in equations if item.family == "ordinal"},
        regressors=describe_regressors(design, scale, rows) if design.centred else {},
    )


def build_closed_system(design: Design, arrays: MomentArrays) -> System:
    """Return the equations with what closed forms of effects need from the data."""
    return System(
        design=design,
        column_mean=arrays.column_mean,
        covariance=covariances_inside(design, arrays.sxx, arrays.rows),
    )


def join_system(
    design: Design,
    coefficients: CoefficientDraws,
    residual_sd: Floats,
    typical: Floats,
    spread: Floats,
    parameters: dict[tuple[str, str], Floats],
    thresholds: dict[str, Floats],
) -> SystemDraws:
    """Bring residual standard deviations of equations with moments and parameters of those with rows together.

    Auxiliary equations are left out: no effect runs through them.

    Parameters
    ----------
    design
        The equations.
    coefficients
        Of all equations.
    residual_sd, typical, spread
        (chain, draw, G, K), log (chain, draw, K) and (chain, draw, K), of the equations with moments.
    parameters, thresholds
        Of the equations with rows, as in `causalcluster.fitting.sample.Draws`.
    """
    equations = question_design(design).equations
    shape, n_equations = coefficients.theta.shape[:2], len(equations)
    sd = np.ones((*shape, len(coefficients.clusters), n_equations))
    log_sd, spreads = np.zeros((*shape, n_equations)), np.zeros((*shape, n_equations))
    others = {name: np.ones((*shape, n_equations)) for name in ("nu", "shape", "precision")}
    own = {node: i for i, node in enumerate(gaussian_nodes(design))}
    for k, equation in enumerate(equations):
        if equation.node in own:
            i = own[equation.node]
            sd[..., k], log_sd[..., k], spreads[..., k] = residual_sd[..., i], typical[..., i], spread[..., i]
        elif (equation.node, "sd") in parameters:
            value = parameters[equation.node, "sd"]
            sd[..., k], log_sd[..., k] = value[..., None], np.log(value)
        for name, array in others.items():
            if (equation.node, name) in parameters:
                array[..., k] = parameters[equation.node, name]
    return SystemDraws(
        coefficients=coefficients,
        sd=sd,
        typical_log_sd=log_sd if coefficients.has_population else None,
        sd_spread=spreads if coefficients.has_population else None,
        thresholds=thresholds,
        **others,
    )


def residual_population(design: Design, posterior: xr.Dataset, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return log typical residual standard deviations and their spread (chain, draw, K) of equations with moments."""
    size = (*shape, len(gaussian_nodes(design)))
    if size[2] == 0:
        return np.zeros(size), np.zeros(size)
    typical = posterior["log_sigma"].transpose("chain", "draw", ...).values
    if not design.residual_sd_varies:
        return typical, np.zeros(size)
    return typical, posterior["sigma_spread"].transpose("chain", "draw", ...).values


def name_parameters(posterior: xr.Dataset, rows: RowEquations | None) -> dict[tuple[str, str], Floats]:
    """Return the parameters (chain, draw) of families with rows by node and name, on their own scale."""
    if rows is None or not rows.parameters:
        return {}
    values = np.exp(posterior["log_parameter"].transpose("chain", "draw", ...).values)
    return {key: values[:, :, i] for i, key in enumerate(rows.parameters)}


def name_thresholds(posterior: xr.Dataset, rows: RowEquations | None) -> dict[str, Floats]:
    """Return the thresholds (chain, draw, J - 1) of every ordinal node."""
    if rows is None or not len(rows.raw_thresholds):
        return {}
    raw = posterior["raw_threshold"].transpose("chain", "draw", ...).values
    nodes = [item.node for item in rows.equations if item.family == "ordinal"]
    found = {}
    for i, node in enumerate(nodes):
        own = raw[:, :, rows.offsets[i] : rows.offsets[i + 1]]
        steps = np.concatenate([own[:, :, :1], np.exp(own[:, :, 1:])], axis=2)
        found[node] = steps.cumsum(axis=2)
    return found

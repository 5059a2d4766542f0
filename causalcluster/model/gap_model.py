"""The PyTensor operations of rows with missing values."""

import hashlib
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from causalcluster.model import gap_kernel, grid_kernel, row_densities, special, thresholds
from causalcluster.model.row_model import SampledLikelihood

_MODULES = (gap_kernel, grid_kernel, row_densities, special, thresholds)


class CompleteMoments(SampledLikelihood):
    """Rows without an averaged value of sampled gaussian equations; ``first`` is the first of them.

    Inputs are those of :func:`causalcluster.model.gap_kernel.complete_moments` but for ``first``.
    """

    __props__ = ("first",)
    n_parameters = 2

    def __init__(self, first: int) -> None:
        self.first = first

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        theta, log_sigma, equations, starts, *moments = inputs
        return gap_kernel.complete_moments(theta, log_sigma, equations, starts, self.first, *moments)


class GaussianGaps(SampledLikelihood):
    """Gaussian rows with missing values: inputs of :func:`causalcluster.model.gap_kernel.gaussian_gaps`."""

    __props__ = ()
    n_parameters = 2

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        return gap_kernel.gaussian_gaps(*inputs)


class GridGaps(SampledLikelihood):
    """Rows whose missing values are summed over: inputs of :func:`causalcluster.model.grid_kernel.grid_gaps`."""

    __props__ = ()
    n_parameters = 4

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        return grid_kernel.grid_gaps(*inputs)


def _source_version() -> int:
    sources = "".join(inspect.getsource(module) for module in _MODULES)
    return int(hashlib.sha256(sources.encode()).hexdigest()[:12], 16)


@register_funcify_default_op_cache_key(CompleteMoments)
def _funcify_complete(op: CompleteMoments, node: Any, **_: Any) -> tuple[Any, int]:
    del node
    inner, first = gap_kernel.complete_moments, op.first

    @numba_njit
    def complete_moments(theta, log_sigma, equations, starts, dof, sxx, sxy, syy):  # type: ignore[no-untyped-def]
        value, g_theta, g_sigma = inner(theta, log_sigma, equations, starts, first, dof, sxx, sxy, syy)
        return np.asarray(value), g_theta, g_sigma

    return complete_moments, _source_version()


@register_funcify_default_op_cache_key(GaussianGaps)
def _funcify_gaussian(op: GaussianGaps, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = gap_kernel.gaussian_gaps

    @numba_njit
    def gaussian_gaps(theta, log_sigma, equations, starts, factors, centre, averaged, touches, at, second, precision, shift):  # type: ignore[no-untyped-def]
        value, g_theta, g_sigma = inner(
            theta, log_sigma, equations, starts, factors, centre, averaged, touches, at, second, precision, shift
        )
        return np.asarray(value), g_theta, g_sigma

    return gaussian_gaps, _source_version()


@register_funcify_default_op_cache_key(GridGaps)
def _funcify_grid(op: GridGaps, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = grid_kernel.grid_gaps

    @numba_njit
    def grid_gaps(a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q, r):  # type: ignore[no-untyped-def]
        value, g_theta, g_sigma, g_parameters, g_raw = inner(a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q, r)
        return np.asarray(value), g_theta, g_sigma, g_parameters, g_raw

    return grid_gaps, _source_version()

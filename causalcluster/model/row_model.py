"""The PyTensor operations of equations that need rows: placing their coefficients, and their rows' likelihood."""

import hashlib
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from causalcluster.model import kernel, lanes, placement, population, roots, row_densities, row_kernel, special, thresholds

_MODULES = (kernel, lanes, placement, population, roots, row_densities, row_kernel, special, thresholds)


class RowPlacement(Op):
    """Population and coordinates to the coefficients of equations with rows, and what is left for those with moments.

    Inputs and outputs are those of :func:`causalcluster.model.population.place_population`.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> "Apply[Any]":
        tensors = [pt.as_tensor(value) for value in inputs]
        return Apply(self, tensors, [pt.dmatrix(), pt.dmatrix(), pt.dmatrix(), pt.dscalar()])

    def perform(self, node: "Apply[Any]", inputs: Sequence[np.ndarray], output_storage: list[list[Any]]) -> None:
        del node
        _store(population.place_population(*_contiguous(inputs)), output_storage)

    def connection_pattern(self, node: "Apply[Any]") -> list[list[bool]]:
        return [[i < population.N_PARAMETERS] * 4 for i in range(len(node.inputs))]

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        given = [
            pt.zeros_like(output) if isinstance(item.type, DisconnectedType) else item
            for item, output in zip(cotangents, outputs, strict=True)
        ]
        found: Any = _RowPlacementPullback()(*inputs, *given)
        return [*found, *(disconnected_type() for _ in inputs[population.N_PARAMETERS :])]


class _RowPlacementPullback(Op):
    __props__ = ()

    def make_node(self, *inputs: Any) -> "Apply[Any]":
        tensors = [pt.as_tensor(value) for value in inputs]
        return Apply(self, tensors, [tensor.type() for tensor in tensors[: population.N_PARAMETERS]])

    def perform(self, node: "Apply[Any]", inputs: Sequence[np.ndarray], output_storage: list[list[Any]]) -> None:
        del node
        *arrays, g_value = _contiguous(inputs)
        _store(population.place_population_pullback(*arrays, g_value.item()), output_storage)


class SampledLikelihood(Op):
    """A log-likelihood of parameters that are sampled, with its gradients: the first inputs are the parameters.

    Outputs are the value and one gradient for each parameter, from one pass. Subclasses say which function that is.
    """

    n_parameters: int

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        raise NotImplementedError

    def make_node(self, *inputs: Any) -> "Apply[Any]":
        tensors = [pt.as_tensor(value) for value in inputs]
        return Apply(self, tensors, [pt.dscalar(), *(tensor.type() for tensor in tensors[: self.n_parameters])])

    def perform(self, node: "Apply[Any]", inputs: Sequence[np.ndarray], output_storage: list[list[Any]]) -> None:
        del node
        _store(self.evaluate(*_contiguous(inputs)), output_storage)

    def connection_pattern(self, node: "Apply[Any]") -> list[list[bool]]:
        """Only the parameters carry gradients, and only through the first output."""
        return [[i < self.n_parameters, *[False] * self.n_parameters] for i in range(len(node.inputs))]

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        if not all(isinstance(item.type, DisconnectedType) for item in cotangents[1:]):
            raise TypeError("second derivatives of this likelihood are not available")
        n = self.n_parameters
        return [*(cotangents[0] * gradient for gradient in outputs[1:]), *(disconnected_type() for _ in inputs[n:])]


class ConditionalMomentLikelihood(SampledLikelihood):
    """Log-likelihood of the moments given a mean of their coefficients for every cluster, with its gradients.

    Inputs are those of :func:`causalcluster.model.kernel.conditional_log_likelihood`, and which columns of log sigma are
    those of the equations that it reads.
    """

    __props__ = ()
    n_parameters = 3

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        return population.chosen_moments(*inputs)


class RowLikelihood(SampledLikelihood):
    """Log-likelihood of one equation's rows with its gradients.

    Inputs are those of :func:`causalcluster.model.thresholds.equation_log_likelihood` but for the codes, which are
    properties of the operation: the equation's place among those with rows and among those with thresholds, its first
    parameter, its family and its link.
    """

    __props__ = ("equation", "first_parameter", "ordered", "family", "link")
    n_parameters = 3

    def __init__(self, equation: int, first_parameter: int, ordered: int, family: int, link: int) -> None:
        self.equation, self.first_parameter, self.ordered = equation, first_parameter, ordered
        self.family, self.link = family, link

    @property
    def codes(self) -> tuple[int, int, int, int, int]:
        return self.equation, self.first_parameter, self.ordered, self.family, self.link

    def evaluate(self, *inputs: np.ndarray) -> Sequence[Any]:
        return thresholds.equation_log_likelihood(*inputs, *self.codes)


def _contiguous(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [np.ascontiguousarray(value) for value in inputs]


def _store(results: Sequence[Any], output_storage: list[list[Any]]) -> None:
    for storage, result in zip(output_storage, results, strict=True):
        storage[0] = np.asarray(result)


def source_version() -> int:
    sources = "".join(inspect.getsource(item) for item in _MODULES)
    return int(hashlib.sha256(sources.encode()).hexdigest()[:12], 16)


@register_funcify_default_op_cache_key(RowPlacement)
def _funcify_placement(op: RowPlacement, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = population.place_population

    @numba_njit
    def row_placement(a, b, c, d, e, f, g, h, i, j, k):  # type: ignore[no-untyped-def]
        rows, means, root, value = inner(a, b, c, d, e, f, g, h, i, j, k)
        return rows, means, root, np.asarray(value)

    return row_placement, source_version()


@register_funcify_default_op_cache_key(_RowPlacementPullback)
def _funcify_pullback(op: _RowPlacementPullback, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = population.place_population_pullback

    @numba_njit
    def row_placement_pullback(a, b, c, d, e, f, g, h, i, j, k, rows, means, root, value):  # type: ignore[no-untyped-def]
        return inner(a, b, c, d, e, f, g, h, i, j, k, rows, means, root, value.item())

    return row_placement_pullback, source_version()


@register_funcify_default_op_cache_key(ConditionalMomentLikelihood)
def _funcify_conditional(op: ConditionalMomentLikelihood, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = population.chosen_moments

    @numba_njit
    def conditional_likelihood(m, c, log_sigma, dof, sxx, sxy, syy, starts, chosen):  # type: ignore[no-untyped-def]
        value, g_m, g_c, g_s = inner(m, c, log_sigma, dof, sxx, sxy, syy, starts, chosen)
        return np.asarray(value), g_m, g_c, g_s

    return conditional_likelihood, source_version()


@register_funcify_default_op_cache_key(RowLikelihood)
def _funcify_rows(op: RowLikelihood, node: Any, **_: Any) -> tuple[Any, int]:
    del node
    inner = thresholds.equation_log_likelihood
    equation, first, ordered, family, link = op.codes

    @numba_njit
    def equation_likelihood(theta, log_parameters, raw, starts, offsets, x, y, other, weight, cluster):  # type: ignore[no-untyped-def]
        value, g_theta, g_parameters, g_raw = inner(
            theta, log_parameters, raw, starts, offsets, x, y, other, weight, cluster, equation, first, ordered, family, link
        )
        return np.asarray(value), g_theta, g_parameters, g_raw

    return equation_likelihood, source_version()

"""The PyTensor operation around the marginal cluster likelihood, so that it is one term of a PyMC model."""

import hashlib
import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from causalcluster.model import kernel, lanes, layer_kernel, outer_kernel, roots


class ClusterMarginalLikelihood(Op):
    """Log-likelihood of the moments with cluster coefficients integrated out.

    Inputs are those of :func:`causalcluster.model.kernel.marginal_log_likelihood`. The outputs are the
    log-likelihood and its gradients with respect to the coefficient means, their between-cluster standard
    deviations, the partial correlations and the log residual standard deviations: one pass serves both.
    """

    __props__ = ()
    n_parameters = 4
    evaluate = staticmethod(kernel.marginal_log_likelihood)

    def make_node(self, *inputs: Any) -> "Apply[Any]":
        """Build the graph node; ``inputs`` as in the kernel, in its order."""
        tensors = [pt.as_tensor(value) for value in inputs]
        outputs = [pt.dscalar(), *(tensor.type() for tensor in tensors[: self.n_parameters])]
        return Apply(self, tensors, outputs)

    def perform(self, node: "Apply[Any]", inputs: Sequence[np.ndarray], output_storage: list[list[Any]]) -> None:
        """Evaluate with numba outside a compiled graph."""
        del node
        results = self.evaluate(*[np.ascontiguousarray(value) for value in inputs])
        for storage, result in zip(output_storage, results, strict=True):
            storage[0] = np.asarray(result)

    def connection_pattern(self, node: "Apply[Any]") -> list[list[bool]]:
        """Only the parameters carry gradients, and only through the log-likelihood itself."""
        return [[i < self.n_parameters, *[False] * self.n_parameters] for i in range(len(node.inputs))]

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Vector-Jacobian product from the gradients that the forward pass has already computed."""
        if not all(isinstance(item.type, DisconnectedType) for item in cotangents[1:]):
            raise TypeError("second derivatives of the marginal likelihood are not available")
        gradients: list[Any] = [cotangents[0] * gradient for gradient in outputs[1:]]
        return gradients + [disconnected_type() for _ in inputs[self.n_parameters :]]


class LayeredMarginalLikelihood(ClusterMarginalLikelihood):
    """The same for moments in layers: see :func:`causalcluster.model.layer_kernel.layered_log_likelihood`.

    The last parameter is the log residual standard deviations of the layers.
    """

    evaluate = staticmethod(layer_kernel.layered_log_likelihood)


class OuterMarginalLikelihood(ClusterMarginalLikelihood):
    """The same for clusters in groups: see :func:`causalcluster.model.outer_kernel.outer_log_likelihood`.

    The last two parameters are log residual standard deviations of layers and standard deviations between groups.
    """

    n_parameters = 5
    evaluate = staticmethod(outer_kernel.outer_log_likelihood)


def _source_version(*modules: ModuleType) -> int:
    sources = "".join(inspect.getsource(module) for module in modules)
    return int(hashlib.sha256(sources.encode()).hexdigest()[:12], 16)


@register_funcify_default_op_cache_key(ClusterMarginalLikelihood)
def _funcify(op: ClusterMarginalLikelihood, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = kernel.marginal_log_likelihood

    @numba_njit
    def cluster_marginal_likelihood(m, tau, partial, log_sigma, dof, sxx, sxy, syy, starts, rows):  # type: ignore[no-untyped-def]
        value, g_m, g_tau, g_partial, g_s = inner(m, tau, partial, log_sigma, dof, sxx, sxy, syy, starts, rows)
        return np.asarray(value), g_m, g_tau, g_partial, g_s

    return cluster_marginal_likelihood, _source_version(kernel, lanes, roots)


@register_funcify_default_op_cache_key(LayeredMarginalLikelihood)
def _funcify_layered(op: LayeredMarginalLikelihood, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = layer_kernel.layered_log_likelihood

    @numba_njit
    def layered_marginal_likelihood(m, tau, partial, log_sd, dof, sxx, sxy, syy, equation, starts, rows):  # type: ignore[no-untyped-def]
        value, g_m, g_tau, g_partial, g_s = inner(m, tau, partial, log_sd, dof, sxx, sxy, syy, equation, starts, rows)
        return np.asarray(value), g_m, g_tau, g_partial, g_s

    return layered_marginal_likelihood, _source_version(layer_kernel, roots)


@register_funcify_default_op_cache_key(OuterMarginalLikelihood)
def _funcify_outer(op: OuterMarginalLikelihood, node: Any, **_: Any) -> tuple[Any, int]:
    del op, node
    inner = outer_kernel.outer_log_likelihood

    @numba_njit
    def outer_marginal_likelihood(m, tau, partial, sd, outer, dof, xx, xy, yy, eq, at, rows, combo, combos, offset):  # type: ignore[no-untyped-def]
        value, g_m, g_tau, g_partial, g_sd, g_outer = inner(
            m, tau, partial, sd, outer, dof, xx, xy, yy, eq, at, rows, combo, combos, offset
        )
        return np.asarray(value), g_m, g_tau, g_partial, g_sd, g_outer

    return outer_marginal_likelihood, _source_version(outer_kernel, layer_kernel, roots)

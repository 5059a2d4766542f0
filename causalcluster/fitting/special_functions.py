"""Log gamma and digamma that compile to plain machine code.

PyTensor's numba backend takes them from SciPy by a call into Python, which compiled code that is stored cannot make.
"""

import math
from collections.abc import Sequence
from typing import Any

import pytensor.tensor as pt
from pytensor.graph import clone_replace
from pytensor.graph.traversal import ancestors
from pytensor.link.numba.dispatch.basic import numba_njit
from pytensor.link.numba.dispatch.scalar import register_scalar_funcify, scalar_op_cache_key
from pytensor.scalar.basic import UnaryScalarOp, upgrade_to_float
from pytensor.scalar.math import GammaLn
from pytensor.tensor.elemwise import Elemwise
from scipy import special

from causalcluster.model.special import digamma


class PlainDigamma(UnaryScalarOp):
    """The derivative of log gamma, for positive numbers."""

    def impl(self, x: float) -> Any:
        return special.psi(x)


class PlainLogGamma(UnaryScalarOp):
    """Log gamma, from the C library."""

    def impl(self, x: float) -> Any:
        return special.gammaln(x)

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        del outputs
        return [grads[0] * _plain_digamma(inputs[0])]


_plain_digamma = PlainDigamma(upgrade_to_float, name="plain_digamma")
_plain_log_gamma = Elemwise(PlainLogGamma(upgrade_to_float, name="plain_log_gamma"))


@register_scalar_funcify(PlainDigamma)
def _funcify_digamma(op: PlainDigamma, node: Any, **_: Any) -> tuple[Any, str]:
    del node
    return digamma, scalar_op_cache_key(op)


@register_scalar_funcify(PlainLogGamma)
def _funcify_log_gamma(op: PlainLogGamma, node: Any, **_: Any) -> tuple[Any, str]:
    del node

    @numba_njit
    def log_gamma(x: Any) -> Any:
        return math.lgamma(x)

    return log_gamma, scalar_op_cache_key(op)


def without_scipy(log_density: Any, free: Sequence[Any]) -> Any:
    """Return a log density, but for a constant, whose log gammas compile to plain machine code.

    Log gammas of data alone become zero: in a log density they are normalisers, added to what depends on ``free``.
    """
    changeable = set(free)
    replacements = {}
    for variable in ancestors([log_density]):
        operation = None if variable.owner is None else variable.owner.op
        if not (isinstance(operation, Elemwise) and isinstance(operation.scalar_op, GammaLn)):
            continue
        (argument,) = variable.owner.inputs
        is_constant = changeable.isdisjoint(ancestors([argument]))
        replacements[variable] = pt.zeros_like(variable) if is_constant else _plain_log_gamma(argument)
    return clone_replace(log_density, replacements)

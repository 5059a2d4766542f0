"""A number for each of many clusters at once, as a type that numba keeps in vector registers.

A vector is read from and written to a row of an array (entries, LANES); +, -, * and / work on two vectors, or on a
vector and a number. LANES is a power of two: LLVM pads other vectors in memory.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

LANES = 16
FAST = {"contract", "reassoc", "nsz", "arcp"}
"""What the compiler may do with floating-point numbers: reorder and fuse, but never assume that they are finite."""


class _LanesType(types.Type):
    """A number for each of LANES clusters, which the compiler keeps in vector registers."""

    def __init__(self) -> None:
        super().__init__("Lanes")


_LANES = _LanesType()
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):  # type: ignore[no-untyped-def]
        super().__init__(manager, kind, _VECTOR)


def _broadcast(builder, value):  # type: ignore[no-untyped-def]
    if value.type == _VECTOR:
        return value
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _address(context, builder, array_type, array, row_type, row):  # type: ignore[no-untyped-def]
    data = context.make_array(array_type)(context, builder, array).data
    row = context.cast(builder, row, row_type, types.intp)
    return builder.gep(builder.bitcast(data, _VECTOR.as_pointer()), [row])


@intrinsic
def lanes_get(_context, array, row):  # type: ignore[no-untyped-def]
    """Return the vector that is row ``row`` of an array (entries, LANES)."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        at = _address(context, builder, signature.args[0], args[0], signature.args[1], args[1])
        return builder.load(at, align=8)

    return _LANES(array, row), emit


@intrinsic
def lanes_put(_context, array, row, value):  # type: ignore[no-untyped-def]
    """Make a vector row ``row`` of an array (entries, LANES)."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        at = _address(context, builder, signature.args[0], args[0], signature.args[1], args[1])
        builder.store(args[2], at, align=8)
        return context.get_dummy_value()

    return types.void(array, row, _LANES), emit


@intrinsic
def lanes_spread(_context, value):  # type: ignore[no-untyped-def]
    """Return a vector with the same number in every lane."""
    return _LANES(types.float64), lambda context, builder, signature, args: _broadcast(builder, args[0])


@intrinsic
def lanes_root(_context, value):  # type: ignore[no-untyped-def]
    """Return the square root of each lane."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f64"), args)

    return _LANES(value), emit


@intrinsic
def lanes_total(_context, value):  # type: ignore[no-untyped-def]
    """Return the sum over lanes."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), _VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f64")
        return builder.call(function, [ir.DoubleType()(0.0), args[0]], fastmath=("reassoc", "nsz"))

    return types.float64(value), emit


def _define_operator(python_operators, instruction):  # type: ignore[no-untyped-def]
    """Let numba apply an operator to two vectors, or to a vector and a number."""

    @intrinsic
    def apply(_context, a, b):  # type: ignore[no-untyped-def]
        def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return getattr(builder, instruction)(*(_broadcast(builder, arg) for arg in args), flags=tuple(FAST))

        return _LANES(a, b), emit

    def choose(a, b):  # type: ignore[no-untyped-def]
        return (lambda a, b: apply(a, b)) if _LANES in (a, b) else None

    for python_operator in python_operators:
        overload(python_operator)(choose)


_define_operator((operator.add, operator.iadd), "fadd")
_define_operator((operator.sub, operator.isub), "fsub")
_define_operator((operator.mul, operator.imul), "fmul")
_define_operator((operator.truediv, operator.itruediv), "fdiv")

"""A PyMC model to the machine code of its log density and gradient."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numba import carray
from numba.core import cgutils, types
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic
from pytensor.graph import clone_replace, rewrite_graph

from causalcluster.errors import UnsupportedError
from causalcluster.fitting.density import DensityCode, Input, Parameter
from causalcluster.fitting.special_functions import without_scipy

_TRANSFORMS = {"NoneType": "none", "LogTransform": "log", "LogOddsTransform": "logodds"}
_NUMBERS = types.CPointer(types.double)  # type: ignore[attr-defined]
SIGNATURE = types.int64(types.uint64, _NUMBERS, _NUMBERS, _NUMBERS, types.voidptr)


def compile_density(model: pm.Model) -> DensityCode:
    """Compile ``model``.

    Parameters
    ----------
    model
        Its data are `pm.Data`; its free variables have dims and are real, or mapped by a log or log-odds transform.
        No length of a dim is fixed: the code serves every size.

    Returns
    -------
    DensityCode
        Its value is the model's log density but for a constant: normalisers that depend on data alone are left out.

    Raises
    ------
    UnsupportedError
        A variable has another transform.
    RuntimeError
        The code would hold addresses of this process.
    """
    parameters = tuple(_parameter(model, variable) for variable in model.free_RVs)
    function = _value_and_gradient(model, parameters)
    inputs = tuple(
        Input(name=_input_name(model, variable), dtype=variable.type.dtype, ndim=variable.type.ndim)
        for variable in function.get_shared()
    )
    with global_compiler_lock:
        compiled = _compile_c_function(function.vm.jit_fn, inputs)
        library = compiled.library
        constants = (item for found in compiled._find_referenced_environments() for item in found.consts)
        if library.has_dynamic_globals or any(callable(item) for item in constants):
            raise RuntimeError("the model's density calls back into Python, so its code cannot be stored")
        return DensityCode(
            parameters=parameters,
            inputs=inputs,
            library=library.serialize_using_object_code(),
            symbol=compiled.fndesc.llvm_cfunc_wrapper_name,
        )


def _parameter(model: pm.Model, variable: Any) -> Parameter:
    kind = type(model.rvs_to_transforms[variable]).__name__
    if kind not in _TRANSFORMS:
        raise UnsupportedError(f"the variable {variable.name} has a {kind}, which compiled densities do not know")
    return Parameter(
        name=variable.name,
        dims=tuple(model.named_vars_to_dims[variable.name]),
        transform=_TRANSFORMS[kind],  # type: ignore[arg-type]
    )


def _input_name(model: pm.Model, variable: Any) -> str:
    for dim, length in model.dim_lengths.items():
        if length is variable:
            return f"length of {dim}"
    return str(variable.name)


def _value_and_gradient(model: pm.Model, parameters: Sequence[Parameter]) -> Any:
    """Return PyTensor's function of the joined position: log density and gradient, shapes left open."""
    values = [model.rvs_to_values[variable] for variable in model.free_RVs]
    rewrites = ["canonicalize", "stabilize", "local_remove_check_parameter"]
    value = without_scipy(rewrite_graph(model.logp(), include=rewrites), values)
    gradient = pt.concatenate([part.ravel() for part in pt.grad(value, values)])
    joined = pt.dvector("position")
    replacements, start = {}, pt.constant(0, dtype="int64")
    for parameter, variable in zip(parameters, values, strict=True):
        lengths = [model.dim_lengths[dim] for dim in parameter.dims]
        stop = start + pt.prod(pt.stack(lengths))
        replacements[variable] = joined[start:stop].reshape(lengths)
        start = stop
    value, gradient = clone_replace([value, gradient], replacements)
    with model:
        return pm.compile((joined,), (value, gradient), mode="NUMBA")


def _compile_c_function(inner: Any, inputs: Sequence[Input]) -> Any:
    """Compile the C function around numba's ``inner(position, *inputs)``; returns numba's compile result."""
    lines, position = [], 4
    for i, item in enumerate(inputs):
        shape = ", ".join(f"numpy.int64(words[{position + 1 + axis}])" for axis in range(item.ndim))
        lines.append(f"a{i} = carray(as_pointer(words[{position}]), ({shape}{',' if item.ndim == 1 else ''}), type{i})")
        position += 1 + item.ndim
    source = _SOURCE.format(
        words=position,
        arrays="\n    ".join(lines),
        arguments=_in_tuples(["position", *(f"a{i}" for i in range(len(inputs)))]),
    )
    scope: dict[str, Any] = {"carray": carray, "numpy": np, "inner": inner, "as_pointer": _as_pointer}
    scope.update({f"type{i}": np.dtype(item.dtype) for i, item in enumerate(inputs)})
    exec(compile(source, "<density>", "exec"), scope)
    arguments = (SIGNATURE.args, SIGNATURE.return_type)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot cache compiled function", category=Warning)
        function: Any = CFunc(scope["log_density"], arguments, locals={}, options={})
        return function._compile_uncached()


def _in_tuples(names: Sequence[str], most: int = 20) -> str:
    """Return arguments as joined tuples: Python makes a list of more than thirty at once, which numba cannot read."""
    parts = [f"({', '.join(names[i : i + most])},)" for i in range(0, len(names), most)]
    return " + ".join(parts)


# Return codes as nutpie reads them: 0 is fine, positive ones are divergences.
_SOURCE = """
def log_density(n, coordinates_, gradient_, value_, data_):
    words = carray(data_, ({words},), numpy.uint64)
    coordinates, gradient_out = carray(coordinates_, (n,)), carray(gradient_, (n,))
    shift = carray(as_pointer(words[0]), (numpy.int64(words[1]),), numpy.float64)
    scale = carray(as_pointer(words[2]), (numpy.int64(words[3]),), numpy.float64)
    {arrays}
    position = numpy.empty(numpy.int64(n))
    for i in range(position.shape[0]):
        position[i] = shift[i] + scale[i] * coordinates[i]
    everything = {arguments}
    try:
        value, gradient = inner(*everything)
    except Exception:
        return 1
    total = value.item()
    for i in range(gradient.shape[0]):
        gradient_out[i] = scale[i] * gradient[i]
        if not numpy.isfinite(gradient_out[i]):
            return 3
    carray(value_, (1,))[0] = total
    if not numpy.isfinite(total):
        return 4
    return 0
"""


@intrinsic
def _as_pointer(typing_context: Any, address: Any) -> Any:
    """Turn a number into a pointer, inside numba."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate

"""Machine code of a log density with its gradient, and how it is called: neither Python nor PyTensor run in it.

The C function has nutpie's signature, (n, coordinates, gradient, value, data), with ``data`` a vector of 64-bit words:
array by array its address and its shape. First come two vectors (n,), a shift and a scale: the model's position is
``shift + scale * coordinates``, so that a fit may start in the units of an earlier one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Transform = Literal["none", "log", "logodds"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A free variable: its name, its dims, and how it is mapped from the real line."""

    name: str
    dims: tuple[str, ...]
    transform: Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An array that the function reads: a `pm.Data`, or the length of a dim, called 'length of DIM'."""

    name: str
    dtype: str
    ndim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityCode:
    """A compiled log density.

    Attributes
    ----------
    parameters
        In the order of the position vector.
    inputs
        In the order of the data vector, after shift and scale.
    library
        Serialised numba library: name, kind, (object code, bitcode).
    symbol
        Name of the C function in it.
    """

    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    library: tuple[str, str, tuple[bytes, bytes]]
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Density:
    """A log density that is loaded into this process and can be called.

    Attributes
    ----------
    parameters, inputs
        As in `DensityCode`.
    address
        Of the C function.
    owner
        Keeps the function's memory.
    """

    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    address: int
    owner: Any


def load_density(code: DensityCode) -> Density:
    """Load machine code into this process."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    with global_compiler_lock:
        # Stored code allocates arrays; numba starts its allocator only where it compiles.
        rtsys.initialize(cpu_target.target_context)
        library = cpu_target.target_context.codegen().unserialize_library(code.library)
        address = library.get_pointer_to_function(code.symbol)
    return Density(parameters=code.parameters, inputs=code.inputs, address=address, owner=library)


def shapes_of(parameters: Sequence[Parameter], lengths: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Return each parameter's shape, given the length of every dim."""
    return {item.name: tuple(lengths[dim] for dim in item.dims) for item in parameters}


def gather_inputs(density: Density, data: Mapping[str, NDArray[Any]], lengths: Mapping[str, int]) -> list[NDArray[Any]]:
    """Return the arrays that the function reads, in its order and its types."""
    arrays = []
    for item in density.inputs:
        dim = item.name.removeprefix("length of ")
        value = np.asarray(data[item.name] if dim == item.name else lengths[dim])
        if value.ndim != item.ndim:
            raise ValueError(f"{item.name} has {value.ndim} axes, not {item.ndim}")
        arrays.append(np.require(value, dtype=item.dtype, requirements="C"))
    return arrays


def pack_words(arrays: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """Return the data vector: address and shape of each array. The arrays must outlive every call."""
    words: list[int] = []
    for array in arrays:
        words += [array.ctypes.data, *array.shape]
    return np.array(words, dtype=np.uint64)


def to_position(parameters: Sequence[Parameter], values: Mapping[str, NDArray[Any]]) -> Floats:
    """Return the position vector of constrained values."""
    parts = [_unconstrain(np.asarray(values[item.name], dtype=float), item.transform).ravel() for item in parameters]
    return np.concatenate(parts) if parts else np.zeros(0)


def from_position(parameters: Sequence[Parameter], positions: Floats, lengths: Mapping[str, int]) -> dict[str, Floats]:
    """Return constrained values (..., *shape) by parameter from positions (..., n)."""
    values, start = {}, 0
    for name, shape in shapes_of(parameters, lengths).items():
        transform = next(item.transform for item in parameters if item.name == name)
        stop = start + int(np.prod(shape))
        part = positions[..., start:stop].reshape(*positions.shape[:-1], *shape)
        values[name], start = _constrain(part, transform), stop
    return values


def _unconstrain(value: Floats, transform: Transform) -> Floats:
    if transform == "none":
        return value
    return np.log(value) if transform == "log" else np.log(value) - np.log1p(-value)


def _constrain(value: Floats, transform: Transform) -> Floats:
    if transform == "none":
        return value
    from scipy.special import expit

    return np.exp(value) if transform == "log" else np.asarray(expit(value))

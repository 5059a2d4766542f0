"""A loaded density to nutpie's sampler, and its draws back to the model's variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.fitting.density import Density, Floats, from_position, gather_inputs, pack_words

_POSITION = "position"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """Where chains begin and in which units they move.

    Attributes
    ----------
    shift, scale
        (n,) centre and typical spread of the posterior, in the model's unconstrained coordinates.
    positions
        (start, n) points to begin at, one drawn for each chain.
    spread
        Half the width of the uniform jitter that is added to the point, in units of ``scale``.
    step_size
        The first step size tried, or None for nutpie's own.
    """

    shift: Floats
    scale: Floats
    positions: Floats
    spread: float
    step_size: float | None


def fresh_start(position: Floats) -> Start:
    """Return a start that knows nothing of the posterior: jitter around one point, as PyMC does it."""
    return Start(
        shift=np.zeros_like(position),
        scale=np.ones_like(position),
        positions=position[None],
        spread=1.0,
        step_size=None,
    )


def adapted_start(positions: Floats, step_size: float) -> Start:
    """Return a start from draws (draw, n) of an earlier fit: its centre, its spread and its step size."""
    spread = positions.std(axis=0)
    return Start(
        shift=positions.mean(axis=0),
        scale=np.where(spread > 0.0, spread, 1.0),
        positions=positions,
        spread=0.0,
        step_size=step_size,
    )


def sample_density(
    density: Density,
    data: Mapping[str, NDArray[Any]],
    lengths: Mapping[str, int],
    start: Start,
    *,
    random_seed: int,
    progress: bool,
    cores: int | None = None,
    **settings: Any,
) -> tuple[Floats, xr.Dataset]:
    """Run nutpie's NUTS.

    Parameters
    ----------
    density
        A loaded density.
    data, lengths
        Its data by name and the length of every dim.
    start
        Where chains begin.
    random_seed
        Seed.
    progress
        Show a progress bar.
    cores
        Chains at a time; all processors without it.
    **settings
        Of `nutpie.sample`: draws, tune, chains, target_accept.

    Returns
    -------
    Positions (chain, draw, n) in the model's unconstrained coordinates, and the sampler's statistics (chain, draw).
    """
    import nutpie

    arrays = [start.shift, start.scale, *gather_inputs(density, data, lengths)]
    model = _nutpie_model(density, arrays, start)
    if start.step_size is not None:
        settings["initial_step"] = start.step_size
    running = nutpie.sample(
        model, seed=random_seed, cores=cores, progress_bar=progress, save_warmup=False, blocking=False, **settings
    )
    try:
        trace = running.wait()
    except BaseException:
        # Nutpie's own handling of an interruption would hand back the draws so far as if they were all.
        running.cancel()
        raise
    coordinates = trace["posterior"][_POSITION].transpose("chain", "draw", ...).values
    return start.shift + start.scale * coordinates, trace["sample_stats"].to_dataset()


def name_draws(
    density: Density, positions: Floats, lengths: Mapping[str, int], labels: Mapping[str, Sequence[Any]]
) -> xr.Dataset:
    """Return draws (chain, draw, *dims) of every variable on its own scale."""
    values = from_position(density.parameters, positions, lengths)
    return xr.Dataset(
        {item.name: (("chain", "draw", *item.dims), values[item.name]) for item in density.parameters},
        coords={
            "chain": np.arange(positions.shape[0]),
            "draw": np.arange(positions.shape[1]),
            **{dim: list(names) for dim, names in labels.items()},
        },
    )


def _nutpie_model(density: Density, arrays: Sequence[NDArray[Any]], start: Start) -> Any:
    """Return nutpie's own record of a compiled model around the density's address."""
    from nutpie.compile_pymc import CompiledPyMCModel

    n = len(start.shift)
    return CompiledPyMCModel(
        dims={},
        _coords={},
        _n_dim=n,
        _shapes={_POSITION: (n,)},
        n_expanded=n,
        shape_info=([_POSITION], [slice(0, n)], [(n,)]),
        compiled_logp_func=SimpleNamespace(address=density.address, owner=density.owner),
        compiled_expand_func=_copy_function(),
        initial_point_func=_first_coordinates(start),
        # Nutpie keeps the record while it samples, and with it the arrays behind the addresses.
        shared_data=dict(enumerate(arrays)),
        shared_var_keys={},
        user_data=pack_words(arrays),
        logp_func=None,
        expand_func=None,
    )


def _first_coordinates(start: Start) -> Any:
    def first_coordinates(seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        position = start.positions[rng.integers(len(start.positions))]
        jitter = start.spread * rng.uniform(-1.0, 1.0, len(position))
        return np.ascontiguousarray((position - start.shift) / start.scale + jitter)

    return first_coordinates


@cache
def _copy_function() -> Any:
    """Return a C function that copies the coordinates: what nutpie stores of a draw is the draw."""
    from numba import carray, cfunc, types

    numbers = types.CPointer(types.double)

    @cfunc(types.int64(types.uint64, types.uint64, numbers, numbers, types.voidptr))
    def copy_coordinates(n: Any, expanded: Any, coordinates: Any, out: Any, data: Any) -> int:
        values, stored = carray(coordinates, (n,)), carray(out, (n,))
        for i in range(n):
            stored[i] = values[i]
        return 0

    return copy_coordinates

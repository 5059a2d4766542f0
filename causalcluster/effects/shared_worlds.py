"""Effects where the outcome's equation shares a mediator's error, at the points at which the effects were simulated."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.networks import Network, SystemDraws, WorldEffect
from causalcluster.effects.runs import Accuracy, evaluate_run, make_points, prepare_run

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedErrors:
    """Effects where the outcome's equation shares a mediator's error.

    Attributes
    ----------
    keys
        Rows' coords, as in `causalcluster.effects.levels.COORDS`.
    values
        (loading, row, draw).
    """

    keys: tuple[tuple[str, ...], ...]
    values: Floats


def simulate_shared_errors(
    effects: Sequence[WorldEffect],
    network: Network,
    draws: SystemDraws,
    mediator: str,
    loadings: Sequence[Floats],
    *,
    chosen: Ints,
    random_seed: int,
    levels: Collection[str],
    accuracy: Accuracy,
) -> SharedErrors:
    """Evaluate effects under loadings of a mediator's error, at the points of `simulate_effects` with the same seed.

    Parameters
    ----------
    effects, network, draws, levels
        As in `simulate_effects`.
    mediator
        Whose error the outcomes' equations share (`causalcluster.effects.shared_errors`).
    loadings
        Each (draw, equation): what one unit of its score adds to an outcome's linear predictor, in residual standard
        deviations where there are any; of all draws.
    chosen
        Draws, of all chains, at which effects are wanted.
    random_seed, accuracy
        With the points that `simulate_effects` reports, a loading of 0 gives its values.
    """
    run = prepare_run(effects, network, draws, random_seed, levels, sharing=mediator)
    points = make_points(run, accuracy, run.levels, [random_seed, 5])
    found = []
    for loading in loadings:
        bent = replace(run, simulation=replace(run.simulation, loading=np.ascontiguousarray(loading)))
        found.append(evaluate_run(bent, points, chosen))
    return SharedErrors(keys=tuple(run.row_keys()), values=np.stack(found))

"""Effects in systems of any family by simulation: worlds and draws to draws of every effect at every level.

The g-formula (Robins 1986; Imai, Keele and Tingley 2010, Psychological Methods 15) for every coefficient draw, with
randomised quasi-Monte Carlo points common to all draws and worlds. Its noise is measured against the spread of the
effects over draws, which tails do not inflate, and brought below a target by taking more points.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.existence import robust_spread
from causalcluster.effects.levels import COORDS
from causalcluster.effects.networks import Network, SystemDraws, WorldEffect
from causalcluster.effects.runs import Accuracy, Run, evaluate_run, make_points, prepare_run

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MEASURED = ("population", "sample", "cluster")
"""Levels whose noise is measured and brought below the target."""
_ROUNDING = 1e-9
_MARGIN = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The measured Monte Carlo error.

    Attributes
    ----------
    ratio
        Largest ratio of the Monte Carlo standard deviation to the `robust_spread` over draws, by level; proportions do not
        count.
    cluster_points, population_points
        Points used.
    met
        Whether every ratio is below the target.
    """

    ratio: Mapping[str, float]
    cluster_points: int
    population_points: int
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedEffects:
    """Draws of effects, as `causalcluster.effects.levels.evaluate_effects` returns them, and the simulation's noise."""

    effects: xr.Dataset
    noise: Noise


def simulate_effects(
    effects: Sequence[WorldEffect],
    network: Network,
    draws: SystemDraws,
    *,
    random_seed: int,
    levels: Collection[str] | None = None,
    accuracy: Accuracy | None = None,
) -> SimulatedEffects:
    """Evaluate every effect at every level that applies; clusters without rows count nowhere.

    Parameters
    ----------
    effects
        What to evaluate, from `causalcluster.effects.world_effects.list_world_effects`.
    network, draws
        Equations, context and parameter draws.
    random_seed
        For the points and for clusters not yet seen.
    levels
        The levels to keep; all without it.
    accuracy
        How precise the simulation has to be.

    Returns
    -------
    SimulatedEffects
        ``effects`` (chain, draw, row) in the outcomes' units, with the coords of `evaluate_effects`. A ratio at a level of
        several clusters is the ratio of their average means. ``noise`` is for the diagnostics.
    """
    accuracy = accuracy or Accuracy()
    run = prepare_run(effects, network, draws, random_seed, levels)
    accuracy, error = _choose_points(run, accuracy, random_seed)
    points = make_points(run, accuracy, run.levels, [random_seed, 5])
    values = evaluate_run(run, points, np.arange(len(run.simulation.theta)))
    noise = _report_noise(run, accuracy, error, values)
    keys = run.row_keys()
    shape = draws.coefficients.theta.shape[:2]
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    dataset = xr.Dataset(
        {"effect": (("chain", "draw", "row"), values.reshape(len(keys), *shape).transpose(1, 2, 0))},
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), **coords},
    )
    return SimulatedEffects(effects=dataset, noise=noise)


def _choose_points(run: Run, accuracy: Accuracy, random_seed: int) -> tuple[Accuracy, Floats]:
    """Double points until the noise is below the target; return them and the Monte Carlo sd of the measured rows.

    The spreads by which it is judged come from a few draws.
    """
    measured = _measured(run)
    points = make_points(measured, accuracy, measured.levels, [random_seed, 8])
    spread = robust_spread(evaluate_run(measured, points, _some_draws(run, 4 * accuracy.draws)))
    while True:
        error = _monte_carlo_sd(measured, accuracy, random_seed)
        # Both are estimates here.
        ratio = {level: _MARGIN * item for level, item in _largest_ratios(measured, error, spread).items()}
        after = _more_points(accuracy, ratio)
        if after == accuracy:
            return accuracy, error
        accuracy = after


def _more_points(accuracy: Accuracy, ratio: Mapping[str, float]) -> Accuracy:
    """Return more points where a level misses the target, as many as an error that falls as n^-1.5 asks for."""

    def grown(now: int, most: int, worst: float) -> int:
        if worst <= accuracy.target or now >= most:
            return now
        steps = np.log2(min(worst / accuracy.target, 1e6)) / 1.5
        return min(most, now << max(1, int(np.floor(steps))))

    inside = max((ratio[level] for level in ("sample", "cluster") if level in ratio), default=0.0)
    return replace(
        accuracy,
        cluster_points=grown(accuracy.cluster_points, accuracy.most_cluster_points, inside),
        population_points=grown(accuracy.population_points, accuracy.most_population_points, ratio.get("population", 0.0)),
    )


def _monte_carlo_sd(measured: Run, accuracy: Accuracy, random_seed: int) -> Floats:
    """Return the standard deviation (row,) over randomisations of the points, averaged over a few draws."""
    chosen = _some_draws(measured, accuracy.draws)
    replicates = np.stack(
        [
            evaluate_run(measured, make_points(measured, accuracy, measured.levels, [random_seed, 9, r]), chosen)
            for r in range(accuracy.replicates)
        ]
    )
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.sqrt(replicates.var(axis=0, ddof=1).mean(axis=1))
    kind = np.array([(key[0], key[8]) for key in measured.row_keys()]).reshape(-1, 2)
    size = np.abs(replicates).mean(axis=(0, 2))
    size[(kind[:, 1] != "difference") & ~np.isfinite(size)] = 0.0
    largest = np.array([size[(kind == name).all(axis=1)].max() for name in kind])
    return np.where(error <= _ROUNDING * largest, 0.0, error)


def _largest_ratios(measured: Run, error: Floats, spread: Floats) -> dict[str, float]:
    """Return by level the largest ratio of the Monte Carlo standard deviation to the spread over draws.

    Proportions do not count, nor do ratios that are not finite. What may be nothing but noise is judged against what it is a
    part of.
    """
    keys = measured.row_keys()
    place = {key: i for i, key in enumerate(keys)}
    judge = [place.get(_judged_by(key), i) for i, key in enumerate(keys)]
    proportion = np.array([key[1] == "prop_mediated" for key in keys], dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(proportion | (error == 0.0), 0.0, error / spread[judge])
    ratio[np.array([key[8] != "difference" for key in keys], dtype=bool) & ~np.isfinite(ratio)] = 0.0
    level = np.array([key[3] for key in keys])
    return {name: float(ratio[level == name].max()) for name in measured.levels if (level == name).any()}


def _judged_by(key: tuple[str, ...]) -> tuple[str, ...]:
    """Return the row by whose spread a row's error is judged: its own, but for remainders."""
    whole = {"int_ref": ("nde", ""), "int_med": ("nie", "all")}.get(key[1])
    if whole is None and key[2] == "dependence":
        whole = (key[1], "all")
    return key if whole is None else (key[0], *whole, *key[3:])


def _report_noise(run: Run, accuracy: Accuracy, error: Floats, values: Floats) -> Noise:
    measured = np.array([key[3] in MEASURED for key in run.row_keys()], dtype=bool)
    ratio = _largest_ratios(_measured(run), error, robust_spread(values[measured]))
    return Noise(
        ratio=ratio,
        cluster_points=accuracy.cluster_points,
        population_points=accuracy.population_points,
        met=all(item <= accuracy.target for item in ratio.values()),
    )


def _measured(run: Run) -> Run:
    return replace(run, levels=tuple(level for level in run.levels if level in MEASURED), unseen=None)


def _some_draws(run: Run, n: int) -> Ints:
    size = len(run.simulation.theta)
    return np.unique(np.linspace(0, size - 1, min(n, size)).astype(np.int64))

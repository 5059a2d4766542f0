"""Effects in systems of any family by simulation: worlds and draws to draws of every effect at every level.

The g-formula (Robins 1986; Imai, Keele and Tingley 2010, Psychological Methods 15) for every coefficient draw, with
randomised quasi-Monte Carlo points common to all draws and worlds. Its noise is measured against the spread of the
effects over draws, which tails do not inflate, and brought below a target by taking more points.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.contrasts import contrast_means, spread_between
from causalcluster.effects.existence import robust_spread
from causalcluster.effects.gformula_kernel import Points
from causalcluster.effects.levels import COORDS
from causalcluster.effects.networks import Network, SystemDraws, WorldEffect
from causalcluster.effects.points import NewClusterPoints
from causalcluster.effects.simulation import (
    Simulation,
    means_in_clusters,
    means_in_population,
    points_of_nested,
    points_of_observed,
    points_of_population,
    set_up,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MEASURED = ("population", "sample", "cluster")
"""Levels whose noise is measured and brought below the target."""
_NUMBERS_AT_ONCE = 2_000_000
_ROUNDING = 1e-9
_MARGIN = 1.25
_OBSERVED = frozenset({"sample", "sample_rows", "cluster", "new"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How precise the simulation has to be.

    Attributes
    ----------
    target
        Largest standard deviation of an effect's Monte Carlo error, over the effect's `robust_spread` over draws.
    cluster_points, most_cluster_points
        Points in each cluster (powers of two): at first, and at most.
    population_points, most_population_points
        New clusters behind the population level (powers of two): at first, and at most.
    new_clusters, inner_points
        Behind `between_sd`: new clusters, and points in each half of them.
    replicates, draws
        Randomisations by which the error is measured, and coefficient draws at which.
    """

    target: float = 0.02
    cluster_points: int = 64
    most_cluster_points: int = 2048
    population_points: int = 512
    most_population_points: int = 32_768
    new_clusters: int = 128
    inner_points: int = 4
    replicates: int = 8
    draws: int = 16


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PointSets:
    observed: Points | None
    population: NewClusterPoints | None
    nested: tuple[NewClusterPoints, Floats] | None
    n_clusters_nested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """A simulation with the rows that are asked for; ``unseen`` is (coefficients, residual sds, cluster of the context)."""

    simulation: Simulation
    effects: tuple[WorldEffect, ...]
    levels: tuple[str, ...]
    clusters: tuple[str, ...]
    unseen: tuple[Floats, Floats, Ints] | None

    def levels_of(self, effect: WorldEffect) -> list[str]:
        """Ratios and proportions have no spread between clusters."""
        plain = effect.scale == "difference" and not effect.whole
        return [level for level in self.levels if plain or level != "between_sd"]

    def row_keys(self) -> list[tuple[str, ...]]:
        return [
            (item.outcome, item.effect, item.via, level, cluster, "", "", item.at, item.scale)
            for item in self.effects
            for level in self.levels_of(item)
            for cluster in (self.clusters if level == "cluster" else ("",))
        ]


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
    run = _prepare(effects, network, draws, random_seed, levels)
    accuracy, error = _choose_points(run, accuracy, random_seed)
    points = _make_points(run, accuracy, run.levels, [random_seed, 5])
    values = _evaluate(run, points, np.arange(len(run.simulation.theta)))
    noise = _report_noise(run, accuracy, error, values)
    keys = run.row_keys()
    shape = draws.coefficients.theta.shape[:2]
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    dataset = xr.Dataset(
        {"effect": (("chain", "draw", "row"), values.reshape(len(keys), *shape).transpose(1, 2, 0))},
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), **coords},
    )
    return SimulatedEffects(effects=dataset, noise=noise)


def _prepare(
    effects: Sequence[WorldEffect],
    network: Network,
    draws: SystemDraws,
    random_seed: int,
    wanted: Collection[str] | None,
) -> _Run:
    coefficients = draws.coefficients
    clustered, has_population = coefficients.clusters != ("",), coefficients.has_population
    possible = [
        *(["population"] if has_population else []),
        "sample",
        *(["sample_rows", "cluster"] if clustered else []),
        *(["new", "between_sd"] if has_population else []),
    ]
    levels = tuple(level for level in possible if wanted is None or level in wanted)
    simulation = set_up(effects, network, draws)
    clusters = tuple(label for label, n in zip(coefficients.clusters, coefficients.rows, strict=True) if n > 0)
    unseen = _draw_unseen(simulation, random_seed) if "new" in levels else None
    return _Run(simulation=simulation, effects=tuple(effects), levels=levels, clusters=clusters, unseen=unseen)


def _draw_unseen(simulation: Simulation, random_seed: int) -> tuple[Floats, Floats, Ints]:
    """Draw one new cluster for each draw: the coefficients are those of `evaluate_effects` with the same seed."""
    rng = np.random.default_rng([random_seed, 2])
    score = rng.standard_normal((len(simulation.mean), simulation.root.shape[2]))
    theta = simulation.mean + np.einsum("spq,sq->sp", simulation.root, score)
    like = rng.integers(len(simulation.rows), size=len(theta))
    return theta, simulation.sd[np.arange(len(like)), like], like


def _make_points(run: _Run, accuracy: Accuracy, levels: Collection[str], random_seed: list[int]) -> _PointSets:
    simulation, seed = run.simulation, random_seed
    scores = simulation.root.shape[2]
    outer = max(accuracy.new_clusters, 2 ** int(np.ceil(np.log2(16 * max(scores, 1)))))
    return _PointSets(
        observed=points_of_observed(simulation, accuracy.cluster_points, random_seed=[*seed, 0])
        if _OBSERVED.intersection(levels)
        else None,
        population=points_of_population(simulation, accuracy.population_points, random_seed=[*seed, 1])
        if "population" in levels
        else None,
        nested=points_of_nested(simulation, n_outer=outer, n_inner=accuracy.inner_points, random_seed=[*seed, 2])
        if "between_sd" in levels
        else None,
        n_clusters_nested=outer,
    )


def _evaluate(run: _Run, points: _PointSets, chosen: Ints) -> Floats:
    """Return (row, draw) values of the draws ``chosen``, block by block on threads."""
    n_targets = len(run.simulation.compiled.program.target)
    widest = max(len(run.clusters), 2 * points.n_clusters_nested if points.nested is not None else 1, 8)
    threads = os.process_cpu_count() or 1
    size = max(1, min(_NUMBERS_AT_ONCE // (widest * n_targets), -(-len(chosen) // (4 * threads))))
    values = np.empty((len(run.row_keys()), len(chosen)))

    def fill(start: int) -> None:
        part = slice(start, min(start + size, len(chosen)))
        filled = 0
        for block in _rows_of(run, _means_by_level(run, points, chosen[part])):
            values[filled : filled + len(block), part] = block
            filled += len(block)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(chosen), size)))
    return values


def _means_by_level(run: _Run, points: _PointSets, chosen: Ints) -> dict[str, Floats]:
    """Return means (draw, ..., T) by level, for between_sd (draw, new cluster, half, T)."""
    simulation, found = run.simulation, {}
    if points.observed is not None and {"sample", "sample_rows", "cluster"}.intersection(run.levels):
        theta, sd = simulation.theta[chosen], simulation.sd[chosen]
        group = np.broadcast_to(np.arange(theta.shape[1]), theta.shape[:2])
        means = means_in_clusters(simulation, chosen, points.observed, theta=theta, sd=sd, group=group)
        found["cluster"] = means
        found["sample"] = means.mean(axis=1)
        found["sample_rows"] = np.einsum("sgt,g->st", means, simulation.rows / simulation.rows.sum())
    if points.observed is not None and run.unseen is not None and "new" in run.levels:
        theta, sd = (item[chosen][:, None] for item in run.unseen[:2])
        like = run.unseen[2][chosen][:, None]
        means = means_in_clusters(simulation, chosen, points.observed, theta=theta, sd=sd, group=like, is_new=True)
        found["new"] = means[:, 0]
    if points.population is not None:
        found["population"] = means_in_population(simulation, chosen, points.population, 1, integrate=True)[:, 0]
    if points.nested is not None:
        n_outer = points.n_clusters_nested
        means = means_in_population(simulation, chosen, points.nested[0], 2 * n_outer, integrate=False)
        weights = points.nested[1]
        found["between_sd"] = means.reshape(len(chosen), n_outer, 2, -1)
        found["weights"] = weights
    return found


def _rows_of(run: _Run, means: Mapping[str, Floats]) -> Iterator[Floats]:
    """Yield (row, draw) values in the order of `_Run.row_keys`."""
    position = run.simulation.compiled.position
    for effect in run.effects:
        for level in run.levels_of(effect):
            value = contrast_means(effect, means[level], position)
            if level == "cluster":
                yield value.T
            elif level == "between_sd":
                yield spread_between(value, means["weights"])[None]
            else:
                yield value[None]


def _choose_points(run: _Run, accuracy: Accuracy, random_seed: int) -> tuple[Accuracy, Floats]:
    """Double points until the noise is below the target; return them and the Monte Carlo sd of the measured rows.

    The spreads by which it is judged come from a few draws.
    """
    measured = _measured(run)
    points = _make_points(measured, accuracy, measured.levels, [random_seed, 8])
    spread = robust_spread(_evaluate(measured, points, _some_draws(run, 4 * accuracy.draws)))
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


def _monte_carlo_sd(measured: _Run, accuracy: Accuracy, random_seed: int) -> Floats:
    """Return the standard deviation (row,) over randomisations of the points, averaged over a few draws."""
    chosen = _some_draws(measured, accuracy.draws)
    replicates = np.stack(
        [
            _evaluate(measured, _make_points(measured, accuracy, measured.levels, [random_seed, 9, r]), chosen)
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


def _largest_ratios(measured: _Run, error: Floats, spread: Floats) -> dict[str, float]:
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


def _report_noise(run: _Run, accuracy: Accuracy, error: Floats, values: Floats) -> Noise:
    measured = np.array([key[3] in MEASURED for key in run.row_keys()], dtype=bool)
    ratio = _largest_ratios(_measured(run), error, robust_spread(values[measured]))
    return Noise(
        ratio=ratio,
        cluster_points=accuracy.cluster_points,
        population_points=accuracy.population_points,
        met=all(item <= accuracy.target for item in ratio.values()),
    )


def _measured(run: _Run) -> _Run:
    return replace(run, levels=tuple(level for level in run.levels if level in MEASURED), unseen=None)


def _some_draws(run: _Run, n: int) -> Ints:
    size = len(run.simulation.theta)
    return np.unique(np.linspace(0, size - 1, min(n, size)).astype(np.int64))

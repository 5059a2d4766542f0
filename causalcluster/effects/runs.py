"""Worlds evaluated at points for coefficient draws, block by block on threads: rows of effects by level."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.contrasts import contrast_means, spread_between
from causalcluster.effects.gformula_kernel import Points
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
_NUMBERS_AT_ONCE = 2_000_000
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

    target: float = 0.05
    cluster_points: int = 64
    most_cluster_points: int = 2048
    population_points: int = 512
    most_population_points: int = 32_768
    new_clusters: int = 128
    inner_points: int = 4
    replicates: int = 8
    draws: int = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointSets:
    """The points of each kind of level; None where none is wanted."""

    observed: Points | None
    population: NewClusterPoints | None
    nested: tuple[NewClusterPoints, Floats] | None
    n_clusters_nested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
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


def prepare_run(
    effects: Sequence[WorldEffect],
    network: Network,
    draws: SystemDraws,
    random_seed: int,
    wanted: Collection[str] | None,
    *,
    sharing: str = "",
) -> Run:
    coefficients = draws.coefficients
    clustered, has_population = coefficients.clusters != ("",), coefficients.has_population
    possible = [
        *(["population"] if has_population else []),
        "sample",
        *(["sample_rows", "cluster"] if clustered else []),
        *(["new", "between_sd"] if has_population else []),
    ]
    levels = tuple(level for level in possible if wanted is None or level in wanted)
    simulation = set_up(effects, network, draws, sharing=sharing)
    clusters = tuple(label for label, n in zip(coefficients.clusters, coefficients.rows, strict=True) if n > 0)
    unseen = _draw_unseen(simulation, random_seed) if "new" in levels else None
    return Run(simulation=simulation, effects=tuple(effects), levels=levels, clusters=clusters, unseen=unseen)


def _draw_unseen(simulation: Simulation, random_seed: int) -> tuple[Floats, Floats, Ints]:
    """Draw one new cluster for each draw: the coefficients are those of `evaluate_effects` with the same seed."""
    rng = np.random.default_rng([random_seed, 2])
    score = rng.standard_normal((len(simulation.mean), simulation.root.shape[2]))
    theta = simulation.mean + np.einsum("spq,sq->sp", simulation.root, score)
    like = rng.integers(len(simulation.rows), size=len(theta))
    return theta, simulation.sd[np.arange(len(like)), like], like


def make_points(run: Run, accuracy: Accuracy, levels: Collection[str], random_seed: list[int]) -> PointSets:
    simulation, seed = run.simulation, random_seed
    scores = simulation.root.shape[2]
    outer = max(accuracy.new_clusters, 2 ** int(np.ceil(np.log2(16 * max(scores, 1)))))
    return PointSets(
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


def evaluate_run(run: Run, points: PointSets, chosen: Ints) -> Floats:
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


def _means_by_level(run: Run, points: PointSets, chosen: Ints) -> dict[str, Floats]:
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


def _rows_of(run: Run, means: Mapping[str, Floats]) -> Iterator[Floats]:
    """Yield (row, draw) values in the order of `Run.row_keys`."""
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

"""Draws to effects, in closed form where the system is linear, by simulation where it is not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from causalcluster.analysis.records import Condition, Question
from causalcluster.effects.estimands import Estimand, list_estimands, list_paths
from causalcluster.effects.gformula import Noise, simulate_effects
from causalcluster.effects.horizons import Loop, evaluate_horizons
from causalcluster.effects.levels import evaluate_effects
from causalcluster.effects.networks import Network, SystemDraws, WorldEffect
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.world_effects import list_world_effects
from causalcluster.effects.worlds import System
from causalcluster.graph import CausalGraph
from causalcluster.model.standard import Scale

PRIOR_ACCURACY = Accuracy(
    target=float("inf"), cluster_points=16, population_points=256, new_clusters=64, replicates=2, draws=4
)
"""For draws of a prior, which are far wider than any noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """The effects that are asked for.

    Attributes
    ----------
    estimands
        Those in closed form: all effects of a linear system, and paths.
    worlds
        Those that are simulated.
    network
        The system for simulation; None where nothing is simulated.
    loop
        The system over time, where edges have lags: then effects are at horizons.
    alike
        Whether all clusters have the same effects: those of the sample are then those of the population.
    """

    estimands: tuple[Estimand, ...]
    worlds: tuple[WorldEffect, ...] = ()
    network: Network | None = None
    loop: Loop | None = None
    alike: bool = False

    def plain(self) -> "Targets":
        """Return the effects that are differences, no proportion of another, and at no moderator's value."""
        return Targets(
            estimands=tuple(item for item in self.estimands if item.denominator is None and not item.at),
            worlds=tuple(item for item in self.worlds if not item.whole and not item.at and item.scale == "difference"),
            network=self.network,
            loop=self.loop,
            alike=self.alike,
        )


def list_targets(
    question: Question,
    graph: CausalGraph,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
    *,
    identified: Sequence[tuple[str, str, str]],
    network: Network | None,
    at: Sequence[Condition] = (),
) -> Targets:
    """Write down every identified effect: in closed form, or, with a ``network``, by simulation but for paths.

    ``at`` are conditions at which all but paths are wanted too.
    """
    if network is None:
        return Targets(estimands=list_estimands(question, graph, system, scale, contrast, identified=identified, at=at))
    return Targets(
        estimands=list_paths(question, graph, system, scale, contrast, identified=identified),
        worlds=list_world_effects(question, network, contrast, identified=identified, at=at, scales=question.scales),
        network=network,
    )


def evaluate_targets(
    targets: Targets,
    draws: SystemDraws,
    *,
    random_seed: int,
    levels: Collection[str] | None = None,
    accuracy: Accuracy | None = None,
) -> tuple[xr.Dataset, Noise | None]:
    """Evaluate all effects at every level that applies; with the noise of the simulation, where there was one.

    ``accuracy`` is that of simulated effects; closed forms are exact.
    """
    if targets.loop is not None:
        return evaluate_horizons(targets.loop, draws.coefficients, random_seed=random_seed, levels=levels), None
    closed = evaluate_effects(targets.estimands, draws.coefficients, random_seed=random_seed, levels=levels)
    if targets.alike and levels is None:
        everywhere = closed.assign_coords(level=("row", np.full(closed.sizes["row"], "population")))
        closed = xr.concat([everywhere, closed], dim="row")
    if targets.network is None or not targets.worlds:
        return closed, None
    found = simulate_effects(
        targets.worlds, targets.network, draws, random_seed=random_seed, levels=levels, accuracy=accuracy
    )
    if not targets.estimands:
        return found.effects, found.noise
    joined: xr.Dataset = xr.concat([found.effects, closed], dim="row", join="outer", coords="minimal", compat="equals")
    return joined, found.noise

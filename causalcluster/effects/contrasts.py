"""Means in worlds to effects, and effects of new clusters to their spread."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.networks import WorldEffect
from causalcluster.effects.rounding import sum_terms
from causalcluster.identification import INTERACTIONS

Floats = NDArray[np.float64]


def contrast_means(effect: WorldEffect, means: Floats, position: Mapping[tuple[str, int], int]) -> Floats:
    """Return the effect (draw, ...) from means (draw, ..., T)."""

    def added(terms: Sequence[tuple[float, object]]) -> Floats:
        columns = [position[effect.outcome, id(world)] for _, world in terms]
        return np.asarray(means[..., columns] @ np.array([weight for weight, _ in terms]))

    if effect.effect in INTERACTIONS:
        columns = [position[effect.outcome, id(world)] for _, world in effect.terms]
        return sum_terms(means[..., columns], np.array([weight for weight, _ in effect.terms]))
    if effect.whole:
        share, whole = added(effect.terms), added(effect.whole)
        return np.divide(share, whole, out=np.full_like(share, np.nan), where=whole != 0.0)
    if effect.scale == "difference":
        return added(effect.terms)
    high, low = (means[..., position[effect.outcome, id(world)]] for _, world in effect.terms)
    with np.errstate(divide="ignore", invalid="ignore"):
        if effect.scale == "odds_ratio":
            high, low = high / (1.0 - high), low / (1.0 - low)
        return np.asarray(high / low)


def spread_between(value: Floats, weights: Floats) -> Floats:
    """Return standard deviations between clusters (draw,) from values (draw, new cluster, half)."""
    centred = value - np.einsum("soh,o->sh", value, weights)[:, None, :]
    return np.asarray(np.sqrt(np.maximum(np.einsum("so,so,o->s", centred[..., 0], centred[..., 1], weights), 0.0)))

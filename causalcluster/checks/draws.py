"""Some draws of a system, flattened, and new clusters drawn from its population."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.networks import SystemDraws

Floats = NDArray[np.float64]
MOST_DRAWS = 400
"""Replicates of each statistic; as many draws of the posterior, evenly spaced over its chains."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SomeDraws:
    """S draws of a system with G clusters, P coefficients and K equations; fields as in `SystemDraws`.

    Attributes
    ----------
    clusters, rows
        Labels, and numbers of rows (G,).
    theta, sd
        (S, G, P) and (S, G, K) of the observed clusters.
    mean, root
        (S, P) and (S, P, Q) of their population.
    typical_log_sd, sd_spread
        (S, K) of their population, or None.
    nu, shape, precision
        (S, K).
    thresholds
        (S, J - 1) by ordinal node.
    has_population
        Whether clusters are draws from a population.
    """

    clusters: tuple[str, ...]
    rows: NDArray[np.int64]
    theta: Floats
    sd: Floats
    mean: Floats
    root: Floats
    typical_log_sd: Floats | None
    sd_spread: Floats | None
    nu: Floats
    shape: Floats
    precision: Floats
    thresholds: dict[str, Floats]
    has_population: bool


def take_draws(system: SystemDraws, *, most: int = MOST_DRAWS) -> SomeDraws:
    """Return at most so many draws of all chains, evenly spaced."""
    coefficients = system.coefficients
    n_draws = coefficients.theta.shape[0] * coefficients.theta.shape[1]
    chosen = np.unique(np.linspace(0, n_draws - 1, min(most, n_draws)).round().astype(np.int64))

    def taken(values: Floats) -> Floats:
        return np.ascontiguousarray(values.reshape(n_draws, *values.shape[2:])[chosen])

    def known(values: Floats | None) -> Floats:
        return np.ones((len(chosen), system.sd.shape[3])) if values is None else taken(values)

    return SomeDraws(
        clusters=coefficients.clusters,
        rows=coefficients.rows,
        theta=taken(coefficients.theta),
        sd=taken(system.sd),
        mean=taken(coefficients.mean),
        root=taken(coefficients.root),
        typical_log_sd=None if system.typical_log_sd is None else taken(system.typical_log_sd),
        sd_spread=None if system.sd_spread is None else taken(system.sd_spread),
        nu=known(system.nu),
        shape=known(system.shape),
        precision=known(system.precision),
        thresholds={node: taken(values) for node, values in system.thresholds.items()},
        has_population=coefficients.has_population,
    )


def new_coefficients(draws: SomeDraws, terms: slice, n_clusters: int, rng: np.random.Generator) -> Floats:
    """Draw coefficients (S, n_clusters, p) of clusters not yet seen, of the terms of one equation."""
    root = draws.root[:, terms]
    score = rng.standard_normal((len(root), n_clusters, root.shape[2]))
    return np.asarray(draws.mean[:, None, terms] + score @ root.transpose(0, 2, 1))


def new_sds(draws: SomeDraws, equation: int, n_clusters: int, rng: np.random.Generator) -> Floats:
    """Draw residual standard deviations (S, n_clusters) of clusters not yet seen: the variance is inverse-gamma."""
    if draws.typical_log_sd is None or draws.sd_spread is None:
        raise ValueError("there is no population of clusters")
    typical, spread = draws.typical_log_sd[:, equation, None], draws.sd_spread[:, equation, None]
    varies = spread > 0.0
    shape = 0.25 * np.where(varies, spread, 1.0) ** -2.0
    drawn = rng.standard_gamma(np.broadcast_to(shape, (len(shape), n_clusters))) / shape
    return np.asarray(np.exp(typical) / np.sqrt(np.where(varies, np.maximum(drawn, 1e-300), 1.0)))

"""Points of randomised quasi-Monte Carlo for the g-formula: rows of context with scores of noise.

Scrambled Sobol' points (Owen 1997, Annals of Statistics 25), each with its mirror image in all scores, so that anything
odd in the noise cancels exactly; weights give the even moments their exact values (`causalcluster.effects.calibration`),
among them the product of a coefficient of the mediator's equation and one of the outcome's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from causalcluster.effects.calibration import calibrate, describe_context
from causalcluster.effects.gformula_kernel import Points
from causalcluster.effects.networks import ContextRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EDGE = 2.0**-31


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewClusterPoints:
    """Points of new clusters, with the scores (groups, Q) of their coefficients."""

    points: Points
    coefficient_score: Floats


def sort_context(context: ContextRows, n_clusters: int) -> tuple[ContextRows, Ints]:
    """Return rows with weight in order of cluster and value, weights adding up to one, and where clusters start (G + 1,).

    Neighbours in the order get neighbouring points, so similar rows are spread over the points evenly. A cluster
    without rows of its own (equations without context) gets one.
    """
    kept = np.flatnonzero(context.weights > 0.0)
    missing = np.setdiff1d(np.arange(n_clusters), context.cluster[kept])
    if len(missing) and len(context.columns):
        raise ValueError(f"clusters {missing.tolist()} have no rows of context")
    values = np.concatenate([context.values[kept], np.zeros((len(missing), len(context.columns)))])
    cluster = np.concatenate([context.cluster[kept], missing]).astype(np.int64)
    weights = np.concatenate([context.weights[kept], np.ones(len(missing))])
    order = np.lexsort((*values.T[::-1], cluster))
    weights = weights / np.bincount(cluster, weights)[cluster]
    sizes = {
        name: np.concatenate([size[kept], np.ones(len(missing))])[order].astype(float)
        for name, size in context.sizes.items()
    }
    sorted_rows = ContextRows(
        columns=context.columns, cluster=cluster[order], values=values[order], weights=weights[order], sizes=sizes
    )
    return sorted_rows, np.searchsorted(cluster[order], np.arange(n_clusters + 1)).astype(np.int64)


def observed_points(rows: ContextRows, starts: Ints, n_noise: int, n_points: int, *, random_seed: list[int]) -> Points:
    """Return ``n_points`` points (a power of two) for each observed cluster."""
    n_clusters, half = len(starts) - 1, n_points // 2
    drawn = _sobol(n_clusters * half, 1 + n_noise, random_seed)
    row, weight = np.empty((n_clusters, half), np.int64), np.empty((n_clusters, half))
    normal = np.empty((n_clusters, n_points, n_noise))
    for g in range(n_clusters):
        block = drawn[g * half : (g + 1) * half]
        own = slice(starts[g], starts[g + 1])
        chosen, scores = _choose(block[:, 0], rows.weights[own]), _scores(block[:, 1:])
        context = describe_context(rows.values[own], rows.weights[own])
        row[g], normal[g] = starts[g] + chosen, np.concatenate([scores, -scores])
        begin = _stratified(chosen, rows.weights[own], None)
        weight[g] = calibrate(begin, scores, context, chosen, rows.weights[own])
    n_all = n_clusters * n_points
    flat = normal.reshape(n_all, n_noise)
    return Points(
        start=np.arange(0, n_all + 1, n_points),
        row=np.concatenate([row, row], axis=1).ravel(),
        cluster=np.repeat(np.arange(n_clusters), n_points),
        weight=np.concatenate([weight, weight], axis=1).ravel() / 2.0,
        slot=np.zeros(n_all, np.int64),
        normal=flat,
        uniform=ndtr(flat),
    )


def population_points(
    rows: ContextRows,
    donors: Floats,
    n_noise: int,
    n_coefficients: int,
    n_points: int,
    *,
    random_seed: list[int],
) -> NewClusterPoints:
    """Return new clusters with one point each; rows are drawn with clusters equally likely.

    ``donors`` (G, columns) is what a new cluster takes over from the cluster of its row.
    """
    drawn = _sobol(n_points // 2, 1 + n_coefficients + n_noise, random_seed)
    share = rows.weights / rows.weights.sum()
    chosen = _choose(drawn[:, 0], share)
    half = _scores(drawn[:, 1:])
    context = describe_context(np.concatenate([rows.values, donors[rows.cluster]], axis=1), share)
    weight = calibrate(_stratified(chosen, share, rows.cluster), half, context, chosen, share)
    scores = np.concatenate([half, -half])
    noise = np.ascontiguousarray(scores[:, n_coefficients:])
    chosen = np.concatenate([chosen, chosen])
    return NewClusterPoints(
        points=Points(
            start=np.arange(n_points + 1),
            row=chosen,
            cluster=rows.cluster[chosen],
            weight=np.concatenate([weight, weight]) / 2.0,
            slot=np.zeros(n_points, np.int64),
            normal=noise,
            uniform=ndtr(noise),
        ),
        coefficient_score=np.ascontiguousarray(scores[:, :n_coefficients]),
    )


def nested_points(
    rows: ContextRows,
    starts: Ints,
    donors: Floats,
    n_noise: int,
    n_coefficients: int,
    *,
    n_outer: int,
    n_inner: int,
    random_seed: list[int],
) -> tuple[NewClusterPoints, Floats]:
    """Return new clusters with two independent sets of inner points each, and the new clusters' weights.

    Slot 2 o + h adds up half h of cluster o. The halves share no randomness, so the covariance over clusters of their means
    is free of the inner points' noise.
    """
    n_clusters = len(starts) - 1
    drawn = _sobol(n_outer // 2, 1 + n_coefficients, [*random_seed, 0])
    like = _choose(drawn[:, 0], np.full(n_clusters, 1.0 / n_clusters))
    equal, half = np.full(n_clusters, 1.0 / n_clusters), _scores(drawn[:, 1:])
    outer_weight = calibrate(_stratified(like, equal, None), half, describe_context(donors, equal), like, equal)
    scores = np.concatenate([half, -half])
    like = np.concatenate([like, like])
    both_halves = [observed_points(rows, starts, n_noise, n_inner, random_seed=[*random_seed, 1 + h]) for h in range(2)]
    inner = (like[:, None] * n_inner + np.arange(n_inner)).ravel()
    order = np.argsort(np.tile(np.repeat(np.arange(n_outer), n_inner), 2), kind="stable")
    slot = np.concatenate([np.repeat(2 * np.arange(n_outer) + h, n_inner) for h in range(2)])
    both = {
        name: np.ascontiguousarray(np.concatenate([getattr(part, name)[inner] for part in both_halves])[order])
        for name in ("row", "cluster", "weight", "normal", "uniform")
    }
    points = Points(start=np.arange(0, 2 * n_outer * n_inner + 1, 2 * n_inner), slot=slot[order], **both)
    new = NewClusterPoints(
        points=points,
        coefficient_score=np.ascontiguousarray(scores),
    )
    return new, np.concatenate([outer_weight, outer_weight]) / 2.0


def _sobol(n_points: int, n_dims: int, random_seed: list[int]) -> Floats:
    generator = qmc.Sobol(n_dims, scramble=True, rng=np.random.default_rng(random_seed))
    drawn: Floats = generator.random_base2(max(int(np.ceil(np.log2(n_points))), 0))[:n_points]
    return drawn


def _choose(position: Floats, weights: Floats) -> Ints:
    """Return the entry whose stretch of the cumulated weights holds each position in (0, 1)."""
    edges = np.cumsum(weights)[:-1]
    return np.searchsorted(edges / max(weights.sum(), 1e-300), position, side="right").astype(np.int64)


def _stratified(chosen: Ints, weights: Floats, groups: Ints | None) -> Floats:
    """Return weights of the points by which entries (else groups of entries) count exactly as they should."""
    for labels in (np.arange(len(weights)), groups):
        if labels is None:
            continue
        wanted = np.bincount(labels, weights)
        seen = np.bincount(labels[chosen], minlength=len(wanted))
        if (seen[wanted > 0.0] > 0).all():
            return np.asarray(wanted[labels[chosen]] / seen[labels[chosen]])
    return np.full(len(chosen), 1.0 / len(chosen))


def _scores(uniform: Floats) -> Floats:
    return np.asarray(ndtri(np.clip(uniform, _EDGE, 1.0 - _EDGE)))

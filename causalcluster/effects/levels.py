"""Estimands and coefficient draws to draws of every effect at every level."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.estimands import Estimand
from causalcluster.effects.polynomials import (
    NormalMoments,
    Polynomial,
    evaluate,
    expectation,
    is_short,
    sampled_spread,
    spread,
)

Floats = NDArray[np.float64]

KEYS = ("outcome", "effect", "via", "level", "cluster", "horizon", "regime", "at", "scale")
# In a dataset the variable is called `effect`, so the key column of that name is the coordinate `estimand`.
COORDS = tuple("estimand" if name == "effect" else name for name in KEYS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoefficientDraws:
    """Draws of the coefficients on the standardised scale.

    Attributes
    ----------
    clusters
        (G,) labels; empty text for a single-level analysis.
    rows
        (G,) rows behind each cluster.
    theta
        (chain, draw, G, P) the observed clusters' coefficients.
    mean
        (chain, draw, P) means in the population of clusters.
    root
        (chain, draw, P, Q) square root of their covariance between clusters.
    has_population
        False for a single-level analysis and without pooling, where there is no population of clusters.
    groups
        Groups of clusters, level by level.
    """

    clusters: tuple[str, ...]
    rows: NDArray[np.int64]
    theta: Floats
    mean: Floats
    root: Floats
    has_population: bool
    groups: "tuple[GroupDraws, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupDraws:
    """Draws of what groups of clusters add to the mean coefficients, on the standardised scale.

    Attributes
    ----------
    column
        The level's name.
    labels
        Its groups.
    shift
        (chain, draw, group, P) what a group's mean is above the population's.
    root
        (chain, draw, P, Q') square root of the covariance between clusters of one group.
    """

    column: str
    labels: tuple[str, ...]
    shift: Floats
    root: Floats


def evaluate_effects(
    estimands: Sequence[Estimand],
    draws: CoefficientDraws,
    *,
    random_seed: int,
    levels: Collection[str] | None = None,
) -> xr.Dataset:
    """Evaluate every estimand at every level that applies; clusters without rows count nowhere.

    Parameters
    ----------
    estimands
        What to evaluate.
    draws
        Coefficients.
    random_seed
        For the coefficients of a cluster not yet seen.
    levels
        The levels to keep; all without it.

    Returns
    -------
    xarray.Dataset
        ``effect`` (chain, draw, row) in the outcomes' units; coords of ``row`` are the key columns of effects.csv, of
        which ``effect`` is called ``estimand``.
    """
    if not (draws.rows > 0).all():
        estimands, draws = _only_present(estimands, draws)
    wanted = None if levels is None else frozenset(levels)
    context = _Context.prepare(draws, random_seed, wanted)
    keys = [
        (estimand.outcome, estimand.effect, estimand.via, level, cluster, "", "", estimand.at, "difference")
        for estimand in estimands
        for level, cluster in context.rows_of(estimand)
    ]
    shape = draws.theta.shape[:2]
    values = np.empty((len(keys), *shape))
    filled = 0
    for estimand in estimands:
        for block in _blocks(estimand, context):
            values[filled : filled + len(block)] = block
            filled += len(block)
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    return xr.Dataset(
        {"effect": (("chain", "draw", "row"), values.transpose(1, 2, 0))},
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), **coords},
    )


def _only_present(estimands: Sequence[Estimand], draws: CoefficientDraws) -> tuple[tuple[Estimand, ...], CoefficientDraws]:
    """Leave out clusters without rows: they keep their place in a fit, but they are no part of any target."""
    present = np.flatnonzero(draws.rows > 0)

    def chosen(polynomial: Polynomial | None) -> Polynomial | None:
        return None if polynomial is None else {monomial: weight[present] for monomial, weight in polynomial.items()}

    def reduced(item: Estimand) -> Estimand:
        elsewhere = None if item.elsewhere is None else reduced(item.elsewhere)
        polynomial = chosen(item.polynomial) or {}
        return replace(item, polynomial=polynomial, denominator=chosen(item.denominator), elsewhere=elsewhere)

    return tuple(reduced(item) for item in estimands), replace(
        draws,
        clusters=tuple(draws.clusters[g] for g in present),
        rows=draws.rows[present],
        theta=draws.theta[:, :, present],
    )


def select_row(effects: xr.Dataset, **key: str) -> xr.DataArray:
    """Return the one row (chain, draw) whose coords equal ``key``; KeyError where none or several do."""
    mask = np.ones(effects.sizes["row"], dtype=bool)
    for name, value in key.items():
        mask &= effects["estimand" if name == "effect" else name].values == value
    if mask.sum() != 1:
        raise KeyError(f"{int(mask.sum())} rows match {key}")
    return effects["effect"].isel(row=int(np.flatnonzero(mask)[0]))


@dataclass(frozen=True, slots=True, eq=False)
class _Context:
    """Draws, what the levels beyond the observed clusters need, and the levels asked for."""

    draws: CoefficientDraws
    random_seed: int
    levels: tuple[str, ...]
    moments: NormalMoments | None
    unseen: Floats | None
    unseen_like: NDArray[np.int64] | None

    @classmethod
    def prepare(cls, draws: CoefficientDraws, random_seed: int, wanted: Collection[str] | None) -> "_Context":
        clustered = draws.clusters != ("",)
        possible = [
            *(["population"] if draws.has_population else []),
            "sample",
            *(["sample_rows", "cluster"] if clustered else []),
            *(group.column for group in draws.groups),
            *(["new", "between_sd"] if draws.has_population else []),
        ]
        levels = tuple(level for level in possible if wanted is None or level in wanted)
        if not draws.has_population:
            return cls(draws, random_seed, levels, moments=None, unseen=None, unseen_like=None)
        mean, root = _flat_population(draws)
        moments = NormalMoments(mean, root @ root.transpose(0, 2, 1))
        if "new" not in levels:
            return cls(draws, random_seed, levels, moments=moments, unseen=None, unseen_like=None)
        rng = np.random.default_rng([random_seed, 2])
        unseen = mean + np.einsum("spq,sq->sp", root, rng.standard_normal((len(mean), root.shape[2])))
        unseen_like = rng.integers(len(draws.clusters), size=len(mean))
        return cls(draws, random_seed, levels, moments=moments, unseen=unseen, unseen_like=unseen_like)

    def levels_of(self, estimand: Estimand) -> list[str]:
        """Proportions have no spread between clusters."""
        return [level for level in self.levels if level != "between_sd" or estimand.denominator is None]

    def rows_of(self, estimand: Estimand) -> Iterator[tuple[str, str]]:
        for level in self.levels_of(estimand):
            for label in self._labels_of(level):
                yield level, label

    def _labels_of(self, level: str) -> tuple[str, ...]:
        group = next((group for group in self.draws.groups if group.column == level), None)
        if group is not None:
            return group.labels
        return self.draws.clusters if level == "cluster" else ("",)


def _flat_population(draws: CoefficientDraws) -> tuple[Floats, Floats]:
    """Return mean (sample, P) and covariance root (sample, P, Q) of the population of clusters."""
    chains, n_draws, n_coefficients, n_varying = draws.root.shape
    size = chains * n_draws
    return draws.mean.reshape(size, n_coefficients), draws.root.reshape(size, n_coefficients, n_varying)


def _blocks(estimand: Estimand, context: _Context) -> Iterator[Floats]:
    """Yield (row, chain, draw) values, level by level."""
    levels, new = context.levels_of(estimand), estimand.elsewhere or estimand
    numerator = _at_levels(estimand.polynomial, new.polynomial, context, levels)
    if estimand.denominator is None:
        yield from numerator
        return
    parts = (numerator, _at_levels(estimand.denominator, new.denominator or {}, context, levels))
    for share, whole in zip(*parts, strict=True):
        yield np.divide(share, whole, out=np.full_like(share, np.nan), where=whole != 0.0)


def _at_levels(polynomial: Polynomial, new: Polynomial, context: _Context, levels: Sequence[str]) -> Iterator[Floats]:
    """Yield values of a polynomial in the observed clusters, and of ``new`` at the levels beyond them."""
    draws = context.draws
    shape = draws.theta.shape[:2]
    observed = {"sample", "sample_rows", "cluster"}.intersection(levels)
    by_cluster = evaluate(polynomial, draws.theta) if observed else np.empty((*shape, 0))
    for level in levels:
        if level == "sample":
            yield by_cluster.mean(axis=-1)[None]
        elif level == "sample_rows":
            yield (by_cluster @ (draws.rows / draws.rows.sum()))[None]
        elif level == "cluster":
            yield np.moveaxis(by_cluster, -1, 0)
        elif group := next((group for group in draws.groups if group.column == level), None):
            yield _in_groups(new, draws, group)
        else:
            yield _beyond(new, context, level).reshape(1, *shape)


def _in_groups(polynomial: Polynomial, draws: CoefficientDraws, group: GroupDraws) -> Floats:
    """Return the expected effect (group, chain, draw) in the clusters of each group."""
    shape, size = draws.mean.shape[:2], draws.mean.shape[2]
    root = group.root.reshape(-1, size, group.root.shape[-1])
    covariance = root @ root.transpose(0, 2, 1)
    values = [
        expectation(polynomial, NormalMoments((draws.mean + group.shift[:, :, c]).reshape(-1, size), covariance))
        for c in range(len(group.labels))
    ]
    return np.stack(values).reshape(-1, *shape)


def _beyond(polynomial: Polynomial, context: _Context, level: str) -> Floats:
    """Return (draw,) values at a level beyond the observed clusters."""
    if context.moments is not None and level == "population":
        return expectation(polynomial, context.moments)
    if context.moments is not None and level == "between_sd":
        if is_short(polynomial):
            return spread(polynomial, context.moments)
        mean, root = _flat_population(context.draws)
        return sampled_spread(polynomial, mean, root, random_seed=context.random_seed)
    if context.unseen is None or context.unseen_like is None:
        raise ValueError(f"no draws at level {level}")
    one = {monomial: weight[context.unseen_like] for monomial, weight in polynomial.items()}
    return evaluate(one, context.unseen)

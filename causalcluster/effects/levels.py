"""Estimands and coefficient draws to draws of every effect at every level."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.effects.estimands import Estimand
from causalcluster.effects.polynomials import NormalMoments, Polynomial, evaluate, expectation, spread

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
    """

    clusters: tuple[str, ...]
    rows: NDArray[np.int64]
    theta: Floats
    mean: Floats
    root: Floats
    has_population: bool


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
    context = _Context.prepare(draws, random_seed)
    keys: list[tuple[str, ...]] = []
    blocks: list[Floats] = []
    for estimand in estimands:
        for level, cluster, values in _levels(estimand, context):
            if levels is not None and level not in levels:
                continue
            keys.append((estimand.outcome, estimand.effect, estimand.via, level, cluster, "", "", "", "difference"))
            blocks.append(values)
    shape = draws.theta.shape[:2]
    values = np.stack(blocks, axis=-1) if blocks else np.zeros((*shape, 0))
    coords = {name: ("row", np.array([key[i] for key in keys], dtype=object)) for i, name in enumerate(COORDS)}
    return xr.Dataset(
        {"effect": (("chain", "draw", "row"), values)},
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), **coords},
    )


def _only_present(estimands: Sequence[Estimand], draws: CoefficientDraws) -> tuple[tuple[Estimand, ...], CoefficientDraws]:
    """Leave out clusters without rows: they keep their place in a fit, but they are no part of any target."""
    present = np.flatnonzero(draws.rows > 0)

    def chosen(polynomial: Polynomial | None) -> Polynomial | None:
        return None if polynomial is None else {monomial: weight[present] for monomial, weight in polynomial.items()}

    kept = tuple(
        replace(item, polynomial=chosen(item.polynomial) or {}, denominator=chosen(item.denominator)) for item in estimands
    )
    return kept, replace(
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Context:
    draws: CoefficientDraws
    moments: NormalMoments | None
    unseen: Floats | None
    unseen_like: NDArray[np.int64] | None

    @classmethod
    def prepare(cls, draws: CoefficientDraws, random_seed: int) -> "_Context":
        if not draws.has_population:
            return cls(draws=draws, moments=None, unseen=None, unseen_like=None)
        n_coefficients, n_varying = draws.root.shape[2:]
        mean = draws.mean.reshape(-1, n_coefficients)
        root = draws.root.reshape(len(mean), n_coefficients, n_varying)
        rng = np.random.default_rng([random_seed, 2])
        unseen = mean + np.einsum("spq,sq->sp", root, rng.standard_normal((len(mean), n_varying)))
        return cls(
            draws=draws,
            moments=NormalMoments(mean, root @ root.transpose(0, 2, 1)),
            unseen=unseen,
            unseen_like=rng.integers(len(draws.clusters), size=len(mean)),
        )


def _levels(estimand: Estimand, context: _Context) -> Iterator[tuple[str, str, Floats]]:
    """Yield (level, cluster, (chain, draw) values); proportions have no spread between clusters."""
    parts = [_one_polynomial(estimand.polynomial, context, with_spread=estimand.denominator is None)]
    if estimand.denominator is not None:
        parts.append(_one_polynomial(estimand.denominator, context, with_spread=False))
    for pieces in zip(*parts, strict=True):
        level, cluster, values = pieces[0]
        if len(pieces) == 2:
            whole = pieces[1][2]
            values = np.divide(values, whole, out=np.full_like(values, np.nan), where=whole != 0.0)
        yield level, cluster, values


def _one_polynomial(polynomial: Polynomial, context: _Context, *, with_spread: bool) -> Iterable[tuple[str, str, Floats]]:
    draws = context.draws
    by_cluster = evaluate(polynomial, draws.theta)
    share = draws.rows / draws.rows.sum()
    shape = by_cluster.shape[:2]
    if context.moments is not None and context.unseen is not None and context.unseen_like is not None:
        yield "population", "", expectation(polynomial, context.moments).reshape(shape)
    yield "sample", "", by_cluster.mean(axis=-1)
    if draws.clusters != ("",):
        yield "sample_rows", "", by_cluster @ share
        for g, label in enumerate(draws.clusters):
            yield "cluster", label, by_cluster[..., g]
    if context.moments is not None and context.unseen is not None and context.unseen_like is not None:
        one = {monomial: weight[context.unseen_like] for monomial, weight in polynomial.items()}
        yield "new", "", evaluate(one, context.unseen).reshape(shape)
        if with_spread:
            yield "between_sd", "", spread(polynomial, context.moments).reshape(shape)

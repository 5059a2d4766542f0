"""Effects along a diagram with lagged edges: responses to interventions at horizons, mediator by mediator, in closed form.

Everything is linear given a cluster's coefficients, so that the response at horizon h is a sum over directed paths of the
unrolled diagram of products of coefficients. Paths are sorted by the first mediator on them. Under the regime `sustained`
the treatment is set in periods 0 to h, which cuts what feeds back into it; under `pulse` in period 0 alone, and later on it
responds.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from causalcluster.analysis.records import Question
from causalcluster.design import Design
from causalcluster.effects.levels import COORDS, CoefficientDraws
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]
POINTS = 256
"""Quasi-random clusters that expectations over the population are taken over, half of them mirror images of the others."""
_AT_ONCE = 2_000_000
DIRECT = ""
"""The class of paths without a mediator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One coefficient: its place, and what it carries from where, how many periods ago."""

    place: int
    source: str
    target: str
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A linear system over time and the effects that are asked of it.

    Attributes
    ----------
    nodes
        In causal order within a period.
    arrows
        In the same order of their targets.
    treatment, outcomes, mediators
        The question's roles.
    size
        The contrast, in the treatment's standardised units.
    units
        By outcome, the user's units in one standardised one.
    horizons, regimes
        When the outcome is looked at, and how long the treatment is set.
    identified
        The (outcome, effect, via) to evaluate.
    """

    nodes: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    treatment: str
    outcomes: tuple[str, ...]
    mediators: tuple[str, ...]
    size: float
    units: tuple[float, ...]
    horizons: tuple[int, ...]
    regimes: tuple[str, ...]
    identified: tuple[tuple[str, str, str], ...]


def make_loop(
    question: Question,
    design: Design,
    scale: Scale,
    contrast: tuple[float, float],
    *,
    identified: Collection[tuple[str, str, str]],
) -> Loop:
    """Write down the system of a design with lagged edges.

    Parameters
    ----------
    question, design
        What is asked, and the equations.
    scale
        Scales of the nodes.
    contrast
        Treatment values from and to.
    identified
        The (outcome, effect, via) that are identified.
    """
    arrows, nodes = [], [equation.node for equation in design.equations if equation.level != "first"]
    for place, term in enumerate(design.terms):
        if term.kind == "slope" and term.target in nodes:
            source, _, lag = term.factors[0].partition("@")
            arrows.append(Arrow(place=place, source=source, target=term.target, lag=int(lag or 0)))
    return Loop(
        nodes=tuple(nodes),
        arrows=tuple(arrows),
        treatment=question.treatment,
        outcomes=question.outcomes,
        mediators=question.mediators,
        size=(contrast[1] - contrast[0]) / scale.scale[question.treatment],
        units=tuple(scale.scale[outcome] for outcome in question.outcomes),
        horizons=question.horizons,
        regimes=question.regimes,
        identified=tuple(identified),
    )


def responses(loop: Loop, theta: Floats, regime: str, last: int) -> dict[tuple[str, str], list[Floats | None]]:
    """Return responses (...,) of every node at horizons 0 to ``last`` to one unit of the treatment, by node and class.

    ``theta`` (..., P) are coefficients; None stands for no response.
    """
    classes = (DIRECT, *loop.mediators)
    found: dict[tuple[str, str], list[Floats | None]] = {(node, way): [] for node in loop.nodes for way in classes}
    for step in range(last + 1):
        for node in loop.nodes:
            for way in classes:
                found[node, way].append(None)
            if node == loop.treatment and (step == 0 or regime == "sustained"):
                found[node, DIRECT][step] = np.ones(theta.shape[:-1])
                continue
            for arrow in (arrow for arrow in loop.arrows if arrow.target == node and arrow.lag <= step):
                _carry(found, arrow, step, classes, theta, node if node in loop.mediators else DIRECT)
    return found


def _carry(
    found: dict[tuple[str, str], list[Floats | None]],
    arrow: Arrow,
    step: int,
    classes: Sequence[str],
    theta: Floats,
    entered: str,
) -> None:
    """Add what one arrow brings; paths without a mediator so far take the class of the one they enter."""
    for way in classes:
        value = found[arrow.source, way][step - arrow.lag]
        if value is not None:
            into = found[arrow.target, entered if way == DIRECT else way]
            more, before = theta[..., arrow.place] * value, into[step]
            into[step] = more if before is None else before + more


def effect_values(loop: Loop, theta: Floats) -> Iterator[tuple[tuple[str, str, str, str, str], Floats]]:
    """Yield key (outcome, effect, via, horizon, regime) and values (...,) of every effect at coefficients (..., P)."""
    wanted = set(loop.identified)
    nothing = np.zeros(theta.shape[:-1])
    for regime in loop.regimes:
        found = responses(loop, theta, regime, max(loop.horizons))
        for outcome, unit in zip(loop.outcomes, loop.units, strict=True):
            for horizon in loop.horizons:
                values = {way: found[outcome, way][horizon] for way in (DIRECT, *loop.mediators)}
                parts = {way: nothing if v is None else v * loop.size * unit for way, v in values.items()}
                through = sum((parts[name] for name in loop.mediators), start=nothing)
                rows = [("total", "", parts[DIRECT] + through), ("nde", "", parts[DIRECT]), ("nie", "all", through)]
                rows += [("nie", name, parts[name]) for name in loop.mediators]
                for effect, via, value in rows:
                    if (outcome, effect, via) in wanted:
                        yield (outcome, effect, via, str(horizon), regime), value


def evaluate_horizons(
    loop: Loop, draws: CoefficientDraws, *, random_seed: int, levels: Collection[str] | None = None
) -> xr.Dataset:
    """Evaluate every effect at every level that applies.

    Population values are means over `POINTS` clusters at quasi-random coordinates, turned at random in every draw.

    Parameters
    ----------
    loop
        The system.
    draws
        Coefficients; clusters without rows count nowhere.
    random_seed
        Of the points and of a cluster not yet seen.
    levels
        The levels to keep; all without it.

    Returns
    -------
    xarray.Dataset
        As `causalcluster.effects.levels.evaluate_effects`, with coords ``horizon`` and ``regime``.
    """
    present = np.flatnonzero(draws.rows > 0)
    shape = draws.mean.shape[:2]
    wanted = [level for level in _levels(draws) if levels is None or level in levels]
    blocks: dict[tuple[str, ...], Floats] = {}
    if {"sample", "sample_rows", "cluster"}.intersection(wanted):
        rows = draws.rows[present] / draws.rows[present].sum()
        labels = [draws.clusters[g] for g in present]
        for key, value in effect_values(loop, draws.theta[:, :, present]):
            levels_of = {"sample": value.mean(-1), "sample_rows": value @ rows}
            blocks |= {(*key, level, ""): levels_of[level] for level in levels_of if level in wanted}
            if "cluster" in wanted:
                blocks |= {(*key, "cluster", label): value[..., g] for g, label in enumerate(labels)}
    if {"population", "new", "between_sd"}.intersection(wanted):
        blocks |= _beyond(loop, draws, wanted, random_seed)
    order = sorted(blocks, key=lambda key: _order(key, loop, wanted, draws.clusters))
    values = np.stack([blocks[key] for key in order], axis=-1) if order else np.empty((*shape, 0))
    columns = {
        "outcome": 0, "estimand": 1, "via": 2, "horizon": 3, "regime": 4, "level": 5, "cluster": 6,
    }  # fmt: skip
    coords = {
        name: ("row", np.array([key[columns[name]] if name in columns else _CONSTANT[name] for key in order], dtype=object))
        for name in COORDS
    }
    return xr.Dataset(
        {"effect": (("chain", "draw", "row"), values)},
        coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), **coords},
    )


_CONSTANT = {"at": "", "scale": "difference"}


def _levels(draws: CoefficientDraws) -> tuple[str, ...]:
    clustered = draws.clusters not in ((), ("",))
    return (
        *(["population"] if draws.has_population else []),
        *(["sample"] if draws.clusters else []),
        *(["sample_rows", "cluster"] if clustered else []),
        *(["new", "between_sd"] if draws.has_population else []),
    )


def _order(key: tuple[str, ...], loop: Loop, levels: Sequence[str], clusters: Sequence[str]) -> tuple[int, ...]:
    outcome, effect, via, horizon, regime, level, cluster = key
    effects, vias = ("total", "nde", "nie"), ("", "all", *loop.mediators)
    return (
        loop.outcomes.index(outcome),
        loop.regimes.index(regime),
        int(horizon),
        effects.index(effect),
        vias.index(via),
        list(levels).index(level),
        clusters.index(cluster) if level == "cluster" else 0,
    )


def _beyond(loop: Loop, draws: CoefficientDraws, wanted: Sequence[str], random_seed: int) -> dict[tuple[str, ...], Floats]:
    """Return values beyond the observed clusters, by key, level and ''."""
    shape, (size, width) = draws.mean.shape[:2], draws.root.shape[2:]
    mean, root = draws.mean.reshape(-1, size), draws.root.reshape(-1, size, width)
    rng = np.random.default_rng([random_seed, 2])
    points = _points(width, random_seed)
    unseen = mean + np.einsum("spq,sq->sp", root, rng.standard_normal((len(mean), width)))
    # Every draw turns the points its own way: what is left of their error is noise between draws, not a shift of all.
    turned = root @ np.linalg.qr(rng.standard_normal((len(mean), width, width)))[0]
    found: dict[tuple[str, ...], Floats] = {}
    if "new" in wanted:
        found |= {(*key, "new", ""): value.reshape(shape) for key, value in effect_values(loop, unseen)}
    if not {"population", "between_sd"}.intersection(wanted):
        return found
    at_once = max(1, _AT_ONCE // (len(points) * size))
    parts: dict[tuple[str, ...], list[Floats]] = {}
    for start in range(0, len(mean), at_once):
        own = slice(start, start + at_once)
        theta = mean[own, None] + np.einsum("spq,gq->sgp", turned[own], points)
        for key, value in effect_values(loop, theta):
            parts.setdefault((*key, "population", ""), []).append(value.mean(-1))
            parts.setdefault((*key, "between_sd", ""), []).append(value.std(-1))
    return found | {key: np.concatenate(values).reshape(shape) for key, values in parts.items() if key[5] in wanted}


def _points(width: int, random_seed: int) -> Floats:
    """Return standard normal points (point, Q) in pairs of mirror images: odd moments are exact."""
    if width == 0:
        return np.zeros((1, 0))
    uniform = qmc.Sobol(width, scramble=True, rng=np.random.default_rng([random_seed, 4])).random(POINTS // 2)
    half = norm.ppf(np.clip(uniform, 1e-12, 1.0 - 1e-12))
    # Second moments are made exact as well: with them E[a b] = E[a] E[b] + cov(a, b).
    half = half @ np.linalg.inv(np.linalg.cholesky(half.T @ half / len(half))).T if len(half) > width else half
    return np.concatenate([half, -half])


def spectral_radius(loop: Loop, theta: Floats) -> Floats:
    """Return the largest absolute eigenvalue (...,) of the step from one period to the next, the treatment responding.

    At or above 1 a disturbance does not die out.
    """
    position, n = {node: i for i, node in enumerate(loop.nodes)}, len(loop.nodes)
    longest = max((arrow.lag for arrow in loop.arrows), default=1)
    within, past = np.zeros((*theta.shape[:-1], n, n)), np.zeros((*theta.shape[:-1], longest, n, n))
    for arrow in loop.arrows:
        at = (position[arrow.target], position[arrow.source])
        if arrow.lag:
            past[..., arrow.lag - 1, at[0], at[1]] = theta[..., arrow.place]
        else:
            within[..., at[0], at[1]] = theta[..., arrow.place]
    solved = np.linalg.solve((np.eye(n) - within)[..., None, :, :], past)
    companion = np.zeros((*theta.shape[:-1], n * longest, n * longest))
    for lag in range(longest):
        companion[..., :n, lag * n : (lag + 1) * n] = solved[..., lag, :, :]
    if longest > 1:
        companion[..., n:, : n * (longest - 1)] = np.eye(n * (longest - 1))
    radius: Floats = np.abs(np.linalg.eigvals(companion)).max(axis=-1)
    return radius

"""Rows whose missing values are summed over: the points that these may take, laid out once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from causalcluster.data import RowTable, select_rows
from causalcluster.design import Design, Equation
from causalcluster.errors import UnsupportedError
from causalcluster.families import FAMILIES, Family
from causalcluster.gaps import MOST_CONTINUOUS, Gap
from causalcluster.model.gap_arrays import (
    GridRows,
    equation_table,
    pattern_flags,
    sampled_equations,
    term_centres,
)
from causalcluster.model.gap_groups import row_patterns
from causalcluster.model.grid_kernel import point_densities
from causalcluster.model.row_arrays import GUIDE_BETWEEN_SD, RowEquations, parameter_guesses
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
Means = Mapping[tuple[str, ...], Floats]
Trial = tuple[Floats, Floats, Floats]

CONTINUOUS: tuple[Family, ...] = ("gaussian", "lognormal")
MOST_VALUES, MOST_POINTS = 512, 4_000_000
"""Values of one count, and points in all, that are summed over at most."""
_SPACING, _BEYOND = 1.1, 9.0
"""Distance of the points of a continuous value, and how far they go, in its standard deviations given the row."""
_WIDE = 4.0
_COARSE, _REFINEMENTS, _REACH = 41, 3, 8.0
_TRIALS, _WIDER, _SIGMA_AWAY = 12, 2.0, 0.3
"""Pairs of parameters around the first fit for which points must serve, and how far from it they are."""
_NEGLIGIBLE = -18.0
_AT_ONCE = 1_000_000


def grid_rows(
    design: Design,
    rows: RowTable | None,
    scale: Scale,
    means: Means,
    sampled: RowEquations,
    theta: Floats,
    log_sigma: Floats,
    information: Floats,
) -> GridRows:
    """Lay out the points of rows whose missing values are summed over.

    Parameters
    ----------
    design, rows, scale, means
        The equations, all rows, scales, and what predictors are centred around.
    sampled
        The equations with rows.
    theta, log_sigma, information
        (G, P), (K,) and (G, P, P), the first fit and how sure it is: they say where a continuous value may lie.

    Raises
    ------
    UnsupportedError
        The points would be too many.
    """
    wanted = [a for a, gap in enumerate(design.gaps) if gap.touched and gap.method == "grid"]
    equations = sampled_equations(design)
    parts = [_no_points(theta.shape[1], len(equations))]
    if rows is None or not wanted:
        return parts[0]
    pattern, trials = row_patterns(design, rows), _draw_trials(theta, information, log_sigma, first_parameters(sampled))
    for a in wanted:
        frame = _Frame(
            design=design,
            scale=scale,
            sampled=sampled,
            equations=equations,
            centre=term_centres(design, means, len(theta)),
            trials=trials,
            place=a,
        )
        own = np.flatnonzero(pattern == a)
        width = max(1, _AT_ONCE // _COARSE ** len(design.gaps[a].averaged))
        for start in range(0, len(own), width):
            chosen = own[start : start + width]
            parts.append(replace(_lay_out(frame, select_rows(rows, chosen)), row=chosen))
            _refuse_many(parts, frame.gap)
    return _join(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Frame:
    """What the points of one pattern are laid out from."""

    design: Design
    scale: Scale
    sampled: RowEquations
    equations: tuple[Equation, ...]
    centre: Floats
    trials: Sequence[Trial]
    place: int

    @property
    def gap(self) -> Gap:
        return self.design.gaps[self.place]

    def family(self, node: str) -> Family:
        return next(equation.family for equation in self.equations if equation.node == node)


def first_parameters(sampled: RowEquations) -> Floats:
    """Return logarithms (D,) of parameters beyond linear predictors at the first fit: guesses, but for lognormal nodes."""
    found = [np.zeros(0)]
    for k, item in enumerate(sampled.equations):
        own = parameter_guesses(item)[: len(FAMILIES[item.family].parameters)]
        if item.family == "lognormal":
            theta = sampled.at[item.cluster, sampled.starts[k] : sampled.starts[k + 1]]
            away = item.y - (item.x * theta).sum(axis=1)
            own = np.array([0.5 * np.log(max(float(np.average(away**2, weights=item.weight)), 1e-6))])
        found.append(own)
    return np.concatenate(found)


def _draw_trials(theta: Floats, information: Floats, log_sigma: Floats, parameters: Floats) -> list[Trial]:
    """Return coefficients (G, P), log standard deviations (G, K) and parameters (D,): the first fit, and some around it."""
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(np.linalg.inv(information + np.eye(theta.shape[1]) / GUIDE_BETWEEN_SD**2))
    wide = np.repeat(log_sigma[None], len(theta), 0)
    found = [(theta, wide, parameters)]
    for _ in range(_TRIALS):
        step = _WIDER * np.einsum("gij,gj->gi", root, rng.standard_normal(theta.shape))
        away = _SIGMA_AWAY
        found += [(theta + step, wide + away, parameters + away), (theta - step, wide - away, parameters - away)]
    return found


def _lay_out(frame: _Frame, own: RowTable) -> GridRows:
    """Find where continuous values may lie, then lay out all combinations, without those that cannot matter."""
    wide = {node: _first_spread(frame, own, node) for node in frame.gap.averaged if frame.family(node) in CONTINUOUS}
    coarse = np.linspace(-_REACH, _REACH, _COARSE if len(wide) < MOST_CONTINUOUS else _COARSE // 2 + 1)
    found = []
    for trial in frame.trials if wide else ():
        spread = wide
        for _ in range(_REFINEMENTS):
            values = {node: place[:, None] + width[:, None] * coarse for node, (place, width) in spread.items()}
            points = _complete(frame, own, values)
            spread = _moments(frame, trial, points, spread, float(coarse[1] - coarse[0]))
        found.append(spread)
    skewed = {node for node in wide if frame.family(node) == "lognormal"}
    ranges = {node: _range([spread[node] for spread in found], wide[node] if node in skewed else None) for node in wide}
    points = _complete(frame, own, ranges)
    every = [_log_posterior(frame, trial, points) for trial in frame.trials]
    weight = np.exp(every[0])
    share = weight / np.repeat(np.add.reduceat(weight, points.begin[:-1]), np.diff(points.begin))
    return _prune(replace(points, share=share), np.stack(every).max(axis=0) > _NEGLIGIBLE)


def _range(spreads: Sequence[tuple[Floats, Floats]], wide: tuple[Floats, Floats] | None) -> Floats:
    """Return points (R, C) that serve every mean and standard deviation (R,), NaN where a row needs fewer.

    Where what follows depends on a value's exponential its distribution is skewed and changes much with the parameters:
    then points reach over ``wide``, the column's own mean and standard deviation, too, and lie as close as the least
    standard deviation asks for.
    """
    mean, sd = (np.stack(parts) for parts in zip(*spreads, strict=True))
    low, high = (mean - _BEYOND * sd).min(0), (mean + _BEYOND * sd).max(0)
    step = _SPACING * np.median(sd, axis=0)
    if wide is not None:
        step = _SPACING * sd.min(axis=0)
        low, high = np.minimum(low, wide[0] - _WIDE * wide[1]), np.maximum(high, wide[0] + _WIDE * wide[1])
    count = np.minimum(np.ceil((high - low) / step), MOST_VALUES)
    places = np.arange(count.max() + 1.0)
    step = np.maximum(step, (high - low) / MOST_VALUES)
    return np.where(places <= count[:, None], low[:, None] + step[:, None] * places, np.nan)


def _first_spread(frame: _Frame, own: RowTable, node: str) -> tuple[Floats, Floats]:
    """Return a wide first guess (R,) of the place and spread of a continuous value, on the scale of its density."""
    seen = frame.sampled.equations
    item = next((item for item in seen if item.node == node), None)
    rows = len(own.cluster)
    if item is not None:
        return np.full(rows, float(np.median(item.y))), np.full(rows, max(float(np.std(item.y)), 1e-3))
    centre = frame.trials[0][0][own.cluster, frame.sampled.starts[_place(frame, node)]]
    return centre, np.full(rows, 2.0)


def _place(frame: _Frame, node: str) -> int:
    return next(e for e, equation in enumerate(frame.equations) if equation.node == node)


def _discrete_values(frame: _Frame, own: RowTable, node: str) -> Floats:
    item = next(item for item in frame.sampled.equations if item.node == node)
    rows = len(own.cluster)
    if item.family == "ordinal":
        return np.repeat(np.array(item.grades)[None], rows, 0)
    if item.family == "bernoulli":
        return np.repeat(np.array([[0.0, 1.0]]), rows, 0)
    most = own.trials[node] if item.family == "binomial" else np.full(rows, np.ceil(2.0 * item.y.max() + 10.0))
    if most.max() + 1 > MOST_VALUES:
        raise UnsupportedError(
            f"missing values of {node!r} may be as large as {most.max():g}",
            where=f"nodes: {node}",
            why=f"They are summed over one by one, up to {MOST_VALUES} of them",
            fix="Set 'missing: drop' under 'data', or take the node as lognormal or gaussian",
        )
    values = np.repeat(np.arange(most.max() + 1.0)[None], rows, 0)
    return np.where(values <= most[:, None], values, np.nan)


def _complete(frame: _Frame, own: RowTable, continuous: Mapping[str, Floats]) -> GridRows:
    """Return every combination of the values (R, C) of continuous nodes and of discrete ones as a completed row."""
    discrete = [node for node in frame.gap.averaged if node not in continuous]
    values = {**continuous, **{node: _discrete_values(frame, own, node) for node in discrete}}
    sizes = [candidates.shape[1] for candidates in values.values()]
    places = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
    filled = {node: candidates[:, at].ravel() for (node, candidates), at in zip(values.items(), places, strict=True)}
    repeat = np.repeat(np.arange(len(own.cluster)), int(np.prod(sizes)))
    possible = np.all([np.isfinite(value) for value in filled.values()], axis=0)
    filled, repeat = {node: value[possible] for node, value in filled.items()}, repeat[possible]
    x, y, other = _fill(frame, own, filled, repeat)
    return GridRows(
        at=np.column_stack([own.cluster, np.full(len(own.cluster), frame.place)]),
        begin=np.searchsorted(repeat, np.arange(len(own.cluster) + 1)).astype(np.int64),
        weight=own.weight,
        x=x,
        y=y,
        other=other,
        log_weight=_constants(frame, own, filled, repeat),
        row=np.arange(len(own.cluster)),
        share=np.zeros(len(repeat)),
    )


def _fill(frame: _Frame, own: RowTable, filled: Mapping[str, Floats], repeat: Whole) -> tuple[Floats, Floats, Floats]:
    """Return predictors (Q, P) and values (Q, E) of completed rows, and trials or log exposures (R, E) of the rows."""
    touched = set(frame.gap.touched)
    x = np.zeros((len(repeat), frame.centre.shape[1]))
    y, other = np.zeros((len(repeat), len(frame.equations))), np.zeros((len(own.cluster), len(frame.equations)))
    start = 0
    for e, equation in enumerate(frame.equations):
        if equation.node in touched:
            for t, term in enumerate(equation.terms, start):
                column = np.ones(len(repeat))
                for factor in term.factors:
                    column = column * _standard(frame, own, filled, repeat, factor)
                x[:, t] = column - frame.centre[own.cluster[repeat], t]
            y[:, e] = _response(frame, own, filled, repeat, equation)
            other[:, e] = _size(own, equation)
        start += len(equation.terms)
    return x, y, other


def _raw(frame: _Frame, own: RowTable, filled: Mapping[str, Floats], repeat: Whole, node: str) -> Floats:
    """Return a node's values in the user's units."""
    if node not in filled:
        return own.columns[node][repeat]
    family = frame.family(node)
    if family == "lognormal":
        return np.exp(filled[node])
    return filled[node] * frame.scale.scale[node] + frame.scale.shift[node] if family == "gaussian" else filled[node]


def _standard(frame: _Frame, own: RowTable, filled: Mapping[str, Floats], repeat: Whole, node: str) -> Floats:
    return (_raw(frame, own, filled, repeat, node) - frame.scale.shift[node]) / frame.scale.scale[node]


def _response(frame: _Frame, own: RowTable, filled: Mapping[str, Floats], repeat: Whole, equation: Equation) -> Floats:
    node = equation.node
    if equation.family in ("gaussian", "student"):
        return _standard(frame, own, filled, repeat, node)
    raw = _raw(frame, own, filled, repeat, node)
    if equation.family == "lognormal":
        return np.log(raw)
    if equation.family == "ordinal":
        item = next(item for item in frame.sampled.equations if item.node == node)
        return np.searchsorted(np.array(item.grades), raw).astype(float)
    return raw


def _size(own: RowTable, equation: Equation) -> Floats:
    """Return trials, or the logarithm of the exposure."""
    node = equation.node
    if equation.family in ("bernoulli", "binomial"):
        return own.trials.get(node, np.ones(len(own.cluster)))
    if equation.family in ("poisson", "negative_binomial") and node in own.exposure:
        return np.log(own.exposure[node])
    return np.zeros(len(own.cluster))


def _constants(frame: _Frame, own: RowTable, filled: Mapping[str, Floats], repeat: Whole) -> Floats:
    """Return what the densities leave out because it depends on the value alone: here the value is not given."""
    total = np.zeros(len(repeat))
    for node, value in filled.items():
        family = frame.family(node)
        if family in ("poisson", "negative_binomial"):
            total -= gammaln(value + 1.0)
            total += value * np.log(own.exposure[node])[repeat] if family == "poisson" and node in own.exposure else 0.0
        elif family == "binomial":
            trials = own.trials[node][repeat]
            total += gammaln(trials + 1.0) - gammaln(value + 1.0) - gammaln(trials - value + 1.0)
    return total


def _log_posterior(frame: _Frame, trial: Trial, points: GridRows) -> Floats:
    """Return the log density (Q,) of every point at some parameters, less the largest of its row."""
    averaged, touches = pattern_flags(frame.design)
    found = points.log_weight + point_densities(
        *trial,
        frame.sampled.raw_thresholds,
        frame.sampled.offsets,
        equation_table(frame.design),
        frame.sampled.starts,
        averaged,
        touches,
        points.at,
        points.begin,
        points.x,
        points.y,
        points.other,
        np.zeros(averaged.shape[1]),
    )
    return found - np.repeat(np.maximum.reduceat(found, points.begin[:-1]), np.diff(points.begin))


def _moments(
    frame: _Frame,
    trial: Trial,
    points: GridRows,
    spread: Mapping[str, tuple[Floats, Floats]],
    step: float,
) -> dict[str, tuple[Floats, Floats]]:
    """Return mean and standard deviation (R,) of the continuous values given the row."""
    weight = np.exp(_log_posterior(frame, trial, points))
    total = np.add.reduceat(weight, points.begin[:-1])
    out = {}
    for node, (_, width) in spread.items():
        e = _place(frame, node)
        mean = np.add.reduceat(weight * points.y[:, e], points.begin[:-1]) / total
        away = points.y[:, e] - np.repeat(mean, np.diff(points.begin))
        variance = np.add.reduceat(weight * away**2, points.begin[:-1]) / total
        # Where all weight is on one point its distance to the next is all that is known.
        out[node] = (mean, np.sqrt(np.maximum(variance, (0.4 * step * width) ** 2)))
    return out


def _prune(points: GridRows, keep: Flags) -> GridRows:
    """Keep some points: the others' share of their row's likelihood is negligible."""
    begin = np.concatenate([[0], np.cumsum(keep)])[points.begin]
    return replace(
        points,
        begin=begin.astype(np.int64),
        **{name: getattr(points, name)[keep] for name in ("x", "y", "log_weight", "share")},
    )


def _no_points(n_terms: int, n_equations: int) -> GridRows:
    return GridRows(
        at=np.zeros((0, 2), dtype=np.int64),
        begin=np.zeros(1, dtype=np.int64),
        weight=np.zeros(0),
        x=np.zeros((0, n_terms)),
        y=np.zeros((0, n_equations)),
        other=np.zeros((0, n_equations)),
        log_weight=np.zeros(0),
        row=np.zeros(0, dtype=np.int64),
        share=np.zeros(0),
    )


def _join(parts: Sequence[GridRows]) -> GridRows:
    sizes = np.concatenate([np.diff(part.begin) for part in parts])
    return GridRows(
        begin=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _STACKED},
    )


_STACKED = ("row", "share", "at", "weight", "x", "y", "other", "log_weight")


def _refuse_many(parts: Sequence[GridRows], gap: Gap) -> None:
    if sum(len(part.log_weight) for part in parts) > MOST_POINTS:
        raise UnsupportedError(
            f"too many values of {', '.join(gap.averaged)} are missing to sum over all that they may be",
            where="data: missing",
            why=f"That takes more than {MOST_POINTS:,} points",
            fix="Set 'missing: drop' under 'data', or make the nodes they lead to gaussian",
        )

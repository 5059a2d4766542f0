"""Where predictors are centred in a cluster that was not observed.

A new cluster takes context, treatment and residual standard deviations from an observed one, the donor, and draws its
coefficients. Its own nodes have means of their own there. That of a gaussian or student node is the intercept, because
its predictors are deviations from cluster means. Those of other families are means of the answer over the linear predictor,
taken as normal, given the treatment if that has few values, with means and covariance of its regressors inside the donor.
The mean of a product is the product of its factors' means plus a covariance inside the cluster: that of a node with one of
its own regressors follows from the node's slopes, others are the donor's.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.answers import GAUSSIAN, SCALE, SHIFT, STUDENT, mean_of_normal
from causalcluster.effects.networks import Network

Floats = NDArray[np.float64]
_MOST_FACTORS = 3
_STEP = 1e-3


class Centres(NamedTuple):
    """What the means of a new cluster follow from; N nodes, those with equations first, C columns of cluster means."""

    equation: Any  # (E,) equations whose nodes' means are needed
    start: Any  # (K + 1,) first coefficient of every equation
    intercept: Any  # (K,) coefficient of every equation, -1 where it has none
    code: Any  # (K, 10) as `Program.variable`, one for each equation
    number: Any  # (K, 2)
    grade: Any  # as `Program.grade`
    factor: Any  # (C, 3) nodes whose product a column is, then -1; all -1 where the donor's mean holds
    known: Any  # (G, N) means of nodes in the donor
    rest: Any  # (G, C, 8) the donor's central moment of the factors whose bits are set
    pair: Any  # (C, 2) equation and coefficient behind the covariance of two factors, -1 where the donor's holds
    size: Any  # (G, K) mean trials or exposure
    share: Any  # (G, K, J) of rows that have one of the J values of the treatment
    level: Any  # (G, J, P) mean of what a coefficient multiplies there: 1 for an intercept
    covariance: Any  # (G, P, terms) of a regressor with those of its equation, given the treatment's value


def lay_out_centres(
    network: Network,
    products: Sequence[tuple[str, ...]],
    code: NDArray[np.int64],
    grade: Floats,
    n_clusters: int,
    *,
    has_population: bool,
) -> Centres:
    """Write down how the cluster means of ``products`` follow from coefficients.

    Without a population there are no new clusters, and nothing is needed.
    """
    design = network.design
    answering = design.nodes if has_population else ()
    nodes = {name: n for n, name in enumerate(dict.fromkeys([*design.nodes, *(f for item in products for f in item)]))}
    own = [any(name in answering for name in item) for item in products]
    factor = np.full((max(len(products), 1), _MOST_FACTORS), -1, dtype=np.int64)
    rest = np.zeros((n_clusters, len(factor), 2**_MOST_FACTORS))
    known = np.zeros((n_clusters, len(nodes)))
    for c, item in enumerate(products):
        if not own[c]:
            continue
        factor[c, : len(item)] = [nodes[name] for name in item]
        for mask, moment in _central_moments(item, network.column_mean).items():
            rest[:, c, mask] = moment
        for name in item:
            if name not in design.nodes:
                known[:, nodes[name]] = network.column_mean[(name,)]
    needed = [k for k, name in enumerate(answering) if any(name in item for item in products)]
    scale = network.scale
    pair = np.full((len(factor), 2), -1, dtype=np.int64)
    for c, item in enumerate(products):
        found = _slope_between(network, item) if own[c] else None
        if found is not None:
            pair[c], rest[:, c, 3] = found, 0.0
    start = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in design.equations])]).astype(np.int64)
    return Centres(
        equation=np.array(needed, dtype=np.int64),
        start=start,
        intercept=_intercepts(network, start),
        code=code,
        number=np.array([[scale.shift[node], scale.scale[node]] for node in design.nodes], dtype=float),
        grade=grade,
        factor=factor,
        known=known,
        rest=rest,
        pair=pair,
        **_regressors(network, needed, n_clusters),
    )


def _intercepts(network: Network, start: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.full(len(start) - 1, -1, dtype=np.int64)
    for k, equation in enumerate(network.design.equations):
        places = [i for i, term in enumerate(equation.terms) if term.kind == "intercept"]
        found[k] = start[k] + places[0] if places else -1
    return found


def _slope_between(network: Network, factors: tuple[str, ...]) -> tuple[int, int] | None:
    """Return equation and coefficient of the slope of one of two factors on the other, where its regressors are known."""
    position = 0
    for k, equation in enumerate(network.design.equations):
        for term in equation.terms:
            if (
                len(factors) == 2
                and equation.node in network.regressors
                and sorted((*term.factors, equation.node)) == sorted(factors)
            ):
                return k, position
            position += 1
    return None


def product_mean(factors: Sequence[str], column_mean: Mapping[tuple[str, ...], Floats]) -> Floats:
    """Return the cluster means (G,) of a product of nodes, in whatever order it was named."""
    wanted = sorted(factors)
    return next(mean for name, mean in column_mean.items() if sorted(name) == wanted)


def _central_moments(factors: tuple[str, ...], column_mean: Mapping[tuple[str, ...], Floats]) -> dict[int, Floats]:
    """Return central moments inside clusters (G,) of the factors whose bits are set; first moments are zero."""
    found = {0: np.ones_like(column_mean[factors])}
    mean = [column_mean[(name,)] for name in factors]
    for size in range(2, len(factors) + 1):
        for chosen in combinations(range(len(factors)), size):
            moment = product_mean([factors[i] for i in chosen], column_mean)
            everything = sum(1 << i for i in chosen)
            for mask, inside in _subsets(found, everything):
                moment = moment - inside * np.prod([mean[i] for i in chosen if not mask >> i & 1], axis=0)
            found[everything] = moment
    return found


def _subsets(found: Mapping[int, Floats], everything: int) -> list[tuple[int, Floats]]:
    return [(mask, moment) for mask, moment in found.items() if mask & everything == mask]


def _regressors(network: Network, needed: Sequence[int], n_clusters: int) -> dict[str, Floats]:
    equations = network.design.equations
    widths = [len(equation.terms) for equation in equations]
    described = [k for k in needed if equations[k].node in network.regressors]
    parts = max((network.regressors[equations[k].node].share.shape[1] for k in described), default=1)
    size, share = np.ones((n_clusters, len(equations))), np.zeros((n_clusters, len(equations), parts))
    share[:, :, 0] = 1.0
    level = np.zeros((n_clusters, parts, sum(widths)))
    covariance = np.zeros((n_clusters, sum(widths), max((widths[k] for k in described), default=0)))
    for k, equation in enumerate(equations):
        first = sum(widths[:k])
        level[:, :, [first + i for i, term in enumerate(equation.terms) if term.kind == "intercept"]] = 1.0
        if k in needed and k not in described and equation.family not in ("gaussian", "student"):
            raise ValueError(f"the regressors of {equation.node!r} inside clusters are not known")
        if k not in described:
            continue
        own = network.regressors[equation.node]
        place = [i for i, term in enumerate(equation.terms) if term.kind != "intercept"]
        size[:, k] = own.size
        share[:, k] = 0.0
        share[:, k, : own.share.shape[1]] = own.share
        level[:, : own.share.shape[1], [first + i for i in place]] = own.mean
        for i, at in enumerate(place):
            covariance[:, first + at, place] = own.covariance[:, i]
    return {"size": size, "share": share, "level": level, "covariance": covariance}


def describe_donors(centres: Centres, column_mean: Floats) -> Floats:
    """Return what new clusters take over from their donors, as columns (G, D); a column of zeros where it is nothing."""
    taken = column_mean[:, centres.factor[:, 0] < 0]
    moments = centres.rest[:, :, 1:].reshape(len(column_mean), -1)
    zero = np.zeros((len(column_mean), 1))
    return np.concatenate([taken, centres.known, moments[:, (moments != 0.0).any(axis=0)], zero], axis=1)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _spread(start, covariance, theta, cluster, k):  # type: ignore[no-untyped-def]
    """Return the variance of the linear predictor of equation k inside a new cluster, given the treatment's value."""
    variance = 0.0
    for p in range(start[k], start[k + 1]):
        for j in range(min(start[k + 1] - start[k], covariance.shape[2])):
            variance += theta[p] * covariance[cluster, p, j] * theta[start[k] + j]
    return max(variance, 0.0)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _predict(start, level, theta, cluster, j, k):  # type: ignore[no-untyped-def]
    """Return the mean of the linear predictor of equation k at value j of the treatment."""
    total = 0.0
    for p in range(start[k], start[k + 1]):
        total += theta[p] * level[cluster, j, p]
    return total


@numba.njit(cache=True, nogil=True, _nrt=False)
def _mean_inside(centres, theta, sd, threshold, cluster, k):  # type: ignore[no-untyped-def]
    """Return the standardised mean of the node of equation k in a new cluster."""
    _, start, intercept, code, number, grade, _, _, _, _, size, share, level, covariance = centres
    if code[k, 0] == GAUSSIAN or code[k, 0] == STUDENT:
        return theta[intercept[k]] if intercept[k] >= 0 else 0.0
    variance, total = _spread(start, covariance, theta, cluster, k), 0.0
    for j in range(share.shape[2]):
        if share[cluster, k, j] > 0.0:
            eta = _predict(start, level, theta, cluster, j, k)
            total += share[cluster, k, j] * mean_of_normal(code, number, grade, k, eta, variance, sd, threshold)
    return (size[cluster, k] * total - number[k, SHIFT]) / number[k, SCALE]


@numba.njit(cache=True, nogil=True, _nrt=False)
def _covariance_with(centres, theta, sd, threshold, cluster, k, regressor):  # type: ignore[no-untyped-def]
    """Return the covariance of the node of equation k with the regressor of a coefficient.

    Given the treatment's value, that of a function of a normal variable with another is the mean of its derivative times
    the two variables' own (Stein 1981, Annals of Statistics 9).
    """
    _, start, _, code, number, grade, _, _, _, _, size, share, level, covariance = centres
    linear = code[k, 0] == GAUSSIAN or code[k, 0] == STUDENT
    along, total = 0.0, 0.0
    for i in range(start[k + 1] - start[k]):
        along += covariance[cluster, regressor, i] * theta[start[k] + i]
    variance = _spread(start, covariance, theta, cluster, k)
    for j in range(share.shape[2]):
        if share[cluster, k, j] > 0.0:
            eta = _predict(start, level, theta, cluster, j, k)
            value, slope = eta, 1.0
            if not linear:
                above = mean_of_normal(code, number, grade, k, eta + _STEP, variance, sd, threshold)
                below = mean_of_normal(code, number, grade, k, eta - _STEP, variance, sd, threshold)
                value, slope = 0.5 * (above + below), (above - below) / (2.0 * _STEP)
            total += share[cluster, k, j] * (level[cluster, j, regressor] * value + along * slope)
    return total if linear else size[cluster, k] * total / number[k, SCALE]


@numba.njit(cache=True, nogil=True, _nrt=False)
def fill_centres(centres, column_mean, theta, sd, threshold, cluster, mean, centre):  # type: ignore[no-untyped-def]
    """Fill centre (C,) with the means of a new cluster at theta (P,) and sd (K,) whose donor is ``cluster``."""
    equation, _, _, _, _, _, factor, known, rest, pair, _, _, _, _ = centres
    for n in range(known.shape[1]):
        mean[n] = known[cluster, n]
    for e in range(equation.shape[0]):
        k = equation[e]
        mean[k] = _mean_inside(centres, theta, sd, threshold, cluster, k)
    for c in range(centre.shape[0]):
        if factor[c, 0] < 0:
            centre[c] = column_mean[cluster, c]
            continue
        total = 0.0
        if pair[c, 0] >= 0:
            total = _covariance_with(centres, theta, sd, threshold, cluster, pair[c, 0], pair[c, 1])
        for mask in range(rest.shape[2]):
            part = rest[cluster, c, mask]
            if part != 0.0:
                for f in range(factor.shape[1]):
                    if factor[c, f] >= 0 and (mask >> f) & 1 == 0:
                        part *= mean[factor[c, f]]
                total += part
        centre[c] = total

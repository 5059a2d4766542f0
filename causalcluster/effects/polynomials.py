"""Polynomials in the coefficients of a cluster, their values and their expectations over clusters.

In a linear system the mean of an outcome in any world is a sum of products of coefficients. A polynomial maps a
monomial (a sorted tuple of coefficient positions) to its weights (G,), which may differ by cluster because they
hold the clusters' observed means. Population expectations are exact for jointly normal coefficients
(Isserlis 1918, Biometrika 12), for any correlation among them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Monomial = tuple[int, ...]
Polynomial = Mapping[Monomial, Floats]
_MOST_PAIRINGS = 100_000
_CLUSTERS_DRAWN = 256
_NUMBERS_AT_ONCE = 4_000_000


def constant(value: Floats) -> dict[Monomial, Floats]:
    """Return the polynomial that is ``value`` (G,) whatever the coefficients."""
    return {(): value}


def add(left: Polynomial, right: Polynomial, *, factor: float = 1.0) -> dict[Monomial, Floats]:
    """Return left + factor * right; monomials whose weights cancel exactly are dropped."""
    total = dict(left)
    for monomial, weight in right.items():
        total[monomial] = total[monomial] + factor * weight if monomial in total else factor * weight
    return {monomial: weight for monomial, weight in total.items() if np.any(weight != 0.0)}


def times_coefficient(polynomial: Polynomial, coefficient: int) -> dict[Monomial, Floats]:
    """Return the polynomial multiplied by one coefficient."""
    return {tuple(sorted((*monomial, coefficient))): weight for monomial, weight in polynomial.items()}


def scale_by(polynomial: Polynomial, factor: float) -> dict[Monomial, Floats]:
    """Return the polynomial multiplied by a number."""
    return {monomial: factor * weight for monomial, weight in polynomial.items()}


def evaluate(polynomial: Polynomial, theta: Floats) -> Floats:
    """Return the polynomial's value in every cluster: theta (..., G, P) gives (..., G)."""
    total = np.zeros(theta.shape[:-1])
    for monomial, weight in polynomial.items():
        product = np.broadcast_to(weight, theta.shape[:-1])
        for coefficient in monomial:
            product = product * theta[..., coefficient]
        total += product
    return total


class NormalMoments:
    """Expectations of products of jointly normal coefficients, each computed once for all draws.

    Parameters
    ----------
    mean
        (draw, P) means of the coefficients.
    covariance
        (draw, P, P) their covariance between clusters.
    """

    def __init__(self, mean: Floats, covariance: Floats) -> None:
        self._mean = mean
        self._covariance = covariance
        self._zero = np.zeros(mean.shape[0])
        self._known: dict[Monomial, Floats] = {(): np.ones(mean.shape[0])}
        self._known_covariances: dict[tuple[Monomial, Monomial], Floats] = {}

    def product(self, monomial: Monomial) -> Floats:
        """Return E[product of the coefficients in ``monomial``], repeats allowed, as (draw,)."""
        if monomial not in self._known:
            first, rest = monomial[0], monomial[1:]
            total = self._mean[:, first] * self.product(rest)
            for i, other in enumerate(rest):
                covariance = self._covariance[:, first, other]
                if np.any(covariance):
                    total = total + covariance * self.product(rest[:i] + rest[i + 1 :])
            self._known[monomial] = total
        return self._known[monomial]

    def covariance_of_products(self, left: Monomial, right: Monomial) -> Floats:
        """Return cov(product of ``left``, product of ``right``) as (draw,): Isserlis' pairings that cross.

        It is no difference of expectations, so it is exactly zero where no coefficient of one covaries with the other's.
        """
        if not left or not right:
            return self._zero
        if (left, right) not in self._known_covariances:
            first, rest = left[0], left[1:]
            total = self._mean[:, first] * self.covariance_of_products(rest, right)
            for i, other in enumerate(rest):
                inside = self._covariance[:, first, other]
                if np.any(inside):
                    total = total + inside * self.covariance_of_products(rest[:i] + rest[i + 1 :], right)
            for i, other in enumerate(right):
                across = self._covariance[:, first, other]
                if np.any(across):
                    total = total + across * self.product(tuple(sorted(rest + right[:i] + right[i + 1 :])))
            self._known_covariances[left, right] = total
        return self._known_covariances[left, right]


def expectation(polynomial: Polynomial, moments: NormalMoments) -> Floats:
    """Return the polynomial's expectation over clusters (draw,), clusters' own weights averaged equally."""
    total = moments.product(()) * 0.0
    for monomial, weight in polynomial.items():
        total = total + float(np.mean(weight)) * moments.product(monomial)
    return total


def is_short(polynomial: Polynomial) -> bool:
    """Whether pairing all coefficients of all pairs of monomials is quicker than drawing clusters (`sampled_spread`)."""
    return sum(1 << len(monomial) for monomial in polynomial) ** 2 < _MOST_PAIRINGS


def spread(polynomial: Polynomial, moments: NormalMoments) -> Floats:
    """Return the polynomial's standard deviation between clusters (draw,).

    Exact, at a cost that is exponential in the length of the monomials (`is_short`): the law of total variance over the
    clusters' own weights, the coefficients' part given the weights and the part of weights that differ.
    """
    items = [(monomial, float(np.mean(weight)), weight - np.mean(weight)) for monomial, weight in polynomial.items()]
    variance = moments.product(()) * 0.0
    for i, (left, left_mean, left_away) in enumerate(items):
        for j, (right, right_mean, right_away) in enumerate(items[: i + 1]):
            times = 1.0 if i == j else 2.0
            differing = float(np.mean(left_away * right_away))
            both = left_mean * right_mean + differing
            if both != 0.0:
                variance = variance + times * both * moments.covariance_of_products(left, right)
            if differing != 0.0:
                variance = variance + times * differing * moments.product(left) * moments.product(right)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def sampled_spread(polynomial: Polynomial, mean: Floats, root: Floats, *, random_seed: int) -> Floats:
    """Estimate the polynomial's standard deviation between clusters (draw,) from clusters drawn for every draw.

    The estimate is the exact standard deviation of the polynomial's linear part, times the ratio of both parts' standard
    deviations in the same 256 clusters. Its error is independent from draw to draw.

    Parameters
    ----------
    polynomial
        Weights (G,) are those of the observed clusters, each equally likely.
    mean, root
        (draw, P) and (draw, P, Q): mean of the coefficients and square root of their covariance between clusters.
    random_seed
        Seed.
    """
    rng = np.random.default_rng([random_seed, 4])
    sizes = {len(weight) for weight in polynomial.values()}
    like = rng.integers(max(sizes, default=1), size=_CLUSTERS_DRAWN)
    drawn = {monomial: weight[like] for monomial, weight in polynomial.items()}
    slope = np.einsum("spq,sp->sq", root, _gradient(polynomial, mean))
    exact = np.sqrt(np.square(slope).sum(axis=1))
    out = np.zeros(len(mean))
    at_once = max(1, _NUMBERS_AT_ONCE // (_CLUSTERS_DRAWN * max(mean.shape[1], 1)))
    for start in range(0, len(mean), at_once):
        part = slice(start, start + at_once)
        noise = rng.standard_normal((len(mean[part]), _CLUSTERS_DRAWN, root.shape[2]))
        theta = mean[part, None] + noise @ root[part].transpose(0, 2, 1)
        whole = _evaluate_sorted(drawn, theta).std(axis=1)
        linear = np.einsum("scq,sq->sc", noise, slope[part]).std(axis=1)
        out[part] = np.where(linear > 0.0, whole * exact[part] / np.where(linear > 0.0, linear, 1.0), whole)
    if all(np.ptp(weight) == 0.0 for weight in polynomial.values()):
        used = sorted({coefficient for monomial in polynomial for coefficient in monomial})
        out[~np.any(root[:, used], axis=(1, 2))] = 0.0
    return out


def _gradient(polynomial: Polynomial, mean: Floats) -> Floats:
    """Return the derivatives (draw, P) at the mean coefficients, with the clusters' average weights."""
    gradient = np.zeros_like(mean)
    for monomial, weight in polynomial.items():
        for i, coefficient in enumerate(monomial):
            others = monomial[:i] + monomial[i + 1 :]
            gradient[:, coefficient] += float(np.mean(weight)) * mean[:, others].prod(axis=1)
    return gradient


def _evaluate_sorted(polynomial: Polynomial, theta: Floats) -> Floats:
    """Like `evaluate`, for many monomials: those that begin alike share their products."""
    total, products = np.zeros(theta.shape[:-1]), [np.ones(theta.shape[:-1])]
    before: Monomial = ()
    for monomial in sorted(polynomial):
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, monomial, strict=False)) if a != b), min(len(before), len(monomial))
        )
        del products[shared + 1 :]
        for coefficient in monomial[shared:]:
            products.append(products[-1] * theta[..., coefficient])
        total += polynomial[monomial] * products[-1]
        before = monomial
    return total

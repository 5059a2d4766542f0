"""The scenario `linear`: a law, two mediators in series and wages, with slopes that vary jointly by cluster.

Row i of cluster g, with the arrows of the diagram size -> law, enforcement, unions, wage;
law -> enforcement -> unions -> wage; law -> unions, wage; enforcement -> wage:

    target = intercept_g + sum over parents of slope_g * parent + residual_sd_g * normal

The slopes of a cluster are jointly normal, and so are its intercepts. The intercepts of law and wage are correlated, so
a comparison between clusters is confounded and one inside clusters is not. The slopes law -> enforcement and
enforcement -> wage are correlated, so the product of the mean slopes is not the mean of their products.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

VARIABLES = ("size", "law", "enforcement", "unions", "wage")
PARENTS = {
    "size": (),
    "law": ("size",),
    "enforcement": ("law", "size"),
    "unions": ("law", "enforcement", "size"),
    "wage": ("law", "enforcement", "unions", "size"),
}
SLOPES = tuple((parent, target) for target in VARIABLES for parent in PARENTS[target])
SLOPE_NAMES = tuple(f"{parent} -> {target}" for parent, target in SLOPES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearParameters:
    """The population of clusters that `linear` draws from; wage in wage units, all else in index points.

    Attributes
    ----------
    intercept_mean, intercept_sd
        (variable,), in the order of `VARIABLES`.
    intercept_correlation
        (variable, variable).
    slope_mean, slope_sd
        (slope,), in the order of `SLOPE_NAMES`: change of the target per unit of the parent.
    slope_correlation
        (slope, slope).
    residual_sd
        (variable,), the median over clusters.
    residual_log_sd
        Spread over clusters of the logarithm of a residual standard deviation.
    """

    intercept_mean: NDArray[np.float64]
    intercept_sd: NDArray[np.float64]
    intercept_correlation: NDArray[np.float64]
    slope_mean: NDArray[np.float64]
    slope_sd: NDArray[np.float64]
    slope_correlation: NDArray[np.float64]
    residual_sd: NDArray[np.float64]
    residual_log_sd: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearDraw:
    """Rows drawn from `linear`, and the coefficients of the clusters they came from.

    Attributes
    ----------
    cluster
        (row,), the position of a row's cluster, ascending.
    values
        (row, variable), in the order of `VARIABLES`.
    intercepts, residual_sds
        (cluster, variable).
    slopes
        (cluster, slope), in the order of `SLOPE_NAMES`.
    """

    cluster: NDArray[np.int64]
    values: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    slopes: NDArray[np.float64]
    residual_sds: NDArray[np.float64]


# mean and between-cluster standard deviation of every slope
_SLOPE_LAW = {
    "size -> law": (0.10, 0.04),
    "law -> enforcement": (0.60, 0.60),
    "size -> enforcement": (0.20, 0.06),
    "law -> unions": (0.50, 0.40),
    "enforcement -> unions": (0.40, 0.25),
    "size -> unions": (0.20, 0.06),
    "law -> wage": (300.0, 200.0),
    "enforcement -> wage": (400.0, 400.0),
    "unions -> wage": (300.0, 250.0),
    "size -> wage": (250.0, 60.0),
}
_SLOPE_CORRELATIONS = {
    ("law -> enforcement", "enforcement -> wage"): 0.70,
    ("law -> unions", "unions -> wage"): 0.40,
    ("enforcement -> unions", "unions -> wage"): 0.35,
    ("law -> enforcement", "enforcement -> unions"): 0.20,
    ("law -> enforcement", "law -> unions"): 0.20,
    ("law -> wage", "enforcement -> wage"): -0.20,
}
# mean, between-cluster standard deviation, residual standard deviation of every variable
_VARIABLE_LAW = {
    "size": (0.0, 0.30, 1.00),
    "law": (0.5, 0.25, 0.48),
    "enforcement": (0.2, 0.50, 0.80),
    "unions": (0.1, 0.50, 0.80),
    "wage": (9400.0, 600.0, 700.0),
}
_INTERCEPT_CORRELATIONS = {
    ("law", "wage"): 0.70,
    ("law", "enforcement"): 0.30,
    ("law", "unions"): 0.30,
    ("enforcement", "wage"): 0.30,
    ("unions", "wage"): 0.30,
    ("size", "wage"): 0.20,
}
_RESIDUAL_LOG_SD = 0.15


def linear_parameters() -> LinearParameters:
    """Return the true parameters of the scenario `linear`.

    Examples
    --------
    >>> parameters = linear_parameters()
    >>> float(parameters.slope_mean[SLOPE_NAMES.index("law -> enforcement")])
    0.6
    """
    slopes = np.array([_SLOPE_LAW[name] for name in SLOPE_NAMES])
    variables = np.array([_VARIABLE_LAW[name] for name in VARIABLES])
    return LinearParameters(
        intercept_mean=_frozen(variables[:, 0]),
        intercept_sd=_frozen(variables[:, 1]),
        intercept_correlation=_correlation(VARIABLES, _INTERCEPT_CORRELATIONS),
        slope_mean=_frozen(slopes[:, 0]),
        slope_sd=_frozen(slopes[:, 1]),
        slope_correlation=_correlation(SLOPE_NAMES, _SLOPE_CORRELATIONS),
        residual_sd=_frozen(variables[:, 2]),
        residual_log_sd=_RESIDUAL_LOG_SD,
    )


def null_parameters() -> LinearParameters:
    """Return parameters in which the law does nothing to anything, and all else is as in `linear`.

    Examples
    --------
    >>> float(null_parameters().slope_mean[SLOPE_NAMES.index("law -> wage")])
    0.0
    """
    own = linear_parameters()
    moves = np.array([not name.startswith("law ->") for name in SLOPE_NAMES])
    return replace(own, slope_mean=_frozen(own.slope_mean * moves), slope_sd=_frozen(own.slope_sd * moves))


def slope_covariance(parameters: LinearParameters) -> NDArray[np.float64]:
    """Return the between-cluster covariances of the slopes (slope, slope), in the order of `SLOPE_NAMES`."""
    return _covariance(parameters.slope_sd, parameters.slope_correlation)


def draw_slopes(parameters: LinearParameters, clusters: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the slopes of clusters (cluster, slope), in the order of `SLOPE_NAMES`."""
    return _draw_normal(parameters.slope_mean, slope_covariance(parameters), clusters, rng)


def draw_linear(parameters: LinearParameters, sizes: NDArray[np.int64], rng: np.random.Generator) -> LinearDraw:
    """Draw clusters and their rows.

    Parameters
    ----------
    parameters
        The population of clusters.
    sizes
        (cluster,), rows of each cluster.
    rng
        The only source of randomness.
    """
    clusters = len(sizes)
    slopes = draw_slopes(parameters, clusters, rng)
    intercept_covariance = _covariance(parameters.intercept_sd, parameters.intercept_correlation)
    intercepts = _draw_normal(parameters.intercept_mean, intercept_covariance, clusters, rng)
    log_spread = parameters.residual_log_sd * rng.standard_normal((clusters, len(VARIABLES)))
    residual_sds = parameters.residual_sd * np.exp(log_spread)
    cluster = np.repeat(np.arange(clusters, dtype=np.int64), sizes)
    values = intercepts[cluster] + residual_sds[cluster] * rng.standard_normal((len(cluster), len(VARIABLES)))
    # VARIABLES is a causal order and SLOPES follows it, so each parent is complete before it is used.
    for position, (parent, target) in enumerate(SLOPES):
        values[:, VARIABLES.index(target)] += slopes[cluster, position] * values[:, VARIABLES.index(parent)]
    return LinearDraw(cluster=cluster, values=values, intercepts=intercepts, slopes=slopes, residual_sds=residual_sds)


def _draw_normal(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw jointly normal vectors (count, variable); those without a variance are their means."""
    varies = np.diag(covariance) > 0.0
    factor = np.zeros_like(covariance)
    factor[np.ix_(varies, varies)] = np.linalg.cholesky(covariance[np.ix_(varies, varies)])
    return mean + rng.standard_normal((count, len(mean))) @ factor.T


def _covariance(sd: NDArray[np.float64], correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(correlation * np.outer(sd, sd), dtype=np.float64)


def _correlation(names: tuple[str, ...], pairs: dict[tuple[str, str], float]) -> NDArray[np.float64]:
    matrix = np.eye(len(names))
    for (left, right), value in pairs.items():
        first, second = names.index(left), names.index(right)
        matrix[first, second] = matrix[second, first] = value
    return _frozen(matrix)


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    copy = np.array(array, dtype=np.float64)
    copy.setflags(write=False)
    return copy

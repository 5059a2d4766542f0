"""The true effects of the scenario `linear`, in closed form, with the key columns of effects.csv."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.simulation.linear import PARENTS, SLOPE_NAMES, LinearParameters, slope_covariance
from causalcluster.simulation.polynomials import Polynomial, add, evaluate, normal_expectation, normal_sd

TREATMENT, MEDIATORS, OUTCOME = "law", ("enforcement", "unions"), "wage"
KEY_COLUMNS = ("outcome", "effect", "via", "level", "cluster", "horizon", "regime", "at", "scale")
TRUTH_COLUMNS = (*KEY_COLUMNS, "value", "mc_error")

Effects = dict[tuple[str, str], Polynomial]
_Row = tuple[str, str, str, str, float]


def linear_effects() -> Effects:
    """Return the effects of law on wage as polynomials in one cluster's slopes.

    The key is (effect, via). The contrast is one unit of the law, and the system is linear without interactions, so an
    effect is a sum of products of slopes along directed paths; `nie` through a mediator sums the paths that enter at it.
    """
    paths = _path_products()
    direct = paths["direct"]
    entering = {
        mediator: add(*(product for via, product in paths.items() if via.split(">")[0] == mediator))
        for mediator in MEDIATORS
    }
    indirect = add(*entering.values())
    effects: Effects = {("total", ""): add(direct, indirect), ("nde", ""): direct, ("nie", "all"): indirect}
    effects |= {("nie", mediator): product for mediator, product in entering.items()}
    effects |= {("tnde", ""): direct, ("pnie", "all"): indirect}
    effects |= {("path", via): product for via, product in paths.items()}
    # With one mediator held, the paths around it are left.
    for mediator in MEDIATORS:
        around = [product for via, product in paths.items() if mediator not in via.split(">")]
        effects[("cde", f"{mediator}=0")] = add(*around)
    return effects


def linear_truth(
    parameters: LinearParameters,
    *,
    slopes: NDArray[np.float64],
    sizes: NDArray[np.int64],
    labels: tuple[str, ...],
) -> pd.DataFrame:
    """Return the true effects at every level.

    Parameters
    ----------
    parameters
        The population of clusters: `population` and `between_sd` are its exact moments.
    slopes
        (cluster, slope), those of the clusters drawn: `sample`, `sample_rows` and `cluster` are theirs.
    sizes, labels
        (cluster,), rows and names of the clusters drawn.

    Returns
    -------
    pandas.DataFrame
        Columns `TRUTH_COLUMNS`; values in wage units for the contrast 0 to 1; everything is exact, so `mc_error` is 0.
    """
    rows: list[_Row] = []
    for (effect, via), polynomial in linear_effects().items():
        by_cluster = evaluate(polynomial, dict(zip(SLOPE_NAMES, slopes.T, strict=True)))
        rows += [
            (effect, via, level, cluster, value)
            for level, cluster, value in _levels(polynomial, parameters, by_cluster, sizes, labels)
        ]
    rows += _proportions(rows)
    return _truth_table(rows)


def _levels(
    polynomial: Polynomial,
    parameters: LinearParameters,
    by_cluster: NDArray[np.float64],
    sizes: NDArray[np.int64],
    labels: tuple[str, ...],
) -> Iterator[tuple[str, str, float]]:
    """Yield (level, cluster, value) of one effect."""
    mean, covariance = parameters.slope_mean, slope_covariance(parameters)
    yield (
        "population",
        "",
        normal_expectation(polynomial, names=SLOPE_NAMES, mean=mean, covariance=covariance),
    )
    yield "sample", "", float(np.mean(by_cluster))
    yield "sample_rows", "", float(np.average(by_cluster, weights=sizes))
    for label, value in zip(labels, by_cluster, strict=True):
        yield "cluster", label, float(value)
    yield "between_sd", "", normal_sd(polynomial, names=SLOPE_NAMES, mean=mean, covariance=covariance)


def _proportions(rows: list[_Row]) -> list[_Row]:
    """Return nie / total at the levels that are averages; per cluster the ratio is unstable where total is near 0."""
    totals = {level: value for effect, _, level, _, value in rows if effect == "total"}
    return [
        ("prop_mediated", via, level, "", value / totals[level])
        for effect, via, level, _, value in rows
        if effect == "nie" and level in {"population", "sample", "sample_rows"} and totals[level] != 0.0
    ]


def _truth_table(rows: list[_Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["effect", "via", "level", "cluster", "value"])
    frame = frame.assign(outcome=OUTCOME, horizon="", regime="", at="", scale="difference", mc_error=np.zeros(len(frame)))
    return frame[list(TRUTH_COLUMNS)]


def _path_products() -> dict[str, Polynomial]:
    """Return the product of slopes along each directed path from treatment to outcome, by its mediators."""
    products: dict[str, Polynomial] = {}

    def extend(path: tuple[str, ...]) -> None:
        # Backwards from the outcome, since the diagram is stored as parents.
        for parent in PARENTS[path[0]]:
            longer = (parent, *path)
            if parent == TREATMENT:
                edges = (f"{source} -> {target}" for source, target in pairwise(longer))
                products[">".join(path[:-1]) or "direct"] = {tuple(sorted(edges)): 1.0}
            elif parent in MEDIATORS:
                extend(longer)

    extend((OUTCOME,))
    return products

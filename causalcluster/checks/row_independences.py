"""The test of an independence whose later node is not gaussian, from rows.

The later node's mean is fitted by its own link to what is held, with an intercept of every cluster (a quasi-likelihood: only
the mean has to be right; McCullagh and Nelder 1989, chapter 9). The score of the earlier node, with what is held taken out
of it, then has expectation zero in every cluster; signs of clusters' scores are flipped as for gaussian nodes.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Node
from causalcluster.data import RowTable
from causalcluster.families import default_link

Floats = NDArray[np.float64]
MOST_CLUSTERS = 200
MOST_ROWS = 100_000
_ALMOST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Sums by cluster with any rows: products of two remainders, their squares, and rows; all weighted.

    Attributes
    ----------
    both, left, right
        (G,) of the remainders of the two nodes.
    rows
        (G,).
    held
        Coefficients beside intercepts.
    """

    both: Floats
    left: Floats
    right: Floats
    rows: Floats
    held: int


def why_no_scores(node: Node, rows: RowTable | None, needed: Sequence[str]) -> str:
    """Return why the score cannot be computed, or nothing."""
    if rows is None:
        return f"{node.name} is {node.family}, and the rows were not collected"
    if node.family == "ordinal":
        return f"{node.name} is ordinal"
    if any(name not in rows.columns for name in needed) or rows.readings is not None:
        return "a node is not in the rows"
    if len(rows.clusters) > MOST_CLUSTERS:
        return f"{node.name} is {node.family}, and there are more than {MOST_CLUSTERS} clusters"
    if len(rows.weight) > MOST_ROWS:
        return f"{node.name} is {node.family}, and there are more than {MOST_ROWS:,} distinct rows"
    return ""


def score_rows(node: Node, left: str, given: Sequence[str], rows: RowTable) -> Scores | None:
    """Return the scores of ``left`` in the equation of ``node`` given other nodes; None where the mean cannot be fitted."""
    import statsmodels.api as sm

    columns = [rows.columns[name] for name in (*given, left, node.name)]
    known = np.all([np.isfinite(column) for column in columns], axis=0)
    cluster, weight = rows.cluster[known], rows.weight[known]
    present, place = np.unique(cluster, return_inverse=True)
    z = np.column_stack([np.eye(len(present))[place], *(_unit(rows.columns[name][known]) for name in given)])
    response, size, offset = _response(node, rows, known)
    family = _family(sm, node)
    try:
        with warnings.catch_warnings():
            # Clusters in which all rows answer alike have no finite intercept; their scores are zero.
            warnings.simplefilter("ignore")
            fit = sm.GLM(response, z, family=family, var_weights=weight * size, offset=offset).fit(maxiter=50)
    except (np.linalg.LinAlgError, ValueError, FloatingPointError):
        return None
    mean = np.asarray(fit.fittedvalues)
    slope = 1.0 / np.asarray(family.link.deriv(mean))
    variance = np.asarray(family.variance(mean))
    if not (np.isfinite(mean).all() and np.isfinite(slope).all() and (variance >= 0.0).all()):
        return None
    information = np.where(variance > 0.0, weight * size * slope**2 / np.maximum(variance, 1e-300), 0.0)
    pearson = np.where(variance > 0.0, (response - mean) / np.sqrt(np.maximum(variance, 1e-300)), 0.0)
    x = _unit(rows.columns[left][known])
    root = np.sqrt(information)
    fitted = z @ np.linalg.lstsq(z * root[:, None], x * root, rcond=1e-10)[0]
    away = (x - fitted) * slope / np.sqrt(np.maximum(variance, 1e-300)) * (variance > 0.0)

    def summed(values: Floats) -> Floats:
        return np.bincount(place, weights=weight * size * values, minlength=len(present))

    total = summed(away**2).sum()
    if not total > _ALMOST * (information @ x**2):
        return None
    return Scores(
        both=summed(away * pearson),
        left=summed(away**2),
        right=summed(pearson**2),
        rows=np.bincount(place, weights=weight, minlength=len(present)),
        held=len(given),
    )


def _unit(column: Floats) -> Floats:
    spread = float(column.std())
    return np.asarray((column - column.mean()) / spread) if spread > 0.0 else np.zeros_like(column)


def _response(node: Node, rows: RowTable, known: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return the mean's response, prior weights, and offset."""
    values = rows.columns[node.name][known]
    one, none = np.ones(len(values)), np.zeros(len(values))
    if node.family == "binomial":
        trials = rows.trials[node.name][known]
        return values / np.maximum(trials, 1.0), trials, none
    if node.family == "lognormal":
        return np.log(values), one, none
    if node.name in rows.exposure:
        return values, one, np.log(rows.exposure[node.name][known])
    return values, one, none


def _family(sm: Any, node: Node) -> Any:
    links = sm.families.links
    if node.family in ("lognormal", "student", "gaussian"):
        return sm.families.Gaussian()
    if node.family in ("poisson", "negative_binomial"):
        return sm.families.Poisson()
    link = {"logit": links.Logit, "probit": links.Probit, "cloglog": links.CLogLog}[node.link or default_link(node.family)]
    return sm.families.Binomial(link=link())

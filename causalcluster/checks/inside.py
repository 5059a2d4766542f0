"""Where the treatment is one number in every cluster: slopes between clusters beside those inside them."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.claim_records import name_effect
from causalcluster.analysis.records import Analysis
from causalcluster.checks.between import COLUMNS, comparison_row, effect_paths, is_apart
from causalcluster.design import Design
from causalcluster.effects.networks import SystemDraws
from causalcluster.graph import CausalGraph, parents
from causalcluster.model.standard import Scale
from causalcluster.moments import Moments
from causalcluster.moments.pooled import within_squares
from causalcluster.panel import Means

Floats = NDArray[np.float64]


def compare_inside(
    analysis: Analysis,
    graph: CausalGraph,
    design: Design,
    scale: Scale,
    means: Means,
    contrast: tuple[float, float],
    draws: SystemDraws,
    *,
    identified: Collection[tuple[str, str, str]],
) -> pd.DataFrame | None:
    """Put the treatment's slopes times slopes inside clusters beside the effects, whose slopes are of clusters' true means.

    Both are slopes of the same mediator; they differ where what goes together between clusters is not what one does to the
    other inside them. Inside, slopes are pooled least squares, with errors that are robust to clusters.

    Returns
    -------
    pandas.DataFrame or None
        The columns of between.csv: the effects, and as ``within`` the products with slopes inside; None where no slope on a
        way through a mediator varies inside clusters.
    """
    between = _posterior_slopes(design, scale, draws)
    n_draws = len(next(iter(between.values())))
    rng = np.random.default_rng([analysis.sampling.seed, 24])
    inside = dict(between)
    still = within_squares(means.inside.table) == 0.0
    for node in design.nodes:
        causes = [name for name in (*parents(graph, node), node) if not bool(still.sel(column=name).all())]
        if node in causes and len(causes) > 1:
            slopes, covariance = inside_slopes(means.inside, node, causes[:-1])
            drawn = rng.multivariate_normal(slopes, covariance, n_draws, method="eigh")
            inside |= {(cause, node): drawn[:, i] for i, cause in enumerate(causes[:-1])}
    mediators, size = analysis.question.mediators, contrast[1] - contrast[0]
    outside_paths, inside_paths = (effect_paths(graph, design, own, mediators) for own in (between, inside))
    rows = []
    for outcome in analysis.question.outcomes:
        other = inside_paths(outcome)
        for (effect, via), draw in outside_paths(outcome).items():
            within = other[effect, via]
            if effect == "nie" and (outcome, effect, via) in identified and (within != draw).any():
                above = float((size * (draw - within) > 0.0).mean())
                key = {"outcome": outcome, "effect": effect, "via": via}
                row = comparison_row(size * draw, size * within, above, analysis.sampling.ci_prob)
                rows.append(key | {"grouping": means.grouping, "groups": len(means.rows.cluster)} | row)
    return pd.DataFrame(rows, columns=list(COLUMNS)) if rows else None


def inside_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every effect through a mediator in which slopes inside and between clusters disagree."""
    rows = [] if table is None else table.to_dict("records")
    return tuple(
        f"{name_effect('nie', row['outcome'], row['via'])} is {row['mean']:.3g} with slopes of {row['grouping']} means and "
        f"{row['within_mean']:.3g} [{row['within_lower']:.3g}, {row['within_upper']:.3g}] with slopes inside "
        f"{row['grouping']}: they differ by more than chance, so that what goes together between groups is not what one "
        "does to the other inside them, or something unmeasured differs between groups (between.csv)"
        for row in rows
        if row["via"] != "all" and is_apart(row["prob_above_within"], row["ci_prob"])
    )


def inside_slopes(moments: Moments, node: str, causes: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the slopes (k,) of a node on causes inside clusters and their covariance (k, k), robust to clusters.

    Pooled least squares on deviations from clusters' means; clusters are independent of each other, rows in them need not be
    (Liang and Zeger 1986, Biometrika 73).
    """
    chosen = [*causes, node]
    cross = moments.table["cross"].sel(column=chosen, column_2=chosen).values
    xx, xy = cross[:, :-1, :-1], cross[:, :-1, -1]
    inverse = np.linalg.pinv(xx.sum(axis=0), hermitian=True)
    slopes: Floats = inverse @ xy.sum(axis=0)
    scores = xy - xx @ slopes
    clusters = len(scores)
    covariance: Floats = inverse @ (scores.T @ scores) @ inverse * clusters / max(clusters - 1, 1)
    return slopes, covariance


def _posterior_slopes(design: Design, scale: Scale, draws: SystemDraws) -> dict[tuple[str, str], Floats]:
    """Return the slopes (draw,) of the only cluster there is, in the user's units."""
    theta = draws.coefficients.theta[:, :, 0]
    return {
        (term.factors[0], term.target): theta[:, :, i].ravel() * scale.scale[term.target] / scale.scale[term.factors[0]]
        for i, term in enumerate(design.terms)
        if term.kind == "slope"
    }

"""Predictive checks: data replicated from the generative model of every node with an equation, held against the observed."""

import numpy as np
import pandas as pd

from causalcluster.checks.draws import take_draws
from causalcluster.checks.moment_replicates import replicate_moments
from causalcluster.checks.row_replicates import replicate_rows
from causalcluster.checks.rows import choose_rows
from causalcluster.checks.statistics import tabulate
from causalcluster.data import RowTable
from causalcluster.design import Design
from causalcluster.effects.networks import SystemDraws
from causalcluster.model.standard import MomentArrays, Scale


def check_predictions(
    design: Design,
    scale: Scale,
    arrays: MomentArrays,
    system: SystemDraws,
    *,
    rows: RowTable | None,
    random_seed: int,
    ci_prob: float = 0.95,
) -> pd.DataFrame:
    """Replicate every node's data given the observed parents, and say how far in the tail the observed statistics lie.

    Parameters
    ----------
    design, scale, arrays
        The equations, their units and their data.
    system
        Draws of the posterior, of which at most `causalcluster.checks.draws.MOST_DRAWS` are used.
    rows
        The complete rows, for the shape of gaussian nodes' residuals; None where there are moments alone.
    random_seed
        Same seed, same table.
    ci_prob
        Of the replicates' equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        The columns of predictive.csv (`causalcluster.checks.statistics.COLUMNS`); no rows where rows of a cell share errors.

    Notes
    -----
    Posterior predictive checks (Gelman, Meng and Stern 1996, Statistica Sinica 6). What a cluster's own coefficients are
    fitted to would reproduce itself under any model; there the coefficients are drawn anew from the population of clusters
    (Marshall and Spiegelhalter 2007, Bayesian Analysis 2), and tail areas are nearly uniform if the model is right.
    """
    if arrays.layers is not None:
        return tabulate([], ci_prob=ci_prob)
    rng = np.random.default_rng([random_seed, 11])
    draws = take_draws(system)
    found = replicate_moments(design, scale, arrays, draws, rng)
    found += replicate_rows(design, choose_rows(design, scale, arrays, rows, rng), draws, rng)
    order = {node: place for place, node in enumerate(design.nodes)}
    return tabulate(sorted(found, key=lambda item: order[item.node]), ci_prob=ci_prob)

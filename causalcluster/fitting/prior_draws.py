"""Draws of the coefficients from the prior: what effects look like before the data."""

from collections.abc import Collection, Sequence

import numpy as np

from causalcluster.analysis.records import Hypothesis
from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.fitting.coefficients import coefficient_roots
from causalcluster.model.priors import Priors, draw_priors
from causalcluster.model.standard import MomentArrays
from causalcluster.model.structure import INDEPENDENT_SD

PRIOR_DRAWS = 4000
_OF_OBSERVED = frozenset({"sample", "sample_rows", "cluster", "new"})


def prior_levels(hypotheses: Sequence[Hypothesis], *, has_population: bool) -> frozenset[str]:
    """Return the levels at which a prior is looked at: the main one, and those of claims."""
    main = "population" if has_population else "sample"
    claimed = {term.level for hypothesis in hypotheses for _, term in hypothesis.claim.terms}
    return frozenset({main} | (claimed - {"population"}))


def draw_prior_coefficients(
    design: Design, priors: Priors, arrays: MomentArrays, *, random_seed: int, levels: Collection[str]
) -> CoefficientDraws:
    """Draw coefficients of a population, and of the observed clusters where ``levels`` need them."""
    drawn = draw_priors(priors, PRIOR_DRAWS, random_seed=random_seed)
    mean = drawn["mean"]
    if design.pooling == "none":
        mean = np.zeros_like(mean)
        drawn["tau"], drawn["partial"] = np.full_like(drawn["tau"], INDEPENDENT_SD), np.zeros_like(drawn["partial"])
    root = coefficient_roots(tau=drawn["tau"], partial=drawn["partial"], arrays=arrays, n_coefficients=mean.shape[1])
    clusters = arrays.clusters if _OF_OBSERVED.intersection(levels) else ()
    rng = np.random.default_rng([random_seed, 3])
    noise = rng.standard_normal((PRIOR_DRAWS, len(clusters), root.shape[2]))
    theta = mean[:, None, :] + np.einsum("spq,sgq->sgp", root, noise)
    return CoefficientDraws(
        clusters=clusters,
        rows=arrays.rows[: len(clusters)],
        theta=theta[None],
        mean=mean[None],
        root=root[None],
        has_population=design.pooling == "partial" and arrays.clusters != ("",),
    )

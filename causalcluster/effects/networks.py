"""Systems of equations of any family, worlds in which they are simulated, and effects as contrasts of worlds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.families import EffectScale
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContextRows:
    """Rows of what the equations take as given: every column without an equation but the treatment.

    Attributes
    ----------
    columns
        (C,) names.
    cluster
        (R,) position of the cluster of each row.
    values
        (R, C) standardised.
    weights
        (R,) how often each row was seen; made to add up to one in every cluster where they are used.
    sizes
        (R,) trials of a binomial node, or exposure of a count, by node; one where it is not given.
    """

    columns: tuple[str, ...]
    cluster: NDArray[np.int64]
    values: Floats
    weights: Floats
    sizes: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regressors:
    """How the regressors of one equation, p of them without the intercept, are distributed inside each cluster.

    Attributes
    ----------
    size
        (G,) mean trials or exposure; one where there is none.
    share, mean, covariance
        (G, J), (G, J, p) and (G, p, p): a mixture of normal distributions, one for each value of the treatment where it has
        few. Means are deviations from the mean at which regressors are centred, the covariance is that inside the J parts.
        Rows count by trials or exposure, so that the mean of size times a function of the linear predictor follows.
        Standardised.
    """

    size: Floats
    share: Floats
    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """The equations with all that does not change from draw to draw.

    Attributes
    ----------
    design, scale
        Equations, and shift and scale of every node.
    column_mean
        Standardised cluster means (G,) by factors of a term; read where the design is centred.
    context
        The rows over which effects are averaged.
    grades
        The values (J,) of each ordinal node, ascending.
    regressors
        By node that is a cause of another: from these follow its mean in a cluster that was not observed, if it is neither
        gaussian nor student, and its covariance with its causes. Read where the design is centred and there is a population
        of clusters; gaussian and student nodes may be left out, at the price of covariances that are other clusters'.
    """

    design: Design
    scale: Scale
    column_mean: Mapping[tuple[str, ...], Floats]
    context: ContextRows
    grades: Mapping[str, Floats] = field(default_factory=dict)
    regressors: Mapping[str, Regressors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SystemDraws:
    """Draws of everything that a system is simulated from; K equations, G clusters, P coefficients.

    Attributes
    ----------
    coefficients
        Of the observed clusters and of their population.
    sd
        (chain, draw, G, K) residual standard deviations: on the standardised scale for gaussian and student, of the
        logarithm for lognormal; not read for other families.
    typical_log_sd, sd_spread
        (chain, draw, K) how the residual standard deviations of clusters are distributed: the inverse variance is
        a gamma of shape a = 1 / (4 spread^2) and mean exp(-2 typical_log_sd), as in `causalcluster.model.build`. None
        without a population of clusters. Predictive checks draw replicates from it; effects in new clusters take the
        residual standard deviations of observed ones.
    nu, shape, precision
        (chain, draw, K) degrees of freedom of student, shape of negative binomial, precision of beta; read for equations of
        that family alone.
    thresholds
        (chain, draw, J - 1) of each ordinal node, on the scale of its linear predictor.
    """

    coefficients: CoefficientDraws
    sd: Floats
    typical_log_sd: Floats | None = None
    sd_spread: Floats | None = None
    nu: Floats | None = None
    shape: Floats | None = None
    precision: Floats | None = None
    thresholds: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What is set, and what answers with whose noise.

    Attributes
    ----------
    treatment
        Standardised value on the treatment's arrow into each node that has an equation.
    held
        Nodes (or context columns) that do not answer: a standardised number, or the value that the node takes in
        another world.
    streams
        Name of the noise of each node, '' where it is not listed. The same name means the same noise: what would
        happen to the same units. Different names mean independent draws.
    """

    treatment: Mapping[str, float]
    held: Mapping[str, Union[float, "World"]] = field(default_factory=dict)
    streams: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorldEffect:
    """One effect on one outcome: a contrast of its means in several worlds.

    Attributes
    ----------
    outcome, effect, via, at, scale
        The row's key.
    terms
        Weights and worlds. On the difference scale the effect is the weighted sum of means. On the ratio and odds-ratio
        scales it is the mean in the first world over that in the second.
    whole
        Weights and worlds of what a proportion is a proportion of; empty otherwise.
    """

    outcome: str
    effect: str
    via: str
    terms: tuple[tuple[float, World], ...]
    whole: tuple[tuple[float, World], ...] = ()
    at: str = ""
    scale: EffectScale = "difference"


def standardised(value: float, node: str, scale: Scale) -> float:
    """Return a value of a node in its own units on the standardised scale."""
    return (value - scale.shift[node]) / scale.scale[node]

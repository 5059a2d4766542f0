"""Equations as records: coefficients, which of them vary, and where intercepts live."""

from dataclasses import dataclass, replace
from typing import Literal

from causalcluster.families import Family, Link, needs_rows
from causalcluster.gaps import Gap
from causalcluster.graph import CausalGraph, descendants
from causalcluster.needs import has_known_mean

TermKind = Literal["intercept", "slope", "interaction", "period"]
Intercepts = Literal["separate", "joint", "common", "absorbed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One coefficient of one equation.

    Attributes
    ----------
    name
        'law -> wage', 'law * unions -> wage' or 'intercept of wage': the coordinate in every output.
    target
        The node whose equation this is.
    factors
        The nodes multiplied together: one for a slope, two or three for an interaction, none for an intercept; for a
        period the name of its column.
    kind
        What it is.
    varies
        Whether clusters have their own.
    on_path
        Whether it can enter an effect of the treatment on an outcome.
    fixed
        Its value on the standardised scale, where that is not estimated: of a first indicator, whose unit its node has.
    """

    name: str
    target: str
    factors: tuple[str, ...]
    kind: TermKind
    varies: bool
    on_path: bool
    fixed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """The equation of one node: its linear predictor, and the family and link around it.

    ``incomplete`` says that in some rows a missing value in it is averaged over. ``level`` is 'row' or 'cell': whether there
    is an observation per row, or one per cluster and period, inside which the node does not vary; 'first' is a node's value
    in a cluster's first period. ``shocks`` says that its
    rows share an error in each cell, because a cause of the node does not vary there.
    """

    node: str
    terms: tuple[Term, ...]
    family: Family = "gaussian"
    link: Link = "identity"
    incomplete: bool = False
    level: Literal["row", "cell", "first"] = "row"
    shocks: bool = False

    @property
    def sampled(self) -> bool:
        """Whether the sampler moves its coefficients, which are integrated out elsewhere."""
        return self.incomplete or needs_rows(self.family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """All equations of an analysis in causal order, and how they are centred.

    Attributes
    ----------
    equations
        One per node that the treatment moves on its way to an outcome; after them, the auxiliary ones.
    treatment
        The treatment's node.
    centred
        Whether predictors are taken as deviations from their cluster means.
    intercepts
        'separate': cluster intercepts have a distribution of their own, apart from the slopes, because no effect
        needs them; 'joint': they are part of the cluster's coefficient vector; 'common': one for all rows; 'absorbed':
        every unit has its own, which is taken out of the data.
    residual_sd_varies
        Whether every cluster has its own residual standard deviations.
    pooling
        'partial' or 'none'.
    notes
        Plain sentences on what was decided and why.
    gaps
        Patterns of missing values, in the order of the moments' patterns.
    auxiliary
        Nodes whose equations only serve to average over missing values of causes; no effect runs through them.
    constant
        Nodes in products that are constant inside every cluster.
    outer
        Columns of the groups that clusters are in, whose mean coefficients differ.
    lagged
        Whether equations hold causes from earlier periods.
    latent
        Nodes that indicators measure, whose own values are nowhere seen.
    """

    equations: tuple[Equation, ...]
    treatment: str
    centred: bool
    intercepts: Intercepts
    residual_sd_varies: bool
    pooling: Literal["partial", "none"]
    notes: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()
    auxiliary: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    outer: tuple[str, ...] = ()
    lagged: bool = False
    latent: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms in the order of the coefficient vector."""
        return tuple(term for equation in self.equations for term in equation.terms)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that have an equation, in causal order."""
        return tuple(equation.node for equation in self.equations)

    @property
    def layered(self) -> bool:
        """Whether some equation is of cells, or has errors that rows of a cell share."""
        return any(equation.level == "cell" or equation.shocks for equation in self.equations)

    @property
    def shocked(self) -> tuple[int, ...]:
        """Places of the equations with errors that rows of a cell share."""
        return tuple(k for k, equation in enumerate(self.equations) if equation.shocks)


def question_design(design: Design) -> Design:
    """Return the equations that effects are computed from: without the auxiliary ones, which stand last."""
    kept = tuple(equation for equation in design.equations if equation.node not in design.auxiliary)
    return replace(design, equations=kept, auxiliary=())


def is_simulated(design: Design) -> bool:
    """Whether effects need simulation: a family of its own, or a product whose mean does not follow from means."""
    still = (design.treatment, *design.constant)
    return any(needs_rows(equation.family) for equation in design.equations) or any(
        not has_known_mean(term.factors, design.nodes, still) for term in design.terms
    )


def products(design: Design) -> tuple[tuple[str, ...], ...]:
    """Return the distinct products of nodes among the terms."""
    return tuple(dict.fromkeys(term.factors for term in design.terms if term.kind == "interaction"))


def columns(design: Design) -> tuple[str, ...]:
    """Return every node that the equations use, treatment first."""
    used = [design.treatment]
    for equation in design.equations:
        used += [factor for term in equation.terms for factor in term.factors] + [equation.node]
    return tuple(dict.fromkeys(used))


def correlated_terms(design: Design) -> tuple[int, ...]:
    """Return positions of the varying terms that effects multiply: those that share one correlation matrix.

    Terms of equations that are sampled come first: the others are integrated out given them.
    """
    own = {equation.node for equation in design.equations if equation.sampled}
    chosen = [i for i, term in enumerate(design.terms) if term.varies and term.on_path]
    return tuple(sorted(chosen, key=lambda i: (design.terms[i].target not in own, i)))


def share_a_path(design: Design, graph: CausalGraph, first: Term, second: Term) -> bool:
    """Whether some directed path from the treatment takes both terms, so that an effect multiplies them."""
    return _precedes(graph, first, second) or _precedes(graph, second, first)


def _precedes(graph: CausalGraph, first: Term, second: Term) -> bool:
    behind = (first.target, *descendants(graph, first.target))
    return any(factor in behind for factor in second.factors)

"""Diagram and panel to equations: which coefficients there are, which of them vary, and where intercepts live."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from causalcluster.analysis.moderators import list_conditions
from causalcluster.analysis.records import Analysis, Interaction, node_by_name
from causalcluster.errors import DataError, UnsupportedError
from causalcluster.families import Family, Link, default_link, needs_rows
from causalcluster.gaps import Gap, GapPlan
from causalcluster.graph import CausalGraph, ancestors, descendants, parents
from causalcluster.needs import has_known_mean, modelled_nodes

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
    """

    name: str
    target: str
    factors: tuple[str, ...]
    kind: TermKind
    varies: bool
    on_path: bool


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


def build_design(
    analysis: Analysis,
    graph: CausalGraph,
    *,
    between_only: Collection[str] = (),
    gaps: GapPlan | None = None,
    absorbed: bool = False,
    periods: Sequence[str] = (),
    cell_nodes: Collection[str] = (),
) -> Design:
    """Write down the equations that the question needs.

    Parameters
    ----------
    analysis, graph
        The validated analysis and its diagram.
    between_only
        Nodes that do not vary inside any cluster.
    gaps
        What the patterns of missing values ask for.
    absorbed
        Whether the units' means are taken out.
    periods
        Columns of the periods whose effects every equation has.
    cell_nodes
        Nodes that are one number in each cluster and period, where these hold several rows.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        Where a predictor that does not vary inside clusters cannot be absorbed by cluster intercepts, or a product with it
        is asked to vary between them.
    UnsupportedError
        Where units are absorbed and an equation's likelihood is not that of differences.
    """
    clustered = analysis.data.cluster is not None
    centred = absorbed or (analysis.model.centre == "within" and clustered)
    gaps = gaps or GapPlan()
    modelled = (*modelled_nodes(analysis, graph), *gaps.auxiliary)
    if absorbed:
        _refuse_unabsorbed(analysis, modelled)
    intercepts = "absorbed" if absorbed else _place_intercepts(analysis, modelled, centred=centred, gaps=bool(gaps.gaps))
    notes: list[str] = []
    equations = tuple(
        replace(
            _write_equation(
                analysis, graph, node, between_only, centred and intercepts != "common", intercepts, periods, notes
            ),
            incomplete=node in gaps.touched,
            level="cell" if node in cell_nodes else "row",
            shocks=node not in cell_nodes and not set(parents(graph, node)).isdisjoint(cell_nodes),
        )
        for node in modelled
    )
    if any(equation.level == "cell" or equation.shocks for equation in equations):
        _refuse_unlayered(analysis, equations, intercepts)
        notes += _cell_notes(analysis, equations)
    return Design(
        equations=equations,
        treatment=analysis.question.treatment,
        centred=centred,
        intercepts=intercepts,
        residual_sd_varies=clustered and analysis.model.varying != "none",
        pooling=analysis.model.pooling,
        notes=tuple(dict.fromkeys(notes)) + _general_notes(analysis, centred, intercepts, clustered=clustered),
        gaps=gaps.gaps,
        auxiliary=gaps.auxiliary,
        constant=tuple(name for name in between_only if _multiplied(equations, name)),
        outer=_outer_levels(analysis, equations, gaps=bool(gaps.gaps)),
    )


def _outer_levels(analysis: Analysis, equations: Sequence[Equation], *, gaps: bool) -> tuple[str, ...]:
    """Return the outer levels; raise UnsupportedError where coefficients are not integrated out, or none varies."""
    data = analysis.data
    outer = (*data.nested_in, *data.crossed_with)
    if not outer:
        return ()
    other = next((equation for equation in equations if needs_rows(equation.family)), None)
    reasons = {
        f"the node {other.node!r} is {other.family}" if other else "": other is not None,
        "missing values are averaged over": gaps,
        f"there is an interaction, '{analysis.interactions[0].name}'" if analysis.interactions else "": bool(
            analysis.interactions
        ),
        "clusters share nothing ('pooling: none')": analysis.model.pooling == "none",
        "no coefficient varies between clusters": not any(term.varies for item in equations for term in item.terms),
    }
    for reason, holds in reasons.items():
        if holds:
            key = "nested_in" if data.nested_in else "crossed_with"
            raise UnsupportedError(
                f"groups of clusters ({', '.join(outer)}) are not available where {reason}",
                where=f"{analysis.path}: data: {key}",
                fix=f"Leave '{key}' out",
            )
    return outer


def _multiplied(equations: Sequence[Equation], name: str) -> bool:
    return any(name in term.factors for equation in equations for term in equation.terms)


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


def _place_intercepts(analysis: Analysis, modelled: Sequence[str], *, centred: bool, gaps: bool) -> Intercepts:
    varying = analysis.model.varying
    if analysis.data.cluster is None or varying == "none" or (varying != "all" and "intercepts" not in varying):
        return "common"
    if (
        gaps
        or analysis.interactions
        or not centred
        or any(node_by_name(analysis, name).family != "gaussian" for name in modelled)
    ):
        return "joint"
    return "separate"


def _write_equation(
    analysis: Analysis,
    graph: CausalGraph,
    node: str,
    between_only: Collection[str],
    absorbs: bool,
    intercepts: Intercepts,
    periods: Sequence[str],
    notes: list[str],
) -> Equation:
    terms: list[Term] = []
    if intercepts in ("joint", "common"):
        terms.append(_intercept(analysis, graph, node, varies=intercepts == "joint"))
    for parent in parents(graph, node):
        if parent not in between_only:
            terms.append(_slope(analysis, graph, (parent,), node))
        elif absorbs:
            notes.append(_absorbed_note(parent, node, intercepts))
        else:
            raise DataError(
                f"{parent} does not vary inside any cluster, and the equation of {node} has no cluster intercepts",
                why="its slope would rest on one value per cluster treated as many rows",
                fix="let intercepts vary with centre: within, or leave the node out",
            )
    for interaction in analysis.interactions:
        if interaction.target == node:
            terms += _product_terms(analysis, graph, interaction, between_only, notes)
    terms += [
        Term(name=f"{name} -> {node}", target=node, factors=(name,), kind="period", varies=False, on_path=False)
        for name in periods
    ]
    own = node_by_name(analysis, node)
    return Equation(node=node, terms=tuple(terms), family=own.family, link=own.link or default_link(own.family))


def _absorbed_note(parent: str, node: str, intercepts: Intercepts) -> str:
    inside, whose = ("units", "the units'") if intercepts == "absorbed" else ("clusters", "cluster")
    return f"{parent} does not vary inside {inside}: {whose} intercepts absorb its influence on {node}."


def _cell_notes(analysis: Analysis, equations: Sequence[Equation]) -> list[str]:
    cell = f"{analysis.data.cluster or 'table'} and {analysis.data.time}"
    notes = [
        f"{equation.node} is one number in each {cell}: its equation has one observation for each, not one per row."
        for equation in equations
        if equation.level == "cell"
    ]
    notes += [
        f"Rows of one {cell} share an error in the equation of {equation.node}: a cause there does not vary among them."
        for equation in equations
        if equation.shocks
    ]
    return notes


def _refuse_unlayered(analysis: Analysis, equations: Sequence[Equation], intercepts: Intercepts) -> None:
    """Raise UnsupportedError where errors that rows of a cell share are not available."""
    where = f"{analysis.path}: data"
    why = "Rows of one cluster and period would count as if each were an observation of its own of what they share"
    for equation in equations:
        if equation.family != "gaussian":
            raise UnsupportedError(
                f"the node {equation.node!r} is {equation.family}, and a node of this analysis is one number in each "
                "cluster and period",
                where=where,
                why=why,
                fix="Analyse one row per cluster and period, or make the node gaussian",
            )
    if intercepts not in ("separate", "absorbed"):
        raise UnsupportedError(
            "a node is one number in each cluster and period, and intercepts are "
            f"{'shared by all clusters' if intercepts == 'common' else 'not taken out of the rows'}",
            where=f"{analysis.path}: model",
            why=why,
            fix="Let intercepts vary and leave 'centre' as it is, or analyse one row per cluster and period",
        )


def _refuse_unabsorbed(analysis: Analysis, modelled: Sequence[str]) -> None:
    """Raise UnsupportedError where taking out the units' means is not exact, or was declined."""
    if analysis.model.centre == "none":
        raise UnsupportedError(
            "'centre: none' keeps what differs between units, and 'unit' takes it out",
            where=f"{analysis.path}: model: centre",
            fix="Leave 'centre' or 'unit' out",
        )
    for name in modelled:
        family = node_by_name(analysis, name).family
        if family != "gaussian":
            raise UnsupportedError(
                f"the node {name!r} is {family}, and the effects of units cannot be taken out of its equation",
                where=f"{analysis.path}: data: unit",
                why="Differences from a unit's mean are free of the unit's effect in gaussian equations alone",
                fix="Leave 'unit' out (then also 'time', where clusters have several rows in a period)",
            )


def _product_terms(
    analysis: Analysis, graph: CausalGraph, product: Interaction, between_only: Collection[str], notes: list[str]
) -> list[Term]:
    """Return the term of a product: none where intercepts absorb it, one slope for all clusters where none has its own."""
    term = _slope(analysis, graph, product.factors, product.target)
    still = [name for name in dict.fromkeys(product.factors) if name in between_only]
    if not still:
        return [term]
    if isinstance(analysis.model.varying, tuple) and term.varies:
        raise DataError(
            f"{still[0]!r} is constant inside every cluster, yet 'varying' asks for the slope {term.name!r} by cluster",
            where=str(analysis.path),
            why="Inside a cluster this product is its other factors times a number, so it has no slope of its own there",
            fix="Take the product out of 'model: varying'",
        )
    if all(name in between_only for name in product.factors):
        notes.append(f"{product.name} does not vary inside clusters: cluster intercepts absorb it in {product.target}.")
        return []
    if term.varies:
        notes.append(
            f"{still[0]} does not vary inside clusters: the coefficient of {product.name} on {product.target} is the same "
            "in all, and is estimated from differences between clusters in how strongly the other factor acts."
        )
    return [replace(term, varies=False)]


def _intercept(analysis: Analysis, graph: CausalGraph, node: str, *, varies: bool) -> Term:
    on_path = node in modelled_nodes(analysis, graph) and _level_matters(analysis, graph, node)
    return Term(name=f"intercept of {node}", target=node, factors=(), kind="intercept", varies=varies, on_path=on_path)


def _level_matters(analysis: Analysis, graph: CausalGraph, node: str) -> bool:
    """Whether effects depend on where a node lies, not only on how it moves."""
    multiplied = {factor for item in analysis.interactions for factor in item.factors}
    on_path = any(factor == node or node in ancestors(graph, factor) for factor in multiplied)
    return on_path or needs_rows(node_by_name(analysis, node).family)


def _moderators(analysis: Analysis, moved: Collection[str]) -> set[str]:
    """Return the nodes not moved by the treatment on which its effects are said to depend."""
    conditions = (name for condition in list_conditions(analysis) for name, _ in condition)
    return {*conditions, *(factor for item in analysis.interactions for factor in item.factors)}.difference(moved)


def _slope(analysis: Analysis, graph: CausalGraph, factors: tuple[str, ...], node: str) -> Term:
    treatment = analysis.question.treatment
    moved = {treatment, *descendants(graph, treatment)}
    name = f"{Interaction(factors=factors, target=node).name} -> {node}"
    return Term(
        name=name,
        target=node,
        factors=factors,
        kind="slope" if len(factors) == 1 else "interaction",
        varies=analysis.data.cluster is not None and _asked_to_vary(analysis.model.varying, name),
        on_path=any(factor in moved for factor in factors)
        or (not _moderators(analysis, moved).isdisjoint(factors) and _level_matters(analysis, graph, node)),
    )


def _asked_to_vary(varying: str | Sequence[str], name: str) -> bool:
    return varying == "all" or (varying != "none" and name in varying)


def _general_notes(analysis: Analysis, centred: bool, intercepts: Intercepts, *, clustered: bool) -> tuple[str, ...]:
    notes = []
    if intercepts == "absorbed":
        notes.append("Every unit has an intercept of its own: slopes use differences inside units alone.")
    elif analysis.data.unit is not None:
        notes.append("Every unit has one row: what differs between units is part of the errors.")
    if (outer := (*analysis.data.nested_in, *analysis.data.crossed_with)) and analysis.model.varying != "none":
        notes.append(
            f"Coefficients that vary differ between clusters and, on average, between groups of them ({', '.join(outer)}); "
            "they are correlated between clusters of a group, and independent between groups."
        )
    if analysis.model.time_effects != "none":
        notes.append(f"Every equation has {analysis.model.time_effects} effects of the period, shared by all clusters.")
    if centred and intercepts != "absorbed":
        notes.append("Predictors are centred inside clusters: slopes use differences inside clusters alone.")
    if not clustered:
        notes.append("No cluster column: one set of coefficients for all rows.")
    if intercepts == "joint":
        notes.append("Cluster intercepts and slopes share one covariance, because effects depend on both.")
    return tuple(notes)

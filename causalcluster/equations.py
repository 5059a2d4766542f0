"""Diagram and panel to equations: which coefficients there are, which of them vary, and where intercepts live."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from causalcluster.analysis.moderators import list_conditions
from causalcluster.analysis.records import Analysis, Interaction, Node, latent_nodes, node_by_name
from causalcluster.design import Design, Equation, Intercepts, Term
from causalcluster.errors import DataError
from causalcluster.families import default_link, needs_rows
from causalcluster.gaps import GapPlan
from causalcluster.graph import CausalGraph, ancestors, descendants, parents
from causalcluster.needs import modelled_nodes
from causalcluster.panel_limits import outer_levels, refuse_unabsorbed, refuse_unlayered


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
        refuse_unabsorbed(analysis, modelled)
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
        refuse_unlayered(analysis, equations, intercepts)
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
        outer=outer_levels(analysis, equations, gaps=bool(gaps.gaps)),
        latent=latent_nodes(analysis),
    )


def _multiplied(equations: Sequence[Equation], name: str) -> bool:
    return any(name in term.factors for equation in equations for term in equation.terms)


def _place_intercepts(analysis: Analysis, modelled: Sequence[str], *, centred: bool, gaps: bool) -> Intercepts:
    varying = analysis.model.varying
    if analysis.data.cluster is None or not asked_to_vary(varying, "intercepts"):
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
    own = node_by_name(analysis, node)
    if own.measures is not None:
        return Equation(
            node=node, terms=_measurement(analysis, own, intercepts), family=own.family, link=default_link(own.family)
        )
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
    return Equation(node=node, terms=tuple(terms), family=own.family, link=own.link or default_link(own.family))


def _measurement(analysis: Analysis, indicator: Node, intercepts: Intercepts) -> tuple[Term, ...]:
    """Return level and loading of an indicator: 0 and 1 of the first; the others' levels may differ between clusters."""
    node, name = indicator.measures or "", indicator.name
    first = node_by_name(analysis, node).indicators[0] == name
    return (
        Term(
            name=f"intercept of {name}",
            target=name,
            factors=(),
            kind="intercept",
            varies=intercepts == "joint" and not first,
            on_path=False,
            fixed=0.0 if first else None,
        ),
        Term(
            name=f"{node} -> {name}",
            target=name,
            factors=(node,),
            kind="slope",
            varies=False,
            on_path=False,
            fixed=1.0 if first else None,
        ),
    )


def _absorbed_note(parent: str, node: str, intercepts: Intercepts) -> str:
    inside, whose = ("units", "the units'") if intercepts == "absorbed" else ("clusters", "cluster")
    return f"{parent} does not vary inside {inside}: {whose} intercepts absorb its influence on {node}."


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
        varies=analysis.data.cluster is not None and asked_to_vary(analysis.model.varying, name),
        on_path=any(factor in moved for factor in factors)
        or (not _moderators(analysis, moved).isdisjoint(factors) and _level_matters(analysis, graph, node)),
    )


def asked_to_vary(varying: str | Sequence[str], name: str) -> bool:
    """Whether a coefficient, or 'intercepts', varies between clusters as the analysis says."""
    return varying == "all" or (varying != "none" and name in varying)


def _general_notes(analysis: Analysis, centred: bool, intercepts: Intercepts, *, clustered: bool) -> tuple[str, ...]:
    notes = [_measured_note(analysis, node) for node in latent_nodes(analysis)]
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


def _measured_note(analysis: Analysis, node: str) -> str:
    names, se = node_by_name(analysis, node).indicators, node_by_name(analysis, node).se
    if se is not None:
        column = node_by_name(analysis, node).column
        return (
            f"{node} is not seen itself: {column} is its value and a normal error with standard deviation {se} in each row."
        )
    return (
        f"{node} is not seen itself: {', '.join(names)} measure it, each with an error that has nothing to do with anything "
        f"else, and it has the unit of {names[0]}. Loadings are the same in all clusters."
    )


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

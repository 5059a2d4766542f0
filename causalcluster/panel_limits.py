"""What units, cells and groups of clusters do not go together with: refusals, with what to do instead."""

from collections.abc import Sequence

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.design import Equation, Intercepts
from causalcluster.errors import UnsupportedError
from causalcluster.families import needs_rows


def outer_levels(analysis: Analysis, equations: Sequence[Equation], *, gaps: bool) -> tuple[str, ...]:
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


def refuse_unlayered(analysis: Analysis, equations: Sequence[Equation], intercepts: Intercepts) -> None:
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


def refuse_unabsorbed(analysis: Analysis, modelled: Sequence[str]) -> None:
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

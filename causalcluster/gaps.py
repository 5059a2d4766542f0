"""Patterns of missing values to what is averaged over: which nodes, in which equations, and how.

A missing value matters only through equations of nodes that have a value. Where no child of a node has one, the node's
equation integrates to one and drops out of the likelihood of such rows (a barren node of the diagram). The other
missing values are averaged over under the model: missing at random given the diagram (Rubin 1976, Biometrika 63).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.errors import UnsupportedError
from causalcluster.families import Family
from causalcluster.graph import CausalGraph, children, parents
from causalcluster.moments import MissingColumn

Method = Literal["moments", "rows", "grid"]
NO_AVERAGE: tuple[Family, ...] = ("student", "beta")
"""Families whose missing values cannot be averaged over in this version."""
MOST_CONTINUOUS = 2
"""Continuous values that a grid averages over in one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One pattern of missing values.

    Attributes
    ----------
    missing
        Nodes without a value, in the diagram's order.
    averaged
        Those of them that are averaged over; the others drop out.
    touched
        Nodes whose equations hold an averaged value.
    method
        'moments': the normal integral from the pattern's moments; 'rows': the same row by row, because a product's
        other factor differs between rows; 'grid': sums over values, where a touched equation is not gaussian or
        multiplies two averaged values.
    """

    missing: tuple[str, ...]
    averaged: tuple[str, ...]
    touched: tuple[str, ...]
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPlan:
    """All patterns of an analysis' rows.

    Attributes
    ----------
    gaps
        One per pattern, in the order in which the patterns were given.
    auxiliary
        Nodes that get an equation only because values are missing: causes with gaps that the question itself takes as
        given, and what they lead to; and indicators.
    """

    gaps: tuple[Gap, ...] = ()
    auxiliary: tuple[str, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """Nodes whose equations hold an averaged value in some row."""
        return frozenset(node for gap in self.gaps for node in gap.touched)

    @property
    def needs_rows(self) -> bool:
        """Whether moments by pattern do not do."""
        return any(gap.method != "moments" and gap.touched for gap in self.gaps)


def plan_gaps(
    analysis: Analysis,
    graph: CausalGraph,
    modelled: Sequence[str],
    patterns: Sequence[Collection[str]],
    *,
    absorbed: Collection[str] = (),
) -> GapPlan:
    """Decide what each pattern of missing values asks for.

    Parameters
    ----------
    analysis, graph
        The analysis and its diagram.
    modelled
        Nodes that have an equation whatever is missing.
    patterns
        The nodes without a value, by pattern.
    absorbed
        Nodes that cluster intercepts absorb: no equation has them as predictors.

    Raises
    ------
    UnsupportedError
        Values would have to be averaged over that this version cannot.
    """
    causes = {node: tuple(name for name in parents(graph, node) if name not in absorbed) for node in graph.nodes}
    taken = {*modelled, *(cause for node in modelled for cause in causes[node])}
    equations = [*modelled, *(node.name for node in analysis.nodes if node.measures in taken)]
    seen = {node.name for node in analysis.nodes if node.se is not None}
    while True:
        used = {*equations, *(cause for node in equations for cause in causes[node])}
        needed = [_averaged(set(pattern) & used, equations, causes, seen) for pattern in patterns]
        more = {
            heir
            for pattern, averaged in zip(patterns, needed, strict=True)
            for node in averaged
            for heir in (node, *children(graph, node))
            if heir in used and (heir not in pattern or heir in averaged)
        }
        new = [node for node in graph.nodes if node in more and node not in equations and node not in absorbed]
        if not new:
            break
        equations += new
    gaps = tuple(
        _describe(analysis, graph, pattern, averaged, equations, causes)
        for pattern, averaged in zip(patterns, needed, strict=True)
    )
    return GapPlan(gaps=gaps, auxiliary=tuple(equations[len(modelled) :]))


def describe_gaps(missing: Sequence[MissingColumn], plan: GapPlan) -> tuple[str, ...]:
    """Return sentences on how much is missing where, and what is done about it."""
    if not missing:
        return ()
    averaged = {node for gap in plan.gaps for node in gap.averaged}
    sentences = [_describe_column(item, averaged=item.node in averaged) for item in missing]
    if averaged:
        sentences.append(
            "Missing values are averaged over under the model: that is right where they are missing at random given what "
            "their row has of the diagram; missing_shift.csv shows what a departure from it would change"
        )
    return tuple(sentences)


def _describe_column(item: MissingColumn, *, averaged: bool) -> str:
    share = item.missing / item.rows
    empty = ", ".join(map(repr, item.empty[:5])) + (f" and {len(item.empty) - 5} more" if len(item.empty) > 5 else "")
    clusters = f" ({len(item.clusters)} clusters)" if item.clusters != ("",) else ""
    none = f"; none at all in {empty}, whose coefficients rest on the other clusters" if item.empty and clusters else ""
    done = "they are averaged over" if averaged else "nothing that was seen depends on them, so they drop out"
    return f"{item.missing} of {item.rows} rows ({share:.0%}) have no value of {item.node!r}{clusters}{none}: {done}"


def _averaged(
    missing: set[str], equations: Sequence[str], causes: Mapping[str, tuple[str, ...]], seen: Collection[str]
) -> set[str]:
    """Return the missing nodes that some equation or measurement needs: barren ones are taken off one after the other."""
    left = set(missing)
    while True:
        read = {*seen} | {cause for node in equations if node not in missing or node in left for cause in causes[node]}
        if left <= read:
            return left
        left &= read


def _describe(
    analysis: Analysis,
    graph: CausalGraph,
    pattern: Collection[str],
    averaged: set[str],
    equations: Sequence[str],
    causes: Mapping[str, tuple[str, ...]],
) -> Gap:
    touched = [
        node
        for node in equations
        if node in averaged or (node not in pattern and any(cause in averaged for cause in causes[node]))
    ]
    _refuse_errors(analysis, averaged, touched)
    method = _method(analysis, averaged, touched)
    _refuse_families(analysis, averaged, method)
    order = {node: i for i, node in enumerate(graph.nodes)}
    return Gap(
        missing=tuple(sorted(pattern, key=order.__getitem__)),
        averaged=tuple(sorted(averaged, key=order.__getitem__)),
        touched=tuple(touched),
        method=method,
    )


def _method(analysis: Analysis, averaged: Collection[str], touched: Sequence[str]) -> Method:
    if any(node_by_name(analysis, node).family != "gaussian" for node in touched):
        return "grid"
    if any(node_by_name(analysis, node).se is not None for node in averaged):
        return "rows"
    products = [item.factors for item in analysis.interactions if item.target in touched]
    if any(sum(factor in averaged for factor in factors) > 1 for factors in products):
        return "grid"
    return "rows" if products else "moments"


def _refuse_errors(analysis: Analysis, averaged: Collection[str], touched: Collection[str]) -> None:
    """Raise UnsupportedError where a node that is measured with a known error meets what only sums can average over."""
    uncertain = [node for node in sorted(averaged) if node_by_name(analysis, node).se is not None]
    other = next((node for node in touched if node_by_name(analysis, node).family != "gaussian"), None)
    multiplied = [item for item in analysis.interactions if len(set(item.factors) & set(averaged)) > 1]
    if not uncertain or (other is None and not multiplied):
        return
    met = f"{other!r} is {node_by_name(analysis, other).family}" if other else f"'{multiplied[0].name}' has two such factors"
    raise UnsupportedError(
        f"values of {', '.join(averaged)} are averaged over in the same rows, and {met}",
        where=f"{analysis.path}: nodes: {uncertain[0]}: se",
        why="Errors of a measurement are averaged over by the normal integral, which needs linear gaussian equations",
        fix="Leave 'se' out, or make the equations that the node enters linear and gaussian",
    )


def _refuse_families(analysis: Analysis, averaged: Collection[str], method: Method) -> None:
    families = {node: node_by_name(analysis, node).family for node in averaged}
    for node, family in families.items():
        if family in NO_AVERAGE:
            raise UnsupportedError(
                f"the node {node!r} is {family} and a cause of others, and values of it are missing",
                where=f"{analysis.path}: nodes: {node}: family",
                why="Missing values of this family cannot be averaged over in this version",
                fix="Set 'missing: drop' under 'data', or make the node gaussian or lognormal",
            )
    continuous = sorted(node for node, family in families.items() if family in ("gaussian", "lognormal"))
    if method == "grid" and len(continuous) > MOST_CONTINUOUS:
        raise UnsupportedError(
            f"in some rows the values of {', '.join(continuous)} are missing together",
            where=str(analysis.path),
            why=f"Where equations are not gaussian, at most {MOST_CONTINUOUS} continuous values a row are averaged over",
            fix="Set 'missing: drop' under 'data', fill some of them in, or leave a node out",
        )

"""What families meet in the data that is no error: grades with gaps, constant clusters, complete separation."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from causalcluster.analysis.records import Analysis, Node
from causalcluster.data.collection import collect, plain_values
from causalcluster.data.columns import engine_column, numeric_columns
from causalcluster.data.family_values import read_grades
from causalcluster.data.labels import sort_labels
from causalcluster.data.survey import Survey

_NAMED_AT_MOST = 5
_DISCRETE = ("bernoulli", "ordinal")


def warn_about_families(analysis: Analysis, frame: nw.LazyFrame[Any], survey: Survey, where: str) -> tuple[str, ...]:
    """Return sentences about rows that passed `refuse_impossible_values`.

    One query for each ordinal node and one for all bernoulli nodes with parents.

    Parameters
    ----------
    analysis
        The analysis.
    frame
        The typed rows that are analysed.
    survey
        Of the nodes' columns of these rows.
    where
        What messages call the table.

    Raises
    ------
    DataError
        An ordinal node has one grade only, or too many.
    """
    grades = [_warn_about_gaps(node, read_grades(frame, analysis, node, where)) for node in _nodes(analysis, "ordinal")]
    still = [_warn_about_constant_clusters(analysis, node, survey) for node in _nodes(analysis, *_DISCRETE)]
    return tuple(sentence for sentence in (*grades, *still) if sentence) + _warn_about_separation(analysis, frame)


def has_discrete_nodes(analysis: Analysis) -> bool:
    """Whether `warn_about_families` has anything to look at."""
    return bool(_nodes(analysis, *_DISCRETE))


def _nodes(analysis: Analysis, *families: str) -> list[Node]:
    return [node for node in analysis.nodes if node.family in families]


def _warn_about_gaps(node: Node, grades: Sequence[int]) -> str:
    gaps = grades[-1] - grades[0] + 1 - len(grades)
    if gaps == 0:
        return ""
    listed = ", ".join(map(str, grades[:-1])) + f" and {grades[-1]}"
    return (
        f"the ordinal node {node.name!r} holds the grades {listed}, with {gaps} unused between them: they are kept as "
        "they are, neighbours with one threshold between each two, and means count them by these numbers"
    )


def _warn_about_constant_clusters(analysis: Analysis, node: Node, survey: Survey) -> str:
    position = numeric_columns(analysis).index(node.column)
    low, high = survey.minimum[:, position], survey.maximum[:, position]
    labels = [str(key[0]) for key, same in zip(survey.groups, low == high, strict=True) if same and key[0] is not None]
    total = sum(key[0] is not None for key in survey.groups)
    # A node that is constant inside every cluster is another matter, which the panel speaks of.
    if not labels or len(labels) == total:
        return ""
    named = ", ".join(repr(label) for label in sort_labels(labels)[:_NAMED_AT_MOST])
    more = f" and {len(labels) - _NAMED_AT_MOST} more" if len(labels) > _NAMED_AT_MOST else ""
    return (
        f"all values of the {node.family} node {node.name!r} are equal in {len(labels)} of {total} clusters ({named}{more}"
        "): kept, but such a cluster tells little about its coefficients, which lean on the others'"
    )


def _warn_about_separation(analysis: Analysis, frame: nw.LazyFrame[Any]) -> tuple[str, ...]:
    """Return a warning for each parent whose values are all lower, or all higher, where a bernoulli node is 1."""
    family = {node.name: node for node in analysis.nodes}
    pairs = [
        (family[edge.source], family[edge.target])
        for edge in analysis.edges
        if edge.lag == 0 and family[edge.target].family == "bernoulli"
    ]
    if not pairs:
        return ()
    return tuple(
        f"{parent.name!r} alone predicts the bernoulli node {node.name!r} perfectly in the whole table (complete "
        "separation): the data set no upper limit to its coefficient, whose size comes from the prior"
        for (parent, node), ends in zip(pairs, _ends_by_outcome(analysis, frame, pairs), strict=True)
        if _separated(*ends)
    )


def _ends_by_outcome(
    analysis: Analysis, frame: nw.LazyFrame[Any], pairs: Sequence[tuple[Node, Node]]
) -> list[tuple[float | None, ...]]:
    """Return the parent's least and largest value where the node is 0, and where it is 1 (one query)."""
    split: list[nw.Expr] = []
    for i, (parent, node) in enumerate(pairs):
        value, result = (nw.col(engine_column(analysis, item.column)) for item in (parent, node))
        split += [nw.when(result == level).then(value).alias(f"p{i}_{level}") for level in (0, 1)]
    names = [f"p{i}_{level}" for i in range(len(pairs)) for level in (0, 1)]
    ends = [(nw.col(n).min().alias(f"{n}_low"), nw.col(n).max().alias(f"{n}_high")) for n in names]
    found = collect(frame.select(*split).select(*(end for pair in ends for end in pair)))

    def read(name: str) -> float | None:
        value = plain_values(found[name])[0]
        return None if value is None else float(value)

    return [tuple(read(f"p{i}_{level}_{end}") for level in (0, 1) for end in ("low", "high")) for i in range(len(pairs))]


def _separated(low_0: float | None, high_0: float | None, low_1: float | None, high_1: float | None) -> bool:
    if low_0 is None or high_0 is None or low_1 is None or high_1 is None:
        return False
    return high_0 < low_1 or high_1 < low_0

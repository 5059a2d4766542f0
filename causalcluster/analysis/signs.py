"""The paper's signs on the edges of an analysis, read against how its columns are coded."""

from collections.abc import Iterator
from dataclasses import dataclass

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.framework.signs import probability_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSign:
    """What the paper says of one edge.

    Attributes
    ----------
    source, target, lag
        The edge.
    sign
        Of the effect between the columns: '+', '-', or another that names no direction.
    framework_ids
        The paper's edges behind it.
    probability
        That the effect is positive, before any data (`causalcluster.framework.signs`).
    """

    source: str
    target: str
    lag: int
    sign: str
    framework_ids: tuple[str, ...]
    probability: float


def paper_signs(analysis: Analysis) -> Iterator[PaperSign]:
    """Yield what the paper says of every edge that it asserts; `reversed` columns turn signs round."""
    for edge in analysis.edges:
        if not edge.framework_ids or not edge.sign:
            continue
        source, target = node_by_name(analysis, edge.source), node_by_name(analysis, edge.target)
        probability = probability_positive(edge.sign, edge.framework_ids, source.concept, target.concept)
        turned = source.reversed != target.reversed
        sign = {"+": "-", "-": "+"}.get(edge.sign, edge.sign) if turned else edge.sign
        yield PaperSign(
            source=edge.source,
            target=edge.target,
            lag=edge.lag,
            sign=sign,
            framework_ids=edge.framework_ids,
            probability=1.0 - probability if turned else probability,
        )

"""What the data say about the values at which the question holds mediators."""

from collections.abc import Sequence

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.families import Family
from causalcluster.panel.records import ColumnStatistics

_WHOLE: tuple[Family, ...] = ("bernoulli", "binomial", "poisson", "negative_binomial", "ordinal")


def warn_about_fixed(analysis: Analysis, statistics: Sequence[ColumnStatistics]) -> tuple[str, ...]:
    """Return warnings about held values that are no value of their mediator, or lie outside its column.

    Where the extremes of the column are not known (moments files hold none), nothing is said about them.
    """
    by_node = {item.node: item for item in statistics}
    held: dict[str, list[float]] = {}
    for name, value in analysis.question.fix:
        held.setdefault(name, []).append(value)
    warnings = []
    for name, values in held.items():
        family, column = node_by_name(analysis, name).family, by_node[name]
        broken = [value for value in values if family in _WHOLE and not value.is_integer()]
        if broken:
            warnings.append(
                f"'fix' holds {name!r} at {_listed(broken)}, which a {family} node cannot be: these controlled direct "
                "effects are about no intervention that could be made"
            )
        if column.minimum is None or column.maximum is None:
            continue
        outside = [value for value in values if not column.minimum <= value <= column.maximum]
        if outside:
            warnings.append(
                f"'fix' holds {name!r} at {_listed(outside)}, outside the data, which reach from {column.minimum:g} to "
                f"{column.maximum:g}: these controlled direct effects are extrapolations"
            )
    return tuple(warnings)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)

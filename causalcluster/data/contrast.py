"""The contrast of the question in the treatment's own units."""

from typing import Any

import narwhals as nw

from causalcluster.analysis.records import Analysis
from causalcluster.data.collection import collect
from causalcluster.data.description import Description
from causalcluster.data.panel import position_column
from causalcluster.errors import DataError


def resolve_contrast(
    analysis: Analysis, frame: nw.LazyFrame[Any], description: Description, where: str
) -> tuple[tuple[float, float], str]:
    """Return both ends in the treatment's units and the contrast in words.

    ``sd`` runs from the pooled mean to the mean plus so many within-cluster standard deviations; ``quantiles``
    are those of all rows, interpolated linearly (one pass).

    Raises
    ------
    DataError
        Both ends come out equal.
    """
    contrast, treatment = analysis.question.contrast, analysis.question.treatment
    i = [node.name for node in analysis.nodes].index(treatment)
    if contrast.kind == "values":
        return (float(contrast.low), float(contrast.high)), f"from {contrast.low:g} to {contrast.high:g}"
    if contrast.kind == "sd":
        mean, sd = float(description.pooled_mean[i]), float(description.sd_within[i])
        times = contrast.high - contrast.low
        ends = (mean + contrast.low * sd, mean + contrast.high * sd)
        words = f"from the pooled mean, {ends[0]:.6g}, up by {times:g} within-cluster standard deviation(s), to "
        return ends, f"{words}{ends[1]:.6g}"
    column = nw.col(position_column(i))
    found = [
        float(collect(frame.select(column.quantile(p, interpolation="linear"))).item())
        for p in (contrast.low, contrast.high)
    ]
    if found[0] == found[1]:
        raise DataError(
            f"the {contrast.low:g} and {contrast.high:g} quantiles of {treatment!r} are both {found[0]:g}",
            where=where,
            why="A contrast needs two different values",
            fix="Give the two values: 'contrast: {from: 0, to: 1}'",
        )
    words = f"from the {contrast.low:g} quantile, {found[0]:.6g}, to the {contrast.high:g} quantile, {found[1]:.6g}"
    return (found[0], found[1]), words

"""The figure of the predictive checks: observed against replicated by cluster, worst first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from causalcluster.checks.summary import SMALL_P, CheckGroup
from causalcluster.report import words
from causalcluster.report.answer import labels_of
from causalcluster.report.canvas import BLUE, GREY, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.doubt_records import PredictiveRow
from causalcluster.report.doubts import check_groups
from causalcluster.report.records import Figure, FinishedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PANELS: Final = 6
MAX_CLUSTERS: Final = 12
_COLUMNS: Final = 3


def draw_replicates(run: FinishedRun) -> Figure | None:
    """Draw the statistics that are least reproduced, in each the clusters that are; None where nothing was checked."""
    groups = check_groups(run)[:MAX_PANELS]
    if not groups:
        return None
    labels = labels_of(run)
    panels = [_worst(run, group) for group in groups]
    columns = min(_COLUMNS, len(groups))
    lines = -(-len(groups) // columns)
    with canvas_settings():
        import matplotlib.pyplot as plt

        height = 0.8 + 0.19 * max(len(rows) for rows in panels)
        canvas, axes = plt.subplots(lines, columns, figsize=(3.1 * columns, height * lines), squeeze=False)
        for axis, group, rows in zip(axes.flat, groups, panels, strict=False):
            _fill_panel(axis, rows)
            axis.set_title(short_name(f"{group.statistic}, {labels.get(group.node, group.node)}", 34))
        for axis in axes.flat[len(groups) :]:
            axis.set_axis_off()
        canvas.tight_layout()
        svg = to_svg(canvas)
    prob = words.level_percent(panels[0][0].ci_prob)
    return Figure(source=embed_svg(svg), alt=_alt(groups, panels, labels), caption=_caption(prob, len(groups)))


def _worst(run: FinishedRun, group: CheckGroup) -> list[PredictiveRow]:
    rows = [row for row in run.predictive if (row.node, row.statistic) == (group.node, group.statistic)]
    return sorted(rows, key=lambda row: row.p_value if row.p_value is not None else 1.0)[:MAX_CLUSTERS]


def _fill_panel(axis: "Axes", rows: Sequence[PredictiveRow]) -> None:
    for place, row in enumerate(rows):
        outside = row.p_value is not None and row.p_value < SMALL_P
        axis.plot([row.lower or 0.0, row.upper or 0.0], [-place, -place], color=GREY, linewidth=3.0, solid_capstyle="butt")
        axis.plot(
            [row.observed or 0.0], [-place], marker="o", markersize=4.0, linestyle="none", color=ORANGE if outside else BLUE
        )
    axis.set_yticks([-float(place) for place in range(len(rows))], [_name(row) for row in rows])
    axis.set_ylim(-len(rows) + 0.2, 0.8)
    axis.locator_params(axis="x", nbins=4)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _name(row: PredictiveRow) -> str:
    return short_name(row.cluster, 16) if row.cluster else "(all rows)"


def _caption(prob: str, panels: int) -> str:
    return (
        f"Observed (dots) against replicated data (bars: {prob} of the replicates), for the "
        f"{words.counted(panels, 'statistic')} least reproduced; in each up to {MAX_CLUSTERS} clusters, worst first. "
        "Orange: p-value below 0.05."
    )


def _alt(groups: Sequence[CheckGroup], panels: Sequence[Sequence[PredictiveRow]], labels: dict[str, str]) -> str:
    said = [
        f"{group.statistic} of {labels.get(group.node, group.node)}: worst {rows[0].cluster or 'all rows'}, observed "
        f"{words.plain(rows[0].observed)}, replicated {words.plain(rows[0].lower)} to {words.plain(rows[0].upper)}"
        for group, rows in zip(groups, panels, strict=True)
    ]
    return f"Observed against replicated data. {'; '.join(said)}."

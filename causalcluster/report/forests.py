"""Forests: the effects by cluster beside their averages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of
from causalcluster.report.canvas import BLUE, GREY, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.records import EffectKey, EffectRow, Figure, FinishedRun
from causalcluster.report.scales import DIFFERENCE, no_effect

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CLUSTERS: Final = 40
"""Clusters drawn in a forest; of more, the lowest and the highest are drawn."""

_PANELS: Final = 4
_GAP: Final = "\x00"
"""Stands in the order of clusters where some are left out; no label can hold it."""
_AVERAGES: Final = {"population": "Population", "sample": "Average of these", "new": "One not yet seen"}


def draw_forests(run: FinishedRun, outcome: str) -> tuple[Figure, ...]:
    """Draw the effects by cluster beside the averages, four effects a figure, clusters ordered by size of effect."""
    columns = _forest_columns(run, outcome)
    if not columns:
        return ()
    order, left_out = _cluster_order(columns)
    chunks = [columns[start : start + _PANELS] for start in range(0, len(columns), _PANELS)]
    return tuple(_draw_forest(run, outcome, chunk, order, left_out) for chunk in chunks)


def _forest_columns(run: FinishedRun, outcome: str) -> list[tuple[EffectKey, dict[str, EffectRow]]]:
    """Return the averages' key and the rows by cluster of each effect to draw."""
    by_effect: dict[tuple[str, str], dict[str, EffectRow]] = {}
    scale = DIFFERENCE
    for row in run.effects:
        if row.key.outcome == outcome and row.key.level == "cluster" and not row.key.at and row.has_interval:
            by_effect.setdefault((row.key.effect, row.key.via), {})[row.key.cluster] = row
            scale = row.key.scale
    mediators = run.run.analysis.question.mediators
    wanted = [("total", ""), *(("nie", name) for name in mediators), ("nde", "")]
    return [
        (EffectKey(outcome=outcome, effect=effect, via=via, scale=scale), by_effect[effect, via])
        for effect, via in wanted
        if (effect, via) in by_effect
    ]


def _cluster_order(columns: Sequence[tuple[EffectKey, dict[str, EffectRow]]]) -> tuple[list[str], int]:
    """Return the clusters to draw from highest to lowest effect, and how many are left out in the middle."""
    leading = columns[0][1]
    order = sorted(leading, key=lambda name: (-(leading[name].median or 0.0), name))
    if len(order) <= MAX_CLUSTERS:
        return order, 0
    half = MAX_CLUSTERS // 2
    return [*order[:half], _GAP, *order[-half:]], len(order) - MAX_CLUSTERS


def _draw_forest(
    run: FinishedRun,
    outcome: str,
    columns: Sequence[tuple[EffectKey, dict[str, EffectRow]]],
    order: Sequence[str],
    left_out: int,
) -> Figure:
    labels = labels_of(run)
    outside = {cluster.label for cluster in run.run.data.clusters if not cluster.spans_contrast}
    averages = [level for level in ("population", "sample", "new") if _average(run, columns[0][0], level)]
    with canvas_settings():
        import matplotlib.pyplot as plt

        height = 1.0 + 0.19 * (len(order) + len(averages) + 1)
        canvas, axes = plt.subplots(1, len(columns), figsize=(2.0 + 1.9 * len(columns), height), sharey=True, squeeze=False)
        for axis, (key, rows) in zip(axes[0], columns, strict=True):
            _fill_panel(axis, run, key, [rows.get(name) for name in order], averages, outside)
            axis.set_title(short_name(words.effect_name(key, labels)))
        ticks = [-float(i) for i in range(len(order))] + [-float(len(order) + 1 + i) for i in range(len(averages))]
        names = [_tick(name, outside, left_out) for name in order]
        axes[0][0].set_yticks(ticks, [*names, *(_AVERAGES[level] for level in averages)])
        axes[0][0].set_ylim(ticks[-1] - 0.8, 0.8)
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    return Figure(
        source=embed_svg(svg),
        alt=_forest_alt(columns, labels, order),
        caption=_forest_caption(run, outcome, columns, left_out, bool(outside & set(order))),
    )


def _tick(name: str, outside: set[str], left_out: int) -> str:
    if name == _GAP:
        return f"({left_out} more between)"
    return short_name(name + (" *" if name in outside else ""))


def _average(run: FinishedRun, key: EffectKey, level: str) -> EffectRow | None:
    for row in run.effects:
        same = (row.key.outcome, row.key.effect, row.key.via, row.key.at) == (key.outcome, key.effect, key.via, key.at)
        if same and row.key.level == level and row.has_interval:
            return row
    return None


def _fill_panel(
    axis: "Axes",
    run: FinishedRun,
    key: EffectKey,
    rows: Sequence[EffectRow | None],
    averages: Sequence[str],
    outside: set[str],
) -> None:
    axis.axvline(no_effect(key.scale), color=GREY, linewidth=0.9, zorder=0)
    whole = _average(run, key, "population")
    if whole is not None and whole.lower is not None and whole.upper is not None:
        axis.axvspan(whole.lower, whole.upper, color=ORANGE, alpha=0.10, linewidth=0, zorder=0)
    for position, row in enumerate(rows):
        if row is not None:
            _draw_interval(axis, row, -float(position), BLUE, hollow=row.key.cluster in outside)
    for position, level in enumerate(averages):
        found = _average(run, key, level)
        if found is not None:
            _draw_interval(axis, found, -float(len(rows) + 1 + position), ORANGE, hollow=level == "new")
    axis.locator_params(axis="x", nbins=4)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color="#e3e8eb", linewidth=0.6)
    axis.set_axisbelow(True)


def _draw_interval(axis: "Axes", row: EffectRow, y: float, colour: str, *, hollow: bool) -> None:
    axis.plot([row.lower or 0.0, row.upper or 0.0], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt")
    axis.plot(
        [row.median or 0.0], [y], marker="o", markersize=4.0, color=colour,
        markerfacecolor="white" if hollow else colour, linestyle="none",
    )  # fmt: skip


def _forest_alt(
    columns: Sequence[tuple[EffectKey, dict[str, EffectRow]]], labels: dict[str, str], order: Sequence[str]
) -> str:
    key, rows = columns[0]
    decimals = words.decimals_for(row.sd for row in rows.values())
    ends = [rows[order[0]], rows[order[-1]]]
    said = " and ".join(f"{row.key.cluster} ({words.number(row.median, decimals)})" for row in ends)
    return (
        f"Effects by cluster on {labels[key.outcome]}: "
        f"{words.joined(words.effect_name(column, labels) for column, _ in columns)}. "
        f"Ordered by {words.effect_name(key, labels).lower()}, from {said}. The table below holds the numbers."
    )


def _forest_caption(
    run: FinishedRun,
    outcome: str,
    columns: Sequence[tuple[EffectKey, dict[str, EffectRow]]],
    left_out: int,
    marked: bool,
) -> str:
    labels, rows = labels_of(run), columns[0][1]
    head = words.level_percent(next(iter(rows.values())).ci_prob)
    first = words.effect_name(columns[0][0], labels).lower()
    text = f"Effects on {labels[outcome]} by cluster (dot: median; line: {head} interval), ordered by {first}. "
    if left_out:
        half = MAX_CLUSTERS // 2
        text += (
            f"Of {len(rows)} clusters the {half} highest and the {half} lowest are shown; "
            f"{left_out} between them are in the table below. "
        )
    if any(row.key.level == "population" for row in run.effects):
        text += "The band is the population's interval. "
    return text + ("Clusters with * and a hollow dot do not span the contrast." if marked else "")

"""Controlled direct effects drawn over the values at which mediators are held."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, main_level
from causalcluster.report.canvas import BLUE, GREY, INK, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.records import EffectRow, Figure, FinishedRun
from causalcluster.report.scales import as_kind, no_effect

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES: Final = 5
"""Lines drawn in one panel; grids with more are in the table alone."""

_COLOURS: Final = (BLUE, ORANGE, INK, GREY, "#5a7d2a")
type Point = tuple[float, EffectRow]
type Panel = tuple[str, dict[str, list[Point]]]
"""The mediator on the axis, and the points of each line by what else is held."""


def draw_grid(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the effects over each grid of held values, a panel for each set of mediators held; None without a grid."""
    panels = find_panels(run, outcome)
    if not panels:
        return None
    labels = labels_of(run)
    rows = [row for _, lines in panels for points in lines.values() for _, row in points]
    scale, head = rows[0].key.scale, words.level_percent(rows[0].ci_prob)
    with canvas_settings():
        import matplotlib.pyplot as plt

        size = (1.0 + 3.2 * len(panels), 3.0)
        canvas, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
        for axis, (name, lines) in zip(axes[0], panels, strict=True):
            _fill_panel(axis, lines, no_effect(scale), labels)
            axis.set_xlabel(short_name(f"{labels.get(name, name)} held at"))
        axes[0][0].set_ylabel(short_name(f"Direct effect on {labels[outcome]}", 34))
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    decimals = words.decimals_for(row.sd for row in rows)
    said = "; ".join(f"{words.via_name(row.key, labels)}: {words.estimate(row, decimals)}" for row in rows)
    return Figure(
        source=embed_svg(svg),
        alt=f"Controlled direct effects on {labels[outcome]}{as_kind(scale)}: {said}.",
        caption=(
            f"{level_title(run, main_level(run))}: direct effects on {labels[outcome]} with mediators held at given values"
            f"{as_kind(scale)}. Dot: median; line: {head} interval; horizontal line: no effect."
        ),
    )


def find_panels(run: FinishedRun, outcome: str) -> list[Panel]:
    """Return what is drawn: for each set of mediators held, the one with most values on the axis, a line for the others'."""
    level = main_level(run)
    sets: dict[tuple[str, ...], list[tuple[dict[str, float], EffectRow]]] = {}
    for row in run.effects:
        key = row.key
        if (key.outcome, key.effect, key.level, key.at) == (outcome, "cde", level, "") and row.has_interval:
            held = {name: float(value) for name, value in words.held_pairs(key.via)}
            sets.setdefault(tuple(held), []).append((held, row))
    panels = []
    for names, entries in sets.items():
        across = max(names, key=lambda name: len({held[name] for held, _ in entries}))
        lines: dict[str, list[Point]] = {}
        for held, row in sorted(entries, key=lambda entry: entry[0][across]):
            others = ";".join(f"{name}={words.plain(held[name])}" for name in names if name != across)
            lines.setdefault(others, []).append((held[across], row))
        if len(lines) <= MOST_LINES and len(next(iter(lines.values()))) > 1:
            panels.append((across, lines))
    return panels


def _fill_panel(axis: "Axes", lines: dict[str, list[Point]], reference: float, labels: dict[str, str]) -> None:
    axis.axhline(reference, color=GREY, linewidth=0.9, zorder=0)
    places = sorted({place for points in lines.values() for place, _ in points})
    step = min(right - left for left, right in pairwise(places))
    for position, (others, points) in enumerate(lines.items()):
        # Lines stand a little beside each other, so that their intervals can be told apart.
        shift = step * 0.06 * (position - (len(lines) - 1) / 2)
        _draw_line(axis, points, shift, _COLOURS[position], _others_name(others, labels))
    if len(lines) > 1:
        axis.legend(frameon=False, fontsize=8)
    axis.set_xticks(places if len(places) <= 8 else axis.get_xticks())
    axis.grid(axis="y", color="#e3e8eb", linewidth=0.6)
    axis.set_axisbelow(True)


def _draw_line(axis: "Axes", points: Sequence[Point], shift: float, colour: str, name: str) -> None:
    x = [place + shift for place, _ in points]
    for place, (_, row) in zip(x, points, strict=True):
        axis.plot([place, place], [row.lower or 0.0, row.upper or 0.0], color=colour, linewidth=1.3, solid_capstyle="butt")
    medians = [row.median or 0.0 for _, row in points]
    axis.plot(x, medians, marker="o", markersize=4.0, color=colour, linewidth=0.9, linestyle="--", label=name)


def _others_name(others: str, labels: dict[str, str]) -> str:
    pairs = (part.partition("=") for part in others.split(";"))
    return short_name(", ".join(f"{labels.get(name, name)} = {value}" for name, _, value in pairs))

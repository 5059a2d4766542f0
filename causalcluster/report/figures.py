"""Figures of the averages: main effects with intervals, and their densities over the prior."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, main_level
from causalcluster.report.canvas import (
    BLUE,
    GREY,
    INK,
    as_tree,
    canvas_settings,
    drawable,
    embed_svg,
    short_name,
    to_svg,
)
from causalcluster.report.records import Draws, EffectRow, Figure, FinishedRun
from causalcluster.report.scales import as_kind, no_effect

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def headline_rows(run: FinishedRun, outcome: str, level: str) -> tuple[EffectRow, ...]:
    """Return total, direct effect and what runs through the mediators, in reading order, at one level."""
    mediators = run.run.analysis.question.mediators
    wanted = [("total", "")]
    wanted += [("nie", name) for name in mediators]
    if len(mediators) != 1:
        wanted.append(("nie", "all"))
    wanted.append(("nde", ""))
    found = {
        (row.key.effect, row.key.via): row
        for row in run.effects
        if row.key.outcome == outcome
        and row.key.level == level
        and row.has_interval
        and not row.key.cluster
        and not row.key.at
    }
    return tuple(found[pair] for pair in wanted if pair in found)


def draw_overview(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the main effects with 50% and full intervals through arviz-plots' forest."""
    rows = [row for row in headline_rows(run, outcome, main_level(run)) if row.key in run.draws]
    if not rows:
        return None
    labels = labels_of(run)
    names = [short_name(words.effect_name(row.key, labels), 34) for row in rows]
    prob = rows[0].ci_prob or 0.95
    with canvas_settings():
        import arviz_plots as azp
        from arviz_base.labels import BaseLabeller

        tree = as_tree([run.draws[row.key] for row in rows], names)
        plots = azp.plot_forest(
            tree,
            combined=True,
            point_estimate="median",
            ci_kind="eti",
            ci_probs=(0.5 * min(1.0, prob / 0.5) if prob < 0.5 else 0.5, prob),
            labels=["row"],
            labeller=BaseLabeller(),
            backend="matplotlib",
            visuals={"labels": {"fontsize": 9}, "twig": {"color": BLUE}, "trunk": {"color": BLUE}},
            figure_kwargs={
                "figsize": (8.4, 0.55 + 0.36 * len(rows)),
                "figsize_units": "inches",
                "width_ratios": [1, 1.7],
            },
        )
        canvas = plots.viz["figure"].item()
        # The left panel holds the names alone.
        canvas.axes[0].set_axis_off()
        canvas.axes[-1].set_ylim(-0.7, len(rows) - 0.4)
        canvas.axes[-1].axvline(no_effect(rows[0].key.scale), color=GREY, linewidth=0.9, zorder=0)
        svg = to_svg(canvas)
    return Figure(
        source=embed_svg(svg),
        alt=interval_alt(run, outcome, rows),
        caption=(
            f"{level_title(run, main_level(run))}: effects of {labels[run.run.analysis.question.treatment]} on "
            f"{labels[outcome]}{as_kind(rows[0].key.scale)}. Dot: median; thick line: 50% interval; thin line: "
            f"{words.level_percent(prob)} interval; vertical line: no effect."
        ),
    )


def interval_alt(run: FinishedRun, outcome: str, rows: Sequence[EffectRow]) -> str:
    labels = labels_of(run)
    decimals = words.decimals_for(row.sd for row in rows)
    said = "; ".join(f"{words.effect_name(row.key, labels)} {words.estimate(row, decimals)}" for row in rows)
    return f"Intervals of the effects on {labels[outcome]}: {said}."


def draw_densities(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the posterior densities of the main effects over what was believed before the data."""
    rows = [row for row in headline_rows(run, outcome, main_level(run)) if drawable(run.draws.get(row.key))]
    if not rows:
        return None
    labels = labels_of(run)
    names = [short_name(words.effect_name(row.key, labels), 34) for row in rows]
    prob = rows[0].ci_prob or 0.95
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    with canvas_settings():
        import arviz_plots as azp

        plots = azp.plot_dist(
            as_tree([run.draws[row.key] for row in rows], names),
            kind="kde",
            ci_kind="eti",
            ci_prob=prob,
            point_estimate="median",
            backend="matplotlib",
            col_wrap=columns,
            visuals={
                "title": False,
                "point_estimate_text": False,
                "dist": {"color": BLUE},
                "credible_interval": {"color": INK},
                "point_estimate": {"color": INK},
            },
            figure_kwargs={"figsize": (2.9 * columns, 1.9 * lines), "figsize_units": "inches"},
        )
        canvas = plots.viz["figure"].item()
        for axis, row, name in zip(canvas.axes, rows, names, strict=False):
            _finish_density(axis, row, name, run)
        canvas.tight_layout()
        svg = to_svg(canvas)
    prior = any(row.key in run.prior_draws for row in rows)
    return Figure(
        source=embed_svg(svg),
        alt=interval_alt(run, outcome, rows).replace("Intervals", "Densities", 1),
        caption=(
            f"{level_title(run, main_level(run))}: how plausible each size of effect on {labels[outcome]} is. "
            f"Blue: given the data, with median and {words.level_percent(prob)} interval below. "
            + ("Dashed grey: before the data. " if prior else "")
            + "Vertical line: no effect."
        ),
    )


def _finish_density(axis: "Axes", row: EffectRow, name: str, run: FinishedRun) -> None:
    """Choose the window from the posterior, draw the prior in it and mark no effect."""
    draws, prior = run.draws[row.key], run.prior_draws.get(row.key)
    low, high = (float(value) for value in np.quantile(draws, (0.001, 0.999)))
    margin = 0.35 * (high - low)
    window = (min(low - margin, 0.0 - 0.1 * margin), max(high + margin, 0.1 * margin))
    if prior is not None and drawable(prior):
        grid = np.linspace(*window, 200)
        axis.plot(grid, estimate_density(prior, grid), color=GREY, linestyle="--", linewidth=1.2)
    axis.axvline(0.0, color=GREY, linewidth=0.9, zorder=0)
    axis.set_xlim(window)
    axis.locator_params(axis="x", nbins=5)
    axis.set_title(name)


def estimate_density(draws: Draws, grid: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Draws:
    """Return a Gaussian kernel density of the draws on the grid; its width resists the heavy tails of products."""
    values = np.sort(draws.ravel())
    spread = float(np.subtract(*np.quantile(values, (0.75, 0.25)))) / 1.34 or float(values.std())
    width = 0.9 * spread * values.size ** (-0.2)
    near = values[(values > grid[0] - 5 * width) & (values < grid[-1] + 5 * width)]
    kernel = np.exp(-0.5 * ((grid[:, None] - near[None, :]) / width) ** 2)
    density: Draws = kernel.sum(axis=1) / (values.size * width * np.sqrt(2 * np.pi))
    return density


def present(figures: Iterable[Figure | None]) -> tuple[Figure, ...]:
    """Return the figures that could be drawn."""
    return tuple(figure for figure in figures if figure is not None)

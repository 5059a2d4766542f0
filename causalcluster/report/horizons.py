"""Effects over time: tables and curves of responses at horizons, and the diagram unrolled over the periods that it spans."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from causalcluster.analysis.records import Edge
from causalcluster.diagram import to_svg as diagram_svg
from causalcluster.graph import CausalGraph
from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, main_level, outcome_decimals
from causalcluster.report.canvas import BLUE, GREY, INK, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.cells import text_cell
from causalcluster.report.diagrams import graph_of
from causalcluster.report.records import Cell, EffectKey, EffectRow, Figure, FinishedRun, Table

_COLOURS: Final = (INK, GREY, BLUE, ORANGE, "#5a7d2a", "#7a4f8f", "#a3403f")
_REGIMES: Final = {"sustained": "a change that lasts", "pulse": "a change in the first period alone"}
MOST_UNROLLED: Final = 24
"""Nodes of an unrolled diagram that is drawn."""


def at_start(run: FinishedRun) -> FinishedRun:
    """Return the run with the effects of the first horizon and regime alone; a run without horizons as it is."""
    first = next((row.key for row in run.effects if row.key.horizon), None)
    if first is None:
        return run

    def kept(key: EffectKey) -> bool:
        return (key.horizon, key.regime) == (first.horizon, first.regime)

    return replace(
        run,
        effects=tuple(row for row in run.effects if kept(row.key)),
        draws={key: values for key, values in run.draws.items() if kept(key)},
        prior_draws={key: values for key, values in run.prior_draws.items() if kept(key)},
    )


def horizon_tables(run: FinishedRun, outcome: str) -> tuple[Table, ...]:
    """Return the responses under each regime: effects by horizon, at the main level; none without horizons."""
    rows = _rows(run, outcome)
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    tables = []
    for regime in dict.fromkeys(row.key.regime for row in rows):
        own = [row for row in rows if row.key.regime == regime]
        horizons = list(dict.fromkeys(row.key.horizon for row in own))
        found = {(_plain(row.key), row.key.horizon): row for row in own}
        head = words.level_percent(own[0].ci_prob)
        tables.append(
            Table(
                caption=f"{level_title(run, main_level(run))}: effects on {labels[outcome]} of "
                f"{_REGIMES.get(regime, regime)} ({regime}), by horizon",
                header=("Effect", *(f"Period {horizon}, {head} interval" for horizon in horizons)),
                rows=tuple(
                    (
                        text_cell(words.effect_name(key, labels)),
                        *(_estimate(found.get((key, horizon)), decimals) for horizon in horizons),
                    )
                    for key in dict.fromkeys(_plain(row.key) for row in own)
                ),
                note="Period 0 is that of the change. What runs through an actor is the sum over all ways on which that "
                "actor comes first.",
            )
        )
    return tuple(tables)


def _rows(run: FinishedRun, outcome: str) -> list[EffectRow]:
    level, mediators = main_level(run), run.run.analysis.question.mediators
    return [
        row
        for row in run.effects
        if row.key.outcome == outcome
        and row.key.level == level
        and row.key.horizon
        and row.has_interval
        and not (row.key.via == "all" and len(mediators) == 1)
    ]


def _plain(key: EffectKey) -> EffectKey:
    return replace(key, horizon="", regime="")


def _estimate(row: EffectRow | None, decimals: int) -> Cell:
    if row is None:
        return Cell(text=words.EMPTY, numeric=True)
    ends = f"{words.number(row.lower, decimals)} to {words.number(row.upper, decimals)}"
    return Cell(text=f"{words.number(row.median, decimals)} ({ends})", number=row.median, numeric=True)


def draw_responses(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw medians and intervals of every effect over the horizons, a panel for each regime; None with one horizon."""
    rows = _rows(run, outcome)
    regimes = list(dict.fromkeys(row.key.regime for row in rows))
    if len({row.key.horizon for row in rows}) < 2:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    with canvas_settings():
        import matplotlib.pyplot as plt

        canvas, axes = plt.subplots(1, len(regimes), figsize=(1.0 + 3.4 * len(regimes), 3.1), sharey=True, squeeze=False)
        for axis, regime in zip(axes[0], regimes, strict=True):
            axis.axhline(0.0, color=GREY, linewidth=0.9, zorder=0)
            own = [row for row in rows if row.key.regime == regime]
            for k, key in enumerate(dict.fromkeys(_plain(row.key) for row in own)):
                line = sorted((row for row in own if _plain(row.key) == key), key=lambda row: int(row.key.horizon))
                places = [int(row.key.horizon) for row in line]
                colour = _COLOURS[k % len(_COLOURS)]
                axis.fill_between(places, *_ends(line), color=colour, alpha=0.12, linewidth=0.0)
                axis.plot(
                    places, [row.median for row in line], color=colour, marker="o", markersize=3.5, linewidth=1.2,
                    label=short_name(words.effect_name(key, labels)),
                )  # fmt: skip
            axis.set_title(regime)
            axis.set_xlabel("Periods after the change")
            axis.set_xticks(sorted({int(row.key.horizon) for row in own}))
        axes[0][0].set_ylabel(short_name(f"Effect on {labels[outcome]}", 34))
        axes[0][-1].legend(frameon=False, fontsize="small")
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    said = "; ".join(f"{words.effect_name(row.key, labels)}: {words.estimate(row, decimals)}" for row in rows)
    head = words.level_percent(rows[0].ci_prob)
    return Figure(
        source=embed_svg(svg),
        alt=f"Responses of {labels[outcome]}: {said}.",
        caption=f"{level_title(run, main_level(run))}: how {labels[outcome]} responds, period by period. Dots: medians; "
        f"bands: {head} intervals; horizontal line: no effect.",
    )


def _ends(line: Sequence[EffectRow]) -> tuple[list[float], list[float]]:
    return [row.lower or 0.0 for row in line], [row.upper or 0.0 for row in line]


def draw_unrolled(run: FinishedRun) -> Figure | None:
    """Draw the diagram over as many periods as its longest lag spans; None without lags, or where it would be too large."""
    analysis, labels = run.run.analysis, labels_of(run)
    lagged = [edge for edge in analysis.edges if edge.lag]
    longest = max((edge.lag for edge in lagged), default=0)
    if not lagged or len(analysis.nodes) * (longest + 1) > MOST_UNROLLED:
        return None
    within = graph_of(analysis)
    nodes, layers, edges, names = [], [], [], {}
    for ago in range(longest, -1, -1):
        for name, layer in within.layers:
            nodes.append(f"{name}@{ago}")
            layers.append((f"{name}@{ago}", layer))
            when = f"t \N{MINUS SIGN} {ago}" if ago else "t"
            names[f"{name}@{ago}"] = f"{labels.get(name, name)}, {when}"
        edges += [_at(edge, ago, ago) for edge in within.edges]
    edges += [_at(edge, ago + edge.lag, ago) for edge in lagged for ago in range(longest - edge.lag + 1)]
    unrolled = CausalGraph(nodes=tuple(nodes), layers=tuple(layers), edges=tuple(edges), unobserved=(), interactions=())
    arrows = "; ".join(
        f"{labels.get(edge.source, edge.source)} to {labels.get(edge.target, edge.target)}, {edge.lag} later"
        for edge in lagged
    )
    return Figure(
        source=embed_svg(diagram_svg(unrolled, names)),
        alt=f"The diagram unrolled over {longest + 1} periods. Arrows across periods: {arrows}.",
        caption=f"The diagram unrolled over {longest + 1} periods, t being the last; it goes on like this both ways.",
    )


def _at(edge: Edge, source: int, target: int) -> Edge:
    return replace(edge, source=f"{edge.source}@{source}", target=f"{edge.target}@{target}", lag=0)

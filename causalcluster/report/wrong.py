"""The page "How could this be wrong?": what something unmeasured would have to be to change the answer."""

from collections.abc import Iterator, Sequence
from typing import Final

from causalcluster.report import contours, falsification, multiverse, words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.canvas import BLUE, GREY, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.cells import estimate_cell, number_cell, text_cell
from causalcluster.report.doubt_records import CurveRow, TippingRow
from causalcluster.report.records import Cell, EffectKey, Figure, FinishedRun, Table

_CLOSE: Final = 0.1
"""A correlation so small, or smaller, is said to be small."""


def doubt_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return in words what would undo each mediated effect; empty where nothing was examined."""
    labels, level = labels_of(run), main_level(run)
    said: list[str] = []
    for row in run.tipping:
        if row.reason and row.rho_zero is None:
            pair = f"{labels.get(row.mediator, row.mediator)} and {labels.get(row.outcome, row.outcome)}"
            said.append(f"What an unmeasured cause of {pair} would do is not computed: {row.reason}.")
    own = [row for row in run.tipping if row.level == level and row.effect == "nie" and row.via == row.mediator]
    if own:
        said.insert(0, _WHAT)
    said += [_sentence(run, row, labels) for row in own if row.rho_zero is not None]
    return tuple(said)


_WHAT: Final = (
    "All of the above takes for granted that nothing unmeasured moves both a mediator and the outcome. If something does, "
    "the parts of the two that their causes do not explain go together; how closely is a correlation between "
    "\N{MINUS SIGN}1 and 1, of which the data say nothing. What they say is how large it would have to be."
)


def _sentence(run: FinishedRun, row: TippingRow, labels: dict[str, str]) -> str:
    via, outcome = labels.get(row.via, row.via), labels.get(row.outcome, row.outcome)
    text = f"The effect through {via} on {outcome} would vanish at a correlation of {words.number(row.rho_zero, 2)}"
    if row.benchmark and row.times_benchmark is not None and row.rho_benchmark is not None:
        cause = labels.get(row.benchmark, row.benchmark)
        text += (
            f"; leaving {cause} out, the strongest of the measured causes of both, would make one of "
            f"{words.number(row.rho_benchmark, 2)}, so it would take {words.number(row.times_benchmark, 1)} times that"
        )
    text += ". "
    if row.rho_interval is None:
        text += "At no correlation up to 0.99 does its interval hold zero."
    elif row.rho_interval == 0.0:
        text += "Its interval holds zero as it is."
    else:
        small = ", which is small," if abs(row.rho_interval) <= _CLOSE else ""
        text += f"Its interval holds zero from a correlation of {words.number(row.rho_interval, 2)} on{small}."
    clusters = [
        item
        for item in run.tipping
        if item.level == "cluster"
        and (item.outcome, item.effect, item.via, item.mediator) == (row.outcome, "nie", row.via, row.mediator)
    ]
    firm = sum(item.rho_interval is None or abs(item.rho_interval) > _CLOSE for item in clusters)
    if clusters:
        text += (
            f" In {firm} of {words.counted(len(clusters), 'cluster')} its sign would survive a correlation of "
            f"\N{PLUS-MINUS SIGN}{_CLOSE:g}."
        )
    if row.identified == "no":
        text += " A declared unmeasured cause bars this effect, so that it is read off at a correlation one believes in."
    return text


def tipping_tables(run: FinishedRun) -> tuple[Table, ...]:
    """Return what would undo each effect, at the main level and by cluster."""
    rows = [row for row in run.tipping if row.rho_zero is not None]
    main = [row for row in rows if row.level == main_level(run)]
    own = [row for row in rows if row.level == "cluster" and row.effect == "nie" and row.via == row.mediator]
    found = []
    if main:
        found.append(
            Table(
                caption="What an unmeasured cause would have to be",
                header=("Effect", "Outcome", "Errors of", *_HEAD, "E-value", "of the interval"),
                rows=tuple(
                    (
                        *_names(run, row),
                        *_numbers(run, row),
                        number_cell(row.e_value, 2),
                        number_cell(row.e_value_interval, 2),
                    )
                    for row in main
                ),
                note="An E-value is the risk ratio by which an unmeasured cause would have to go with both sides to explain "
                "the effect away (VanderWeele and Ding 2017), differences taken in standard deviations of the outcome; of "
                "the interval: to bring its nearer end to zero. Correlations are of the errors of mediator and outcome.",
            )
        )
    if own:
        found.append(
            Table(
                caption="What it would have to be in each cluster",
                header=("Cluster", "Effect", "Outcome", "Errors of", *_HEAD[:2]),
                rows=tuple((text_cell(row.cluster), *_names(run, row), *_numbers(run, row)[:2]) for row in own),
                folded=f"Show by cluster ({len(own):,} rows)",
            )
        )
    return tuple(found)


_HEAD: Final = (
    "Vanishes at correlation", "Interval holds 0 from", "Strongest measured cause", "would make", "times that",
)  # fmt: skip


def _names(run: FinishedRun, row: TippingRow) -> tuple[Cell, ...]:
    labels = labels_of(run)
    key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
    names = (words.effect_name(key, labels), labels.get(row.outcome, row.outcome), labels.get(row.mediator, row.mediator))
    return tuple(map(text_cell, names))


def _numbers(run: FinishedRun, row: TippingRow) -> tuple[Cell, ...]:
    return (
        number_cell(row.rho_zero, 2),
        text_cell("none up to 0.99") if row.rho_interval is None else number_cell(row.rho_interval, 2),
        text_cell(labels_of(run).get(row.benchmark, row.benchmark) or words.EMPTY),
        number_cell(row.rho_benchmark, 2),
        number_cell(row.times_benchmark, 1),
    )


def draw_curves(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the effect through each mediator by the correlation of its error with the outcome's, at the main level."""
    level = main_level(run)
    rows = [
        row
        for row in run.curves
        if (row.outcome, row.level, row.effect) == (outcome, level, "nie")
        and row.via == row.mediator
        and row.rho is not None
    ]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    vias = list(dict.fromkeys(row.via for row in rows))
    with canvas_settings():
        import matplotlib.pyplot as plt

        canvas, axes = plt.subplots(1, len(vias), figsize=(1.0 + 3.2 * len(vias), 3.0), squeeze=False)
        for axis, via in zip(axes[0], vias, strict=True):
            own = sorted((row for row in rows if row.via == via), key=lambda row: row.rho or 0.0)
            rho = [row.rho or 0.0 for row in own]
            axis.axhline(0.0, color=GREY, linewidth=0.9, zorder=0)
            axis.axvline(0.0, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
            axis.fill_between(rho, *_ends(own), color=BLUE, alpha=0.15, linewidth=0.0)
            axis.plot(rho, [row.mean for row in own], color=BLUE, linewidth=1.4)
            for mark in _marks(run, outcome, via, level):
                axis.axvline(mark, color=ORANGE, linewidth=1.1, linestyle="--")
            axis.set_title(short_name(f"Through {labels.get(via, via)}"))
            axis.set_xlabel("Correlation of errors")
        axes[0][0].set_ylabel(short_name(f"Effect on {labels[outcome]}", 34))
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    said = "; ".join(
        f"through {labels.get(row.via, row.via)} at {words.number(row.rho, 2)}: {words.number(row.mean, decimals)}"
        for row in rows
    )
    head = words.level_percent(rows[0].ci_prob)
    return Figure(
        source=embed_svg(svg),
        alt=f"Effects on {labels[outcome]} by the correlation of errors: {said}.",
        caption=f"Effects on {labels[outcome]} if errors of the mediator and the outcome were correlated. Line: mean; band: "
        f"{head} interval; dotted: no correlation, as everywhere else in this report; dashed: what leaving out the "
        "strongest measured cause would make.",
    )


def _marks(run: FinishedRun, outcome: str, via: str, level: str) -> list[float]:
    key = (outcome, "nie", via, level, via)
    return [
        row.rho_benchmark
        for row in run.tipping
        if (row.outcome, row.effect, row.via, row.level, row.mediator) == key and row.rho_benchmark is not None
    ]


def _ends(rows: Sequence[CurveRow]) -> tuple[list[float], list[float]]:
    return [row.lower or 0.0 for row in rows], [row.upper or 0.0 for row in rows]


def prior_table(run: FinishedRun) -> Table | None:
    """Return the effects with the correlation averaged over its prior; None where none was asked for."""
    rows = [row for row in run.curves if row.rho is None and row.level == main_level(run)]
    if not rows:
        return None
    labels = labels_of(run)
    head = words.level_percent(rows[0].ci_prob)

    def line(row: CurveRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
        decimals = outcome_decimals(run, row.outcome)
        mediator = labels.get(row.mediator, row.mediator)
        names = (words.effect_name(key, labels), labels.get(row.outcome, row.outcome), mediator)
        return (*map(text_cell, names), estimate_cell(row.mean, row.lower, row.upper, decimals))

    return Table(
        caption="With the correlation itself uncertain",
        header=("Effect", "Outcome", "Errors of", f"Mean, {head} interval"),
        rows=tuple(map(line, rows)),
        note="The correlation has the prior that the analysis names ('sensitivity: rho_sd'); the data do not change it.",
    )


def doubt_page(run: FinishedRun, outcomes: Sequence[str]) -> dict[str, object]:
    """Return all that the page shows; its parts are empty where there is nothing to say."""
    drawn = (draw_curves, contours.draw_contours, multiverse.draw_specifications)
    figures: Iterator[Figure | None] = (draw(run, outcome) for draw in drawn for outcome in outcomes)
    tables = (
        *tipping_tables(run),
        prior_table(run),
        falsification.power_table(run),
        falsification.independence_table(run),
        falsification.refutation_table(run),
        falsification.lead_table(run),
        falsification.cohort_table(run),
        multiverse.multiverse_table(run),
        multiverse.models_table(run),
    )
    return {
        "sentences": (*doubt_sentences(run), *multiverse.multiverse_sentences(run)),
        "figures": [figure for figure in figures if figure is not None],
        "tables": [table for table in tables if table is not None],
    }

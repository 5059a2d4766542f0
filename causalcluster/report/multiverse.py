"""Other analyses of the same question: the specification curve, their effects, and how well models foretell clusters."""

from collections.abc import Sequence
from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.canvas import BLUE, GREY, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.cells import estimate_cell, number_cell, percent_cell, text_cell
from causalcluster.report.doubt_records import ModelRow, MultiverseRow
from causalcluster.report.records import Cell, EffectKey, Figure, FinishedRun, Table

_MAIN: Final = "main"
_CHANGED: Final = {
    "nodes": "nodes",
    "edges": "diagram",
    "add_edges": "edges added",
    "drop_edges": "edges dropped",
    "interactions": "interactions",
    "unobserved": "unmeasured causes",
    "question": "question",
    "model": "model",
}


def multiverse_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return in words in how many of the analyses each effect keeps its sign; empty where there are no alternatives."""
    labels, said = labels_of(run), []
    for (outcome, effect, via), rows in _by_effect(run).items():
        main = next((row for row in rows if row.alternative == _MAIN and row.mean is not None), None)
        others = [row for row in rows if row.alternative != _MAIN]
        known = [row for row in others if row.mean is not None]
        if main is None or main.mean is None or not others:
            continue
        kept = sum((row.mean or 0.0) * main.mean > 0.0 for row in known)
        firm = sum(_is_firm(row) for row in known)
        key = EffectKey(outcome=outcome, effect=effect, via=via)
        name = f"{words.sentence(words.effect_name(key, labels)).rstrip('.')} on {labels.get(outcome, outcome)}"
        text = (
            f"{name}: of {words.counted(len(others), 'alternative')}, {kept} give the same sign as the main "
            f"analysis, {firm} with an interval that excludes zero"
        )
        missing = len(others) - len(known)
        text += f"; {missing} do not give this effect." if missing else "."
        said.append(text)
    return tuple(said)


def _is_firm(row: MultiverseRow) -> bool:
    return row.lower is not None and row.upper is not None and (row.lower > 0.0 or row.upper < 0.0)


def _by_effect(run: FinishedRun) -> dict[tuple[str, str, str], list[MultiverseRow]]:
    """Return the rows of total, nde and nie at the main level, or at the sample where an analysis has no population."""
    found: dict[tuple[str, str, str], dict[str, MultiverseRow]] = {}
    level = main_level(run)
    for row in run.multiverse:
        if row.effect not in ("total", "nde", "nie"):
            continue
        own = found.setdefault((row.outcome, row.effect, row.via), {})
        if row.level == level or row.alternative not in own or (own[row.alternative].mean is None and row.mean is not None):
            own[row.alternative] = row
    return {key: list(own.values()) for key, own in found.items()}


def draw_specifications(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw each effect's mean and interval in every analysis, ordered by size; None where there are no alternatives."""
    panels = {key: rows for key, rows in _by_effect(run).items() if key[0] == outcome and key[2] != "all"}
    panels = {key: [row for row in rows if row.mean is not None] for key, rows in panels.items()}
    panels = {key: rows for key, rows in panels.items() if len(rows) > 1}
    if not panels:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    with canvas_settings():
        import matplotlib.pyplot as plt

        most = max(map(len, panels.values()))
        canvas, axes = plt.subplots(1, len(panels), figsize=(1.6 + 2.3 * len(panels), 1.0 + 0.24 * most), squeeze=False)
        for axis, ((_, effect, via), rows) in zip(axes[0], panels.items(), strict=True):
            ordered = sorted(rows, key=lambda row: row.mean or 0.0)
            for height, row in enumerate(ordered):
                color = ORANGE if row.alternative == _MAIN else BLUE
                axis.plot([row.lower or 0.0, row.upper or 0.0], [height, height], color=color, linewidth=1.2)
                axis.plot([row.mean], [height], "o", color=color, markersize=3.5)
            axis.set_yticks(range(len(ordered)), [short_name(row.alternative) for row in ordered])
            axis.axvline(0.0, color=GREY, linewidth=0.6)
            key = EffectKey(outcome=outcome, effect=effect, via=via)
            axis.set_title(short_name(words.effect_name(key, labels)), fontsize=8)
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    text = "; ".join(
        f"{words.effect_name(EffectKey(outcome=outcome, effect=effect, via=via), labels)}: "
        + ", ".join(f"{row.alternative} {words.number(row.mean, decimals)}" for row in rows)
        for (_, effect, via), rows in panels.items()
    )
    return Figure(
        source=embed_svg(svg),
        alt=f"Means of effects on {labels[outcome]} in every analysis. {text}.",
        caption=f"Specification curve: effects on {labels[outcome]} in every analysis, with intervals. Orange: main.",
    )


def multiverse_table(run: FinishedRun) -> Table | None:
    """Return every analysis' effects; None where there are no alternatives."""
    grouped = _by_effect(run)
    if not grouped:
        return None
    labels = labels_of(run)
    head = words.level_percent(next((row.ci_prob for rows in grouped.values() for row in rows if row.ci_prob), 0.95))

    def line(row: MultiverseRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
        return (
            text_cell(row.alternative),
            text_cell(_changes(row.changed)),
            text_cell(words.effect_name(key, labels)),
            text_cell(labels.get(row.outcome, row.outcome)),
            text_cell(row.level),
            estimate_cell(row.mean, row.lower, row.upper, outcome_decimals(run, row.outcome)),
            percent_cell(row.prob_positive),
            text_cell(row.reason),
        )

    rows = tuple(line(row) for rows in grouped.values() for row in rows)
    return Table(
        caption="The same effects in every analysis",
        header=(
            "Analysis", "Changed", "Effect", "Outcome", "Level", f"Mean, {head} interval", "Probability above 0", "Remark",
        ),
        rows=rows,
        note="Effects of different diagrams or questions answer different questions: they are not averaged.",
        folded=f"Show all {len(rows):,} rows" if len(rows) > 12 else "",
    )  # fmt: skip


def models_table(run: FinishedRun) -> Table | None:
    """Return how well each model foretells clusters that it has not seen; None where there are no alternatives."""
    if not run.models:
        return None

    def line(row: ModelRow) -> tuple[Cell, ...]:
        numbers: Sequence[float | None] = (row.elpd, row.elpd_difference, row.se_difference)
        return (
            text_cell(row.alternative),
            text_cell(_changes(row.changed)),
            *(number_cell(value, 1) for value in numbers),
            number_cell(row.weight, 2),
            text_cell(row.reason),
        )

    return Table(
        caption="How well each model foretells a cluster that it has not seen",
        header=(
            "Analysis",
            "Changed",
            "Log density",
            "less that of the main one",
            "Standard error",
            "Weight",
            "Not compared",
        ),
        rows=tuple(map(line, run.models)),
        note="By refits without each cluster. Weights are those of the mixture that foretells best (Yao et al. 2018); "
        "only models of the same data, diagram and question are compared. They say nothing about which diagram is true.",
    )


def _changes(changed: str) -> str:
    return ", ".join(_CHANGED.get(name, name) for name in changed.split(";") if name)

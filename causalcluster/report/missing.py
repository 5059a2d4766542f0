"""Missing values in the report: how much is missing where, and what a departure from missing at random would change."""

from collections.abc import Sequence
from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, main_level, outcome_decimals
from causalcluster.report.cells import number_cell, text_cell
from causalcluster.report.doubt_records import MissingSummary, ShiftRow
from causalcluster.report.records import Cell, EffectKey, FinishedRun, Table

_SHOWN: Final = ("total", "nde", "nie", "overall", "ide", "iie")
_NAMED: Final = 5
_LARGE: Final = 1.0
"""Posterior standard deviations beyond which a change is called large."""


def missing_table(run: FinishedRun) -> Table | None:
    """Return how much is missing of every node with gaps; None where nothing is."""
    data, labels = run.run.data, labels_of(run)
    if not data.missing:
        return None

    def row(item: MissingSummary) -> tuple[Cell, ...]:
        share = f"{item.rows:,} of {data.rows_used:,} ({words.percent(item.rows / data.rows_used)})"
        cells = [text_cell(labels.get(item.node, item.node)), text_cell(share)]
        if data.cluster_column:
            cells += [text_cell(f"{item.clusters:,} of {len(data.clusters):,}"), text_cell(_named(item.empty))]
        done = "averaged over under the model" if item.averaged else "such rows say nothing about it"
        return (*cells, text_cell(done))

    clusters = ("Clusters with gaps", "Clusters without any value") if data.cluster_column else ()
    return Table(
        caption="Missing values",
        header=("Node", "Rows without a value", *clusters, "What was done"),
        rows=tuple(row(item) for item in data.missing),
        note="Nothing is filled in: right where values are missing at random given what else their row has of the diagram.",
    )


def _named(labels: Sequence[str]) -> str:
    if not labels:
        return "none"
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def shift_table(run: FinishedRun, outcome: str) -> Table | None:
    """Return the effects with the missing values of each node shifted, at the main level; None where none was."""
    level, labels = main_level(run), labels_of(run)
    rows = [row for row in run.shifts if (row.outcome, row.level) == (outcome, level) and row.effect in _SHOWN]
    if not rows:
        return None
    decimals, effects = outcome_decimals(run, outcome), list(dict.fromkeys((row.effect, row.via) for row in rows))
    cases = list(dict.fromkeys((row.node, row.shift) for row in rows))
    found = {(row.node, row.shift, row.effect, row.via): row for row in rows}
    main = {(row.key.effect, row.key.via): row for row in run.effects if _is_main(row.key, outcome, level)}

    def line(effect: str, via: str) -> tuple[Cell, ...]:
        key = EffectKey(outcome=outcome, effect=effect, via=via, level=level)
        own = main.get((effect, via))
        cells = (_cell(found.get((node, shift, effect, via)), decimals) for node, shift in cases)
        return (text_cell(words.effect_name(key, labels)), number_cell(own.mean if own else None, decimals), *cells)

    names = (f"{labels.get(node, node)} {shift:+g} sd" for node, shift in cases)
    return Table(
        caption=f"{level_title(run, level)}: effects on {labels[outcome]} if missing values were lower or higher",
        header=("Effect", "As fitted", *names),
        rows=tuple(line(effect, via) for effect, via in effects),
        note=_note(rows),
    )


def _is_main(key: EffectKey, outcome: str, level: str) -> bool:
    plain = not (key.at or key.horizon or key.regime) and key.scale == "difference"
    return plain and (key.outcome, key.level) == (outcome, level)


def _cell(row: ShiftRow | None, decimals: int) -> Cell:
    if row is None or row.mean is None or row.change is None:
        return Cell(text=words.EMPTY, numeric=True)
    large = abs(row.change) > _LARGE
    text = f"{words.number(row.mean, decimals)} ({row.change:+.1f} sd)"
    return Cell(text=text, number=row.mean, numeric=True, mark="open" if large else "")


def _note(rows: Sequence[ShiftRow]) -> str:
    changes = [abs(row.change) for row in rows if row.change is not None]
    doubtful = ", some of these short fits are not to be trusted" if any(row.reason for row in rows) else ""
    return (
        "Missing values of one node at a time lie half a standard deviation inside clusters (half a unit of the link "
        "elsewhere) above or below what the model says. In brackets, the change in posterior standard deviations; "
        f"the largest is {max(changes, default=0.0):.1f}{doubtful}."
    )

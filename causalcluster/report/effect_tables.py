"""Tables of effects and hypotheses; each is a pure function of a finished run."""

from collections.abc import Iterable
from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, outcome_decimals
from causalcluster.report.cells import Mark, number_cell, percent_cell, plain_cell, text_cell, verdict_cell
from causalcluster.report.records import Cell, EffectRow, FinishedRun, HypothesisRow, Table
from causalcluster.report.scales import as_kind, no_effect

_MARKS: Final[dict[str, Mark]] = {
    "supported": "good",
    "contradicted": "bad",
    "not_testable": "muted",
    "undecided": "open",
}


def effect_tables(run: FinishedRun, outcome: str) -> tuple[Table, ...]:
    """Return one table of effects for each level that is not a single cluster's; of effects on one scale."""
    levels = ("population", "sample", "sample_rows", "new", "between_sd")
    tables = (_effect_table(run, outcome, level) for level in levels)
    return tuple(table for table in tables if table is not None)


def _effect_table(run: FinishedRun, outcome: str, level: str) -> Table | None:
    rows = [row for row in run.effects if row.key.outcome == outcome and row.key.level == level]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    signed, scale = level != "between_sd", rows[0].key.scale
    head = words.level_percent(rows[0].ci_prob)
    sign = (f"Probability above {no_effect(scale):g}",) if signed else ()
    return Table(
        caption=_caption(run, level, labels[outcome], scale),
        header=(
            "Effect",
            "Mean",
            "SD",
            "Median",
            f"{head} from",
            "to",
            *sign,
            "Bulk ESS",
            "Tail ESS",
            "R-hat",
        ),
        rows=tuple((text_cell(words.effect_name(row.key, labels)), *_numbers(row, decimals, signed=signed)) for row in rows),
        note=_reasons(rows, labels),
        folded="" if level in ("population", "sample") else f"Show: {level_title(run, level).lower()}{_as(scale)}",
    )


def _caption(run: FinishedRun, level: str, label: str, scale: str) -> str:
    return f"{level_title(run, level)}: effects on {label}{_as(scale)}"


def _as(scale: str) -> str:
    """Return nothing for differences, else what the numbers are and how they go together."""
    kind = as_kind(scale)
    return f"{kind} (no unit; direct and indirect effect multiply to the total)" if kind else ""


def _numbers(row: EffectRow, decimals: int, *, signed: bool) -> tuple[Cell, ...]:
    places = 3 if row.key.effect == "prop_mediated" else decimals
    sign = (percent_cell(row.prob_positive),) if signed else ()
    return (
        *(number_cell(value, places) for value in (row.mean, row.sd, row.median, row.lower, row.upper)),
        *sign,
        number_cell(row.ess_bulk, 0),
        number_cell(row.ess_tail, 0),
        number_cell(row.r_hat, 3),
    )


def _reasons(rows: Iterable[EffectRow], labels: dict[str, str]) -> str:
    given: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            given.setdefault(row.reason, []).append(words.effect_name(row.key, labels))
    return " ".join(words.sentence(f"{words.joined(names)}: {reason}") for reason, names in given.items())


def cluster_effects_table(run: FinishedRun, outcome: str) -> Table | None:
    """Return the full table of effects by cluster, folded; None where there are no clusters."""
    rows = [row for row in run.effects if row.key.outcome == outcome and row.key.level == "cluster"]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    outside = {cluster.label for cluster in run.run.data.clusters if not cluster.spans_contrast}
    head, scale = words.level_percent(rows[0].ci_prob), rows[0].key.scale
    return Table(
        caption=_caption(run, "cluster", labels[outcome], scale),
        header=(
            "Cluster",
            "Effect",
            "Mean",
            "SD",
            "Median",
            f"{head} from",
            "to",
            f"Probability above {no_effect(scale):g}",
            "Bulk ESS",
            "Tail ESS",
            "R-hat",
        ),
        rows=tuple(
            (
                text_cell(row.key.cluster + (" *" if row.key.cluster in outside else "")),
                text_cell(words.effect_name(row.key, labels)),
                *_numbers(row, decimals, signed=True),
            )
            for row in rows
        ),
        note="* The data of this cluster do not span the contrast: its effects are extrapolated." if outside else "",
        folded=f"Show every effect in every cluster{_as(scale)} ({len(rows):,} rows)",
    )


def hypotheses_table(run: FinishedRun) -> Table:
    """Return the hypotheses with their verdicts in words."""
    return Table(
        caption="Hypotheses and what the data say about them",
        header=(
            "Hypothesis",
            "Claim",
            "Probability",
            "Prior",
            "Bayes factor",
            "Verdict",
            "In words",
        ),
        rows=tuple(
            (
                text_cell(row.id),
                text_cell(row.claim),
                percent_cell(row.probability),
                percent_cell(row.prior_probability),
                plain_cell(row.bayes_factor),
                verdict_cell(row.verdict.replace("_", " "), _MARKS.get(row.verdict, "open")),
                text_cell(_verdict_words(row)),
            )
            for row in run.hypotheses
        ),
        note="The Bayes factor is the odds after the data over the odds before; above 1 the data speak for the claim.",
    )


def _verdict_words(row: HypothesisRow) -> str:
    grade = "" if row.verdict == "not_testable" else words.sentence(words.bayes_words(row.bayes_factor))
    return " ".join(part for part in (words.verdict_words(row), grade, words.sentence(row.reason)) if part)

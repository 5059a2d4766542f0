"""Tables of what was tried to prove the analysis wrong: independences, tables whose answer is known, placebos, powers."""

from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.cells import Mark, estimate_cell, number_cell, percent_cell, text_cell
from causalcluster.report.doubt_records import CohortRow, IndependenceRow, LeadRow, PowerRow, RefutationRow
from causalcluster.report.records import Cell, EffectKey, FinishedRun, Table


def independence_table(run: FinishedRun) -> Table | None:
    """Return what the diagram says must not go together, held against the data; None where it says nothing."""
    if not run.independences:
        return None
    labels = labels_of(run)
    marks: dict[str, Mark] = {"violated": "bad", "holds": "good"}

    def line(row: IndependenceRow) -> tuple[Cell, ...]:
        given = words.joined(labels.get(name, name) for name in row.given.split()) or "nothing"
        said = row.verdict + (f": {row.reason}" if row.reason else "")
        return (
            text_cell(labels.get(row.left, row.left)),
            text_cell(labels.get(row.right, row.right)),
            text_cell(given),
            number_cell(row.partial_correlation, 2),
            number_cell(row.p_adjusted, 3),
            percent_cell(row.power),
            Cell(text=said, mark=marks.get(row.verdict, "open")),
        )

    return Table(
        caption="What the diagram says has nothing to do with each other",
        header=("Node", "Node", "Given", "Partial correlation", "p, adjusted", "Power", "Verdict"),
        rows=tuple(map(line, run.independences)),
        note="Inside clusters, slopes varying; p values by flipping signs of whole clusters, adjusted for the rate of false "
        "discoveries. Power: how often a partial correlation of 0.1 would be found. Where one is violated, an arrow or an "
        "unmeasured cause may be missing; data alone do not say which.",
    )


_KINDS: Final = {
    "placebo_treatment": "Placebo: treatment permuted",
    "dummy_outcome": "Dummy: outcome permuted",
    "random_cause": "A random cause more",
    "data_subset": "Four fifths of the rows",
}


def refutation_table(run: FinishedRun) -> Table | None:
    """Return the analysis on tables whose answer is known, at the main level; None where it was not asked for."""
    rows = [row for row in run.refutations if row.level == main_level(run) and row.via != "all"]
    if not rows:
        return None
    labels = labels_of(run)

    def line(row: RefutationRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
        decimals = outcome_decimals(run, row.outcome)
        numbers = (row.estimate, row.expected, row.mean, row.mc_error)
        return (
            text_cell(_KINDS.get(row.kind, row.kind)),
            text_cell(words.effect_name(key, labels)),
            text_cell(labels.get(row.outcome, row.outcome)),
            *(number_cell(value, decimals) for value in numbers),
            number_cell(row.p_value, 3),
            Cell(text=row.verdict, mark=_VERDICTS.get(row.verdict, "")),
        )

    return Table(
        caption=f"The analysis on {words.number(rows[0].replicates, 0)} tables of each kind whose answer is known",
        header=("Table", "Effect", "Outcome", "Estimate", "Expected", "Mean of them", "Monte Carlo error", "p", "Verdict"),
        rows=tuple(map(line, rows)),
        note="Where nothing is expected, p is the share of tables with an effect as large as the estimate; else the share "
        "that lies as far from its mean as the estimate does. Standing the test says nothing about unmeasured causes.",
    )


_VERDICTS: Final[dict[str, Mark]] = {
    "refuted": "bad",
    "stands out": "good",
    "not refuted": "good",
    "does not stand out": "open",
}


def lead_table(run: FinishedRun) -> Table | None:
    """Return the placebo test of leads; None where it was not made."""
    rows = [row for row in run.leads if row.p_value is not None]
    if not rows:
        return None
    labels = labels_of(run)

    def line(row: LeadRow) -> tuple[Cell, ...]:
        numbers = (number_cell(row.coefficient, 3), number_cell(row.se, 3), number_cell(row.p_adjusted, 3))
        low = row.p_adjusted is not None and row.p_adjusted < 0.05
        verdict = Cell(text="yes" if low else "no", mark="open" if low else "")
        return (text_cell(labels.get(row.node, row.node)), *numbers, verdict)

    return Table(
        caption="A placebo: does a node go with the next period's policy?",
        header=("Node", "Coefficient of the next value", "Standard error", "p, adjusted", "Moved before the policy"),
        rows=tuple(map(line, rows)),
        note="A policy has no effect before it is there. Causes are held; errors are robust to clusters.",
    )


def cohort_table(run: FinishedRun) -> Table | None:
    """Return effects by when clusters took up the policy; None where they did not at different times."""
    if not run.cohorts:
        return None
    labels = labels_of(run)
    head = words.level_percent(run.cohorts[0].ci_prob)

    def line(row: CohortRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
        return (
            text_cell(row.cohort),
            number_cell(row.clusters, 0),
            text_cell(words.effect_name(key, labels)),
            text_cell(labels.get(row.outcome, row.outcome)),
            estimate_cell(row.mean, row.lower, row.upper, outcome_decimals(run, row.outcome)),
        )

    return Table(
        caption="By when the policy began",
        header=("Began in", "Clusters", "Effect", "Outcome", f"Mean, {head} interval"),
        rows=tuple(map(line, run.cohorts)),
    )


def power_table(run: FinishedRun) -> Table | None:
    """Return how far effects follow the prior and the data; None where that was not computed."""
    rows = [row for row in run.power if row.level == main_level(run)]
    if not rows:
        return None
    labels = labels_of(run)

    def line(row: PowerRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=row.outcome, effect=row.effect, via=row.via)
        return (
            text_cell(words.effect_name(key, labels)),
            text_cell(labels.get(row.outcome, row.outcome)),
            number_cell(row.prior, 3),
            number_cell(row.likelihood, 3),
            Cell(text=row.diagnosis or "no", mark="open" if row.diagnosis else ""),
        )

    return Table(
        caption="Does the answer follow the prior?",
        header=("Effect", "Outcome", "Moves with the prior", "Moves with the data", "Follows the prior"),
        rows=tuple(map(line, rows)),
        note="How far the posterior moves when prior or likelihood are raised to a power near 1 (Kallioinen et al. 2024); "
        "below 0.05 it does not follow.",
    )

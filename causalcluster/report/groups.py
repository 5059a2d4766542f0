"""Effects in groups of clusters, and associations between groups beside the effects inside them."""

from causalcluster.checks.between import is_apart
from causalcluster.report import words
from causalcluster.report.answer import labels_of, outcome_decimals
from causalcluster.report.cells import estimate_cell, number_cell, percent_cell, text_cell
from causalcluster.report.doubt_records import BetweenRow
from causalcluster.report.records import Cell, EffectKey, FinishedRun, Table

_LEVELS = ("population", "sample", "sample_rows", "cluster", "new", "between_sd")


def group_tables(run: FinishedRun, outcome: str) -> tuple[Table, ...]:
    """Return one table for each level of groups of clusters: the expected effects in the clusters of each group."""
    rows = [row for row in run.effects if row.key.outcome == outcome and row.key.level not in _LEVELS]
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    tables = []
    for level in dict.fromkeys(row.key.level for row in rows):
        own = [row for row in rows if row.key.level == level and row.has_interval]
        if not own:
            continue
        head = words.level_percent(own[0].ci_prob)
        lines = tuple(
            (
                text_cell(row.key.cluster),
                text_cell(words.effect_name(row.key, labels)),
                *(number_cell(value, decimals) for value in (row.mean, row.sd, row.lower, row.upper)),
                percent_cell(row.prob_positive),
            )
            for row in own
        )
        tables.append(
            Table(
                caption=f"By {level}: expected effects on {labels[outcome]} in its clusters",
                header=(level, "Effect", "Mean", "SD", f"{head} from", "to", "Probability above 0"),
                rows=lines,
                folded=f"Show effects by {level} ({len(lines):,} rows)",
            )
        )
    return tuple(tables)


def between_table(run: FinishedRun, outcome: str) -> Table | None:
    """Return effects inside groups beside associations between them; None where these are not shown."""
    rows = [row for row in run.between if row.outcome == outcome]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    head, grouping = words.level_percent(rows[0].ci_prob), rows[0].grouping
    groups = f"{rows[0].groups:,.0f}"
    if all(row.effect == "nie" for row in rows):
        # Of a treatment that is one number in every group.
        caption = f"With slopes inside {grouping} and of {grouping} means: effects on {labels[outcome]}"
        columns = (f"Slopes inside {grouping}", f"Slopes of {groups} means")
        note = (
            "The second column is what this report speaks of. The first takes how the outcome goes with the mediators from "
            "differences between rows of one group; where the two differ, groups differ in more than the mediator."
        )
    else:
        caption = f"Inside and between {grouping}: effects on {labels[outcome]}, and associations that are none"
        columns = (f"Inside {grouping}", f"Between {groups} of them")
        note = (
            "The first column is estimated from differences inside groups and is what this report speaks of. The second "
            "shows how the groups' means go together, with all else that differs between the groups in it: it is no effect."
        )
    return Table(
        caption=caption,
        header=("Effect", *(f"{column}, {head} interval" for column in columns), "Differ beyond chance"),
        rows=tuple(_line(row, labels, decimals) for row in rows),
        note=note,
    )


def _line(row: BetweenRow, labels: dict[str, str], decimals: int) -> tuple[Cell, ...]:
    name = words.effect_name(EffectKey(outcome=row.outcome, effect=row.effect, via=row.via), labels)
    apart = is_apart(row.prob_above_within, row.ci_prob)
    return (
        text_cell(name),
        estimate_cell(row.within_mean, row.within_lower, row.within_upper, decimals),
        estimate_cell(row.mean, row.lower, row.upper, decimals),
        Cell(text="yes" if apart else "no", mark="open" if apart else ""),
    )

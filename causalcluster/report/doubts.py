"""What a run is doubted with: positivity, orders of the mediators, predictive checks; in tables and words."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from causalcluster.checks.summary import CheckGroup, describe_failures, summarise_checks
from causalcluster.report import words
from causalcluster.report.answer import labels_of, level_title, main_level, outcome_decimals
from causalcluster.report.cells import Mark, number_cell, percent_cell, plain_cell, text_cell, verdict_cell
from causalcluster.report.doubt_records import CoverageSummary, OrderRow
from causalcluster.report.records import Cell, FinishedRun, Table

_SAME: Final = 1e-3
"""Differences between orders, in posterior standard deviations, that are none."""
_ARROW: Final = " \N{RIGHTWARDS ARROW} "


def positivity_table(run: FinishedRun) -> Table | None:
    """Return how many clusters, and how many of the rows, have data that span what is set; None of older runs."""
    found = run.diagnostics.positivity
    if found is None:
        return None
    labels = labels_of(run)
    clustered = bool(run.run.data.cluster_column)

    def row(item: CoverageSummary) -> tuple[Cell, ...]:
        name = labels.get(item.node, item.node)
        ends = f"{words.plain(run.run.contrast.low)} and {words.plain(run.run.contrast.high)}"
        what = f"{name} reaches {ends}" if item.value is None else f"{name} on both sides of {words.plain(item.value)}"
        clusters = (_share(item.clusters_spanning, item.clusters),) if clustered else ()
        return (text_cell(what), *clusters, _share(item.rows_spanning, item.rows))

    return Table(
        caption="Do the data span what is set?",
        header=("What is set", *(("Clusters",) if clustered else ()), "Rows in them" if clustered else "Rows"),
        rows=tuple(row(item) for item in (found.contrast, *found.fixed)),
        note="Where a cluster's own data do not, its effects rest on the shape of the equations: they are extrapolated.",
    )


def _share(spanning: int | None, whole: int) -> Cell:
    if spanning is None:
        return Cell(text="not known from moments", mark="muted")
    low = 2 * spanning < whole
    return Cell(text=f"{spanning:,} of {whole:,}", mark="open" if low else "")


def orders_table(run: FinishedRun, outcome: str) -> Table | None:
    """Return what enters at each mediator under every order, at the main level; None where there is one order."""
    level, mediators = main_level(run), run.run.analysis.question.mediators
    rows = [row for row in run.orders if row.outcome == outcome and row.level == level]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    orders = list(dict.fromkeys(row.order for row in rows))
    found = {(row.order, row.via): row for row in rows}
    vias = [name for name in mediators if any(row.via == name for row in rows)]
    head = words.level_percent(rows[0].ci_prob)

    def line(order: str) -> tuple[Cell, ...]:
        name = _ARROW.join(labels.get(part, part) for part in order.split(">"))
        declared = any(row.declared == "yes" for row in rows if row.order == order)
        cells = (_estimate(found.get((order, via)), decimals) for via in vias)
        return (text_cell(f"{name} (as declared)" if declared else name), *cells)

    return Table(
        caption=f"{level_title(run, level)}: what enters at each mediator under every order, effects on {labels[outcome]}",
        header=("Order of the mediators", *(f"Through {labels.get(via, via)}, {head} interval" for via in vias)),
        rows=tuple(line(order) for order in orders),
        note=_difference(rows, labels),
    )


def _estimate(row: OrderRow | None, decimals: int) -> Cell:
    if row is None:
        return Cell(text=words.EMPTY, numeric=True)
    ends = f"{words.number(row.lower, decimals)} to {words.number(row.upper, decimals)}"
    return Cell(text=f"{words.number(row.mean, decimals)} ({ends})", number=row.mean, numeric=True)


def _difference(rows: Sequence[OrderRow], labels: dict[str, str]) -> str:
    farthest = max(rows, key=lambda row: abs(row.shift or 0.0))
    size = abs(farthest.shift or 0.0)
    both = "The diagram admits each of these orders, and the parts add up to the same whole in each. "
    if size < _SAME:
        return both + "Here the order makes no difference."
    name = _ARROW.join(labels.get(part, part) for part in farthest.order.split(">"))
    return both + (
        f"The largest difference from the declared order is {size:.2f} posterior standard deviations "
        f"(through {labels.get(farthest.via, farthest.via)} under {name})."
    )


def check_groups(run: FinishedRun) -> tuple[CheckGroup, ...]:
    """Return the predictive checks by node and statistic, those that are least reproduced first."""
    import pandas as pd

    if not run.predictive:
        return ()
    groups = summarise_checks(pd.DataFrame([asdict(row) for row in run.predictive]))
    return tuple(sorted(groups, key=lambda group: (group.reproduced, min(group.chance, _together(group)), -group.small)))


def _together(group: CheckGroup) -> float:
    return 1.0 if group.together is None else group.together


def predictive_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return in words what was replicated, what is not reproduced, and how much of that chance would show."""
    groups = check_groups(run)
    if not groups:
        return ()
    checks, small = sum(group.clusters for group in groups), sum(group.small for group in groups)
    said = ["Data were drawn from the fitted equations, given the observed parents, and held against the observed data."]
    if checks:
        expected = sum(group.expected for group in groups)
        said.append(
            f"Of {words.counted(checks, 'check')} by cluster {small:,} have a p-value below 0.05; "
            f"{expected:,.0f} would by chance if the model were right."
        )
    failures = describe_failures(groups)
    said += [words.sentence(text.removeprefix("predictive checks: ")) for text in failures]
    return (*said, *([] if failures else ["No statistic is beyond what chance would show."]))


def predictive_table(run: FinishedRun) -> Table | None:
    """Return each statistic over all clusters."""
    groups = check_groups(run)
    if not groups:
        return None
    labels = labels_of(run)

    def row(group: CheckGroup) -> tuple[Cell, ...]:
        mark: Mark = "good" if group.reproduced else "bad"
        return (
            text_cell(f"{group.statistic} of {labels.get(group.node, group.node)}"),
            number_cell(float(group.clusters), 0),
            number_cell(float(group.small), 0),
            number_cell(group.expected, 1),
            percent_cell(group.chance) if group.clusters else Cell(text=words.EMPTY, numeric=True),
            plain_cell(group.together),
            verdict_cell("yes" if group.reproduced else "no", mark),
        )

    return Table(
        caption="Does the model reproduce the data?",
        header=(
            "Statistic",
            "Clusters",
            "With p below 0.05",
            "Expected by chance",
            "Chance of as many",
            "p of all rows together",
            "Reproduced",
        ),
        rows=tuple(row(group) for group in groups),
        note="predictive.csv holds every cluster.",
        folded="" if len(groups) <= 12 else f"Show all {words.counted(len(groups), 'statistic')}",
    )

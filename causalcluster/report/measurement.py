"""How well indicators measure their nodes, in the report."""

from causalcluster.report import words
from causalcluster.report.answer import labels_of
from causalcluster.report.cells import estimate_cell, text_cell
from causalcluster.report.doubt_records import MeasurementRow
from causalcluster.report.records import Cell, FinishedRun, Table


def measurement_table(run: FinishedRun) -> Table | None:
    """Return loadings and reliabilities; None where no node has indicators."""
    if not run.measurement:
        return None
    labels = labels_of(run)
    head = words.level_percent(run.measurement[0].ci_prob)

    def line(row: MeasurementRow) -> tuple[Cell, ...]:
        name = labels.get(row.indicator, row.indicator) if row.indicator else "their sum"
        loading = estimate_cell(row.loading_mean, row.loading_lower, row.loading_upper, 2)
        reliability = estimate_cell(row.reliability_mean, row.reliability_lower, row.reliability_upper, 2)
        return text_cell(labels.get(row.node, row.node)), text_cell(name), loading, reliability

    return Table(
        caption="Indicators",
        header=("Node", "Indicator", f"Loading, {head} interval", f"Reliability inside clusters, {head} interval"),
        rows=tuple(line(row) for row in run.measurement),
        note="A node is not seen itself where indicators measure it; it has the unit of the first one, whose loading is 1. "
        "The reliability is the share of an indicator's variance inside clusters that is not its own error. Where one is "
        "taken for the node itself, effects through it come out too small.",
    )

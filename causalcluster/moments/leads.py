"""Moments of rows together with the treatment's value in the next period: what a placebo test of leads needs."""

from dataclasses import replace

import narwhals as nw

from causalcluster.analysis.records import Analysis, Contrast, node_by_name
from causalcluster.data import CLUSTER, PERIOD, UNIT, Counts, Rows, position_column, survey_rows
from causalcluster.data.lags import add_lags, lagged_name
from causalcluster.data.series import number_periods
from causalcluster.moments.records import Moments
from causalcluster.moments.reduction import reduce_rows

MOST_ROWS = 1_000_000
"""Tables with more complete rows are not tested: the next period is a join of the table with itself."""
_PLACE = "place"


def lead_name(analysis: Analysis) -> str:
    """Return the name of the column with the treatment's next value, 'law@-1'."""
    return lagged_name(analysis.question.treatment, -1)


def reduce_leads(analysis: Analysis, rows: Rows) -> Moments | None:
    """Reduce the complete rows that have a next period, with the treatment's value there as one node more.

    Effects of units and periods are taken out as in the analysis. The next period is the next one of the calendar, of the
    same unit (of the same cluster, without units): a gap is never bridged.

    Returns
    -------
    Moments or None
        None without periods, with lagged edges, in tables of more than `MOST_ROWS` complete rows, and where no row has a
        next period.
    """
    lagged = any(edge.lag for edge in analysis.edges)
    if lagged or len(rows.periods) < 2 or rows.counts.complete > MOST_ROWS:
        return None
    nodes = [node.name for node in analysis.nodes]
    keys = [CLUSTER, UNIT] if analysis.data.unit is not None else [CLUSTER]
    frame = rows.complete.select(*keys, PERIOD, *map(position_column, range(len(nodes))))
    frame = number_periods(frame, range(len(rows.places)), rows.places, by=PERIOD, name=_PLACE)
    wanted = [(nodes.index(analysis.question.treatment), -1)]
    joined = add_lags(frame, wanted, len(nodes), on=keys, period=_PLACE)
    joined = joined.filter(~nw.col(position_column(len(nodes))).is_null()).drop(_PLACE)
    survey = survey_rows(joined, columns=len(nodes) + 1)
    count = int(survey.rows.sum())
    if count == 0:
        return None
    lead = replace(node_by_name(analysis, analysis.question.treatment), name=lead_name(analysis), column=lead_name(analysis))
    columns = [node.column for node in analysis.nodes] + [lead.column]
    counts = Counts(rows=count, clusters=len(survey.groups), missing=dict.fromkeys(columns, 0), complete=count)
    widened = replace(
        analysis,
        data=replace(analysis.data, nested_in=(), crossed_with=(), missing="drop"),
        nodes=(*analysis.nodes, lead),
        interactions=(),
        # Any two values do: the contrast is not what is asked.
        question=replace(analysis.question, contrast=Contrast(kind="values", low=0.0, high=1.0)),
    )
    return reduce_rows(widened, replace(rows, frame=joined, complete=joined, survey=survey, counts=counts, groups=()))

"""Moments of rows together with values of earlier periods, by which of these there are."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.data import CLUSTER, Rows, position_column, survey_rows
from causalcluster.data.collection import collect_sums, plain_values
from causalcluster.data.columns import PERIOD
from causalcluster.data.lags import add_lags, first_rows, lagged_name
from causalcluster.errors import DataError
from causalcluster.moments.grouped import reduce_groups
from causalcluster.moments.patterns import PATTERN, absent_names, number_patterns
from causalcluster.moments.records import LagMoments

Floats = NDArray[np.float64]


def reduce_lags(analysis: Analysis, rows: Rows, labels: Sequence[str]) -> LagMoments | None:
    """Reduce complete rows with their past: two scans, and one for the first periods; None without lagged edges.

    Raises
    ------
    DataError
        A lag that reaches back before the first period of every cluster.
    """
    nodes = [node.name for node in analysis.nodes]
    wanted = list(dict.fromkeys((edge.source, edge.lag) for edge in analysis.edges if edge.lag))
    if not wanted:
        return None
    places = [(nodes.index(name), lag) for name, lag in wanted]
    frame = add_lags(rows.complete.select(CLUSTER, PERIOD, *map(position_column, range(len(nodes)))), places, len(nodes))
    names = [lagged_name(name, lag) for name, lag in wanted]
    marked = number_patterns(frame, range(len(nodes), len(nodes) + len(wanted)))
    keys = (CLUSTER, PATTERN)
    survey = survey_rows(marked, columns=len(nodes) + len(names), keys=keys)
    _refuse_unreached(survey.present[:, len(nodes) :].sum(axis=0), wanted, analysis, rows.name)
    tables = reduce_groups(marked, survey, [*nodes, *names], (), keys=keys, name=rows.name)
    found = []
    for (code,), table in tables.items():
        absent = absent_names(int(code), names)
        there = [name for name in (*nodes, *names) if name not in absent]
        found.append(table.sel(column=there, column_2=there, node=there))
    return LagMoments(tables=tuple(found), first=_first_values(rows, nodes, labels))


def _refuse_unreached(present: NDArray[np.int64], wanted: Sequence[tuple[str, int]], analysis: Analysis, where: str) -> None:
    for count, (name, lag) in zip(present, wanted, strict=True):
        if count == 0:
            raise DataError(
                f"no row has a value of {name!r} {lag} period(s) before it",
                where=where,
                why=f"The lag is longer than every span of consecutive periods in {analysis.data.time!r}",
                fix="Draw a shorter lag, or give longer series",
            )


def _first_values(rows: Rows, nodes: Sequence[str], labels: Sequence[str]) -> xr.DataArray:
    found = collect_sums(first_rows(rows.complete).select(CLUSTER, *map(position_column, range(len(nodes)))))
    place = {str(label): i for i, label in enumerate(plain_values(found[CLUSTER]))}
    values: Floats = np.stack([np.array(plain_values(found[position_column(i)]), dtype=float) for i in range(len(nodes))], 1)
    return xr.DataArray(
        values[[place[label] for label in labels]],
        dims=("cluster", "column"),
        coords={"cluster": list(labels), "column": list(nodes)},
    )

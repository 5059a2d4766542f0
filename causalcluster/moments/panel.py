"""What a panel's units, periods and cells add to moments by cluster."""

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.data import Rows, Survey, survey_rows
from causalcluster.data.series import period_columns
from causalcluster.errors import UnsupportedError
from causalcluster.moments.cells import Cells, cell_table, split_layers
from causalcluster.moments.exact_sums import rows_changed
from causalcluster.moments.grouped import reduce_frame
from causalcluster.moments.periods import (
    CELL,
    PeriodSums,
    append_periods,
    border,
    centre_periods,
    shared_periods,
    sum_periods,
)
from causalcluster.moments.pooled import within_squares
from causalcluster.moments.products import Monomial
from causalcluster.moments.units import are_absorbed, count_units, demean_units

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelMoments:
    """Moments with what units and periods add.

    Attributes
    ----------
    table
        With ``units`` (cluster), how many units there are, ``cross_units`` (cluster, column, column_2), the sums of products
        of deviations from the units' means, ``longest`` (), the most rows of a unit; and columns of periods.
    periods
        Names of the periods' columns.
    cells
        What rows of one cluster and period share, where some node does not vary among them; else None.
    """

    table: xr.Dataset
    periods: tuple[str, ...] = ()
    cells: Cells | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """Complete rows and what is to be added to their moments.

    ``names`` are the periods' columns, ``kept`` the places of these periods among all ``count`` of them; ``shared`` are
    nodes that do not vary inside cells.
    """

    frame: nw.LazyFrame[Any]
    survey: Survey
    by_period: Survey | None
    labels: tuple[str, ...]
    nodes: tuple[str, ...]
    names: tuple[str, ...]
    kept: slice
    count: int
    shared: tuple[str, ...]
    where: str


def add_panel_effects(
    analysis: Analysis, table: xr.Dataset, frame: nw.LazyFrame[Any], survey: Survey, rows: Rows, *, gaps: bool
) -> PanelMoments:
    """Add to moments of complete rows what the effects of units and of periods need.

    All scans run in the engine: three for units, one or two for periods, and three more where there are both.

    Parameters
    ----------
    analysis
        With ``unit`` or time effects; otherwise the table comes back as it is.
    table
        From `causalcluster.moments.grouped.reduce_frame`.
    frame, survey
        The same rows, and their survey by cluster.
    rows
        The whole table.
    gaps
        Whether some rows have missing values.

    Returns
    -------
    PanelMoments

    Raises
    ------
    UnsupportedError
        There are missing values to average over, or products where units are absorbed or cells shared.
    DataError
        The table changed between two scans.
    """
    if analysis.data.unit is None and analysis.model.time_effects == "none":
        return PanelMoments(table=table)
    _refuse_combinations(analysis, gaps=gaps)
    task = _plan(analysis, table, frame, survey, rows)
    sums, whole = None, table
    if task.by_period is not None and (task.names or task.shared):
        sums = _sum_raw(table, task, task.by_period)
        whole = append_periods(table, sums, task.kept, task.names) if task.names else table
    among, across = centre_periods(table, sums) if sums is not None else (None, None)
    if analysis.data.unit is not None:
        whole, absorbed = _with_units(whole, task)
        if absorbed is not None and are_absorbed(whole):
            among, across = absorbed
    cells = None
    if task.shared and sums is not None and among is not None and across is not None:
        cells = _share_cells(whole, sums, among, across, table, task)
    return PanelMoments(table=whole, periods=task.names, cells=cells)


def _plan(analysis: Analysis, table: xr.Dataset, frame: nw.LazyFrame[Any], survey: Survey, rows: Rows) -> _Task:
    nodes = tuple(node.name for node in analysis.nodes)
    names = period_columns(analysis.model.time_effects, analysis.data.time, rows.periods)
    by_period = survey_rows(frame, columns=len(nodes), keys=CELL) if rows.periods else None
    shared: tuple[str, ...] = ()
    if by_period is not None and int(by_period.rows.max()) > 1:
        flat = (by_period.minimum == by_period.maximum).all(axis=0)
        moves = (within_squares(table).sel(column=list(nodes)) > 0.0).any("cluster").values
        shared = tuple(name for name, still, moving in zip(nodes, flat, moves, strict=True) if still and moving)
    return _Task(
        frame=frame,
        survey=survey,
        by_period=by_period,
        labels=tuple(str(label) for label in table["cluster"].values),
        nodes=nodes,
        names=names,
        kept=slice(len(rows.periods) - len(names), None),
        count=len(rows.periods),
        shared=shared,
        where=rows.name,
    )


def _sum_raw(table: xr.Dataset, task: _Task, by_period: Survey) -> PeriodSums:
    columns = [str(column) for column in table["column"].values]
    terms = [tuple(sorted(task.nodes.index(factor) for factor in column.split(" * "))) for column in columns]
    reference = table["reference"].sel(column=list(task.nodes)).values
    return sum_periods(task.frame, by_period, reference, task.labels, task.count, terms, name=task.where)


def _with_units(table: xr.Dataset, task: _Task) -> tuple[xr.Dataset, tuple[Floats, Floats] | None]:
    """Add moments inside units; return also the periods' products with each other and with columns inside units."""
    units, longest = count_units(task.frame)
    inside = demean_units(task.frame, task.survey)
    own = survey_rows(inside, columns=len(task.nodes))
    if int(own.rows.sum()) != int(task.survey.rows.sum()):
        raise rows_changed(int(task.survey.rows.sum()), int(own.rows.sum()), task.where)
    cross: Floats = reduce_frame(inside, own, task.nodes, name=task.where).sel(cluster=list(task.labels))["cross"].values
    products = None
    if task.names or task.shared:
        singles: list[Monomial] = [(i,) for i in range(len(task.nodes))]
        nothing = np.zeros((len(task.labels), len(task.nodes)))
        by_period = survey_rows(inside, columns=len(task.nodes), keys=CELL)
        sums = sum_periods(inside, by_period, nothing, task.labels, task.count, singles, name=task.where)
        rows = np.einsum("gt,ts->gts", sums.rows.astype(float), np.eye(task.count))
        products = (rows - shared_periods(task.frame, task.labels, task.count), sums.sums)
        if task.names:
            cross = border(cross, products[1][:, task.kept], products[0][:, task.kept, task.kept])
    return table.assign(
        units=("cluster", np.array([units[label] for label in task.labels], dtype=np.int64)),
        cross_units=(("cluster", "column", "column_2"), cross),
        longest=longest,
    ), products


def _share_cells(
    whole: xr.Dataset, sums: PeriodSums, among: Floats, across: Floats, table: xr.Dataset, task: _Task
) -> Cells:
    columns = [str(column) for column in whole["column"].values]
    reference = table["reference"].sel(column=list(task.nodes)).values[:, None]
    means = reference + sums.sums / np.maximum(sums.rows, 1)[:, :, None]
    ones = np.broadcast_to(np.eye(task.count)[None, :, task.kept], (len(task.labels), task.count, len(task.names)))
    full = np.concatenate([across, among[:, :, task.kept]], axis=2) if task.names else across
    absorbed = are_absorbed(whole)
    cross = whole["cross_units" if absorbed else "cross"].values
    taken = whole["units"].values if absorbed else np.ones(len(task.labels))
    layers, rest = split_layers(task.labels, columns, among, full, cross, whole["n"].values - taken)
    every = np.concatenate([means, ones], axis=2) if task.names else means
    return Cells(nodes=task.shared, table=cell_table(task.labels, columns, sums.rows, every), layers=layers, rest=rest)


def _refuse_combinations(analysis: Analysis, *, gaps: bool) -> None:
    """Raise UnsupportedError for what units and periods do not go together with in this version."""
    key = "unit" if analysis.data.unit is not None else "time_effects"
    where = f"{analysis.path}: {'data: unit' if key == 'unit' else 'model: time_effects'}"
    if gaps and analysis.data.missing == "model":
        raise UnsupportedError(
            f"values are missing, and missing values are not averaged over in an analysis with '{key}'",
            where=where,
            fix=f"Set 'missing: drop' under 'data', or leave '{key}' out",
        )
    if key == "unit" and analysis.interactions:
        item = analysis.interactions[0]
        raise UnsupportedError(
            f"the interaction '{item.name} -> {item.target}' cannot be fitted where units are absorbed",
            where=where,
            fix="Leave the interaction or 'unit' out",
        )

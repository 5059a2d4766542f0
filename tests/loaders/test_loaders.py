"""Every loader on a small file in its publisher's layout."""

import numpy as np
import pandas as pd
import pytest

from causalcluster.errors import DataError
from causalcluster.loaders import (
    card_of,
    load_ictwss,
    load_ilostat,
    load_pwt,
    load_sdmx_csv,
    load_spss,
    load_stata,
    load_vdem,
    load_wdi,
)

ILO = """\
ref_area,source,indicator,sex,classif1,time,obs_value,obs_status,note_source
PAK,BA:471,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_YGE15,2018,4.1,,R1:2382
PAK,BA:471,UNE_2EAP_SEX_AGE_RT,SEX_M,AGE_YTHADULT_YGE15,2018,3.5,,R1:2382
PAK,BA:471,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_Y15-24,2018,7.9,,R1:2382
PAK,BA:471,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_YGE15,2019,4.8,B,R1:2382
NAM,BA:480,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_YGE15,2018,19.9,U,R1:2382
NAM,XA:2023,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_YGE15,2018,20.3,,
X01,XA:2023,UNE_2EAP_SEX_AGE_RT,SEX_T,AGE_YTHADULT_YGE15,2018,5.8,,
"""
ADULTS = {"classif1": "AGE_YTHADULT_YGE15"}


@pytest.fixture
def file(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_ilostat_with_codes(file):
    found = load_ilostat(file(ILO), where=ADULTS, source={"NAM": "BA:480"}, name="unemployment")
    assert found.to_dict("records") == [
        {"country": "NAM", "time": 2018, "unemployment": 19.9, "obs_status": "U"},
        {"country": "PAK", "time": 2018, "unemployment": 4.1, "obs_status": ""},
        {"country": "PAK", "time": 2019, "unemployment": 4.8, "obs_status": "B"},
    ]
    card = card_of(found)
    assert card.labels == {"unemployment": "UNE_2EAP_SEX_AGE_RT"}
    assert "1 rows of groups of countries were dropped" in card.notes
    assert any("BA:471" in note for note in card.notes)


def test_ilostat_asks_for_one_source_and_one_row_a_year(file):
    with pytest.raises(DataError, match=r"NAM has several sources: BA:480, XA:2023.*source=\{\"NAM\""):
        load_ilostat(file(ILO), where=ADULTS)
    with pytest.raises(DataError, match="which differ in 'classif1': AGE_YTHADULT_Y15-24, AGE_YTHADULT_YGE15"):
        load_ilostat(file(ILO), source={"NAM": "BA:480"})
    with pytest.raises(DataError, match="no row has the source 'BA:1'"):
        load_ilostat(file(ILO), where=ADULTS, source="BA:1")
    assert list(load_ilostat(file(ILO), where=ADULTS, sex="SEX_M")["une_2eap_sex_age_rt"]) == [3.5]


def test_ilostat_with_labels(file):
    text = """\
ref_area.label,source.label,indicator.label,sex.label,classif1.label,time,obs_value,obs_status.label
South Africa,LFS - Quarterly,Unemployment rate,Total,Age: 15+,2019,28.5,
World: Low income,ILO modelled,Unemployment rate,Total,Age: 15+,2019,4.9,
Southern Africa,ILO modelled,Unemployment rate,Total,Age: 15+,2019,26.9,
"""
    found = load_ilostat(file(text), name="u")
    assert found[["country", "time", "u"]].to_dict("records") == [{"country": "South Africa", "time": 2019, "u": 28.5}]


def test_ilostat_by_quarter_and_compressed(tmp_path):
    text = ILO.replace("2018", "2018Q1").replace("2019", "2018Q2")
    pd.read_csv(__import__("io").StringIO(text)).to_csv(tmp_path / "t.csv.gz", index=False)
    found = load_ilostat(tmp_path / "t.csv.gz", where=ADULTS, source={"NAM": "BA:480"})
    assert list(found["time"]) == ["2018Q1", "2018Q1", "2018Q2"]


@pytest.mark.parametrize("flow", ["DATAFLOW", "STRUCTURE,STRUCTURE_ID,ACTION"])
def test_sdmx(file, flow):
    own = "ILO:DF_EAR(1.0)" if flow == "DATAFLOW" else "dataflow,ILO:DF_EAR(1.0),I"
    text = f"""\
{flow},REF_AREA,FREQ,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT_MEASURE
{own},NAM,A,SEX_T,2019,12.5,A,LCU
{own},NAM,A,SEX_T,2020,NaN,M,LCU
{own},PAK,A,SEX_T,2019,7.25,A,LCU
{own},PAK,A,SEX_F,2019,6.0,A,LCU
"""
    with pytest.raises(DataError, match=r"2 rows for REF_AREA PAK, TIME_PERIOD 2019, which differ in 'SEX': SEX_F, SEX_T"):
        load_sdmx_csv(file(text))
    found = load_sdmx_csv(file(text), where={"SEX": "SEX_T"}, name="earnings")
    assert list(found["country"]) == ["NAM", "NAM", "PAK"]
    np.testing.assert_array_equal(found["earnings"], [12.5, np.nan, 7.25])
    assert (card_of(found).source, card_of(found).units) == ("ILO:DF_EAR(1.0)", {"earnings": "LCU"})


def test_sdmx_with_labels(file):
    text = "DATAFLOW,REF_AREA: Reference area,SEX: Sex,TIME_PERIOD: Time,OBS_VALUE\nX,PAK: Pakistan,T: Total,2019,3\n"
    found = load_sdmx_csv(file(text), where={"SEX": "T"})
    assert found.to_dict("records") == [{"country": "PAK", "time": 2019, "value": 3.0}]


WDI = """\
"Country Name","Country Code","Indicator Name","Indicator Code","2018","2019",
"Pakistan","PAK","Exports of goods and services (% of GDP)","NE.EXP.GNFS.ZS","8.58","9.36",
"Pakistan","PAK","GDP growth (annual %)","NY.GDP.MKTP.KD.ZG","6.15","2.50",
"Namibia","NAM","Exports of goods and services (% of GDP)","NE.EXP.GNFS.ZS","","36.4",
"World","WLD","Exports of goods and services (% of GDP)","NE.EXP.GNFS.ZS","29.3","28.4",
"""


@pytest.mark.parametrize(
    "above", ["", '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-06-28",\n\n']
)
def test_wdi(file, above):
    found = load_wdi(file(above + WDI))
    assert found.columns.tolist() == ["country", "time", "ne_exp_gnfs_zs", "ny_gdp_mktp_kd_zg"]
    assert found[["country", "time"]].to_numpy().tolist() == [["NAM", 2019], ["PAK", 2018], ["PAK", 2019]]
    np.testing.assert_array_equal(found["ne_exp_gnfs_zs"], [36.4, 8.58, 9.36])
    card = card_of(found)
    assert card.units["ne_exp_gnfs_zs"] == "% of GDP"
    assert card.notes == ("1 series of groups of countries were dropped",)
    with pytest.raises(DataError, match=r"there is no indicator 'SL\.UEM'"):
        load_wdi(file(above + WDI), ["SL.UEM"])


def test_databank(file):
    text = """\
Country Name,Country Code,Series Name,Series Code,2018 [YR2018],2019 [YR2019]
Pakistan,PAK,GDP growth (annual %),NY.GDP.MKTP.KD.ZG,6.15,..
,,,,,
Data from database: World Development Indicators,,,,,
"""
    found = load_wdi(file(text))
    assert found.to_dict("records") == [{"country": "PAK", "time": 2018, "ny_gdp_mktp_kd_zg": 6.15}]


def test_ictwss_marks_of_missing_values(file, tmp_path):
    text = "country,iso3c,year,ud,adjcov,coord\nGermany,DEU,1990,31.2,85,4\nGermany,DEU,1991,36,-88,4\nFrance,FRA,1990,9.8,NA,2\n"
    found = load_ictwss(file(text), ["ud", "adjcov"])
    assert found["country"].tolist() == ["DEU", "DEU", "FRA"]
    np.testing.assert_array_equal(found["adjcov"], [85.0, np.nan, np.nan])
    pd.read_csv(file(text), keep_default_na=False).to_excel(tmp_path / "t.xlsx", index=False)
    pd.testing.assert_frame_equal(load_ictwss(tmp_path / "t.xlsx", ["ud", "adjcov"]), found)
    assert card_of(found).layers == {"ud": "actor", "adjcov": "actor"}
    with pytest.raises(DataError, match=r"there is no column 'adjcv'\. Did you mean 'adjcov'"):
        load_ictwss(file(text), ["adjcv"])


def test_vdem_keeps_namibia_and_uncertainty(file):
    text = "country_name,country_text_id,country_id,year,v2x_civlib,v2x_civlib_sd\nNamibia,NAM,127,2019,0.81,0.04\nNiger,NER,60,2019,,\n"
    found = load_vdem(file(text), ["v2x_civlib", "v2x_civlib_sd"])
    assert found["v2x_civlib"].tolist()[0] == 0.81
    assert np.isnan(found["v2x_civlib"][1])


def test_pwt_from_its_workbook(tmp_path):
    table = pd.DataFrame(
        {"countrycode": ["PAK", "PAK"], "country": "Pakistan", "year": [2018, 2019], "rgdpe": [1.0e6, np.nan]}
    )
    with pd.ExcelWriter(tmp_path / "pwt.xlsx") as book:
        pd.DataFrame({"Info": ["..."]}).to_excel(book, sheet_name="Info", index=False)
        table.to_excel(book, sheet_name="Data", index=False)
    found = load_pwt(tmp_path / "pwt.xlsx", ["rgdpe"])
    np.testing.assert_array_equal(found["rgdpe"], [1.0e6, np.nan])


def test_a_row_too_many_and_text_for_a_number_are_told(file):
    header = "countrycode,year,emp\n"
    with pytest.raises(DataError, match="there are 2 rows for country PAK, time 2018"):
        load_pwt(file(header + "PAK,2018,1\nPAK,2018,2\n"), ["emp"])
    with pytest.raises(DataError, match="column 'emp' holds 'many' in data row 2"):
        load_pwt(file(header + "PAK,2018,1\nPAK,2019,many\n"), ["emp"])
    with pytest.raises(DataError, match="there is no such file"):
        load_pwt("nowhere.csv", ["emp"])


def test_labels_of_stata(tmp_path):
    table = pd.DataFrame({"union": pd.Categorical(["no", "yes", "no"]), "wage": [1.5, 2.0, 3.0]})
    table.to_stata(tmp_path / "t.dta", write_index=False, variable_labels={"wage": "Hourly wage, USD"})
    found = load_stata(tmp_path / "t.dta")
    assert found["union"].tolist() == [0, 1, 0]
    card = card_of(found)
    assert card.labels == {"wage": "Hourly wage, USD"}
    assert card.notes == ("union: 0 = no, 1 = yes",)


def test_labels_and_missing_values_of_spss(tmp_path):
    import pyreadstat

    table = pd.DataFrame({"union": [0.0, 1.0, 9.0], "wage": [1.5, np.nan, 3.0]})
    pyreadstat.write_sav(
        table,
        str(tmp_path / "t.sav"),
        column_labels={"wage": "Hourly wage, USD"},
        variable_value_labels={"union": {0: "no", 1: "yes", 9: "refused"}},
        missing_ranges={"union": [9]},
    )
    found = load_spss(tmp_path / "t.sav")
    np.testing.assert_array_equal(found["union"], [0.0, 1.0, np.nan])
    card = card_of(found)
    assert card.labels == {"wage": "Hourly wage, USD"}
    assert card.notes == ("union: 0 = no, 1 = yes, 9 = refused",)
    with pytest.raises(DataError, match="there is no such file"):
        load_spss(tmp_path / "none.sav")
    (tmp_path / "bad.sav").write_bytes(b"x")
    with pytest.raises(DataError, match="the file cannot be read"):
        load_spss(tmp_path / "bad.sav")


def test_a_joined_table_says_that_it_has_no_card(file):
    found = load_wdi(file(WDI))
    joined = pd.DataFrame(found.to_dict("list"))
    with pytest.raises(DataError, match="no card"):
        card_of(joined)

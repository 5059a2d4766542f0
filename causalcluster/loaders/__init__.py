"""Public data of this field as tidy tables: one row per country and period, with units, source and layer in ``attrs``."""

from causalcluster.loaders.country_years import load_ictwss, load_pwt, load_vdem
from causalcluster.loaders.ilostat import load_ilostat
from causalcluster.loaders.labelled import load_spss, load_stata
from causalcluster.loaders.sdmx import load_sdmx_csv
from causalcluster.loaders.tidy import SourceCard, card_of
from causalcluster.loaders.world_bank import load_wdi

__all__ = [
    "SourceCard",
    "card_of",
    "load_ictwss",
    "load_ilostat",
    "load_pwt",
    "load_sdmx_csv",
    "load_spss",
    "load_stata",
    "load_vdem",
    "load_wdi",
]

"""Stata and SPSS files with the labels of their variables and values."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from pandas.io.stata import StataReader

from causalcluster.errors import DataError
from causalcluster.loaders.tidy import SourceCard, need_columns, with_card


def load_stata(path: Path | str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a Stata file: numbers as they are stored, labels in the card.

    Parameters
    ----------
    path
        ``.dta``.
    columns
        All without it.

    Returns
    -------
    pandas.DataFrame
        The columns, with a card: ``labels`` are those of variables, and ``notes`` say what values stand for.

    Raises
    ------
    DataError
        The file cannot be read or lacks a column.
    """
    try:
        table = pd.read_stata(path, convert_categoricals=False)
        with StataReader(path) as reader:
            labels, values = reader.variable_labels(), reader.value_labels()
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=str(path), fix="check its name and folder") from error
    except (ValueError, OSError) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path), fix="save it again from Stata") from error
    need_columns(table, list(columns or ()), path, "Stata files")
    table = table[list(columns)] if columns else table
    known = {name: label for name, label in labels.items() if label and name in table.columns}
    notes = [f"{name}: " + ", ".join(f"{code} = {label}" for code, label in own.items()) for name, own in values.items()]
    return with_card(
        table.reset_index(drop=True), SourceCard(source=Path(path).name, file=str(path), labels=known, notes=tuple(notes))
    )


def load_spss(path: Path | str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read an SPSS file: numbers as they are stored, user-missing values as missing, labels in the card.

    Parameters
    ----------
    path
        ``.sav`` or ``.zsav``.
    columns
        All without it.

    Returns
    -------
    pandas.DataFrame
        The columns, with a card as that of `load_stata`.

    Raises
    ------
    DataError
        The file cannot be read or lacks a column, or the extra ``spss`` is not installed.
    """
    try:
        import pyreadstat
    except ImportError as error:
        fix = "install the extra: pip install 'causalcluster[spss]'"
        raise DataError("SPSS files are read by pyreadstat, which is not installed", where=str(path), fix=fix) from error
    if not Path(path).is_file():
        raise DataError("there is no such file", where=str(path), fix="check its name and folder")
    try:
        table, meta = pyreadstat.read_sav(str(path))
    except (pyreadstat.ReadstatError, ValueError, OSError) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path), fix="save it again from SPSS") from error
    need_columns(table, list(columns or ()), path, "SPSS files")
    table = table[list(columns)] if columns else table
    labels = {name: label for name, label in meta.column_names_to_labels.items() if label and name in table.columns}
    values = {name: own for name, own in meta.variable_value_labels.items() if name in table.columns}
    notes = [f"{name}: " + ", ".join(f"{code:g} = {text}" for code, text in own.items()) for name, own in values.items()]
    card = SourceCard(source=Path(path).name, file=str(path), labels=labels, notes=tuple(notes))
    return with_card(table.reset_index(drop=True), card)

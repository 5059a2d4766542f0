"""What all loaders share: reading, the card of a source, and one row for each country and period."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from causalcluster.analysis.records import Layer
from causalcluster.errors import DataError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCard:
    """Where a table comes from.

    Attributes
    ----------
    source
        Who publishes it.
    file
        The file that was read.
    units
        Unit by column.
    labels
        What a column is, by column.
    layers
        Layer of the framework that a column would usually belong to, by column; '' where that is the analyst's choice.
    notes
        What was dropped or chosen.
    """

    source: str
    file: str
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Layer | str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def with_card(table: pd.DataFrame, card: SourceCard) -> pd.DataFrame:
    """Return a table that carries its card in ``attrs``, as plain data."""
    table.attrs = {name: value for name, value in asdict(card).items()}
    return table


def card_of(table: pd.DataFrame) -> SourceCard:
    """Return the card of a loaded table.

    Raises
    ------
    DataError
        The table has none: pandas drops ``attrs`` where tables are joined.
    """
    if "source" not in table.attrs:
        fix = "take the cards of the tables that it was made of"
        raise DataError("this table has no card of its source", where="attrs", fix=fix)
    own: dict[str, Any] = {str(name): value for name, value in table.attrs.items()}
    return SourceCard(**own | {"notes": tuple(own["notes"])})


def read_csv(path: Path | str, **settings: Any) -> pd.DataFrame:
    """Read a CSV file with text as text: no code such as NA (Namibia) becomes a missing value.

    Raises
    ------
    DataError
        There is no such file, or it is no CSV.
    """
    try:
        table: pd.DataFrame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", **settings)
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=str(path), fix="check its name and folder") from error
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"the file cannot be read ({reason})", where=str(path), fix="download it again") from error
    return table


def need_columns(table: pd.DataFrame, wanted: Sequence[str], path: Path | str, what: str) -> None:
    """Refuse a table that is not of the layout that a loader reads."""
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        hint = did_you_mean(missing[0], [str(name) for name in table.columns])
        raise DataError(
            f"there is no column {missing[0]!r}.{hint}",
            where=str(path),
            why=f"This loader reads {what}",
            fix="" if hint else f"The columns are: {', '.join(map(str, table.columns[:12]))}",
        )


def to_numbers(values: pd.Series, path: Path | str, missing: Sequence[str] = ("", "NA", "..")) -> pd.Series:
    """Return text as numbers; DataError for text that is neither a number nor a mark of a missing value."""
    text = values.str.strip()
    empty = text.isin(missing)
    numbers = pd.to_numeric(text.where(~empty), errors="coerce")
    bad = numbers.isna() & ~empty
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise DataError(
            f"column {values.name!r} holds {values.iloc[row]!r} in data row {row + 1}",
            where=str(path),
            why="A number belongs there",
            fix=f"Correct it; marks of missing values are: {', '.join(repr(mark) for mark in missing)}",
        )
    return numbers.astype(float)


def one_row_each(table: pd.DataFrame, keys: Sequence[str], others: Sequence[str], path: Path | str, *, option: str) -> None:
    """Refuse a table with several rows for one country and period, naming the column in which they differ."""
    twice = table.duplicated(list(keys), keep=False)
    if not twice.any():
        return
    first = table[twice].iloc[0]
    own = table[(table[list(keys)] == first[list(keys)]).all(axis=1)]
    varying = [name for name in others if own[name].nunique() > 1]
    place = ", ".join(f"{key} {first[key]}" for key in keys)
    name = varying[0] if varying else ""
    values = ", ".join(sorted(map(str, own[name].unique()))[:8]) if name else ""
    raise DataError(
        f"there are {len(own)} rows for {place}" + (f", which differ in {name!r}: {values}" if name else ""),
        where=str(path),
        why="A panel has one row for each country and period",
        fix=f"choose one with {option}" if name else "remove the repeated rows",
    )

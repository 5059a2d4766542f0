"""The tables of a finished run as a workbook or as LaTeX, with the numbers of the CSV files and text as text."""

import csv
import os
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from causalcluster.errors import InputError

_TITLES: Mapping[str, str] = {
    "effects": "Effects",
    "hypotheses": "Hypotheses",
    "scorecard": "What the paper expects, and what the data say",
    "tipping": "What an unmeasured cause would have to be",
    "multiverse": "The same effects in every analysis",
}
_FIRST = tuple(_TITLES)
_LATEX_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "effects": ("outcome", "effect", "via", "level", "cluster", "mean", "sd", "lower", "upper", "prob_positive"),
    "hypotheses": ("id", "claim", "probability", "prior_probability", "bayes_factor", "verdict"),
    "scorecard": ("id", "statement", "prediction", "probability_neutral", "probability_framework", "verdict"),
    "tipping": ("outcome", "effect", "via", "level", "cluster", "rho_zero", "rho_interval", "benchmark", "rho_benchmark"),
    "multiverse": ("alternative", "outcome", "effect", "via", "level", "mean", "lower", "upper"),
}
_SHEET_LENGTH = 31


def export_tables(directory: Path, out: Path) -> None:
    """Write the tables of a finished run into one file.

    Parameters
    ----------
    directory
        A folder written by ``causalcluster run``.
    out
        ``.xlsx``: a sheet for every table; numbers are numbers (of sixteen digits), and text is text even where it begins
        like a formula.
        ``.tex``: a long table for each of the main tables, for `booktabs` and `longtable`.

    Raises
    ------
    InputError
        No tables in the folder, another ending, or a file that cannot be written.
    """
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise InputError("tables are exported to .xlsx or .tex", where=str(out), fix="name a file with one of these endings")
    if not out.absolute().parent.is_dir():
        raise InputError("there is no such folder", where=str(out.parent), fix="make it first, or name another one with -o")
    tables = _read(directory)
    descriptor, name = tempfile.mkstemp(dir=out.absolute().parent, prefix=f".{out.name}.", suffix=out.suffix)
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(tables, temporary)
        temporary.chmod(0o644)
        temporary.replace(out)
    except OSError as error:
        fix = "free some space or choose another folder"
        raise InputError(f"the file cannot be written ({error.strerror or error})", where=str(out), fix=fix) from error
    finally:
        temporary.unlink(missing_ok=True)


def _read(directory: Path) -> dict[str, pd.DataFrame]:
    """Return every table, the main ones first; all cells are text as in the file."""
    found = sorted(directory.glob("*.csv"), key=lambda path: (*_order(path.stem), path.stem)) if directory.is_dir() else []
    if not found:
        fix = "name the folder given to 'causalcluster run --out'"
        raise InputError("there are no tables of a finished run here", where=str(directory), fix=fix)
    tables = {}
    for path in found:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        tables[path.stem] = pd.DataFrame(rows, columns=header, dtype=object)
    return tables


def _order(stem: str) -> tuple[int]:
    return (_FIRST.index(stem) if stem in _FIRST else len(_FIRST),)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers alone, empty cells aside."""
    filled = [text for text in column if text != ""]
    return bool(filled) and all(_number(text) is not None for text in filled)


def _write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        sheet: Any = book.create_sheet(name[:_SHEET_LENGTH])
        sheet.freeze_panes = "A2"
        for k, column in enumerate(table.columns, start=1):
            head = sheet.cell(row=1, column=k, value=column)
            head.font, head.data_type = Font(bold=True), "s"
            numeric = column not in ("cluster", "id") and _is_numeric(table[column])
            for i, text in enumerate(table[column], start=2):
                if text == "":
                    continue
                cell = sheet.cell(row=i, column=k)
                if numeric:
                    cell.value = float(text)
                else:
                    cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", text)
                    # Whatever it begins with, it is no formula; the quote keeps it so where the cell is edited.
                    cell.data_type, cell.quotePrefix = "s", True
    book.save(path)


def _write_latex(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    parts = [
        "% For \\usepackage{booktabs, longtable}; numbers to four significant digits, all digits are in the CSV files.\n"
    ]
    for name, columns in _LATEX_COLUMNS.items():
        if name not in tables:
            continue
        own = tables[name].reindex(columns=[column for column in columns if column in tables[name].columns])
        shown = own.apply(lambda column: column.map(_short) if _is_numeric(column) else column.map(_plain))
        parts.append(shown.to_latex(index=False, escape=True, longtable=True, caption=_TITLES[name], label=f"tab:{name}"))
    path.write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _short(text: str) -> str:
    value = _number(text)
    return text if value is None else f"{value:.4g}"


def _plain(text: str) -> str:
    """Return text on one line, without characters that control a device."""
    return "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text)


_WRITERS: Mapping[str, Callable[[Mapping[str, pd.DataFrame], Path], None]] = {".xlsx": _write_workbook, ".tex": _write_latex}

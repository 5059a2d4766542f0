"""The report's files in the folder of a finished run."""

import os
import tempfile
from pathlib import Path
from typing import Final

from causalcluster.report.html import render_report

REPORT_FILE: Final = "report.html"
PDF_FILE: Final = "report.pdf"


def write_report(directory: Path, *, pdf: bool = False) -> tuple[Path, ...]:
    """Render the report of a finished run and put it into its folder.

    Parameters
    ----------
    directory
        A folder written by ``causalcluster run``.
    pdf
        Write ``report.pdf`` too.

    Returns
    -------
    tuple of Path
        The files written; each replaces an earlier one at the end, or leaves it as it was.

    Raises
    ------
    InputError
        The folder is not a run folder, or one of its files is missing or damaged.
    """
    contents = {REPORT_FILE: render_report(directory).encode("utf-8")}
    if pdf:
        from causalcluster.report.pdf import render_pdf

        contents[PDF_FILE] = render_pdf(directory)
    for name, content in contents.items():
        _replace(directory / name, content)
    return tuple(directory / name for name in contents)


def _replace(target: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp gives the owner alone access; a report is for whoever may read the folder.
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

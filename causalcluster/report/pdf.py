"""The report as a PDF, set by Typst from the same contents as the page."""

import base64
import json
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from causalcluster.report.blocks import blocks_of
from causalcluster.report.html import report_content
from causalcluster.report.load import load_run

_WIDE = 620.0
"""Width of a figure, in its own units, that fills the page."""
_WIDTH = re.compile(rb"<svg[^>]*?\bwidth=\"([0-9.]+)")


def render_pdf(directory: Path) -> bytes:
    """Return the report of a finished run as a PDF.

    Parameters
    ----------
    directory
        A folder written by ``causalcluster run``.

    Raises
    ------
    InputError
        The folder is not that of a finished run.
    """
    import typst

    content = report_content(load_run(directory))
    with tempfile.TemporaryDirectory(prefix="causalcluster-report-") as name:
        folder = Path(name)
        document = _document(content, folder)
        (folder / "content.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        source = files("causalcluster.report") / "templates" / "report.typ"
        (folder / "report.typ").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        made: bytes = typst.compile(str(folder / "report.typ"), root=str(folder))
    return made


def _document(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what the template reads; pictures become files."""
    blocks = []
    for position, block in enumerate(blocks_of(content)):
        if block["kind"] == "figure":
            picture = base64.b64decode(block.pop("source").partition(",")[2])
            name = f"figure-{position}.svg"
            (folder / name).write_bytes(picture)
            blocks.append({**block, "file": name, "width": _share(picture)})
        else:
            blocks.append(block)
    run = content["run"]
    across = " across clusters" if run.data.cluster_column else " analysis"
    version = run.versions.get("causalcluster", "")
    return {
        "title": content["title"],
        "meta": f"Causal mediation{across}. Run of {content['created']}; causalcluster {version}; seed {run.seed}.",
        "lang": "en",
        "unreliable": content["unreliable"],
        "reasons": list(content["diagnostics"].reasons),
        "blocks": blocks,
    }


def _share(picture: bytes) -> float:
    """Return the share of the page's width that a picture takes, by the width that it was drawn for."""
    found = _WIDTH.search(picture)
    return min(1.0, max(0.35, float(found.group(1)) / _WIDE)) if found else 1.0

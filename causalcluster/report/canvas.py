"""The canvas that every figure shares: style, settings for the time of one drawing, and a ``data:`` address."""

import base64
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalcluster.report.records import Draws

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as Canvas

NAME_LENGTH: Final = 26
MIN_DRAWS: Final = 100
"""Below this many draws a density or a rank plot would only show noise."""

INK: Final = "#1c2b36"
GREY: Final = "#8a97a0"
BLUE: Final = "#0b5a8a"
ORANGE: Final = "#b4530a"
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "causalcluster",
    "svg.fonttype": "none",
    # Names are the user's: a dollar sign in them is a dollar sign.
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def embed_svg(svg: str) -> str:
    """Return an SVG as a ``data:`` address; as an image nothing in it can run or reach the network."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


@contextmanager
def canvas_settings() -> Iterator[None]:
    """Set the style and the Agg canvas for the time of one drawing, whatever the caller's settings are."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    backend = mpl.get_backend()
    plt.switch_backend("agg")
    with warnings.catch_warnings(), mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        # The reader's browser sets the text, so a letter which the drawing's own font lacks is no fault.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        warnings.filterwarnings("ignore", message=r".*[Tt]ight.?layout.*")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support .* natively")
        try:
            yield
        finally:
            plt.close("all")
    if backend.lower() != "agg":
        plt.switch_backend(backend)


def to_svg(canvas: "Canvas") -> str:
    buffer = io.StringIO()
    # No metadata: the time would differ from run to run, and the rest are addresses.
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    canvas.savefig(buffer, format="svg", bbox_inches="tight", metadata=nothing)
    return buffer.getvalue()


def printable(text: str) -> str:
    """Return a text without the control characters that would end an SVG's well-formedness."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def short_name(text: str, length: int = NAME_LENGTH) -> str:
    """Return a name that fits a figure: no control characters, cut with an ellipsis."""
    clean = printable(text)
    return clean if len(clean) <= length else clean[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def as_tree(draws: Sequence[Draws], names: Sequence[str]) -> "xr.DataTree":
    """Return draws of several effects, each with dims (chain, draw), as the posterior group arviz-plots wants."""
    import xarray as xr

    dataset = xr.Dataset(
        {"effect": (("chain", "draw", "row"), np.stack(list(draws), axis=-1))},
        coords={"row": _distinct(names)},
    )
    return xr.DataTree.from_dict({"/posterior": dataset})


def _distinct(names: Sequence[str]) -> list[str]:
    """Number the names that became equal when they were cut: a coordinate's values must differ."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} [{seen[name]}]")
    return out


def drawable(draws: Draws | None) -> bool:
    """Return whether there are enough different draws for a density."""
    return draws is not None and draws.size >= MIN_DRAWS and bool(np.ptp(draws) > 0)

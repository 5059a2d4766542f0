"""The causal diagram drawn in the framework's layers: as text for a terminal, as SVG for a report."""

from causalcluster.diagram.svg import EdgeWeight, to_svg
from causalcluster.diagram.text import to_text

__all__ = ["EdgeWeight", "to_svg", "to_text"]

"""The diagram as an inline SVG."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from causalcluster.analysis.records import Edge
from causalcluster.diagram.layout import BOX_WIDTH, LINE, PADDING, Box, Cubic, Point, arc, place, routes
from causalcluster.diagram.text import is_papers
from causalcluster.graph import CausalGraph

__all__ = ["EdgeWeight", "to_svg"]

_MARGIN, _HEADER = 24.0, 26.0
_COLOURS = {"paper": "#1b5e8c", "analyst": "#4a4a4a", "unmeasured": "#9a3324"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeWeight:
    """What is written beside an edge, and its stroke width in pixels (kept between 0.75 and 8)."""

    text: str
    width: float = 1.5


def to_svg(
    graph: CausalGraph,
    labels: Mapping[str, str],
    weights: Mapping[tuple[str, str], EdgeWeight] | None = None,
    *,
    id_prefix: str = "diagram",
) -> str:
    """Return the diagram as an inline SVG: layers as columns, the context below, unmeasured causes dashed.

    Parameters
    ----------
    graph
        The diagram.
    labels
        The label of each node; a node's name stands in for a missing one. Any text is safe.
    weights
        What to write beside edges, keyed by (source, target), and how thick to draw them.
    id_prefix
        Start of the element identifiers, to keep two diagrams in one page apart.

    Returns
    -------
    str
        One ``svg`` element with title and description; well-formed XML as well as HTML.
    """
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", id_prefix) or "diagram"
    boxes = place(graph, labels)
    drawn = list(zip(graph.edges, routes(graph, boxes), strict=True))
    arcs = [arc(boxes, cause.left, cause.right) for cause in graph.unobserved]
    points = [point for cubics in (*(route for _, route in drawn), *arcs) for cubic in cubics for point in cubic]
    xs = [x for x, _ in points] + [edge for box in boxes.values() for edge in (box.x, box.x + BOX_WIDTH)]
    ys = [y for _, y in points] + [edge for box in boxes.values() for edge in (box.y, box.bottom)]
    headers = _headers(graph, boxes, top=min(ys) - 14)
    left, top = min(xs) - _MARGIN, min(ys) - 14 - _HEADER
    key = _key(graph, x=left + _MARGIN, y=max(ys) + 34)
    width, height = max(max(xs) - left + _MARGIN, 480.0), max(ys) - top + (52 if key else _MARGIN)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{prefix}-title {prefix}-desc" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" width="{width:.0f}" height="{height:.0f}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" font-size="13">'
    )
    parts = [
        opening,
        f'<title id="{prefix}-title">Causal diagram</title>',
        f'<desc id="{prefix}-desc">{_text(_description(graph, labels))}</desc>',
        _markers(prefix),
        *headers,
        *(_edge_path(prefix, "unmeasured", arc, 1.5) for arc in arcs),
        *(_edge_path(prefix, _kind(edge), route, _width(weights, edge)) for edge, route in drawn),
        *(_box_svg(box, labels.get(name, name)) for name, box in boxes.items()),
        *_weight_texts(drawn, weights or {}),
        *key,
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _headers(graph: CausalGraph, boxes: Mapping[str, Box], top: float) -> list[str]:
    layer_of = dict(graph.layers)
    named = {layer_of[name]: box for name, box in boxes.items()}
    below = min((box.y for box in boxes.values() if box.column == -1), default=0.0)
    first = min((box.x for box in boxes.values() if box.column == -1), default=0.0)
    texts = []
    for layer, box in named.items():
        x, y, anchor = (box.centre[0], top, "middle") if box.column >= 0 else (first - 10, below + 20, "end")
        texts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#666" font-size="12">{layer}</text>')
    return texts


def _kind(edge: Edge) -> str:
    return "paper" if is_papers(edge) else "analyst"


def _width(weights: Mapping[tuple[str, str], EdgeWeight] | None, edge: Edge) -> float:
    weight = (weights or {}).get((edge.source, edge.target))
    return min(max(weight.width, 0.75), 8.0) if weight else 1.5


def _edge_path(prefix: str, kind: str, cubics: tuple[Cubic, ...], width: float) -> str:
    data = f"M{cubics[0][0][0]:.1f} {cubics[0][0][1]:.1f}" + "".join(
        f" C{b[0]:.1f} {b[1]:.1f} {c[0]:.1f} {c[1]:.1f} {d[0]:.1f} {d[1]:.1f}" for _, b, c, d in cubics
    )
    start = f' marker-start="url(#{prefix}-{kind})" stroke-dasharray="6 4"' if kind == "unmeasured" else ""
    return (
        f'<path d="{data}" fill="none" stroke="{_COLOURS[kind]}" stroke-width="{width:.2f}"{start} '
        f'marker-end="url(#{prefix}-{kind})"/>'
    )


def _weight_texts(drawn: list[tuple[Edge, tuple[Cubic, ...]]], weights: Mapping[tuple[str, str], EdgeWeight]) -> list[str]:
    """Write each weight on its edge, at the place where it covers the fewest others."""
    taken: list[Point] = []
    texts = []
    for edge, cubics in drawn:
        weight = weights.get((edge.source, edge.target))
        if weight is None or not weight.text:
            continue
        inner_first = sorted(cubics, key=lambda cubic: abs(cubics.index(cubic) - len(cubics) // 2))
        places = [_at(cubic, share) for share in (0.5, 0.35, 0.65, 0.22, 0.78) for cubic in inner_first]
        x, y = min(places, key=lambda spot: sum(abs(spot[0] - u) < 44 and abs(spot[1] - v) < 14 for u, v in taken))
        taken.append((x, y))
        texts.append(
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11" fill="#111" stroke="#fff" '
            f'stroke-width="4" stroke-linejoin="round" paint-order="stroke">{_text(weight.text)}</text>'
        )
    return texts


def _at(cubic: Cubic, share: float) -> Point:
    """Return the point of a Bezier curve at a share of its parameter."""
    rest = 1 - share
    factors = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
    x, y = (sum(factor * point[i] for factor, point in zip(factors, cubic, strict=True)) for i in (0, 1))
    return x, y


def _box_svg(box: Box, label: str) -> str:
    x, y = box.x + BOX_WIDTH / 2, box.y + PADDING + 12
    lines = "".join(f'<tspan x="{x:.1f}" y="{y + i * LINE:.1f}">{_text(line)}</tspan>' for i, line in enumerate(box.lines))
    return (
        f'<g><title>{_text(label)}</title><rect x="{box.x:.1f}" y="{box.y:.1f}" width="{BOX_WIDTH:.1f}" '
        f'height="{box.height:.1f}" rx="6" fill="#fff" stroke="#333"/>'
        f'<text text-anchor="middle" fill="#111">{lines}</text></g>'
    )


def _markers(prefix: str) -> str:
    shapes = "".join(
        f'<marker id="{prefix}-{kind}" viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        for kind, colour in _COLOURS.items()
    )
    return f"<defs>{shapes}</defs>"


def _key(graph: CausalGraph, x: float, y: float) -> list[str]:
    """Return the key to the colours, where there is more than one kind of line."""
    present = dict.fromkeys(_kind(edge) for edge in graph.edges)
    kinds = [kind for kind in ("paper", "analyst") if kind in present] + ["unmeasured"] * bool(graph.unobserved)
    if kinds in (["analyst"], []):
        return []
    words = {
        "paper": "edge of the paper",
        "analyst": "analyst's own edge",
        "unmeasured": "unmeasured common cause",
    }
    return [
        f'<path d="M{x + 180 * i:.1f} {y:.1f}h28" stroke="{_COLOURS[kind]}" stroke-width="2"'
        f"{' stroke-dasharray="6 4"' if kind == 'unmeasured' else ''}/>"
        f'<text x="{x + 180 * i + 34:.1f}" y="{y + 4:.1f}" font-size="11" fill="#444">{_text(words[kind])}</text>'
        for i, kind in enumerate(kinds)
    ]


def _description(graph: CausalGraph, labels: Mapping[str, str]) -> str:
    """Return the edges as a sentence for a screen reader."""

    def label(name: str) -> str:
        return labels.get(name, name)

    edges = [f"{label(edge.source)} to {label(edge.target)}" for edge in graph.edges]
    hidden = [f"{label(cause.left)} and {label(cause.right)}" for cause in graph.unobserved]
    sentence = f"Arrows: {'; '.join(edges)}." if edges else "No arrows."
    return sentence + (f" Unmeasured common causes: {'; '.join(hidden)}." if hidden else "")


def _text(text: str) -> str:
    """Escape text for XML and replace the characters that XML cannot hold."""
    return html.escape(re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "\ufffd", text))

"""Places for the nodes and curves for the edges of a diagram, in pixels."""

import textwrap
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

from causalcluster.analysis.records import Layer
from causalcluster.graph import CausalGraph

__all__ = ["BOX_WIDTH", "LAYERS", "LINE", "PADDING", "Box", "Cubic", "Point", "arc", "place", "routes"]

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""Left to right; the last one, context, is drawn below the others."""

BOX_WIDTH, LINE, PADDING = 150.0, 16.0, 9.0
_COLUMN_GAP, _ROW_GAP, _BAND = 130.0, 34.0, 70.0

type Point = tuple[float, float]
type Cubic = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node's place: column (-1 for the row of the context), left and top corner and height in pixels."""

    column: int
    x: float
    y: float
    height: float
    lines: tuple[str, ...]

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> Point:
        return self.x + BOX_WIDTH / 2, self.y + self.height / 2


def place(graph: CausalGraph, labels: Mapping[str, str]) -> dict[str, Box]:
    """Give every node its box: columns centred on one line, the context in a row below."""
    layer_of = dict(graph.layers)
    groups = [[name for name in graph.nodes if layer_of[name] == layer] for layer in LAYERS[:-1]]
    columns = [members for members in groups if members]
    lines = {name: _wrap(labels.get(name, name)) for name in graph.nodes}
    height = {name: len(lines[name]) * LINE + 2 * PADDING for name in graph.nodes}
    tall = [sum(height[name] for name in members) + _ROW_GAP * (len(members) - 1) for members in columns]
    boxes: dict[str, Box] = {}
    for column, members in enumerate(columns):
        y = (max(tall) - tall[column]) / 2
        for name in members:
            x = column * (BOX_WIDTH + _COLUMN_GAP)
            boxes[name] = Box(column=column, x=x, y=y, height=height[name], lines=lines[name])
            y += height[name] + _ROW_GAP
    below = [name for name in graph.nodes if layer_of[name] == LAYERS[-1]]
    for position, name in enumerate(below):
        x = (position + 0.35) * (BOX_WIDTH + 40)
        y = max(tall, default=0.0) + (_BAND if columns else 0.0)
        boxes[name] = Box(column=-1, x=x, y=y, height=height[name], lines=lines[name])
    return boxes


def _wrap(label: str, columns: int = 19) -> tuple[str, ...]:
    """Break a label into at most three lines that fit the box; wide characters count twice."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in label)
    room = max(8, round(columns * len(label) / (len(label) + wide))) if label else columns
    return tuple(textwrap.wrap(label, room, max_lines=3, placeholder="\N{HORIZONTAL ELLIPSIS}")) or (label,)


def routes(graph: CausalGraph, boxes: Mapping[str, Box]) -> list[tuple[Cubic, ...]]:
    """Return the curve of every edge, with the ends of edges spread along the sides of the boxes."""
    sides = {(edge.source, edge.target): _sides(boxes[edge.source], boxes[edge.target]) for edge in graph.edges}
    ports: dict[tuple[str, str], list[tuple[float, str, str]]] = defaultdict(list)
    for (source, target), (leaves, enters) in sides.items():
        axis = 0 if leaves in "tb" else 1
        ports[source, leaves].append((boxes[target].centre[axis], source, target))
        axis = 0 if enters in "tb" else 1
        ports[target, enters].append((boxes[source].centre[axis], source, target))
    lanes: dict[tuple[int, float], int] = defaultdict(int)
    routes = []
    for edge in graph.edges:
        leaves, enters = sides[edge.source, edge.target]
        key = (edge.source, edge.target)
        start = _port(boxes[edge.source], leaves, ports[edge.source, leaves], key)
        end = _port(boxes[edge.target], enters, ports[edge.target, enters], key)
        routes.append(_route(boxes, boxes[edge.source], boxes[edge.target], start, end, leaves + enters, lanes))
    return routes


def _sides(source: Box, target: Box) -> tuple[str, str]:
    """Return the sides (l, r, t, b) at which an edge leaves and enters."""
    if source.column == -1:
        return ("b", "b") if target.column == -1 else ("t", "l")
    if target.column == -1:
        return "l", "t"
    if source.column == target.column:
        return ("b", "t") if 0 < target.y - source.bottom <= _ROW_GAP + 1 else ("r", "r")
    return ("r", "l") if source.column < target.column else ("l", "r")


def _port(box: Box, side: str, ends: list[tuple[float, str, str]], key: tuple[str, str]) -> Point:
    order = sorted(ends)
    share = (next(i for i, end in enumerate(order) if end[1:] == key) + 1) / (len(order) + 1)
    if side in "tb":
        return box.x + BOX_WIDTH * share, box.y if side == "t" else box.bottom
    return box.x if side == "l" else box.x + BOX_WIDTH, box.y + box.height * share


def _route(
    boxes: Mapping[str, Box],
    source: Box,
    target: Box,
    start: Point,
    end: Point,
    sides: str,
    lanes: dict[tuple[int, float], int],
) -> tuple[Cubic, ...]:
    (x0, y0), (x1, y1) = start, end
    match sides:
        case "bt":
            return ((start, (x0, y0 + 12), (x1, y1 - 12), end),)
        case "rr":
            bulge = min(30 + 0.12 * abs(y1 - y0), _COLUMN_GAP - 30)
            return ((start, (x0 + bulge, y0), (x1 + bulge, y1), end),)
        case "bb":
            return ((start, (x0, y0 + 40), (x1, y1 + 40), end),)
        case "tl" | "lt":
            inner, column = (start, target.column) if sides == "tl" else (end, source.column)
            lanes[column, -1.0] += 1
            floor = max(box.bottom for box in boxes.values() if box.column >= 0) + 8
            cubics = _by_gutter(inner, end if sides == "tl" else start, 14.0 + 8 * (lanes[column, -1.0] % 10), floor)
            return cubics if sides == "tl" else tuple((d, c, b, a) for a, b, c, d in reversed(cubics))
    stops = [start, *_gaps(boxes, source, target, start, end, lanes), end]
    return tuple(
        ((ax, ay), (ax + (bx - ax) / 2, ay), (bx - (bx - ax) / 2, by), (bx, by)) for (ax, ay), (bx, by) in pairwise(stops)
    )


def _by_gutter(low: Point, high: Point, offset: float, floor: float) -> tuple[Cubic, ...]:
    """Go up from the context row in the free space left of a column, then into the box from the left."""
    (x0, y0), (x1, y1) = low, high
    gutter = x1 - offset
    turn = y1 + 10
    return (
        ((x0, y0), (x0, y0 - 26), (gutter, floor + 26), (gutter, floor)),
        ((gutter, floor), (gutter, floor - 4), (gutter, turn + 4), (gutter, turn)),
        ((gutter, turn), (gutter, y1), (gutter, y1), (x1, y1)),
    )


def _gaps(
    boxes: Mapping[str, Box],
    source: Box,
    target: Box,
    start: Point,
    end: Point,
    lanes: dict[tuple[int, float], int],
) -> list[Point]:
    """Return points between the boxes of every column that an edge passes, nearest to the straight line."""
    step = 1 if target.column > source.column else -1
    stops: list[Point] = []
    for column in range(source.column + step, target.column, step):
        members = sorted((box for box in boxes.values() if box.column == column), key=lambda box: box.y)
        free = [
            members[0].y - 18,
            *((a.bottom + b.y) / 2 for a, b in pairwise(members)),
            members[-1].bottom + 18,
        ]
        x = members[0].x
        share = (x + BOX_WIDTH / 2 - start[0]) / (end[0] - start[0])
        ideal = start[1] + share * (end[1] - start[1])
        gap = min(free, key=lambda height: abs(height - ideal))
        lanes[column, gap] += 1
        # Edges through one gap keep apart: 0, 5, -5, 10, -10 pixels off its middle.
        y = gap + 5 * (lanes[column, gap] // 2 % 3) * (-1) ** lanes[column, gap]
        stops += [(x, y), (x + BOX_WIDTH, y)][::step]
    return stops


def arc(boxes: Mapping[str, Box], left: str, right: str) -> tuple[Cubic, ...]:
    """Return the arc of an unmeasured common cause: over the columns, or beside one."""
    a, b = sorted((boxes[left], boxes[right]), key=lambda box: (box.x, box.y))
    if a.column == b.column and a.column >= 0:
        bulge = 34 + 0.15 * abs(b.y - a.y)
        start, end = (a.x, a.centre[1]), (b.x, b.centre[1])
        return ((start, (a.x - bulge, start[1]), (b.x - bulge, end[1]), end),)
    if a.column == -1 and b.column == -1:
        start, end = (a.centre[0], a.bottom), (b.centre[0], b.bottom)
        return ((start, (start[0], start[1] + 44), (end[0], end[1] + 44), end),)
    between = [box.y for box in boxes.values() if a.x <= box.x <= b.x and box.column >= 0]
    if -1 in (a.column, b.column):
        low, high = (a, b) if a.column == -1 else (b, a)
        return _by_gutter((low.centre[0], low.y), (high.x, high.y + 8), 10.0, low.y - _BAND + 8)
    peak = min(between) - 34
    start, end = (a.centre[0], a.y), (b.centre[0], b.y)
    return ((start, (start[0], peak), (end[0], peak), end),)

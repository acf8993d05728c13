"""Where the parts of a path drawing stand: boxes from left to right, an arrow for each hop, rows like lines of text.

Only geometry and words; the template draws it. Lengths are CSS pixels, estimated from the number of characters because
nothing measures text here. The ordered list under the drawing says the same in full, so long names may be cut here.
"""

from msgspec import Struct

from kubeaudit.findings import Hop, PathResult
from kubeaudit.proof import State
from kubeaudit.report.svg_text import NAME_WIDTH, WORD_WIDTH, Label, label, wrapped
from kubeaudit.report.visible import visible

LINE = 17
PADDING = 11
VERB_COLUMNS = 13
VERB_LINE = 14
MIN_GAP = 64
ROW_WIDTH = 940
"""Longest row: what the report's column shows without scrolling."""
STEP = 20
"""By how much a row is shortened at a time to make rows equally long."""
TURN = 14
"""How far an arrow to the next row leads beyond the boxes."""
INDENT = 46
"""Where further rows begin, so that the arrow that leads to them has room."""
GUTTER = 54
"""Between two rows, for the arrow and its words."""
EDGE = 6


class Node(Struct, frozen=True):
    """A box with its words. ``role`` is ``entry``, ``jewel`` or empty."""

    x: int
    y: int
    width: int
    height: int
    label: Label
    role: str

    @property
    def middle(self) -> int:
        """Height of the arrows that touch it."""
        return self.y + self.height // 2

    @property
    def first_line(self) -> int:
        """Baseline of its first line of text."""
        return self.middle - self.label.lines * LINE // 2 + 12


class Edge(Struct, frozen=True):
    """An arrow: its line as SVG path data, its tip, the point its words are centred on, and the number of its hop."""

    line: str
    tip: tuple[int, int]
    words: tuple[int, int]
    number: int
    verb: tuple[str, ...]
    unknown: bool
    fix: bool


class Drawing(Struct, frozen=True):
    """A path as boxes and arrows, with the text that says the same."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    title: str
    text: str


class _Station(Struct, frozen=True):
    label: Label
    width: int
    verb: tuple[str, ...]
    gap: int


def drawing(path: PathResult) -> Drawing:
    """Lays out a path of at least one hop."""
    stations = _stations(path)
    nodes: list[Node] = []
    top = EDGE
    for number, row in enumerate(_rows(stations)):
        boxes = [stations[index] for index in row]
        height = max(box.label.lines for box in boxes) * LINE + 2 * PADDING - 4
        inside = [stations[index].verb for index in row[:-1]]
        top += max(0, max(map(len, inside), default=0) * VERB_LINE + 8 - height // 2)
        x = INDENT if number else 1
        for index, box in zip(row, boxes, strict=True):
            role = "entry" if index == 0 else "jewel" if index == len(stations) - 1 else ""
            nodes.append(Node(x, top, box.width, height, box.label, role))
            x += box.width + box.gap
        top += height + GUTTER
    edges = tuple(
        _edge(nodes[index], nodes[index + 1], index + 1, hop, stations[index].verb)
        for index, hop in enumerate(path.hops)
    )
    width = max(node.x + node.width for node in nodes) + TURN + 2
    lowest = max(node.y + max(node.height, node.height // 2 + 24) for node in nodes)
    return Drawing(width, lowest + EDGE, tuple(nodes), edges, _title(path), _text(path.hops))


def _stations(path: PathResult) -> list[_Station]:
    first = path.hops[0]
    ends = [(first.source, first.source_label), *((hop.target, hop.target_label) for hop in path.hops)]
    verbs = [*(wrapped(visible(hop.verb), VERB_COLUMNS, 3) for hop in path.hops), ()]
    stations = []
    for (key, name), verb in zip(ends, verbs, strict=True):
        words = label(key, visible(name))
        width = round(
            max(max(map(len, words.name)) * NAME_WIDTH, len(words.kind) * WORD_WIDTH, len(words.facet) * WORD_WIDTH)
        )
        gap = max(MIN_GAP, round(max(map(len, verb), default=0) * WORD_WIDTH) + 22)
        stations.append(_Station(words, width + 2 * PADDING, verb, gap))
    return stations


def _rows(stations: list[_Station]) -> list[list[int]]:
    """Which stations stand in which row: as few rows as fit, about equally long."""
    best = _filled(stations, ROW_WIDTH)
    for limit in range(ROW_WIDTH, 0, -STEP):
        rows = _filled(stations, limit)
        if len(rows) > len(best):
            break
        best = rows
    return best


def _filled(stations: list[_Station], limit: int) -> list[list[int]]:
    rows: list[list[int]] = [[0]]
    end = 1 + stations[0].width
    for index in range(1, len(stations)):
        end += stations[index - 1].gap + stations[index].width
        if end > limit:
            rows.append([])
            end = INDENT + stations[index].width
        rows[-1].append(index)
    return rows


def _edge(source: Node, target: Node, number: int, hop: Hop, verb: tuple[str, ...]) -> Edge:
    start, tip = source.x + source.width, (target.x - 2, target.middle)
    unknown, fix = hop.state is not State.YES, bool(hop.fix)
    if target.y == source.y:
        line = f"M{start + 2} {source.middle}H{tip[0] - 7}"
        return Edge(line, tip, ((start + target.x) // 2, source.middle), number, verb, unknown, fix)
    turn = target.y - GUTTER // 2 - 2
    line = f"M{start + 2} {source.middle}h{TURN - 2}V{turn}H{TURN}V{target.middle}H{tip[0] - 7}"
    return Edge(line, tip, ((start + 2 * TURN) // 2, turn), number, (visible(hop.verb),), unknown, fix)


def _title(path: PathResult) -> str:
    return visible(f"Path from {path.entry_label} to {path.jewel_label}")


def _text(hops: tuple[Hop, ...]) -> str:
    said = []
    for number, hop in enumerate(hops, 1):
        doubt = " (not decided)" if hop.state is not State.YES else ""
        said.append(f"{number}. {hop.source_label} {hop.verb} {hop.target_label}{doubt}.")
    return visible(" ".join(said))

"""The one graph: edges of all families joined by their vertices. The only module that knows networkx."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from kubeaudit.edges.contract import Edge
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Vertex

NEVER, PERHAPS, SURELY = range(3)
"""Whether an edge may be walked: never (blocked, or a hint, which is worth a note and never a step: EXP-32), where
unknown edges are walked too, or always.
"""
_HINT = Confidence.HINT
_WALKED = {State.YES: SURELY, State.UNKNOWN: PERHAPS, State.BLOCKED: NEVER}


class Around:
    """The edges at one end of every vertex: one list in the order of these vertices, because lists of their own would
    take more memory than the edges do. Those of vertex ``n`` are from ``starts[n]`` to before ``starts[n + 1]``.

    ``others`` has the vertex at the other end of each edge, ``walked`` whether the edge may be walked.
    """

    def __init__(self, edges: Sequence[Edge], near: Sequence[int], far: Sequence[int], vertices: int) -> None:
        """``near`` and ``far`` have the numbers of the vertices at both ends of each edge."""
        order = sorted(range(len(edges)), key=near.__getitem__)
        self.edges = [edges[position] for position in order]
        self.others = array("I", (far[position] for position in order))
        self.walked = bytes(map(_walked, self.edges))
        counts = [0] * (vertices + 1)
        for number in near:
            counts[number + 1] += 1
        self.starts = array("I", accumulate(counts))

    def at(self, number: int) -> Sequence[Edge]:
        """The edges at a vertex in the order they were given."""
        return self.edges[self.starts[number] : self.starts[number + 1]]


def _walked(edge: Edge) -> int:
    return NEVER if edge.confidence is _HINT else _WALKED[edge.state]


class Graph:
    """Vertices and edges. Parallel edges are kept; blocked ones too, but no search walks them (EXP-31).

    Vertices are numbered, because a search hashes small integers faster than names: ``order[number]`` is a vertex,
    ``keys[number]`` its key, ``ahead`` has the edges that leave it and ``behind`` those that enter it."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.order: list[Vertex] = []
        self.keys: list[str] = []
        self._number: dict[Vertex, int] = {}
        found, sources, targets = list[Edge](), array("I"), array("I")
        for edge in edges:
            found.append(edge)
            sources.append(self._add(edge.source))
            targets.append(self._add(edge.target))
        self.ahead = Around(found, sources, targets, len(self.order))
        self.behind = Around(found, targets, sources, len(self.order))

    def __contains__(self, vertex: Vertex) -> bool:
        return vertex in self._number

    def number(self, vertex: Vertex) -> int | None:
        """The number of a vertex, None where the graph has none such."""
        return self._number.get(vertex)

    def vertices(self) -> Iterator[Vertex]:
        """Every vertex, in the order of its first edge."""
        return iter(self.order)

    def size(self) -> tuple[int, int]:
        """Number of vertices and edges (EXP-24)."""
        return len(self.order), len(self.ahead.edges)

    def out_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that leave a vertex, blocked ones included."""
        number = self._number.get(vertex)
        return iter(self.ahead.at(number) if number is not None else ())

    def in_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that enter a vertex, blocked ones included."""
        number = self._number.get(vertex)
        return iter(self.behind.at(number) if number is not None else ())

    def edges(self) -> Iterator[Edge]:
        """Every edge."""
        return iter(self.ahead.edges)

    def compromise_groups(self) -> list[tuple[Vertex, ...]]:
        """Sets of more than one vertex each of which leads to all others over ``yes`` edges (EXP-23), largest first."""
        import networkx as nx  # Here, because it takes 20 MB, and a scan does not ask for this.

        certain = nx.DiGraph(
            (self._number[edge.source], self._number[edge.target])
            for walked, edge in zip(self.ahead.walked, self.ahead.edges, strict=True)
            if walked == SURELY
        )
        found = [
            tuple(sorted(self.order[n] for n in group))
            for group in nx.strongly_connected_components(certain)
            if len(group) > 1
        ]
        return sorted(found, key=lambda group: (-len(group), group))

    def _add(self, vertex: Vertex) -> int:
        number = self._number.get(vertex)
        if number is None:
            number = self._number[vertex] = len(self.order)
            self.order.append(vertex)
            self.keys.append(vertex.key)
        return number

"""The one graph: edges of all families joined by their vertices. The only module that knows networkx."""

from collections.abc import Iterable, Iterator

import networkx as nx

from kubeaudit.edges.contract import Edge
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Vertex

Around = list[tuple[int, Edge]]
"""The edges at one end of a vertex, each with the number of the vertex at its other end."""


class Graph:
    """Vertices and edges. Parallel edges are kept; blocked ones too, but no search walks them (EXP-31).

    Vertices are numbered, because a search hashes small integers faster than names: ``order[number]`` is a vertex,
    ``keys[number]`` its key, ``ahead[number]`` the edges that leave it and ``behind[number]`` those that enter it."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.order: list[Vertex] = []
        self.keys: list[str] = []
        self.ahead: list[Around] = []
        self.behind: list[Around] = []
        self._number: dict[Vertex, int] = {}
        for edge in edges:
            source, target = self._add(edge.source), self._add(edge.target)
            self.ahead[source].append((target, edge))
            self.behind[target].append((source, edge))

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
        return len(self.order), sum(map(len, self.ahead))

    def out_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that leave a vertex, blocked ones included."""
        number = self._number.get(vertex)
        return (edge for _, edge in (self.ahead[number] if number is not None else ()))

    def in_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that enter a vertex, blocked ones included."""
        number = self._number.get(vertex)
        return (edge for _, edge in (self.behind[number] if number is not None else ()))

    def edges(self) -> Iterator[Edge]:
        """Every edge."""
        return (edge for around in self.ahead for _, edge in around)

    def compromise_groups(self) -> list[tuple[Vertex, ...]]:
        """Sets of more than one vertex each of which leads to all others over ``yes`` edges (EXP-23), largest first."""
        certain = nx.DiGraph(
            (source, target) for source, around in enumerate(self.ahead) for target, edge in around if _is_certain(edge)
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
            self.ahead.append([])
            self.behind.append([])
        return number


def _is_certain(edge: Edge) -> bool:
    return edge.state is State.YES and edge.confidence is not Confidence.HINT

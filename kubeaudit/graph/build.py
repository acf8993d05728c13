"""The one graph: edges of all families joined by their vertices. The only package that knows networkx."""

from collections.abc import Iterable, Iterator

import networkx as nx

from kubeaudit.edges.contract import Edge
from kubeaudit.proof import State
from kubeaudit.refs import Vertex


class Graph:
    """Vertices and edges. Parallel edges are kept; blocked ones too, but no search walks them (EXP-31)."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._graph: nx.MultiDiGraph[Vertex] = nx.MultiDiGraph()
        for edge in edges:
            self._graph.add_edge(edge.source, edge.target, edge=edge)

    def __contains__(self, vertex: Vertex) -> bool:
        return vertex in self._graph

    def vertices(self) -> Iterator[Vertex]:
        """Every vertex, in no particular order."""
        return iter(self._graph)

    def size(self) -> tuple[int, int]:
        """Number of vertices and edges (EXP-24)."""
        return self._graph.number_of_nodes(), self._graph.number_of_edges()

    def out_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that leave a vertex, blocked ones included."""
        if vertex in self._graph:
            for _, _, edge in self._graph.out_edges(vertex, data="edge"):
                yield edge

    def in_edges(self, vertex: Vertex) -> Iterator[Edge]:
        """Edges that enter a vertex, blocked ones included."""
        if vertex in self._graph:
            for _, _, edge in self._graph.in_edges(vertex, data="edge"):
                yield edge

    def edges(self) -> Iterator[Edge]:
        """Every edge."""
        for _, _, edge in self._graph.edges(data="edge"):
            yield edge


def walkable(edge: Edge, *, unknown: bool) -> bool:
    """Whether a search may take an edge: ``yes`` always, ``unknown`` only where asked (EXP-971)."""
    return edge.state is State.YES or (unknown and edge.state is State.UNKNOWN)

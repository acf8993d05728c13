"""Cheapest paths (EXP-971..973): one forward and one backward search answer every "can reach"; a path is the proof that is shown."""

import heapq
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Graph, walkable
from kubeaudit.refs import Vertex

Cost = tuple[int, int]
"""Effort and number of hops; cheaper first, then shorter (EXP-972)."""


class Tree(Struct, frozen=True):
    """A search from some roots: the cost of every vertex reached, and the edge each was reached by.

    Searched backward, ``via`` leads from a vertex towards the root.
    """

    cost: dict[Vertex, Cost]
    via: dict[Vertex, Edge]
    backward: bool
    cut: bool = False

    def __contains__(self, vertex: Vertex) -> bool:
        return vertex in self.cost

    def path(self, vertex: Vertex) -> tuple[Edge, ...]:
        """The edges between the root and a vertex, in the direction of the attack. Raises KeyError where it was not reached."""
        if vertex not in self.cost:
            raise KeyError(vertex)
        edges: list[Edge] = []
        while (edge := self.via.get(vertex)) is not None:
            edges.append(edge)
            vertex = edge.target if self.backward else edge.source
        return tuple(edges if self.backward else reversed(edges))


def forward(graph: Graph, roots: Iterable[Vertex], *, unknown: bool, max_hops: int) -> Tree:
    """Cheapest ways from the roots to every vertex they reach."""
    return _search(graph.out_edges, lambda edge: edge.target, roots, unknown, max_hops, backward=False)


def backward(graph: Graph, roots: Iterable[Vertex], *, unknown: bool, max_hops: int) -> Tree:
    """Cheapest ways from every vertex to the nearest root."""
    return _search(graph.in_edges, lambda edge: edge.source, roots, unknown, max_hops, backward=True)


def _search(
    around: Callable[[Vertex], Iterator[Edge]],
    end: Callable[[Edge], Vertex],
    roots: Iterable[Vertex],
    unknown: bool,
    max_hops: int,
    *,
    backward: bool,
) -> Tree:
    """Dijkstra on (effort, hops). Ties are broken by row id, then vertex key, so that the tree does not depend on the order of edges."""
    cost: dict[Vertex, Cost] = {}
    via: dict[Vertex, Edge] = {}
    best: dict[Vertex, tuple[Cost, str, str]] = {}
    queue: list[tuple[Cost, str, Vertex]] = []
    for root in roots:
        best[root] = ((0, 0), "", "")
        heapq.heappush(queue, ((0, 0), root.key, root))
    cut = False
    while queue:
        reached, _, vertex = heapq.heappop(queue)
        if vertex in cost or reached != best[vertex][0]:
            continue
        cost[vertex] = reached
        if reached[1] >= max_hops:
            cut = True
            continue
        for edge in around(vertex):
            if not walkable(edge, unknown=unknown):
                continue
            other = end(edge)
            rank = ((reached[0] + edge.effort, reached[1] + 1), edge.row, vertex.key)
            if other in cost or (other in best and best[other] <= rank):
                continue
            if other not in best or best[other][0] != rank[0]:
                heapq.heappush(queue, (rank[0], other.key, other))
            best[other] = rank
            via[other] = edge
    return Tree(cost, via, backward, cut)

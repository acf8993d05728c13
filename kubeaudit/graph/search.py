"""Cheapest paths (EXP-971..973): one forward and one backward search answer every "can reach"; a path is the proof that
is shown.
"""

import heapq
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Around, Graph
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Vertex

Cost = tuple[int, int]
"""Effort and number of hops; cheaper first, then shorter (EXP-972)."""
_Via = tuple[int, Edge]


class Tree(Struct, frozen=True, eq=False):
    """A search from some roots: the cost of every vertex reached, and the edge each was reached by, by the graph's
    numbers.

    Searched backward, ``via`` leads from a vertex towards the root. ``cut``: a vertex lay at the bound, what is behind
    it was not searched."""

    graph: Graph
    costs: dict[int, Cost]
    via: dict[int, _Via]
    backward: bool
    cut: bool

    def __contains__(self, vertex: Vertex) -> bool:
        return self.graph.number(vertex) in self.costs

    def reached(self) -> Iterator[Vertex]:
        """Every vertex that was reached, in the order of its cost."""
        return (self.graph.order[number] for number in self.costs)

    def cost(self, vertex: Vertex) -> Cost | None:
        """Effort and hops to a vertex, None where it was not reached."""
        number = self.graph.number(vertex)
        return self.costs.get(number) if number is not None else None

    def path(self, vertex: Vertex) -> tuple[Edge, ...]:
        """The edges between the root and a vertex, in the direction of the attack. Raises KeyError where it was not
        reached.
        """
        number = self.graph.number(vertex)
        if number not in self.costs:
            raise KeyError(vertex)
        edges: list[Edge] = []
        while number in self.via:
            number, edge = self.via[number]
            edges.append(edge)
        return tuple(edges if self.backward else reversed(edges))


class Walk(Struct, frozen=True):
    """Which edges a search takes: ``yes`` ones and, if asked, ``unknown`` ones, none of the rows ``without``; at most
    ``max_hops`` in a row. A forward search goes no further from what an edge of the rows ``ends`` leads to.
    """

    unknown: bool
    max_hops: int
    without: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()

    def takes(self, edge: Edge) -> bool:
        """Whether an edge may be walked."""
        walked = edge.state is State.YES or (self.unknown and edge.state is State.UNKNOWN)
        # A hint is worth a note, never a step (EXP-32).
        return walked and edge.row not in self.without and edge.confidence is not Confidence.HINT


def forward(graph: Graph, roots: Iterable[Vertex], walk: Walk) -> Tree:
    """Cheapest ways from the roots to every vertex they reach."""
    return _search(graph, graph.ahead, roots, walk, backward=False)


def backward(graph: Graph, roots: Iterable[Vertex], walk: Walk) -> Tree:
    """Cheapest ways from every vertex to the nearest root."""
    return _search(graph, graph.behind, roots, walk, backward=True)


def _search(graph: Graph, around: list[Around], roots: Iterable[Vertex], walk: Walk, *, backward: bool) -> Tree:
    """Dijkstra on (effort, hops). Ties are broken by row id, then vertex key, so that the tree does not depend on the
    order of edges.
    """
    keys = graph.keys
    costs: dict[int, Cost] = {}
    via: dict[int, _Via] = {}
    best: dict[int, tuple[int, int, str, str, str]] = {}
    queue: list[tuple[int, int, int]] = []
    for root in {number for vertex in roots if (number := graph.number(vertex)) is not None}:
        best[root] = (0, 0, "", "", "")
        heapq.heappush(queue, (0, 0, root))
    cut = False
    while queue:
        effort, hops, number = heapq.heappop(queue)
        if number in costs:
            continue
        costs[number] = (effort, hops)
        if number in via and via[number][1].row in walk.ends:
            continue
        if hops >= walk.max_hops:
            cut = cut or any(walk.takes(edge) and other not in costs for other, edge in around[number])
            continue
        for other, edge in around[number]:
            if other in costs or not walk.takes(edge):
                continue
            rank = (effort + edge.effort, hops + 1, edge.row, keys[number], edge.sentence)
            known = best.get(other)
            if known is None or rank < known:
                best[other] = rank
                via[other] = (number, edge)
                if known is None or known[:2] != rank[:2]:
                    heapq.heappush(queue, (rank[0], rank[1], other))
    return Tree(graph, costs, via, backward, cut)

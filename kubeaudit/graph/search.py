"""Cheapest paths (EXP-971..973): one forward and one backward search answer every "can reach"; a path is the proof that
is shown.
"""

import heapq
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import PERHAPS, SURELY, Around, Graph
from kubeaudit.refs import Vertex

_Rank = tuple[int, int, str, str, str]
Cost = tuple[int, int]
"""Effort and number of hops; cheaper first, then shorter (EXP-972)."""


class Tree(Struct, frozen=True, eq=False):
    """A search from some roots: the cost of every vertex reached, and the edge each was reached by, by the graph's
    numbers.

    Searched backward, ``via`` leads from a vertex towards the root. ``cut``: a vertex lay at the bound, what is behind
    it was not searched."""

    graph: Graph
    costs: dict[int, Cost]
    via: dict[int, Edge]
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
        while number is not None and (edge := self.via.get(number)) is not None:
            edges.append(edge)
            number = self.graph.number(edge.target if self.backward else edge.source)
        return tuple(edges if self.backward else reversed(edges))


class Walk(Struct, frozen=True):
    """Which edges a search takes: ``yes`` ones and, if asked, ``unknown`` ones, none of the rows ``without``; at most
    ``max_hops`` in a row. A forward search goes no further from what an edge of the rows ``ends`` leads to.
    """

    unknown: bool
    max_hops: int
    without: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()


def forward(graph: Graph, roots: Iterable[Vertex], walk: Walk) -> Tree:
    """Cheapest ways from the roots to every vertex they reach."""
    return _search(graph, graph.ahead, roots, walk, backward=False)


def backward(graph: Graph, roots: Iterable[Vertex], walk: Walk) -> Tree:
    """Cheapest ways from every vertex to the nearest root."""
    return _search(graph, graph.behind, roots, walk, backward=True)


def _search(graph: Graph, around: Around, roots: Iterable[Vertex], walk: Walk, *, backward: bool) -> Tree:
    """Dijkstra on (effort, hops); vertices of equal cost are settled together, by number. Ties are broken by row id,
    then vertex key, so that the tree does not depend on the order of edges.
    """
    least, without = PERHAPS if walk.unknown else SURELY, walk.without
    starts, walked, others, edges = around.starts, around.walked, around.others, around.edges
    found = {number for vertex in roots if (number := graph.number(vertex)) is not None}
    best: dict[int, _Rank] = dict.fromkeys(found, (0, 0, "", "", ""))
    waiting: dict[Cost, list[int]] = {(0, 0): list(found)}
    costs: dict[int, Cost] = {}
    via: dict[int, Edge] = {}
    queue, cut = [(0, 0)], False
    while queue:
        cost = heapq.heappop(queue)
        effort, hops = cost[0], cost[1] + 1
        for number in sorted(waiting.pop(cost)):
            if number in costs:
                continue
            costs[number], key = cost, graph.keys[number]
            ends = number in via and via[number].row in walk.ends
            for place in range(starts[number], starts[number if ends else number + 1]):
                other, edge = others[place], edges[place]
                if walked[place] < least or other in costs or edge.row in without:
                    continue
                if hops > walk.max_hops:
                    cut = True
                    break
                rank = (effort + edge.effort, hops, edge.row, key, edge.sentence)
                known = best.get(other)
                if known is not None and known <= rank:
                    continue
                best[other], via[other] = rank, edge
                if known is None or known[:2] != rank[:2]:
                    if rank[:2] not in waiting:
                        heapq.heappush(queue, rank[:2])
                    waiting.setdefault(rank[:2], []).append(other)
    return Tree(graph, costs, via, backward, cut)

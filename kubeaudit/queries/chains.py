"""Chains of hops through the graph as answers show them."""

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.findings import Hop
from kubeaudit.graph.paths import route
from kubeaudit.graph.present import label, path_result
from kubeaudit.proof import State
from kubeaudit.settings import Settings, Severity


class Chain(Struct, frozen=True):
    """The cheapest way between two vertices; keys are stable, labels are what people read.

    ``state`` unknown: it rests on a hop that could not be decided.
    """

    source: str
    source_label: str
    target: str
    target_label: str
    state: State
    effort: int
    hops: tuple[Hop, ...]

    def __str__(self) -> str:
        return " -> ".join((self.source_label, *(hop.target_label for hop in self.hops)))


def chain(edges: tuple[Edge, ...], state: State, settings: Settings) -> Chain:
    """A path of the graph, which has at least one edge, as a result."""
    found = path_result(route("query", edges, state, "query", Severity.INFO), settings)
    return Chain(found.entry, found.entry_label, found.jewel, found.jewel_label, found.state, found.effort, found.hops)


def arrow(edges: tuple[Edge, ...]) -> str:
    """The vertices of a path in one line."""
    return " -> ".join(label(vertex) for vertex in (edges[0].source, *(edge.target for edge in edges)))

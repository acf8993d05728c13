"""How the internet gets to pods: the entry points that lead to them, as the exposure edges tell (EXP-101..119)."""

from collections.abc import Sequence

from msgspec import Struct

from kubeaudit.edges import entrypoints, ingresses, traffic
from kubeaudit.edges.context import Context, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.proof import State
from kubeaudit.refs import INTERNET, Facet, Vertex

_FAMILIES = (entrypoints.edges, ingresses.edges, traffic.edges)


class Way(Struct, frozen=True, order=True):
    """One way from the internet to pods: ``state`` is its worst step, ``steps`` say it in words."""

    state: State
    steps: tuple[str, ...]


def ways(context: Context, classes: Sequence[int]) -> tuple[Way, ...]:
    """The ways to some classes, one for each last step, by fewest steps; steps that are blocked lead nowhere."""
    into: dict[Vertex, list[Edge]] = {}
    for family in _FAMILIES:
        for edge in family(context):
            if edge.state is not State.BLOCKED:
                into.setdefault(edge.target, []).append(edge)
    found = []
    for cls in classes:
        for last in into.get(workload(context.cluster.classes[cls], Facet.NET), ()):
            path = _back(into, last)
            if path:
                state = State.UNKNOWN if any(edge.state is State.UNKNOWN for edge in path) else State.YES
                found.append(Way(state, tuple(edge.sentence for edge in path)))
    return tuple(sorted(set(found), key=lambda way: (way.state is not State.YES, way)))


def _back(into: dict[Vertex, list[Edge]], last: Edge) -> list[Edge]:
    """A shortest path from the internet that ends with an edge; none where there is none."""
    behind: dict[Vertex, list[Edge]] = {last.source: [last]}
    waiting = [last.source]
    for vertex in waiting:
        if vertex == INTERNET:
            return behind[vertex]
        for edge in sorted(into.get(vertex, ()), key=lambda edge: (edge.state is not State.YES, edge.source)):
            if edge.source not in behind:
                behind[edge.source] = [edge, *behind[vertex]]
                waiting.append(edge.source)
    return []

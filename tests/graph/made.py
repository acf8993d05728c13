"""Graphs of a few vertices for the tests of the search."""

from kubeaudit.edges.contract import Edge
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Vertex, VertexKind

ROWS = ("EXP-101", "EXP-119", "EXP-121", "EXP-311", "EXP-603")


def vertex(name: str) -> Vertex:
    return Vertex(VertexKind.SERVICE, "ns", name)


def hop(
    source: Vertex | str,
    target: Vertex | str,
    effort: int = 1,
    state: State = State.YES,
    row: str = "EXP-119",
    confidence: Confidence = Confidence.OBJ,
) -> Edge:
    ends = [end if isinstance(end, Vertex) else vertex(end) for end in (source, target)]
    return Edge(row, ends[0], ends[1], state, confidence, effort, f"{ends[0].key} to {ends[1].key} by {row}", ())

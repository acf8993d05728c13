"""What expected.json asks of a world, in its own words: rows, edges between named ends, and what must be absent."""

from collections.abc import Callable, Iterator
from typing import Any

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vertices import NODE_ROOT, ns_admin
from kubeaudit.proof import State
from kubeaudit.refs import CLUSTER_ADMIN, Vertex, VertexKind
from kubeaudit.world import World

from .corpora import IMPLEMENTED

_STRUCTURE = ("EXP-603", "EXP-602", "EXP-06", "EXP-21")
"""Rows that only join what an expectation names by its two ends."""
_ENTRIES = ("EXP-107", "EXP-108")
"""Rows that lead to a workload, though expected.json may list them with what leaves it."""
_SINGLE = {
    "Internet": VertexKind.INTERNET,
    "PrivateNetwork": VertexKind.PRIVATE_NETWORK,
    "Anonymous": VertexKind.ANONYMOUS,
}
Matcher = Callable[[Vertex], bool]


def matcher(text: str) -> Matcher:
    """Which vertices a name of expected.json stands for."""
    kind, _, name = text.partition(" ")
    namespace, _, rest = name.partition("/")
    rest = rest.partition(":")[0]
    if kind in _SINGLE:
        return lambda v: v.kind is _SINGLE[kind]
    if text == "cluster-admin":
        return lambda v: v == CLUSTER_ADMIN
    if kind == "ServiceAccount":
        return lambda v: (v.kind, v.namespace, v.name) == (VertexKind.SERVICE_ACCOUNT, namespace, rest)
    if kind == "Secret":
        return lambda v: (v.kind, v.namespace, v.name) == (VertexKind.SECRET, namespace, rest)
    if kind == "Service":
        return lambda v: (v.kind, v.namespace) == (VertexKind.SERVICE, namespace) and v.name.partition(":")[0] == rest
    if kind == "Grant":
        return lambda v: (v.kind, v.namespace) == (VertexKind.GRANT, namespace) and rest in v.name
    if kind == "EntryPoint":
        return lambda v: v.kind is VertexKind.ENTRY_POINT and v.name.endswith("/" + name.partition(" ")[2])
    if kind.startswith("SchedulableNodes("):
        return lambda v: v == NODE_ROOT
    if kind.startswith("ns-admin("):
        wanted = text.removeprefix("ns-admin(").removesuffix(")").replace("every namespace", "")
        return lambda v: v == ns_admin(wanted)
    if kind.startswith("all("):
        return lambda v: v.kind is VertexKind.AGGREGATE and v.name in kind and f"{v.namespace})" in text
    return lambda v: (
        (v.kind, v.namespace, v.name.partition("#")[0]) == (VertexKind.WORKLOAD, namespace, f"{kind}/{rest}")
    )


def rows_of(found: World, source: str) -> set[str]:
    """Rows of the open edges that leave an object."""
    matches = matcher(source)
    return {edge.row for edge in _open(found) if matches(edge.source)}


def disagreements(found: World, expected: dict[str, Any]) -> Iterator[str]:
    """Every expectation about an implemented row that the world does not meet."""
    present = {edge.row: edge for edge in _open(found)}
    for row in (row for key in ("rows", "rows_env") for row in expected.get(key, ()) if row in IMPLEMENTED):
        if not any(edge.row == row and edge.state is State.YES for edge in found.graph.edges()):
            yield f"{row} is missing"
    yield from (
        f"{row} must be absent: {present[row].sentence}"
        for row in expected.get("absent", ())
        if row in IMPLEMENTED & set(present)
    )
    for edge in expected.get("edges", ()):
        yield from _edge(found, edge)
    for source, row in expected.get("no_edge", ()):
        if row in IMPLEMENTED and row in rows_of(found, source):
            yield f"{source} must have no {row}"
    for path in expected.get("paths", ()):
        state = found.searches["internet"].state(CLUSTER_ADMIN)
        if path["entry"] == "Internet" and path["jewel"] == "EXP-961" and state != path["state"]:
            yield f"path from the internet to cluster-admin is {state}, not {path['state']}"


def _edge(found: World, expected: dict[str, Any]) -> Iterator[str]:
    rows = [row for row in expected["rows"] if row in IMPLEMENTED]
    if not rows or "from" not in expected:
        return
    steps = [e for e in _open(found) if e.row in (*rows, *_STRUCTURE)]
    closure = set(filter(matcher(expected["from"]), found.graph.vertices()))
    while more := {e.target for e in steps if e.source in closure} - closure:
        closure |= more
    for row in rows:
        states = {
            e.state
            for e in steps
            if e.row == row and (e.source in closure or (row in _ENTRIES and e.target in closure))
        }
        if State(expected.get("state", "yes")) not in states:
            yield f"{row} from {expected['from']} is {sorted(states) or 'missing'}, not {expected.get('state', 'yes')}"
    if "to" in expected and not any(map(matcher(expected["to"]), closure)):
        yield f"{expected['from']} does not lead to {expected['to']} by {rows}"


def _open(found: World) -> Iterator[Edge]:
    return (edge for edge in found.graph.edges() if edge.state is not State.BLOCKED)


def count(expected: dict[str, Any]) -> tuple[int, int]:
    """How many expectations are about implemented rows, and how many are about others."""
    rows = [row for key in ("rows", "rows_env", "rows_hint", "absent") for row in expected.get(key, ())]
    rows += [row for edge in expected.get("edges", ()) for row in edge["rows"]]
    rows += [row for _, row in expected.get("no_edge", ())]
    inside = sum(row in IMPLEMENTED for row in rows)
    return inside + len(expected.get("paths", ())), len(rows) - inside

"""Routes as people and result documents see them: labels, sentences, proof of every hop (EXP-981), and the overview
matrix.
"""

from collections.abc import Mapping

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import ROWS
from kubeaudit.findings import AssumptionUse, Cell, Hop, PathResult
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import ENTRIES, JEWELS, Route, Searches, jewels, searches_to
from kubeaudit.graph.search import Tree
from kubeaudit.proof import State, recheck
from kubeaudit.refs import Facet, Vertex, VertexKind
from kubeaudit.settings import Settings

_FACETS = {Facet.NET: "", Facet.CTL: " (code)", Facet.SSRF: " (requests)", Facet.NONE: ""}


def label(vertex: Vertex) -> str:
    """What people read for a vertex."""
    place = f"{vertex.namespace}/" if vertex.namespace else ""
    match vertex.kind:
        case VertexKind.INTERNET:
            return "internet"
        case VertexKind.PRIVATE_NETWORK:
            return "private network"
        case VertexKind.ANONYMOUS:
            return "anonymous callers"
        case VertexKind.EXTERNAL_CIDR:
            return vertex.name.replace(",", ", ")
        case VertexKind.ENTRY_POINT:
            kind, name, detail = (*vertex.name.split("/", 2), "", "")[:3]
            return f"{kind} {place}{name}" + (f" {detail}" if detail else "")
        case VertexKind.SERVICE:
            return f"Service {place}{vertex.name.partition('@')[0]}"
        case VertexKind.WORKLOAD:
            kind, _, name = vertex.name.partition("/")
            return f"{kind} {place}{name}{_FACETS[vertex.facet]}"
        case VertexKind.POD_NETWORK:
            kind, _, name = vertex.name.partition(":")[0].partition("/")
            return f"pod network in front of {kind} {place}{name}"
        case VertexKind.SERVICE_ACCOUNT:
            return f"ServiceAccount {place}{vertex.name}"
        case VertexKind.USER | VertexKind.GROUP:
            return f"{vertex.kind.capitalize()} {vertex.name}"
        case VertexKind.GRANT:
            role, _, binding = vertex.name.replace("@%", "@a new ").partition("@")
            return f"{role} through {binding}" + (f" in {vertex.namespace}" if vertex.namespace else "")
        case VertexKind.AGGREGATE:
            return _aggregate(vertex)
        case VertexKind.NODE:
            return f"Node {vertex.name}{_FACETS[vertex.facet]}"
        case VertexKind.SECRET:
            return f"Secret {place}{vertex.name}"
        case VertexKind.METADATA:
            return f"metadata service {vertex.name.partition('/')[2].partition('@')[0]}"
        case VertexKind.CLOUD_IDENTITY:
            return f"cloud identity {vertex.name}"
        case VertexKind.API_SERVER:
            return f"API server {vertex.name}"
        case VertexKind.KUBELET:
            return f"kubelet of {vertex.name.rpartition(':')[0].replace(',', ', ')}"
        case VertexKind.ETCD:
            return "etcd of the cluster"
        case _:
            return _gain(vertex)


def _aggregate(vertex: Vertex) -> str:
    """``all Secrets of shop``, ``all workloads on n1 (code)``."""
    kind, _, place = vertex.name.partition("@")
    kind, _, owner = kind.partition("/")
    what = {"WorkloadClass": "workloads", "Identity": "identities"}.get(kind, f"{kind}s")
    text = f"all {what}" + (f" of a {owner}" if owner else "") + (f" on {place}" if place else "")
    return text + (f" of {vertex.namespace}" if vertex.namespace else "") + _FACETS[vertex.facet]


def _gain(vertex: Vertex) -> str:
    """A sink: a crown jewel, or what is gained in a namespace or in the cluster."""
    if vertex.name == "ns-admin":
        return f"everything in {vertex.namespace or 'every namespace'}"
    name = "all Secrets" if vertex.name == "all-secrets" else vertex.name
    return f"{name} of {vertex.namespace}" if vertex.namespace else name


def path_result(route: Route, settings: Settings) -> PathResult:
    """A route as a part of the result document."""
    return PathResult(
        id=route.id,
        route=route.route,
        entry=route.entry.key,
        entry_label=label(route.entry),
        jewel=route.jewel.key,
        jewel_label=label(route.jewel),
        jewel_kind=route.jewel_kind,
        state=route.state,
        severity=route.severity,
        effort=route.effort,
        hops=tuple(_hop(edge, settings) for edge in route.edges),
    )


def assumption_uses(edge: Edge, settings: Settings) -> tuple[AssumptionUse, ...]:
    """The edge's assumptions, and which of them a committed fact answers (EXP-974)."""
    facts = settings.facts
    return tuple(
        AssumptionUse(
            a.name,
            a.text,
            str(getattr(facts, name)) if (name := a.name.replace("-", "_")) in facts.__struct_fields__ else "assumed",
        )
        for a in edge.assumptions
    )


def _hop(edge: Edge, settings: Settings) -> Hop:
    row = ROWS[edge.row]
    return Hop(
        row=edge.row,
        source=edge.source.key,
        target=edge.target.key,
        source_label=label(edge.source),
        target_label=label(edge.target),
        verb=row.verb,
        sentence=edge.sentence,
        state=edge.state,
        confidence=str(edge.confidence),
        effort=edge.effort,
        evidence=edge.evidence,
        assumptions=assumption_uses(edge, settings),
        unseen=tuple(dict.fromkeys(edge.unseen)),
        techniques=row.techniques,
        fix=edge.fix,
        rechecks=tuple(dict.fromkeys(recheck(item) for item in edge.evidence)),
    )


def matrix(
    graph: Graph, searches: Mapping[str, Searches], paths: Mapping[str, tuple[str, ...]], settings: Settings
) -> tuple[Cell, ...]:
    """One cell per entry and kind of jewel. ``count`` counts the workloads, or without any the subjects, that lead
    there.

    ``paths`` maps ``entry:jewel kind`` to path ids.
    """
    ends: dict[str, list[Vertex]] = {kind: [] for kind in JEWELS if kind != "declared" or settings.crown_jewels}
    for vertex, kind in jewels(graph, settings).items():
        ends[kind].append(vertex)
    cells = []
    for kind, vertices in ends.items():
        back = searches_to(graph, vertices, settings)
        cells += [
            _cell(entry, kind, searches[entry], back, vertices, paths.get(f"{entry}:{kind}", ())) for entry in ENTRIES
        ]
    order = list(ENTRIES)
    return tuple(sorted(cells, key=lambda cell: order.index(cell.entry)))


def _cell(entry: str, kind: str, search: Searches, back: Searches, ends: list[Vertex], paths: tuple[str, ...]) -> Cell:
    states = {search.state(vertex) for vertex in ends}
    state, count = "none", 0
    if State.YES in states:
        state, count = str(State.YES), _doors(search.certain, back.certain)
    elif State.UNKNOWN in states:
        state, count = str(State.UNKNOWN), _doors(search.possible, back.possible)
    elif ends and search.cut:
        state = str(State.UNKNOWN)
    return Cell(entry, kind, state, count, paths if count else (), ENTRIES[entry], JEWELS[kind].label)


def _doors(ahead: Tree, behind: Tree) -> int:
    """Workloads that lie between an entry and a jewel, counted once each; without any, the subjects."""
    between = [vertex for vertex in ahead.reached() if vertex in behind]
    workloads = {
        (v.namespace, v.name.partition("#")[0])
        for v in between
        if v.kind is VertexKind.WORKLOAD and v.facet is not Facet.NET
    }
    return len(workloads) or len([v for v in between if v.kind in (VertexKind.GRANT, VertexKind.ENTRY_POINT)]) or 1

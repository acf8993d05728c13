"""Paths as results: from entries to crown jewels, also through a workload (EXP-951..969, 971..973, 979)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.findings import short_hash
from kubeaudit.graph.build import Graph
from kubeaudit.graph.search import Tree, backward, forward
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import ALL_SECRETS, ANONYMOUS, CLUSTER_ADMIN, INTERNET, Facet, Vertex, VertexKind
from kubeaudit.settings import Settings, Severity

AUTHENTICATED = Vertex(VertexKind.GROUP, "", "system:authenticated")
ASSUMED_FLAWS = ("EXP-121", "EXP-122")


class JewelKind(Struct, frozen=True):
    """A kind of crown jewel (EXP-961..969): how people call it, and the severity of reaching it."""

    name: str
    label: str
    severity: Severity


JEWELS = {
    "cluster-admin": JewelKind("cluster-admin", "cluster-admin", Severity.CRITICAL),
    "all-secrets": JewelKind("all-secrets", "all Secrets", Severity.CRITICAL),
    "cloud-identity": JewelKind("cloud-identity", "cloud identity", Severity.HIGH),
    "api-server": JewelKind("api-server", "API server", Severity.MEDIUM),
}
ENTRIES = {"internet": "the internet", "anonymous": "anonymous callers", "authenticated": "any authenticated caller"}


class Route(Struct, frozen=True):
    """One path: its edges, state and severity, with the ids of EXP-979."""

    id: str
    route: str
    jewel_kind: str
    state: State
    severity: Severity
    effort: int
    edges: tuple[Edge, ...]

    @property
    def entry(self) -> Vertex:
        """Where the path starts."""
        return self.edges[0].source

    @property
    def jewel(self) -> Vertex:
        """What the path reaches."""
        return self.edges[-1].target


def jewel_kind(vertex: Vertex) -> str | None:
    """Which kind of crown jewel a vertex is; None where it is none."""
    if vertex == CLUSTER_ADMIN:
        return "cluster-admin"
    if vertex == ALL_SECRETS:
        return "all-secrets"
    if vertex.kind in (VertexKind.CLOUD_IDENTITY, VertexKind.METADATA):
        return "cloud-identity"
    if vertex.kind is VertexKind.API_SERVER and vertex.facet is Facet.NONE:
        return "api-server"
    return None


def entries(graph: Graph) -> dict[str, tuple[Vertex, ...]]:
    """Entry vertices by name: the internet and restricted ranges of it, anonymous callers, any authenticated caller (EXP-951..953)."""
    ranges = sorted(v for v in graph.vertices() if v.kind is VertexKind.EXTERNAL_CIDR)
    return {"internet": (INTERNET, *ranges), "anonymous": (ANONYMOUS,), "authenticated": (AUTHENTICATED,)}


class Searches(Struct, frozen=True):
    """The forward searches from one entry, over yes edges and over yes and unknown ones."""

    certain: Tree
    possible: Tree

    def state(self, vertex: Vertex) -> State | None:
        """``yes``, ``unknown``, or None where no path leads to the vertex."""
        if vertex in self.certain:
            return State.YES
        return State.UNKNOWN if vertex in self.possible else None

    @property
    def cut(self) -> bool:
        """Whether the bound on hops kept something from being searched: then "not reached" is not known (PERF-06)."""
        return self.certain.cut or self.possible.cut

    def path(self, vertex: Vertex) -> tuple[Edge, ...]:
        """The path that proves the state."""
        return (self.certain if vertex in self.certain else self.possible).path(vertex)


def searches_from(graph: Graph, roots: Iterable[Vertex], settings: Settings) -> Searches:
    """Search forward from some roots, both ways (EXP-971)."""
    found, hops = tuple(roots), settings.limits.max_hops
    return Searches(forward(graph, found, unknown=False, max_hops=hops), forward(graph, found, unknown=True, max_hops=hops))


def searches_to(graph: Graph, roots: Iterable[Vertex], settings: Settings) -> Searches:
    """Search backward from some targets, both ways."""
    found, hops = tuple(roots), settings.limits.max_hops
    return Searches(backward(graph, found, unknown=False, max_hops=hops), backward(graph, found, unknown=True, max_hops=hops))


def routes(graph: Graph, searches: dict[str, Searches]) -> Iterator[Route]:
    """The cheapest path per (entry, jewel) (EXP-972). A metadata service counts where it leads to no identity of its own."""
    jewels = sorted(v for v in graph.vertices() if _is_end(graph, v))
    for name, search in searches.items():
        for jewel in jewels:
            state = search.state(jewel)
            edges = search.path(jewel) if state is not None else ()
            if edges and state is not None:
                yield route(f"path:{name}", edges, state)


def route(rule: str, edges: tuple[Edge, ...], state: State) -> Route:
    """A path as a result. Severity is that of its jewel, one step lower where any hop but the assumed flaw rests on something the API
    does not show (EXP-37)."""
    kind = jewel_kind(edges[-1].target) or "cloud-identity"
    severity = JEWELS[kind].severity
    if any(e.confidence is not Confidence.OBJ and e.row not in ASSUMED_FLAWS for e in edges):
        severity = list(Severity)[min(severity.rank + 1, Severity.LOW.rank)]
    keys = [part for edge in edges for part in (edge.row, edge.target.key)]
    return Route(
        id=short_hash(rule, edges[0].source.key, edges[-1].target.key),
        route=short_hash(edges[0].source.key, *keys),
        jewel_kind=kind,
        state=state,
        severity=severity,
        effort=sum(edge.effort for edge in edges),
        edges=edges,
    )


def _is_end(graph: Graph, vertex: Vertex) -> bool:
    if vertex.kind is VertexKind.METADATA:
        return not any(edge.target.kind is VertexKind.CLOUD_IDENTITY for edge in graph.out_edges(vertex))
    return jewel_kind(vertex) is not None

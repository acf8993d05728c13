"""Paths as results: from entries to crown jewels, also through a workload (EXP-951..969, 971..973, 979)."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import EXP_LATERAL_CODE, EXP_LATERAL_SSRF
from kubeaudit.findings import short_hash
from kubeaudit.graph.build import Graph
from kubeaudit.graph.search import Tree, Walk, backward, forward
from kubeaudit.model.nodes import holds_public
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import ALL_SECRETS, ANONYMOUS, CLUSTER_ADMIN, INTERNET, PRIVATE_NETWORK, Facet, Vertex, VertexKind
from kubeaudit.settings import CrownJewel, Settings, Severity

AUTHENTICATED = Vertex(VertexKind.GROUP, "", "system:authenticated")
ASSUMED_FLAWS = ("EXP-121", "EXP-122")
LATERAL = frozenset([EXP_LATERAL_CODE, EXP_LATERAL_SSRF])
"""Rows that lead from workload to workload."""


class JewelKind(Struct, frozen=True):
    """A kind of crown jewel (EXP-961..969): how people call it in a table and in a sentence, and the severity of
    reaching it.
    """

    label: str
    phrase: str
    severity: Severity


JEWELS = {
    "cluster-admin": JewelKind("cluster-admin", "cluster-admin", Severity.CRITICAL),
    "all-secrets": JewelKind("all Secrets", "all Secrets", Severity.CRITICAL),
    "cloud-identity": JewelKind("cloud identity", "a cloud identity", Severity.HIGH),
    "api-server": JewelKind("API server", "the API server", Severity.MEDIUM),
    "declared": JewelKind("declared crown jewels", "a declared crown jewel", Severity.HIGH),
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


Jewels = dict[Vertex, str]
"""Every crown jewel of a graph and its kind."""


def jewels(graph: Graph, settings: Settings) -> Jewels:
    """The crown jewels of a graph: those of EXP-961, -962, -964, -969, and what the user declared (EXP-968)."""
    found: Jewels = {}
    for vertex in graph.vertices():
        kind = jewel_kind(vertex)
        if kind is None and any(_declared(vertex, jewel) for jewel in settings.crown_jewels):
            kind = "declared"
        if kind is not None:
            found[vertex] = kind
    return dict(sorted(found.items()))


def _declared(vertex: Vertex, jewel: CrownJewel) -> bool:
    """A workload, the workloads of a namespace, or a ServiceAccount, as kubeaudit.yaml names it."""
    if vertex.kind is VertexKind.WORKLOAD and vertex.facet is Facet.CTL:
        if jewel.kind == "Namespace":
            return vertex.namespace == jewel.name
        return (vertex.namespace, vertex.name.partition("#")[0]) == (jewel.namespace, f"{jewel.kind}/{jewel.name}")
    wanted = (jewel.kind, jewel.namespace, jewel.name)
    return vertex.kind is VertexKind.SERVICE_ACCOUNT and wanted == ("ServiceAccount", vertex.namespace, vertex.name)


def jewel_kind(vertex: Vertex) -> str | None:
    """Which kind of crown jewel a vertex is by itself; None where it is none."""
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
    """Entry vertices by name: the internet and restricted ranges of it, anonymous callers, any authenticated caller
    (EXP-951..953).
    """
    ranges = (vertex for vertex in _ranges(graph) if not _is_private(vertex))
    return {"internet": (INTERNET, *ranges), "anonymous": (ANONYMOUS,), "authenticated": (AUTHENTICATED,)}


def inside(graph: Graph) -> tuple[Vertex, ...]:
    """The private network, and client ranges that are all of it (EXP-956)."""
    return (PRIVATE_NETWORK, *(vertex for vertex in _ranges(graph) if _is_private(vertex)))


def _ranges(graph: Graph) -> list[Vertex]:
    return sorted(vertex for vertex in graph.vertices() if vertex.kind is VertexKind.EXTERNAL_CIDR)


def _is_private(ranges: Vertex) -> bool:
    return not any(holds_public(text) for text in ranges.name.split(","))


class Searches(Struct, frozen=True, eq=False, dict=True):
    """The searches from one entry, or to some targets: over yes edges, and over yes and unknown ones. Each is made when
    it is first asked for.
    """

    search: Callable[[bool], Tree]

    @cached_property
    def certain(self) -> Tree:
        """The search over yes edges."""
        return self.search(False)

    @cached_property
    def possible(self) -> Tree:
        """The search over yes and unknown edges."""
        return self.search(True)

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
    return _forward(graph, tuple(roots), settings, frozenset())


def exposed_to(graph: Graph, roots: Iterable[Vertex], settings: Settings) -> Searches:
    """What some roots reach before anything is taken over: a search that goes no further from an assumed flaw."""
    return _forward(graph, tuple(roots), settings, frozenset(ASSUMED_FLAWS))


def searches_to(
    graph: Graph, roots: Iterable[Vertex], settings: Settings, without: frozenset[str] = frozenset()
) -> Searches:
    """Search backward from some targets, both ways, over no edge of the rows ``without``."""
    found, hops = tuple(roots), settings.limits.max_hops
    return Searches(lambda unknown: backward(graph, found, Walk(unknown, hops, without)))


def _forward(graph: Graph, roots: tuple[Vertex, ...], settings: Settings, ends: frozenset[str]) -> Searches:
    hops = settings.limits.max_hops
    return Searches(lambda unknown: forward(graph, roots, Walk(unknown, hops, ends=ends)))


def routes(graph: Graph, entry: str, search: Searches, settings: Settings) -> Iterator[Route]:
    """The cheapest path from an entry to each jewel (EXP-972). A metadata service counts where it leads to no identity
    of its own.
    """
    for jewel, kind in jewels(graph, settings).items():
        state = search.state(jewel)
        edges = search.path(jewel) if state is not None and _is_end(graph, jewel) else ()
        if edges and state is not None:
            declared = max(
                (j.severity for j in settings.crown_jewels if _declared(jewel, j)), key=lambda s: -s.rank, default=None
            )
            yield route(f"path:{entry}", edges, state, kind, declared)


def route(rule: str, edges: tuple[Edge, ...], state: State, kind: str, severity: Severity | None = None) -> Route:
    """A path as a result. Severity is that of its jewel, one step lower where any hop but the assumed flaw rests on
    something the API does not show (EXP-37)."""
    severity = severity or JEWELS[kind].severity
    if any(e.confidence is not Confidence.OBJ and e.row not in ASSUMED_FLAWS for e in edges):
        severity = list(Severity)[max(severity.rank, min(severity.rank + 1, Severity.LOW.rank))]
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
    return True

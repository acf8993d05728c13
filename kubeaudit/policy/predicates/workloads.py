"""Predicates about workloads: tokens, cloud metadata, and paths through a workload."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.edges.context import workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import Token, grant_vertex, token_of
from kubeaudit.edges.vocabulary import (
    EXP_API_FROM_POD,
    EXP_METADATA_CODE,
    EXP_METADATA_HOST,
    EXP_METADATA_SSRF,
    EXP_TOKEN,
)
from kubeaudit.findings import Cause, Exposure, Verdict
from kubeaudit.graph.paths import LATERAL, Searches, route, searches_to
from kubeaudit.graph.present import label
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import (
    beyond_limit,
    classes_by_workload,
    evidence_of,
    members,
    parameter,
    unseen_of,
    workload_subject,
)
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.rbac.broad import elevated
from kubeaudit.refs import Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.world import World

_METADATA_ROWS = (EXP_METADATA_CODE, EXP_METADATA_SSRF, EXP_METADATA_HOST)


def token_automounted(world: World, _policy: Policy) -> Iterator[Judgement]:
    """The ServiceAccount's token is mounted automatically; an explicit projection passes (decisions.md)."""
    for index, classes in classes_by_workload(world):
        who = workload_subject(world, index)
        tokens = [(cls, token_of(world.context, cls)) for cls in classes]
        mounted = [(cls, token) for cls, token in tokens if token.kind is Token.AUTOMOUNTED]
        if not mounted:
            yield Judgement(who, Verdict.PASS)
            continue
        certain = [(cls, token) for cls, token in mounted if not token.unseen]
        if not certain:
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=mounted[0][1].unseen)
            continue
        cls, token = certain[0]
        count, names = members(world, [c for c, _ in certain])
        message = f"The token of ServiceAccount {cls.namespace}/{cls.shape.identity} is mounted automatically."
        yield Judgement(who, Verdict.FAIL, message, token.evidence, instances=count, pods=names)


def metadata_reach(world: World, policy: Policy) -> Iterator[Judgement]:
    """A workload that may open a cloud metadata address; ``network`` is ``pod`` or ``host``."""
    on_host = parameter(policy, "network") == "host"
    for index, classes in classes_by_workload(world):
        asked = [cls for cls in classes if cls.shape.host_network == on_host]
        edges = {cls.index: metadata_edges(world, cls) for cls in asked}
        if not asked or not any(edges.values()):
            yield Judgement(workload_subject(world, index), Verdict.NOT_APPLICABLE)
        else:
            yield _metadata(world, index, asked, edges)


def metadata_edges(world: World, cls: WorkloadClass) -> list[Edge]:
    """The steps from code in a class to the metadata services of its nodes."""
    return [edge for edge in world.graph.out_edges(workload(cls, Facet.CTL)) if edge.row in _METADATA_ROWS]


def _metadata(world: World, index: int, classes: list[WorkloadClass], edges: dict[int, list[Edge]]) -> Judgement:
    who = workload_subject(world, index)
    reaching = [cls for cls in classes if any(e.state is State.YES for e in edges[cls.index])]
    if reaching:
        edge = next(e for e in edges[reaching[0].index] if e.state is State.YES)
        count, names = members(world, reaching)
        where = edge.target.name.partition("/")[2].partition("@")[0]
        cause = Cause(who.object, "is on the host network")
        if edge.row != EXP_METADATA_HOST:
            cause = Cause(ObjectRef("Namespace", "", who.object.namespace), f"lets egress to {where} pass")
        message = f"{who.object} may open the metadata service at {where}."
        return Judgement(who, Verdict.FAIL, message, edge.evidence, cause, value=where, instances=count, pods=names)
    open_edges = tuple(e for found in edges.values() for e in found if e.state is State.UNKNOWN)
    if open_edges:
        return Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen_of(open_edges))
    return Judgement(who, Verdict.PASS)


def path_through(world: World, policy: Policy) -> Iterator[Judgement]:
    """A path from the internet through the workload itself: ``to`` is ``metadata`` or ``rights``."""
    ahead = world.exposed
    to_rights = parameter(policy, "to") == "rights"
    ends = _with_rights(world) if to_rights else [v for v in world.graph.vertices() if v.kind is VertexKind.METADATA]
    behind = searches_to(world.graph, ends, world.settings, LATERAL)
    limit = beyond_limit(ahead, behind)
    for index, classes in classes_by_workload(world):
        found = [_through(world, cls, ahead, behind, api_needed=to_rights) for cls in classes]
        said = _path_judgement(world, policy, index, [item for item in found if item is not None])
        yield (
            structs.replace(said, verdict=Verdict.NOT_EVALUATED, unseen=limit)
            if limit and said.verdict is Verdict.PASS
            else said
        )


def _with_rights(world: World) -> list[Vertex]:
    """Grants that let their holder write anything, or read what tells where to attack."""
    return sorted({grant_vertex(grant) for grant in world.context.access.grants if elevated(grant)})


class Through(Struct, frozen=True):
    """A path through a class: its edges, the step to the API server that makes its token of use, and the state of all
    of them.
    """

    cls: WorkloadClass
    edges: tuple[Edge, ...]
    state: State
    api: tuple[Edge, ...] = ()

    @property
    def rank(self) -> tuple[int, int]:
        """Certain ones first, then cheap ones."""
        return (0 if self.state is State.YES else 1, sum(edge.effort for edge in self.edges))


def _through(
    world: World, cls: WorkloadClass, ahead: Searches, behind: Searches, *, api_needed: bool
) -> Through | None:
    """The cheapest path through one of the class's own facets (EXP-971: forward and backward search meet there)."""
    found: list[Through] = []
    for facet in (Facet.SSRF, Facet.CTL):
        vertex = workload(cls, facet)
        state = _meet(ahead.state(vertex), behind.state(vertex))
        if state is not None:
            way = Through(cls, (*ahead.path(vertex), *behind.path(vertex)), state)
            found.append(_with_api(world, way) if api_needed else way)
    return min((way for way in found if way.state is not State.BLOCKED), key=lambda way: way.rank, default=None)


def _with_api(world: World, way: Through) -> Through:
    """A token is of use only where the API server is reached from the pod (EXP-215)."""
    if not any(edge.row == EXP_TOKEN for edge in way.edges):
        return way
    api = [e for e in world.graph.out_edges(workload(way.cls, Facet.CTL)) if e.row == EXP_API_FROM_POD]
    best = min(api, key=lambda edge: list(State).index(edge.state), default=None)
    if best is None or best.state is State.BLOCKED:
        return structs.replace(way, state=State.BLOCKED)
    return structs.replace(way, state=_meet(best.state, way.state) or State.BLOCKED, api=(best,))


def _meet(first: State | None, second: State | None) -> State | None:
    if first is None or second is None:
        return None
    return State.YES if first is second is State.YES else State.UNKNOWN


def _kind(last: Edge) -> str:
    """The kind of jewel whose severity the path has: rights are on the way to cluster-admin."""
    return "cluster-admin" if last.target.kind is VertexKind.GRANT else "cloud-identity"


def _path_judgement(world: World, policy: Policy, index: int, found: list[Through]) -> Judgement:
    who = workload_subject(world, index)
    certain = [way for way in found if way.state is State.YES]
    if certain:
        edges = certain[0].edges
        count, names = members(world, [way.cls for way in certain])
        does = (
            "its token holds rights"
            if edges[-1].target.kind is VertexKind.GRANT
            else "it reaches a cloud metadata service"
        )
        message = f"The internet reaches {who.object} in {len(edges)} hops, and {does}: {label(edges[-1].target)}."
        proven = route(f"{policy.id}:{who.object}", edges, State.YES, _kind(edges[-1]))
        return Judgement(
            subject=who,
            verdict=Verdict.FAIL,
            message=message,
            evidence=evidence_of((*edges, *certain[0].api)),
            instances=count,
            pods=names,
            routes=(proven,),
            exposure=Exposure.INTERNET,
        )
    if found:
        unseen = unseen_of((*found[0].edges, *found[0].api))
        return Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen, detail="only over hops that cannot be decided")
    return Judgement(who, Verdict.PASS)

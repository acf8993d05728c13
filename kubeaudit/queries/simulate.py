"""``simulate``: which permissions, chains and findings differ between two worlds (RBAC-86)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.vocabulary import EXP_IMPLICIT_GROUP
from kubeaudit.findings import Finding
from kubeaudit.graph.paths import LATERAL, Searches, searches_to
from kubeaudit.graph.present import label
from kubeaudit.proof import State
from kubeaudit.queries.access_diff import AccessDiff, access_diff
from kubeaudit.queries.apply import Applied
from kubeaudit.queries.chains import Chain, chain
from kubeaudit.queries.guarded import Write
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.refs import ALL_SECRETS, CLUSTER_ADMIN, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Severity
from kubeaudit.world import World

SCHEMA = "kubeaudit.simulate/1"
_STARTS = (
    VertexKind.SERVICE_ACCOUNT,
    VertexKind.USER,
    VertexKind.GROUP,
    VertexKind.WORKLOAD,
    VertexKind.ANONYMOUS,
    VertexKind.INTERNET,
)


class ChainChange(Struct, frozen=True):
    """A start whose way to a target differs: ``before`` and ``after`` are yes, unknown or none.

    ``chain`` is the way that is new, or the one that is gone.
    """

    source: str
    source_label: str
    target: str
    before: str
    after: str
    chain: Chain

    @property
    def worse(self) -> bool:
        """Whether the change opens something."""
        order = ("none", str(State.UNKNOWN), str(State.YES))
        return order.index(self.after) > order.index(self.before)


class FindingChange(Struct, frozen=True, order=True):
    """A finding that is there on one side only."""

    severity: Severity
    check: str
    subject: ObjectRef
    message: str
    fingerprint: str


class Simulation(Struct, frozen=True):
    """What the change does. ``writes`` say whether a given writer may make it (RBAC-39, -40)."""

    objects: tuple[Applied, ...]
    permissions: AccessDiff
    chains: tuple[ChainChange, ...]
    findings_added: tuple[FindingChange, ...] = ()
    findings_removed: tuple[FindingChange, ...] = ()
    writer: str = ""
    writes: tuple[Write, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA

    @property
    def worse(self) -> bool:
        """Whether a chain opens, or a finding of severity high or worse appears."""
        found = any(finding.severity.rank <= Severity.HIGH.rank for finding in self.findings_added)
        return found or any(change.worse for change in self.chains)


def compare(before: World, after: World, objects: tuple[Applied, ...]) -> Simulation:
    """Permissions and chains that differ. Findings are judged elsewhere: see :func:`finding_changes`."""
    return Simulation(
        objects=objects,
        permissions=access_diff(before.context.access, after.context.access),
        chains=tuple(_chains(before, after)),
    )


def finding_changes(
    before: Iterable[Finding], after: Iterable[Finding]
) -> tuple[tuple[FindingChange, ...], tuple[FindingChange, ...]]:
    """Findings that appeared, and those that went; the fingerprint tells them apart (CHK-33)."""
    old = {finding.fingerprint: finding for finding in before}
    new = {finding.fingerprint: finding for finding in after}
    return _only(new, old), _only(old, new)


def _only(side: dict[str, Finding], other: dict[str, Finding]) -> tuple[FindingChange, ...]:
    rows = [
        FindingChange(found.severity, found.check, found.subject.object, found.message, key)
        for key, found in side.items()
        if key not in other
    ]
    return tuple(sorted(rows, key=lambda row: (row.severity.rank, row.check, row.subject, row.fingerprint)))


def _chains(before: World, after: World) -> Iterator[ChainChange]:
    """Starts whose way differs; moving on from workload to workload is left out, or all of them would be listed."""
    for target in (CLUSTER_ADMIN, ALL_SECRETS):
        old = searches_to(before.graph, (target,), before.settings, LATERAL)
        new = searches_to(after.graph, (target,), after.settings, LATERAL)
        for vertex in sorted(_starts(old) | _starts(new)):
            was, now = _state(old, vertex), _state(new, vertex)
            if was == now:
                continue
            world, search = (before, old) if now == "none" or (was == "yes" and now == "unknown") else (after, new)
            edges = search.path(vertex)
            # A member of a group that changes is told with the group.
            if edges and edges[0].row != EXP_IMPLICIT_GROUP:
                found = chain(edges, search.state(vertex) or State.UNKNOWN, world.settings)
                yield ChainChange(vertex.key, label(vertex), label(target), was, now, found)


def _starts(search: Searches) -> set[Vertex]:
    return {
        vertex
        for vertex in search.possible.reached()
        if vertex.kind in _STARTS and vertex.facet in (Facet.NONE, Facet.CTL) and vertex.name != MASTERS
    }


def _state(search: Searches, vertex: Vertex) -> str:
    state = search.state(vertex)
    return str(state) if state is not None else "none"

"""``who-can``: the subjects that hold a grant for a request, and those that can obtain it (RBAC-81)."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.edges.identity import grant_vertex
from kubeaudit.edges.vocabulary import EXP_ANONYMOUS_GRANT, EXP_AUTHENTICATED_GRANT, EXP_GRANT, EXP_IMPLICIT_GROUP
from kubeaudit.findings import Unseen
from kubeaudit.graph.paths import LATERAL, searches_to
from kubeaudit.proof import State
from kubeaudit.queries.chains import Chain, chain
from kubeaudit.queries.provenance import Ignored, Use, ignored, use_of
from kubeaudit.queries.words import Asked
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.identities import AUTHENTICATED, MASTERS, NODES, SERVICE_ACCOUNTS
from kubeaudit.rbac.powers import READ_VERBS
from kubeaudit.rbac.rules import Request
from kubeaudit.refs import CLUSTER_ADMIN, Vertex, VertexKind
from kubeaudit.world import World

SCHEMA = "kubeaudit.who-can/1"
_SUBJECTS = (VertexKind.SERVICE_ACCOUNT, VertexKind.USER, VertexKind.GROUP, VertexKind.ANONYMOUS)
_HOLDING = frozenset([EXP_IMPLICIT_GROUP, EXP_GRANT, EXP_ANONYMOUS_GRANT, EXP_AUTHENTICATED_GRANT])
_MASTERS_NOTE = (
    f"members of Group {MASTERS} can do anything; who they are cannot be seen in the cluster's objects (RBAC-29)"
)


class Holder(Struct, frozen=True):
    """A subject that RBAC allows the request in ``scope`` ("" = everywhere), with every grant that does.

    ``members`` are the known members of a group: ServiceAccounts as ``namespace/name``, nodes by name.
    """

    kind: str
    namespace: str
    name: str
    scope: str
    uses: tuple[Use, ...]
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Undecided(Struct, frozen=True):
    """A binding whose role was not read: it may allow the request to its subjects."""

    binding: str
    role: str
    scope: str
    subjects: tuple[str, ...]
    unseen: tuple[Unseen, ...]


class WhoCan(Struct, frozen=True):
    """Who holds a grant for the request (``holders``), and who can get at one (``can_obtain``, by chain).

    ``place`` says where the request was asked. The list of holders is whole where ``undecided`` and ``unseen`` are
    empty. ``ignored`` are subjects of allowing bindings that match nobody.
    """

    request: Request
    question: str
    place: str
    holders: tuple[Holder, ...]
    can_obtain: tuple[Chain, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


def who_can(access: Access, asked: Asked, *, anywhere: bool = False) -> WhoCan:
    """Every subject that RBAC allows the request: the inverse of ``Access.decide``.

    ``anywhere``: in whichever namespace, each with its scope, instead of the namespace of the request.
    """
    anywhere = anywhere and asked.namespaced
    request = structs.replace(asked.request, namespace="") if anywhere else asked.request
    scopes = None if anywhere else {"", request.namespace}
    allowing = [(grant, rule) for grant, rule in access.by_rule.allowing(request) if _fits(grant, scopes)]
    unread = [grant for grant in access.by_rule.open if _fits(grant, scopes) and not (grant.scope and request.path)]
    unseen = access.unread_anywhere() if anywhere else access.unread_bindings(request.namespace)
    return WhoCan(
        request=request,
        question=str(asked),
        place=_place(request, asked, anywhere),
        holders=_holders(access, allowing),
        undecided=tuple(_undecided(grant) for grant in unread),
        ignored=tuple(sorted(entry for grant, _ in allowing for entry in ignored(grant))),
        unseen=unseen,
        notes=(*asked.notes, _MASTERS_NOTE),
    )


def can_obtain(world: World, found: WhoCan) -> tuple[Chain, ...]:
    """Subjects that hold no such grant but lead to one, or to cluster-admin, by escalation (RBAC-77).

    A member of a group that leads there is not listed beside the group. Reading Secrets is also obtained without the
    API: by whatever leads to all Secrets of the namespace.
    """
    targets = _targets(world.context.access, found)
    search = searches_to(world.graph, targets, world.settings, LATERAL)
    chains = []
    for vertex in search.possible.reached():
        if vertex.kind not in _SUBJECTS or vertex.name == MASTERS:
            continue
        edges = search.path(vertex)
        ends_at_grant = edges[-1].target != CLUSTER_ADMIN and edges[-1].target.kind is VertexKind.GRANT
        if edges[0].row == EXP_IMPLICIT_GROUP or (ends_at_grant and all(edge.row in _HOLDING for edge in edges)):
            continue
        chains.append(chain(edges, search.state(vertex) or State.UNKNOWN, world.settings))
    return tuple(sorted(chains, key=lambda each: (each.state is not State.YES, each.effort, each.source)))


def _fits(grant: Grant, scopes: set[str] | None) -> bool:
    return scopes is None or grant.scope in scopes


def _place(request: Request, asked: Asked, anywhere: bool) -> str:
    if anywhere:
        return "in any namespace"
    if request.namespace:
        return f"in namespace {request.namespace}"
    return "in all namespaces at once" if asked.namespaced else "in the cluster"


def _holders(access: Access, allowing: list[tuple[Grant, int]]) -> tuple[Holder, ...]:
    rows: dict[tuple[str, str, str, str], list[Use]] = {}
    for grant, rule in allowing:
        for subject in grant.subjects:
            if subject.user is not None or subject.group is not None:
                place = (grant.scope, subject.kind, subject.namespace, subject.name)
                rows.setdefault(place, []).append(use_of(grant, subject, rule, subject.group or ""))
    groups = {name for _, kind, _, name in rows if kind == "Group"}
    accounts = _accounts(access) if groups else {}
    members = {name: _members(access, name, accounts) for name in groups}
    return tuple(
        Holder(kind, namespace, name, scope, tuple(sorted(uses)), members[name] if kind == "Group" else ())
        for (scope, kind, namespace, name), uses in sorted(rows.items())
    )


def _accounts(access: Access) -> dict[str, tuple[str, ...]]:
    """Names of the known ServiceAccounts by namespace: those that exist and those that workloads name."""
    found: dict[str, set[str]] = {}
    for account in access.cluster.service_accounts:
        found.setdefault(account.metadata.namespace, set()).add(account.metadata.name)
    for cls in access.cluster.classes:
        found.setdefault(cls.namespace, set()).add(cls.shape.identity)
    return {place: tuple(f"{place}/{name}" for name in sorted(names)) for place, names in sorted(found.items())}


def _members(access: Access, group: str, accounts: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if group == NODES:
        return tuple(sorted(node.ref.name for node in access.cluster.nodes))
    if group in (SERVICE_ACCOUNTS, AUTHENTICATED):
        return tuple(name for names in accounts.values() for name in names)
    place = group.removeprefix(f"{SERVICE_ACCOUNTS}:")
    return accounts.get(place, ()) if place != group else ()


def _undecided(grant: Grant) -> Undecided:
    names = tuple(str(subject) for subject in grant.subjects)
    return Undecided(str(grant.binding), str(grant.role), grant.scope, names, grant.unseen)


def _targets(access: Access, found: WhoCan) -> frozenset[Vertex]:
    """What has to be reached: the grants that allow it, cluster-admin, and what holds the contents of Secrets."""
    bindings = {use.binding for holder in found.holders for use in holder.uses}
    return frozenset(
        [CLUSTER_ADMIN, *(grant_vertex(g) for g in access.grants if g.binding in bindings), *_contents(found)]
    )


def _contents(found: WhoCan) -> Iterator[Vertex]:
    request = found.request
    secrets = (request.group, request.resource, request.subresource) == ("", "secrets", "")
    if secrets and request.verb in READ_VERBS:
        for scope in dict.fromkeys(("", request.namespace)):
            yield Vertex(VertexKind.AGGREGATE, scope, "Secret")

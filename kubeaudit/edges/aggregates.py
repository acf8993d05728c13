"""What aggregates contain, as far as something leads to them (EXP-21), and what a namespace's administrator has."""

from collections.abc import Callable, Iterator

from kubeaudit.edges.context import owner_ref, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.credentials import MISSING_ACCOUNT
from kubeaudit.edges.identity import account, group
from kubeaudit.edges.pods import ABOVE
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.vertices import (
    CONFIG_MAP,
    GROUP,
    IDENTITY,
    NODE,
    NODE_ROOT,
    NS_ADMIN,
    ROLE,
    SECRET,
    SERVICE_ACCOUNT,
    USER,
    WORKLOAD,
    NewGrant,
    every,
    node,
    traffic_to_workloads,
    user,
    workloads,
)
from kubeaudit.edges.vocabulary import EXP_CONTAINS, EXP_ESCAPE, EXP_TOKEN_SECRET, ROWS
from kubeaudit.findings import Reason, Unseen
from kubeaudit.proof import Confidence, Evidence, State, field
from kubeaudit.rbac.identities import ANONYMOUS_USER, MASTERS, UNAUTHENTICATED
from kubeaudit.refs import ObjectRef, Vertex, VertexKind

_Member = tuple[Vertex, str, tuple[Evidence, ...], tuple[Unseen, ...]]
"""A vertex that an aggregate contains, how it is called, the proof, and what was not read of it."""


def edges(scene: Scene, source: Vertex) -> Iterator[Edge]:
    """The edges that leave an aggregate, or the administrator of a namespace; none of any other vertex."""
    if source.kind is VertexKind.SINK and source.name == NS_ADMIN:
        yield from _administered(scene, source)
    if source.kind is not VertexKind.AGGREGATE:
        return
    for target, name, evidence, unseen in _members(scene, source):
        state = State.UNKNOWN if unseen else State.YES
        sentence = f"{name} is one of them."
        yield Edge(EXP_CONTAINS, source, target, state, Confidence.OBJ, 0, sentence, evidence, (), unseen)
    if source.name == SECRET and scene.secrets_seen:
        yield _token_secrets(source)


def _members(scene: Scene, source: Vertex) -> Iterator[_Member]:
    kind, _, detail = source.name.partition("/")
    found = _MEMBERS.get(kind)
    if found is not None:
        yield from found(scene, source, detail)


def _accounts(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    if not source.namespace:
        for namespace in sorted(scene.accounts_of):
            yield every(SERVICE_ACCOUNT, namespace), f"The ServiceAccounts of {namespace}", (), ()
        return
    for name in scene.accounts_of.get(source.namespace, ()):
        ref = ObjectRef("ServiceAccount", source.namespace, name)
        proof, why = (field(ref, ("metadata", "name"), name),), scene.unproven(source.namespace, name)
        yield account(source.namespace, name), str(ref), () if why else proof, why


def _missing(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    for namespace in (source.namespace,) if source.namespace else scene.missing_accounts:
        for name in scene.missing_accounts.get(namespace, ()):
            yield account(namespace, name), f"ServiceAccount {namespace}/{name}, which bindings name already,", (), ()


def _workloads(scene: Scene, source: Vertex, kind: str) -> Iterator[_Member]:
    if not source.namespace:
        for namespace in sorted(scene.classes_of):
            yield every(source.name, namespace, source.facet), f"The workloads of {namespace}", (), ()
        return
    for cls in scene.classes_of.get(source.namespace, ()):
        ref = owner_ref(scene.context.cluster, cls)
        if not kind or ref.kind in ABOVE.get(kind, (kind,)):
            yield workload(cls, source.facet), cls.label, (field(ref, ("metadata", "name"), ref.name),), ()


def _nodes(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    for facts in scene.context.cluster.nodes:
        shown = (field(facts.ref, ("metadata", "name"), facts.ref.name),)
        yield node(facts.ref.name, source.facet), str(facts.ref), shown, ()


def _users(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    for name in sorted(scene.context.access.users):
        if name != ANONYMOUS_USER and not name.startswith("system:serviceaccount:"):
            yield user(name), f"User {name}", (), ()


def _groups(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    for name in sorted(scene.context.access.groups):
        if name not in (MASTERS, UNAUTHENTICATED):
            yield group(name), f"Group {name}", (), ()


def _identities(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    for kind in (SERVICE_ACCOUNT, USER, GROUP, NODE):
        yield every(kind), f"Every {kind}", (), ()


def _roles(scene: Scene, source: Vertex, _: str) -> Iterator[_Member]:
    if not source.namespace:
        for namespace in scene.role_homes:
            yield every(ROLE, namespace), f"The Roles of {namespace}", (), ()
        return
    for name in scene.role_homes.get(source.namespace, ()):
        found = NewGrant("Role", source.namespace, name, source.namespace)
        yield found.vertex, f"Role {source.namespace}/{name}", (), ()


_MEMBERS: dict[str, Callable[[Scene, Vertex, str], Iterator[_Member]]] = {
    SERVICE_ACCOUNT: _accounts,
    MISSING_ACCOUNT: _missing,
    WORKLOAD: _workloads,
    NODE: _nodes,
    ROLE: _roles,
    USER: _users,
    GROUP: _groups,
    IDENTITY: _identities,
}


def _token_secrets(source: Vertex) -> Edge:
    """EXP-612: Secrets are not read, so whether some hold tokens is not known (EXP-983)."""
    where = f"of {source.namespace}" if source.namespace else "of the cluster"
    sentence = f"Secrets {where} may hold tokens of ServiceAccounts."
    unseen = Unseen(Reason.OPT_IN, "secrets", source.namespace, "Secrets are not asked for, not even their types")
    target = every(SERVICE_ACCOUNT, source.namespace)
    return Edge(EXP_TOKEN_SECRET, source, target, State.UNKNOWN, Confidence.OBJ, 0, sentence, (), (), (unseen,))


def _administered(scene: Scene, source: Vertex) -> Iterator[Edge]:
    """RBAC-E02: an administrator of a namespace goes on from there (RBAC-E92)."""
    scope = source.namespace
    where = f"namespace {scope}" if scope else "every namespace"
    targets = (
        (every(SERVICE_ACCOUNT, scope), "the ServiceAccounts"),
        (every(SECRET, scope), "the Secrets"),
        (every(CONFIG_MAP, scope), "the ConfigMaps"),
        (workloads(scope), "the workloads"),
        (traffic_to_workloads(scope), "connections to the workloads"),
    )
    for target, what in targets:
        sentence = f"Whoever may do everything in {where} has {what} there."
        yield Edge(EXP_CONTAINS, source, target, State.YES, Confidence.OBJ, 0, sentence, ())
    found = scene.gate(scope)
    if found is not None:
        gate = found[1]
        sentence = f"Whoever may do everything in {where} may make pods there that take over their node."
        if gate.state is State.BLOCKED:
            sentence = f"Admission refuses pods in {where} that take over their node."
        effort = ROWS[EXP_ESCAPE].effort
        yield Edge(
            EXP_ESCAPE,
            source,
            NODE_ROOT,
            gate.state,
            gate.confidence,
            effort,
            sentence,
            gate.evidence,
            gate.assumptions,
            gate.unseen,
        )

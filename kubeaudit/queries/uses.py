"""``uses``: what runs with a ServiceAccount, a role or a binding (RBAC-84)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.context import owner_ref, workload
from kubeaudit.edges.identity import Token, token_of
from kubeaudit.errors import UsageError
from kubeaudit.findings import Unseen
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Evidence, State
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.identities import AUTHENTICATED, SERVICE_ACCOUNTS, account_of
from kubeaudit.rbac.names import GROUP
from kubeaudit.refs import Facet, ObjectRef, Vertex
from kubeaudit.world import World

SCHEMA = "kubeaudit.uses/1"
FORMS = "sa/ns/name, role/ns/name, clusterrole/name, rolebinding/ns/name or clusterrolebinding/name"
_KINDS = {
    "sa": "ServiceAccount",
    "serviceaccount": "ServiceAccount",
    "role": "Role",
    "clusterrole": "ClusterRole",
    "rolebinding": "RoleBinding",
    "clusterrolebinding": "ClusterRoleBinding",
}
_NAMESPACED = ("ServiceAccount", "Role", "RoleBinding")


class Bound(Struct, frozen=True, order=True):
    """A binding that gives the role, or names the ServiceAccount, and one of its subjects."""

    binding: ObjectRef
    role: ObjectRef
    scope: str
    subject: str
    subject_index: int


class Running(Struct, frozen=True):
    """A workload that runs as a ServiceAccount in question.

    ``token``: automounted, projected or none; unknown where ``unseen`` says what was missing. ``exposure``: whether
    traffic from the internet reaches it (yes, no, unknown). ``via`` is the group its account is bound by, "" for none.
    """

    workload: ObjectRef
    account: str
    via: str
    token: str
    exposure: str
    pods: int
    nodes: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    unseen: tuple[Unseen, ...] = ()


class Uses(Struct, frozen=True):
    """Who is bound to an object and what runs with it. ``exists`` is false where the object itself was not read."""

    object: ObjectRef
    exists: bool
    bindings: tuple[Bound, ...]
    workloads: tuple[Running, ...]
    unseen: tuple[Unseen, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


def target(text: str, namespace: str | None = None) -> ObjectRef:
    """The ServiceAccount, role or binding that a word means. Raises :class:`UsageError`."""
    if account := account_of(text):
        return ObjectRef("ServiceAccount", *account)
    if "/" not in text and text.count(":") == 1:
        text = "sa/" + text.replace(":", "/")
    word, _, rest = text.partition("/")
    kind = _KINDS.get(word.lower().removesuffix("s") if word.lower() != "sas" else "", "")
    if not kind or not rest:
        raise UsageError(f"{text!r} is no ServiceAccount, role or binding", f"say {FORMS}")
    group = "" if kind == "ServiceAccount" else GROUP
    if kind not in _NAMESPACED:
        return ObjectRef(kind, "", rest, group)
    place, slash, name = rest.partition("/")
    place, name = (place, name) if slash else (namespace or "", rest)
    if not place or not name:
        raise UsageError(f"{text!r}: the namespace is missing", f"say {word}/NAMESPACE/NAME, or add -n")
    return ObjectRef(kind, place, name, group)


def uses(world: World, ref: ObjectRef) -> Uses:
    """Bindings, subjects and workloads behind an object."""
    access = world.context.access
    grants = [grant for grant in access.grants if _concerns(grant, ref)]
    own = ref.kind == "ServiceAccount"
    accounts = {(ref.namespace, ref.name): ""} if own else _accounts(world, grants)
    bound = [
        Bound(grant.binding, grant.role, grant.scope, str(subject), subject.index)
        for grant in grants
        for subject in grant.subjects
        if not own or (subject.kind, subject.namespace, subject.name) == ("ServiceAccount", ref.namespace, ref.name)
    ]
    running = [
        _running(world, cls, via)
        for cls in world.cluster.classes
        if (via := accounts.get((cls.namespace, cls.shape.identity))) is not None
    ]
    return Uses(
        object=ref,
        exists=_exists(world, ref, grants),
        bindings=tuple(sorted(bound)),
        workloads=tuple(sorted(running, key=lambda each: (each.workload, each.account, each.nodes))),
        unseen=access.unread_anywhere(),
    )


def _concerns(grant: Grant, ref: ObjectRef) -> bool:
    if ref.kind == "ServiceAccount":
        return any((s.kind, s.namespace, s.name) == (ref.kind, ref.namespace, ref.name) for s in grant.subjects)
    one = grant.role if ref.kind in ("Role", "ClusterRole") else grant.binding
    return (one.kind, one.namespace, one.name) == (ref.kind, ref.namespace, ref.name)


def _accounts(world: World, grants: Iterable[Grant]) -> dict[tuple[str, str], str]:
    """ServiceAccounts that the bindings reach, each with the narrowest group it is reached by, "" for its own name."""
    found: dict[tuple[str, str], str] = {}
    subjects = [subject for grant in grants for subject in grant.subjects]
    groups = {subject.group for subject in subjects if subject.group is not None}
    places = {(cls.namespace, cls.shape.identity) for cls in world.cluster.classes}
    for namespace, name in places:
        for group in (f"{SERVICE_ACCOUNTS}:{namespace}", SERVICE_ACCOUNTS, AUTHENTICATED):
            if group in groups:
                found[namespace, name] = group
                break
    found.update({(s.namespace, s.name): "" for s in subjects if s.kind == "ServiceAccount" and s.user is not None})
    return found


def _running(world: World, cls: WorkloadClass, via: str) -> Running:
    mount = token_of(world.context, cls)
    return Running(
        workload=owner_ref(world.cluster, cls),
        account=f"{cls.namespace}/{cls.shape.identity}",
        via=via,
        token="unknown" if mount.unseen and mount.kind is not Token.NONE else str(mount.kind),
        exposure=_exposure(world, workload(cls, Facet.NET)),
        pods=len(cls.pods),
        nodes=cls.nodes,
        evidence=mount.evidence,
        unseen=mount.unseen,
    )


def _exposure(world: World, vertex: Vertex) -> str:
    search = world.exposed
    state = search.state(vertex)
    if state is None:
        return "unknown" if search.cut else "no"
    return "yes" if state is State.YES else "unknown"


def _exists(world: World, ref: ObjectRef, grants: list[Grant]) -> bool:
    if ref.kind in ("RoleBinding", "ClusterRoleBinding"):
        return bool(grants)
    return any(place == (ref.namespace, ref.name) for place in _objects(world, ref.kind))


def _objects(world: World, kind: str) -> Iterator[tuple[str, str]]:
    cluster = world.cluster
    if kind == "ServiceAccount":
        return iter(world.context.access.accounts)
    if kind == "Role":
        return ((item.metadata.namespace, item.metadata.name) for item in cluster.roles)
    return (("", item.metadata.name) for item in cluster.cluster_roles)

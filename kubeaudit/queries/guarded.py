"""Whether a given writer may make a change of roles and bindings: authorization and the guards (RBAC-38..44)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.rbac import Binding, PolicyRule, Role
from kubeaudit.queries.apply import Applied, Fate
from kubeaudit.queries.provenance import text_of
from kubeaudit.rbac.access import Access, Answer
from kubeaudit.rbac.grants import RoleState
from kubeaudit.rbac.guards import BindingWrite, Guarded, RoleWrite, may_write_binding, may_write_role
from kubeaudit.rbac.identities import Identity
from kubeaudit.rbac.names import GROUP
from kubeaudit.rbac.rules import Request
from kubeaudit.refs import ObjectRef

_PLURALS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}


class Write(Struct, frozen=True):
    """One write, whether it passes, and the rules that the writer would have to hold, in words."""

    object: ObjectRef
    verb: str
    answer: Answer
    reason: str
    uncovered: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def writes(access: Access, after: Access, writer: Identity, objects: Iterable[Applied]) -> tuple[Write, ...]:
    """The writes of roles and bindings in a change, asked before it is made; ``after`` shows what they would say.

    Guards look at what is there before: roles that the same change creates are counted as there for their bindings,
    because they are applied first.
    """
    return tuple(_writes(access, after, writer, objects))


def _writes(access: Access, after: Access, writer: Identity, objects: Iterable[Applied]) -> Iterator[Write]:
    for applied in objects:
        ref = applied.object
        if ref.group != GROUP or ref.kind not in _PLURALS or applied.fate is Fate.UNCHANGED:
            continue
        if applied.fate is Fate.DELETED:
            # Deleting is authorized, never guarded (RBAC-43).
            request = Request("delete", GROUP, _PLURALS[ref.kind], namespace=ref.namespace, name=ref.name)
            decision = access.decide(writer, request)
            yield Write(ref, "delete", decision.answer, decision.reason, (), decision.unseen)
            continue
        verb = "create" if applied.fate is Fate.ADDED else "update"
        found = _guarded(access, after, writer, ref, verb)
        yield Write(ref, verb, found.answer, found.reason, tuple(text_of(r) for r in found.uncovered), found.unseen)


def _guarded(access: Access, after: Access, writer: Identity, ref: ObjectRef, verb: str) -> Guarded:
    name = "" if verb == "create" else ref.name
    new, old = _find(after.cluster, ref), _find(access.cluster, ref)
    if isinstance(new, Role):
        aggregated = bool(new.aggregation_rule) or (isinstance(old, Role) and bool(old.aggregation_rule))
        rules = () if new.aggregation_rule else new.rules
        return may_write_role(access, writer, RoleWrite(verb, ref.namespace, name, rules, aggregated))
    if isinstance(new, Binding):
        write = BindingWrite(verb, ref.namespace, name, new.role_ref, _rules(after, ref))
        return may_write_binding(access, writer, write)
    return Guarded(Answer.UNKNOWN, "the object does not fit its API type")


def _find(cluster: Cluster, ref: ObjectRef) -> Role | Binding | None:
    lists: dict[str, tuple[Role, ...] | tuple[Binding, ...]] = {
        "Role": cluster.roles,
        "ClusterRole": cluster.cluster_roles,
        "RoleBinding": cluster.role_bindings,
        "ClusterRoleBinding": cluster.cluster_role_bindings,
    }
    wanted = (ref.namespace, ref.name)
    return next((item for item in lists[ref.kind] if (item.metadata.namespace, item.metadata.name) == wanted), None)


def _rules(access: Access, binding: ObjectRef) -> tuple[PolicyRule, ...] | None:
    """The rules of the role that a binding refers to, None where there is no such role."""
    grant = next((grant for grant in access.grants if grant.binding == binding), None)
    return grant.rules if grant and grant.state in (RoleState.RESOLVED, RoleState.ASSUMED) else None

"""The guards of the API server against escalation: may an identity write this role or this binding (RBAC-38..44).

Authorization of the write is one question, the guard another: both have to let it pass. Source: kubernetes/kubernetes
``pkg/registry/rbac/escalation_check.go`` and the ``policybased`` storages of the four kinds.
"""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.model.objects.rbac import PolicyRule, RoleRef
from kubeaudit.rbac.access import Access, Answer, Decision
from kubeaudit.rbac.identities import MASTERS, Identity
from kubeaudit.rbac.names import GROUP
from kubeaudit.rbac.rules import ANY, Request, covers

FULL_AUTHORITY = (
    PolicyRule(verbs=(ANY,), api_groups=(ANY,), resources=(ANY,)),
    PolicyRule(verbs=(ANY,), non_resource_urls=(ANY,)),
)
"""What whoever sets an aggregationRule has to hold: it can gather anything (RBAC-38)."""


class RoleWrite(Struct, frozen=True):
    """A create, update or patch of a Role (with ``namespace``) or a ClusterRole, with the rules that it would have.

    ``name`` is that of the request: "" for a create. ``aggregated``: the role has an aggregationRule, before or after.
    ``unchanged``: the write changes nothing, or nothing but finalizers and ownerReferences (RBAC-43); an update without
    the metadata that the server has set changes that.
    """

    verb: str
    namespace: str
    name: str
    rules: tuple[PolicyRule, ...]
    aggregated: bool = False
    unchanged: bool = False

    @property
    def request(self) -> Request:
        """The write as it is authorized."""
        resource = "roles" if self.namespace else "clusterroles"
        return Request(self.verb, GROUP, resource, namespace=self.namespace, name=self.name)


class BindingWrite(Struct, frozen=True):
    """A create, update or patch of a RoleBinding (with ``namespace``) or a ClusterRoleBinding to ``role_ref``.

    ``rules`` are those of the role it refers to, None where there is no such role. ``unchanged`` is as of a role.
    """

    verb: str
    namespace: str
    name: str
    role_ref: RoleRef
    rules: tuple[PolicyRule, ...] | None
    unchanged: bool = False

    @property
    def request(self) -> Request:
        """The write as it is authorized."""
        resource = "rolebindings" if self.namespace else "clusterrolebindings"
        return Request(self.verb, GROUP, resource, namespace=self.namespace, name=self.name)


class Guarded(Struct, frozen=True):
    """Whether a write passes, and why. ``uncovered`` are the rules that the writer does not hold itself."""

    answer: Answer
    reason: str
    uncovered: tuple[PolicyRule, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def may_write_role(access: Access, identity: Identity, write: RoleWrite) -> Guarded:
    """Whether an identity may write a role: authorization, then RBAC-39 and RBAC-38."""
    passed = _beforehand(access, identity, write)
    if passed is not None:
        return passed
    # The guard asks with the request's own name, which a create does not have.
    escalate = access.decide(identity, _verb(write.request, "escalate"))
    if escalate.answer is Answer.ALLOWED:
        return Guarded(Answer.ALLOWED, f"it may escalate: {escalate.reason}")
    wanted = write.rules + (FULL_AUTHORITY if write.aggregated else ())
    return _covered(access, identity, write.namespace, wanted, escalate)


def may_write_binding(access: Access, identity: Identity, write: BindingWrite) -> Guarded:
    """Whether an identity may write a binding: authorization, then RBAC-40."""
    passed = _beforehand(access, identity, write)
    if passed is not None:
        return passed
    resource = {"ClusterRole": "clusterroles", "Role": "roles"}.get(write.role_ref.kind, "")
    if not resource or (resource == "roles" and not write.namespace):
        return Guarded(Answer.NOT_ALLOWED, "a ClusterRoleBinding refers to a ClusterRole")
    bind = access.decide(
        identity, Request("bind", GROUP, resource, namespace=write.namespace, name=write.role_ref.name)
    )
    if bind.answer is Answer.ALLOWED:
        return Guarded(Answer.ALLOWED, f"it may bind the role: {bind.reason}")
    if write.rules is None:
        reason = f"{write.role_ref.kind} {write.role_ref.name} does not exist, and it may not bind it"
        return Guarded(bind.answer, reason, unseen=bind.unseen)
    return _covered(access, identity, write.namespace, write.rules, bind)


def effective_rules(access: Access, identity: Identity, namespace: str) -> tuple[PolicyRule, ...]:
    """The rules that an identity holds in a namespace, or in the whole cluster where it is "" (RBAC-39)."""
    return tuple(
        rule for held in access.of(identity) if held.grant.scope in ("", namespace) for rule in held.grant.rules
    )


def uncovered(held: tuple[PolicyRule, ...], wanted: Iterable[PolicyRule]) -> tuple[PolicyRule, ...]:
    """The wanted rules that the held ones do not cover whole (RBAC-41)."""
    return tuple(rule for rule in wanted if not covers(held, rule))


def _beforehand(access: Access, identity: Identity, write: RoleWrite | BindingWrite) -> Guarded | None:
    """The answer where the guard is not asked: a write that is not authorized, or one that it lets pass unseen."""
    request = write.request
    decision = access.decide(identity, request)
    if decision.answer is not Answer.ALLOWED:
        return Guarded(decision.answer, f"{request.verb} {request.resource}: {decision.reason}", unseen=decision.unseen)
    if MASTERS in identity.groups:
        return Guarded(Answer.ALLOWED, f"group {MASTERS} passes the guard")
    if write.unchanged:
        return Guarded(Answer.ALLOWED, "nothing changes that the guard looks at")
    return None


def _covered(
    access: Access, identity: Identity, namespace: str, wanted: tuple[PolicyRule, ...], otherwise: Decision
) -> Guarded:
    """Whether the writer's own rules cover the wanted ones; ``otherwise`` is the answer to escalate or bind."""
    missing = uncovered(effective_rules(access, identity, namespace), wanted)
    if not missing:
        return Guarded(Answer.ALLOWED, "its own rules cover it")
    # What was not read may hold the right to escalate or bind as well as a covering rule: the scopes are the same.
    return Guarded(otherwise.answer, "its own rules do not cover it", missing, otherwise.unseen)


def _verb(request: Request, verb: str) -> Request:
    return Request(verb, request.group, request.resource, namespace=request.namespace, name=request.name)

"""The door of the RBAC engine: who holds what, and whether RBAC allows a request, with every grant that does.

Other authorizers can add or deny (RBAC-60..66), so an answer says "RBAC allows", never "can" (RBAC-P2).
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

import msgspec
from msgspec import Struct

from kubeaudit.findings import Cause, Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.rbac import PolicyRule, RbacSubject
from kubeaudit.proof import Evidence, field
from kubeaudit.rbac.grants import Grant, RoleState, Subject, filled, gap_of, grants, undecoded
from kubeaudit.rbac.holders import RuleIndex, rule_index
from kubeaudit.rbac.identities import ANONYMOUS_USER, MASTERS, NODE_PREFIX, Identity
from kubeaudit.rbac.names import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS
from kubeaudit.rbac.node_authorizer import NodeAuthorizer
from kubeaudit.rbac.rules import Request, first_allowing


class Answer(StrEnum):
    """What RBAC says of a request (RBAC-P3)."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not-allowed"
    UNKNOWN = "unknown"


class Held(Struct, frozen=True):
    """A grant that an identity holds through one subject; ``via`` is the group it comes by, "" for its own name."""

    grant: Grant
    subject: Subject
    via: str


class Allowing(Struct, frozen=True):
    """A held grant that allows a request, and the index of its first rule that does."""

    held: Held
    rule: int


class Decision(Struct, frozen=True):
    """The answer, every grant that allows (in the order RBAC tries them), or what had to be read to know.

    ``caveats`` say where the server may answer otherwise for a reason that RBAC objects do not show.
    """

    answer: Answer
    reason: str
    grants: tuple[Allowing, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    caveats: tuple[str, ...] = ()


ByScope = dict[str, list[Held]]


class Access(Struct, frozen=True, dict=True):
    """Every grant of a cluster, indexed by holder and scope. ``dead`` are texts of RBAC objects without effect."""

    cluster: Cluster
    grants: tuple[Grant, ...]
    users: dict[str, ByScope]
    groups: dict[str, ByScope]
    dead: tuple[Cause, ...]
    undecoded: frozenset[tuple[str, str, str]]

    @cached_property
    def node_authorizer(self) -> NodeAuthorizer:
        """The authorizer that the server asks before RBAC."""
        return NodeAuthorizer(self.cluster)

    @cached_property
    def by_rule(self) -> RuleIndex:
        """The grants by what their rules name, for questions that start at the request."""
        return rule_index(self.grants)

    @cached_property
    def accounts(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of every ServiceAccount object that was read."""
        return frozenset((each.metadata.namespace, each.metadata.name) for each in self.cluster.service_accounts)

    def unread_anywhere(self) -> tuple[Unseen, ...]:
        """Bindings of any namespace, and of the whole cluster, that were not read."""
        return self._unread(((CLUSTER_ROLE_BINDINGS, ""), (ROLE_BINDINGS, "")))

    def unread_bindings(self, namespace: str) -> tuple[Unseen, ...]:
        """Bindings that hold in a namespace ("" = the whole cluster) and were not read: they may allow anything."""
        places = ((CLUSTER_ROLE_BINDINGS, ""), (ROLE_BINDINGS, namespace))
        return self._unread(places if namespace else places[:1])

    def _unread(self, places: tuple[tuple[str, str], ...]) -> tuple[Unseen, ...]:
        found = set()
        for resource, scope in places:
            if gap := gap_of(self.cluster, resource, scope):
                found.add(gap)
            found.update(
                Unseen(Reason.EVALUATION_ERROR, resource, scope, f"{name or 'an object'} could not be decoded")
                for kind, place, name in self.undecoded
                if kind == resource and (not scope or place in ("", scope))
            )
        return tuple(sorted(found))

    def of(self, identity: Identity) -> tuple[Held, ...]:
        """Every grant of an identity: its own, then those of its groups (RBAC-72)."""
        return tuple(held for scopes in self._scopes(identity) for bound in scopes.values() for held in bound)

    def decide(self, identity: Identity, request: Request) -> Decision:
        """Whether RBAC allows a request: ClusterRoleBindings, then RoleBindings of its namespace (RBAC-20, -21)."""
        if MASTERS in identity.groups:
            return Decision(Answer.ALLOWED, f"group {MASTERS} passes every authorizer (RBAC-29)")
        candidates = tuple(self._in_scope(identity, request.namespace))
        allowing = tuple(
            Allowing(held, rule)
            for held in candidates
            if (rule := first_allowing(held.grant.rules, request)) is not None
        )
        if allowing:
            reason = f"RBAC allows it: {allowing[0].held.grant.binding} of {allowing[0].held.grant.role}"
            return Decision(Answer.ALLOWED, reason, allowing, caveats=_caveats(identity, allowing))
        beside = self._beside(identity, request)
        if unseen := self._unseen(candidates, request.namespace):
            reason = "nothing that was read allows it, but not everything was read"
            return Decision(Answer.UNKNOWN, reason, (), unseen, beside)
        return Decision(Answer.NOT_ALLOWED, "no rule of any binding of this identity allows it", caveats=beside)

    def _beside(self, identity: Identity, request: Request) -> tuple[str, ...]:
        """What the Node authorizer says of a node's request that RBAC does not allow (RBAC-50)."""
        if not identity.user.startswith(NODE_PREFIX):
            return ()
        return (f"{self.node_authorizer.authorize(identity, request).reason} (RBAC-50)",)

    def _scopes(self, identity: Identity) -> Iterator[ByScope]:
        yield self.users.get(identity.user, {})
        for group in dict.fromkeys(identity.groups):
            yield self.groups.get(group, {})

    def _in_scope(self, identity: Identity, namespace: str) -> Iterator[Held]:
        for scope in ("", namespace) if namespace else ("",):
            for scopes in self._scopes(identity):
                yield from scopes.get(scope, ())

    def _unseen(self, candidates: tuple[Held, ...], namespace: str) -> tuple[Unseen, ...]:
        """What was not read that could hold an allowing rule."""
        found = {unseen for held in candidates for unseen in held.grant.unseen}
        return tuple(sorted(found | set(self.unread_bindings(namespace))))


def build(cluster: Cluster) -> Access:
    """Resolve and index every binding of a cluster. Pure."""
    aggregated = filled(cluster)
    found = tuple(grants(cluster, aggregated))
    users: dict[str, ByScope] = {}
    groups: dict[str, ByScope] = {}
    for grant in found:
        for subject in grant.subjects:
            if subject.user is not None:
                _file(users, subject.user, Held(grant, subject, ""))
            elif subject.group is not None:
                _file(groups, subject.group, Held(grant, subject, subject.group))
    return Access(cluster, found, users, groups, aggregated.dead, undecoded(cluster))


def _file(index: dict[str, ByScope], name: str, held: Held) -> None:
    index.setdefault(name, {}).setdefault(held.grant.scope, []).append(held)


def subject_evidence(grant: Grant, subject: Subject) -> tuple[Evidence, ...]:
    """The two fields of a binding that give a subject the role: roleRef and the entry of subjects."""
    role = {"kind": grant.role.kind, "name": grant.role.name}
    return (
        field(grant.binding, ("roleRef",), role),
        field(grant.binding, ("subjects", subject.index), _json(subject.written)),
    )


def rule_evidence(grant: Grant, rule: int) -> Evidence:
    """The rule as it stands in its role; one of an aggregated role names the role it is written in (RBAC-37)."""
    value = _json(grant.rules[rule])
    unread = "not among the files; every API server creates it with this rule"
    if grant.state is RoleState.ASSUMED:
        return field(grant.role, ("rules", rule), value, unread)
    origin = grant.origins[rule] if grant.origins else None
    if origin and grant.declared:
        note = f"aggregated into {grant.role}" + (f"; {unread}" if origin.assumed else "")
        return field(origin.role, ("rules", origin.index), value, note)
    return field(grant.role, ("rules", rule), value, f"aggregated from {origin.role}" if origin else "")


def _json(value: PolicyRule | RbacSubject) -> dict[str, object]:
    """The fields that are set, by their API names."""
    return {key: found for key, found in msgspec.to_builtins(value).items() if found}


def _caveats(identity: Identity, allowing: tuple[Allowing, ...]) -> tuple[str, ...]:
    found = []
    if identity.user == ANONYMOUS_USER:
        found.append("anonymous access may be limited to some paths, or off, by configuration of the server (RBAC-32)")
    assumed = sorted({str(each.held.grant.role) for each in allowing if each.held.grant.state is RoleState.ASSUMED})
    found.extend(f"{role} is not among the files; the rules that Kubernetes ships are assumed" for role in assumed)
    return tuple(found)

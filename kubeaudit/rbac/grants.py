"""Bindings with their roles resolved: who holds which rules where (RBAC-20..26, RBAC-71)."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from kubeaudit.findings import ObjectClass, Reason, Unseen
from kubeaudit.model.cluster import Cluster, object_class
from kubeaudit.model.objects.rbac import Binding, PolicyRule, RbacSubject, RoleRef
from kubeaudit.rbac.aggregation import Aggregated, Filled, Origin, aggregate
from kubeaudit.rbac.baseline import Baseline, baseline, default_cluster_roles
from kubeaudit.rbac.identities import account_of, account_user
from kubeaudit.rbac.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES, ref
from kubeaudit.rbac.powers import Interner, Powers, RuleSet, interner
from kubeaudit.rbac.vendors import of_platform
from kubeaudit.refs import ObjectRef


class RoleState(StrEnum):
    """Of the role that a binding refers to.

    ``missing``: it does not exist, the binding is dormant (RBAC-23). ``unread``: it could not be read. ``assumed``: it
    is not among the files that were read, but every API server creates it: its rules are those of the shipped table.
    """

    RESOLVED = "resolved"
    MISSING = "missing"
    UNREAD = "unread"
    ASSUMED = "assumed"


class Subject(Struct, frozen=True):
    """Entry ``index`` of a binding's subjects by its meaning: a User in the form of a ServiceAccount is one (RBAC-26).

    ``user`` or ``group`` is the name it matches; both are None where it matches nobody (RBAC-24). ``written`` is the
    entry as read.
    """

    kind: str
    namespace: str
    name: str
    index: int
    user: str | None
    group: str | None
    written: RbacSubject

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Grant(Struct, frozen=True):
    """One binding with its role (EXP-12). ``scope`` is the namespace it holds in, "" for the whole cluster.

    ``origins`` has one entry per rule of an aggregated role: where the rule is written (RBAC-37). ``declared``: the
    role is a manifest whose aggregated rules are computed, so they stand at their origins only. ``unseen`` says what
    was missing of an unread role. ``object_class`` is builtin only if binding and role both are as they came with the
    cluster (CHK-24).
    """

    binding: ObjectRef
    uid: str
    role: ObjectRef
    scope: str
    subjects: tuple[Subject, ...]
    state: RoleState
    rule_set: RuleSet
    origins: tuple[Origin | None, ...]
    declared: bool
    unseen: tuple[Unseen, ...]
    object_class: ObjectClass

    @property
    def rules(self) -> tuple[PolicyRule, ...]:
        """The rules held; none where the role is missing or unread."""
        return self.rule_set.rules

    @property
    def powers(self) -> Powers:
        """What the rules amount to within ``scope``."""
        return self.rule_set.powers

    def is_assumed(self, rule: int) -> bool:
        """Whether a rule stands in a role that was not among the files, though every API server creates it."""
        origin = self.origins[rule] if self.origins else None
        return self.state is RoleState.ASSUMED or (origin is not None and origin.assumed and self.declared)

    @property
    def cluster_admin(self) -> int | None:
        """Index of the rule that makes its subjects cluster-admin (EXP-625), None where none does."""
        return next(iter(self.powers.everything), None) if not self.scope else None

    @property
    def all_secrets(self) -> int | None:
        """Index of a rule that reads every Secret of the cluster or of kube-system (EXP-962), None where none does."""
        if self.scope not in ("", "kube-system"):
            return None
        return next((read.rule for read in self.powers.secrets if not read.names), None)


class _Roles(Struct, frozen=True):
    """Every role by its place, and what is needed to say why one is not there."""

    cluster: Cluster
    cluster_roles: dict[str, Filled]
    roles: dict[tuple[str, str], Filled]
    shipped: Baseline
    intern: Interner
    undecoded: frozenset[tuple[str, str, str]]

    def resolve(self, role_ref: RoleRef, scope: str) -> tuple[RoleState, Filled | None, tuple[Unseen, ...]]:
        """The role a binding of this scope refers to: a Role only in the binding's own namespace (RBAC-22, REG-05)."""
        if role_ref.kind == "ClusterRole":
            found, resource, namespace = self.cluster_roles.get(role_ref.name), CLUSTER_ROLES, ""
        elif role_ref.kind == "Role" and scope:
            found, resource, namespace = self.roles.get((scope, role_ref.name)), ROLES, scope
        else:
            return RoleState.MISSING, None, ()
        if found:
            return RoleState.RESOLVED, found, ()
        if unseen := self._unseen(resource, namespace, role_ref.name):
            return RoleState.UNREAD, None, (unseen,)
        assumed = default_cluster_roles().get(role_ref.name)
        if assumed and resource == CLUSTER_ROLES and _is_files(self.cluster):
            return RoleState.ASSUMED, Filled(assumed, assumed.rules), ()
        return RoleState.MISSING, None, ()

    def _unseen(self, resource: str, namespace: str, name: str) -> Unseen | None:
        if self.undecoded & {(resource, namespace, name), (resource, "", "")}:
            return Unseen(Reason.EVALUATION_ERROR, resource, namespace, f"{name} could not be decoded")
        return gap_of(self.cluster, resource, namespace)


def filled(cluster: Cluster) -> Aggregated:
    """The ClusterRoles of a cluster in effect. Files stand beside the roles that every API server creates."""
    return aggregate(cluster.cluster_roles, default_cluster_roles() if _is_files(cluster) else {})


def grants(cluster: Cluster, aggregated: Aggregated) -> Iterator[Grant]:
    """Every binding of a cluster, ClusterRoleBindings first, in the order they were read."""
    intern = interner()
    known = _Roles(
        cluster,
        aggregated.roles,
        {(role.metadata.namespace, role.metadata.name): Filled(role, role.rules) for role in cluster.roles},
        baseline(cluster.version()),
        intern,
        undecoded(cluster),
    )
    for binding in cluster.cluster_role_bindings:
        yield _grant(known, ref("ClusterRoleBinding", binding.metadata), binding, "")
    for binding in cluster.role_bindings:
        yield _grant(known, ref("RoleBinding", binding.metadata), binding, binding.metadata.namespace)


def _is_files(cluster: Cluster) -> bool:
    """Only files come without a version. A live server that lacks a role of its own has lost it until it restarts."""
    return cluster.version() is None


def gap_of(cluster: Cluster, resource: str, namespace: str) -> Unseen | None:
    """What is missing of a kind in a namespace ("" = in the whole cluster), None where its list is whole."""
    gap = cluster.complete.gap(resource, namespace)
    return Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail) if gap else None


def undecoded(cluster: Cluster) -> frozenset[tuple[str, str, str]]:
    """RBAC objects that could not be decoded (CHK-06): resource, namespace and name."""
    kinds = (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)
    named = ((bad.where, bad.object) for bad in cluster.bad if bad.where in kinds)
    return frozenset((where, obj.namespace, obj.name) if obj else (where, "", "") for where, obj in named)


def _grant(known: _Roles, binding: ObjectRef, source: Binding, scope: str) -> Grant:
    state, filled, unseen = known.resolve(source.role_ref, scope)
    role_namespace = scope if source.role_ref.kind == "Role" else ""
    role = ref(source.role_ref.kind, filled.role.metadata) if filled else _named(source.role_ref, role_namespace)
    return Grant(
        binding=binding,
        uid=source.metadata.uid,
        role=role,
        scope=scope,
        subjects=tuple(_subject(index, written, scope) for index, written in enumerate(source.subjects)),
        state=state,
        rule_set=known.intern(filled.rules if filled else ()),
        origins=filled.origins if filled else (),
        declared=bool(filled and filled.declared),
        unseen=unseen,
        object_class=_class(known.shipped, binding, source, scope, filled, role_namespace),
    )


def _named(role_ref: RoleRef, namespace: str) -> ObjectRef:
    return ObjectRef(role_ref.kind, namespace, role_ref.name, GROUP)


def _class(
    shipped: Baseline, binding: ObjectRef, source: Binding, scope: str, filled: Filled | None, role_namespace: str
) -> ObjectClass:
    if filled and shipped.ships_binding((scope, binding.name), source):
        place = (role_namespace, filled.role.metadata.name)
        if shipped.ships_role(place, filled.role.metadata.labels, filled.rules):
            return ObjectClass.BUILTIN
    placed = object_class(ObjectRef(binding.kind, scope, binding.name, binding.group))
    return ObjectClass.VENDOR if placed is ObjectClass.USER and of_platform(source.metadata) else placed


def _subject(index: int, written: RbacSubject, scope: str) -> Subject:
    kind, name, namespace = written.kind, written.name, ""
    user, group = (name if kind == "User" else None), (name if kind == "Group" else None)
    if kind == "ServiceAccount":
        # An empty namespace means that of the RoleBinding; in a ClusterRoleBinding it matches nobody (RBAC-24).
        namespace = written.namespace or scope
        user = account_user(namespace, name) if namespace else None
    elif account := account_of(user or ""):
        kind, (namespace, name) = "ServiceAccount", account
    return Subject(kind, namespace, name, index, user, group, written)

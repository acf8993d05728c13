"""What the escalation families look up: who exists, what runs where, and what admission lets in."""

from functools import cached_property

from msgspec import Struct

from kubeaudit.edges.admission_gate import Gate, gates
from kubeaudit.edges.context import Context, unseen
from kubeaudit.edges.vertices import NewGrant
from kubeaudit.findings import ObjectClass, Reason, Unseen
from kubeaudit.model.objects.rbac import Role
from kubeaudit.model.workloads import Pod, WorkloadClass
from kubeaudit.proof import Confidence, State
from kubeaudit.rbac.aggregation import Filled
from kubeaudit.rbac.grants import Grant, RoleState, Subject, filled
from kubeaudit.rbac.names import GROUP, ref
from kubeaudit.rbac.powers import Interner, interner
from kubeaudit.refs import ObjectRef, Vertex

SECRETS = "secrets"
BOOTSTRAPPERS = "system:bootstrappers"
_DEFAULT_ACCOUNT = "default"
_OPEN = (State.YES, State.UNKNOWN, State.BLOCKED)


class Scene(Struct, frozen=True, dict=True):
    """Indexes of a cluster for the escalation families, made when first asked for."""

    context: Context

    @property
    def version(self) -> tuple[int, int] | None:
        """Major and minor of the API server, None where it is not known (EXP-36)."""
        return self.context.cluster.version()

    @cached_property
    def accounts(self) -> frozenset[tuple[str, str]]:
        """Every ServiceAccount that exists, by namespace and name; a controller makes one ``default`` per namespace."""
        running = {(cls.namespace, cls.shape.identity) for cls in self.context.cluster.classes}
        given = {(namespace, _DEFAULT_ACCOUNT) for namespace in self.context.cluster.namespaces}
        return frozenset(running | given | set(self.context.service_accounts))

    @cached_property
    def account_homes(self) -> dict[str, tuple[str, ...]]:
        """The namespaces in which a ServiceAccount of a name exists."""
        homes: dict[str, list[str]] = {}
        for namespace, name in sorted(self.accounts):
            homes.setdefault(name, []).append(namespace)
        return {name: tuple(found) for name, found in homes.items()}

    @cached_property
    def missing_accounts(self) -> dict[str, tuple[str, ...]]:
        """ServiceAccounts by namespace that bindings with rules name and that do not exist (RBAC-30)."""
        found: dict[str, set[str]] = {}
        for grant in self.context.access.grants:
            for subject in grant.subjects if grant.rules else ():
                place = (subject.namespace, subject.name)
                if _is_account(subject) and place not in self.accounts:
                    found.setdefault(subject.namespace, set()).add(subject.name)
        return {
            namespace: tuple(sorted(names))
            for namespace, names in sorted(found.items())
            if self.context.cluster.complete.gap("serviceaccounts", namespace) is None
        }

    @cached_property
    def unproven_accounts(self) -> frozenset[tuple[str, str]]:
        """ServiceAccounts that bindings name where the list was not read: they may exist."""
        named = {
            (subject.namespace, subject.name)
            for grant in self.context.access.grants
            for subject in grant.subjects
            if _is_account(subject)
        }
        gap = self.context.cluster.complete.gap
        return frozenset(p for p in named - self.accounts if gap("serviceaccounts", p[0]) is not None)

    @cached_property
    def accounts_of(self) -> dict[str, tuple[str, ...]]:
        """Names of the ServiceAccounts of each namespace, those that may exist included."""
        found: dict[str, list[str]] = {}
        for namespace, name in sorted(self.accounts | self.unproven_accounts):
            found.setdefault(namespace, []).append(name)
        return {namespace: tuple(names) for namespace, names in found.items()}

    def unproven(self, namespace: str, name: str) -> tuple[Unseen, ...]:
        """What was missing to know that a ServiceAccount exists; nothing where it does."""
        if (namespace, name) not in self.unproven_accounts:
            return ()
        gap = self.context.cluster.complete.gap("serviceaccounts", namespace)
        return (unseen(gap),) if gap is not None else ()

    @cached_property
    def classes_of(self) -> dict[str, tuple[WorkloadClass, ...]]:
        """Workload classes by namespace."""
        found: dict[str, list[WorkloadClass]] = {}
        for cls in self.context.cluster.classes:
            found.setdefault(cls.namespace, []).append(cls)
        return {namespace: tuple(classes) for namespace, classes in found.items()}

    @cached_property
    def classes_named(self) -> dict[tuple[str, str], tuple[WorkloadClass, ...]]:
        """Workload classes by kind and name of their controller, and by ``Pod`` and the name of each pod."""
        found: dict[tuple[str, str], dict[int, WorkloadClass]] = {}
        cluster = self.context.cluster
        for cls in cluster.classes:
            owner = cluster.workloads[cls.workload].ref
            found.setdefault((owner.kind, owner.name), {})[cls.index] = cls
            for pod in cls.pods:
                found.setdefault(("Pod", cluster.pods[pod].name), {})[cls.index] = cls
        return {key: tuple(classes.values()) for key, classes in found.items()}

    @cached_property
    def pods_on(self) -> dict[str, dict[int, Pod]]:
        """By node, the workload classes that run there, each with one of its pods on that node."""
        found: dict[str, dict[int, Pod]] = {}
        for pod in self.context.cluster.pods:
            if pod.cls >= 0 and pod.node:
                found.setdefault(pod.node, {}).setdefault(pod.cls, pod)
        return found

    @cached_property
    def bindings_named(self) -> dict[tuple[bool, str], tuple[Grant, ...]]:
        """Bindings by whether they are cluster-wide, and by name."""
        found: dict[tuple[bool, str], list[Grant]] = {}
        for grant in self.context.access.grants:
            found.setdefault((not grant.scope, grant.binding.name), []).append(grant)
        return {key: tuple(grants) for key, grants in found.items()}

    @cached_property
    def _roles(self) -> dict[tuple[str, str, str], Role]:
        cluster = self.context.cluster
        found = {("Role", role.metadata.namespace, role.metadata.name): role for role in cluster.roles}
        return found | {("ClusterRole", "", name): each.role for name, each in self._filled.items()}

    @cached_property
    def _filled(self) -> dict[str, Filled]:
        return filled(self.context.cluster).roles

    @cached_property
    def _made(self) -> dict[Vertex, Grant]:
        return {}

    def note(self, vertex: Vertex, grant: Grant) -> None:
        """Keeps a grant that no object makes under the vertex that stands for it."""
        self._made[vertex] = grant

    def noted(self, vertex: Vertex) -> Grant | None:
        """The grant that was kept under a vertex."""
        return self._made.get(vertex)

    @cached_property
    def intern(self) -> Interner:
        """Makes one list of rules of equal ones that no object has; they live as long as the scene."""
        return interner()

    @property
    def secrets_seen(self) -> bool:
        """Whether there may be Secrets: files that hold none show their absence, a cluster is not asked for them."""
        cluster = self.context.cluster
        return cluster.header.source != "files" or (SECRETS, "") in cluster.complete.reads

    @cached_property
    def role_homes(self) -> dict[str, tuple[str, ...]]:
        """Names of the Roles of each namespace."""
        found: dict[str, list[str]] = {}
        for role in self.context.cluster.roles:
            found.setdefault(role.metadata.namespace, []).append(role.metadata.name)
        return {namespace: tuple(sorted(names)) for namespace, names in sorted(found.items())}

    def granted(self, new: NewGrant) -> Grant | None:
        """The grant that a new binding of a role would be; None where the role was not found."""
        vertex = new.vertex
        if vertex not in self._made:
            role = self._roles.get((new.kind, new.namespace, new.name))
            if role is None:
                return None
            each = self._filled.get(new.name) if new.kind == "ClusterRole" else None
            made = Grant(
                binding=ObjectRef(new.binding, new.scope, "", GROUP),
                uid="",
                role=ref(new.kind, role.metadata),
                scope=new.scope,
                subjects=(),
                state=RoleState.RESOLVED,
                rule_set=self.intern(each.rules if each else role.rules),
                origins=each.origins if each else (),
                declared=bool(each and each.declared),
                unseen=(),
                # What may be bound is no fault of the role: the fix is at the step before.
                object_class=ObjectClass.BUILTIN,
            )
            self.note(vertex, made)
        return self._made[vertex]

    @cached_property
    def bootstrap_groups(self) -> tuple[str, ...]:
        """Groups that holders of bootstrap tokens may be in, as far as bindings name them (RBAC-27)."""
        groups = {s.group for grant in self.context.access.grants for s in grant.subjects if s.group}
        return tuple(sorted(name for name in groups if name.startswith(f"{BOOTSTRAPPERS}:") or name == BOOTSTRAPPERS))

    @cached_property
    def gates(self) -> dict[str, Gate]:
        """The admission gate of every namespace."""
        return gates(self.context.cluster)

    @cached_property
    def guarded(self) -> tuple[str, ...]:
        """The namespaces whose gate is shut."""
        return tuple(name for name, gate in self.gates.items() if gate.state is State.BLOCKED)

    @cached_property
    def widest_gate(self) -> tuple[str, Gate] | None:
        """The namespace whose gate stands open widest, for a caller who may choose one."""
        ranked = sorted(self.gates.items(), key=lambda item: (_OPEN.index(item[1].state), item[0]))
        surest = [item for item in ranked if item[1].confidence is Confidence.OBJ and item[1].state is State.YES]
        return next(iter(surest or ranked), None)

    def gate(self, scope: str) -> tuple[str, Gate] | None:
        """The namespace that pods of a scope may be made in, and its gate; None where no namespace is known."""
        if not scope:
            return self.widest_gate
        found = self.gates.get(scope)
        return (scope, found) if found is not None else None

    def since(self, *, on: tuple[int, int], gated: tuple[int, int], what: str) -> tuple[State, tuple[Unseen, ...]]:
        """Whether the server has a feature: surely from version ``on``, never below ``gated`` (EXP-36)."""
        if self.version is None:
            detail = f"the server's version decides whether it has {what}"
            return State.UNKNOWN, (Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail=detail),)
        if self.version < gated:
            return State.BLOCKED, ()
        if self.version < on:
            detail = f"whether the feature gate of {what} is on"
            return State.UNKNOWN, (Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail=detail),)
        return State.YES, ()


def _is_account(subject: Subject) -> bool:
    return subject.user is not None and subject.kind == "ServiceAccount" and bool(subject.namespace)

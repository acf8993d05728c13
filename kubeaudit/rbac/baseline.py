"""Which RBAC objects come with the cluster: by name and content, never by name alone (CHK-22..24, RBAC-90..94)."""

from collections.abc import Iterable
from functools import cache

import msgspec
from msgspec import Struct

from kubeaudit.model.objects.meta import Labels
from kubeaudit.model.objects.rbac import Binding, PolicyRule, RbacSubject, Role
from kubeaudit.rbac.tables import bootstrap, kubeadm

Version = tuple[int, int]
Place = tuple[str, str]
"""Namespace and name; the namespace is "" for cluster-scoped kinds."""

LABEL = ("kubernetes.io/bootstrapping", "rbac-defaults")
"""What API servers label the RBAC objects with that they create."""
_COMPONENT_PREFIX = "system:"
_COMPONENT_NAMESPACE = "kube-system"

Rules = frozenset[PolicyRule]
Wiring = tuple[str, str, frozenset[RbacSubject]]
"""Kind and name of the role, and the subjects."""


class Baseline(Struct, frozen=True):
    """What ships with a cluster, whatever its order. ``exact``: the table is that of the server's version."""

    exact: bool
    roles: dict[Place, Rules]
    bindings: dict[Place, Wiring]

    def ships_role(self, place: Place, labels: Labels, rules: Iterable[PolicyRule]) -> bool:
        """Whether a role is as it came. Without a table of the server's version its label decides (RBAC-92)."""
        return self.roles.get(place) == canonical(rules) or (not self.exact and LABEL in labels.items())

    def ships_binding(self, place: Place, binding: Binding) -> bool:
        """Whether a binding is as it came.

        Without a table of the server's version a binding that the nearest table knows must still equal it, as these do
        not change between versions; an unknown one counts if it is labelled and names components of the cluster only.
        """
        if place in self.bindings or self.exact:
            return self.bindings.get(place) == _wiring(binding)
        return LABEL in binding.metadata.labels.items() and all(_is_component(subject) for subject in binding.subjects)


def baseline(version: Version | None) -> Baseline:
    """What ships with a server of this version: the nearest table where there is none, the newest if it is unknown."""
    minors = [table.minor for table in bootstrap()]
    wanted = version or minors[-1]
    nearest = min(minors, key=lambda minor: abs(minor[1] - wanted[1]))
    return _baseline(minors.index(nearest), nearest == wanted)


@cache
def default_cluster_roles() -> dict[str, Role]:
    """ClusterRoles of the newest table by name: what every cluster has, whether or not its manifests show it."""
    return {role.metadata.name: role for role in bootstrap()[-1].cluster_roles}


def canonical(rules: Iterable[PolicyRule]) -> Rules:
    """Rules as a set: order and repetition mean nothing."""
    return frozenset(_sorted(rule) for rule in rules)


def _sorted(rule: PolicyRule) -> PolicyRule:
    return msgspec.structs.replace(
        rule, **{field: tuple(sorted(set(getattr(rule, field)))) for field in PolicyRule.__struct_fields__}
    )


def _wiring(binding: Binding) -> Wiring:
    return binding.role_ref.kind, binding.role_ref.name, frozenset(binding.subjects)


def _is_component(subject: RbacSubject) -> bool:
    if subject.kind == "ServiceAccount":
        return subject.namespace == _COMPONENT_NAMESPACE
    return subject.name.startswith(_COMPONENT_PREFIX)


@cache
def _baseline(position: int, exact: bool) -> Baseline:
    shipped = (bootstrap()[position], kubeadm())
    return Baseline(
        exact,
        {
            (role.metadata.namespace, role.metadata.name): canonical(role.rules)
            for part in shipped
            for role in (*part.cluster_roles, *part.roles)
        },
        {
            (binding.metadata.namespace, binding.metadata.name): _wiring(binding)
            for part in shipped
            for binding in (*part.cluster_role_bindings, *part.role_bindings)
        },
    )

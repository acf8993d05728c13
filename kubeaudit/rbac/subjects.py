"""Everyone an RBAC question may be about (RBAC-72)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.rbac.access import Access
from kubeaudit.rbac.identities import (
    AUTHENTICATED,
    NODES,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    Identity,
    member_of,
    node,
    service_account,
    user,
)

_IMPLICIT = (AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS, NODES)


class KnownSubject(Struct, frozen=True, order=True):
    """A User, Group or ServiceAccount that is known. ``exists`` is false for a ServiceAccount that was not read.

    Users and groups have no object; that a binding names them is all there is to know (RBAC-31).
    """

    kind: str
    namespace: str
    name: str
    exists: bool = True

    def identity(self) -> Identity:
        """Who asks when this subject does; a group stands for a member that is in no other but the implied ones."""
        if self.kind == "ServiceAccount":
            return service_account(self.namespace, self.name)
        if self.kind == "Group":
            return member_of(self.name)
        return user(self.name)


def subjects(access: Access) -> tuple[KnownSubject, ...]:
    """Every ServiceAccount object, every subject that a binding names, every ServiceAccount that a workload names, the
    nodes, and the groups that callers are in without being put there.
    """
    cluster = access.cluster
    objects = access.accounts
    accounts = set(objects) | {(each.namespace, each.shape.identity) for each in cluster.classes}
    others = {KnownSubject("Group", "", name) for name in _IMPLICIT}
    others.update(KnownSubject("User", "", node(each.ref.name).user) for each in cluster.nodes)
    for kind, namespace, name in _named(access):
        if kind == "ServiceAccount":
            accounts.add((namespace, name))
        else:
            others.add(KnownSubject(kind, namespace, name))
    known = {KnownSubject("ServiceAccount", *place, exists=place in objects) for place in accounts}
    return tuple(sorted(known | others))


def _named(access: Access) -> Iterator[tuple[str, str, str]]:
    for grant in access.grants:
        for subject in grant.subjects:
            if subject.user is not None or subject.group is not None:
                yield subject.kind, subject.namespace, subject.name

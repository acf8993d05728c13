"""Everyone an RBAC question may be about (RBAC-72)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.rbac.access import Access
from kubeaudit.rbac.identities import AUTHENTICATED, Identity, service_account, user


class KnownSubject(Struct, frozen=True, order=True):
    """A User, Group or ServiceAccount that is known. ``exists`` is false for a ServiceAccount that was not read.

    Users and groups have no object; that a binding names them is all there is to know (RBAC-31).
    """

    kind: str
    namespace: str
    name: str
    exists: bool = True

    def identity(self) -> Identity:
        """Who asks when this subject does; a group stands for a member that is in no other but the implicit one."""
        if self.kind == "ServiceAccount":
            return service_account(self.namespace, self.name)
        if self.kind == "Group":
            return Identity("", tuple(dict.fromkeys((self.name, AUTHENTICATED))))
        return user(self.name)


def subjects(access: Access) -> tuple[KnownSubject, ...]:
    """Every ServiceAccount object, every subject that a binding names, every ServiceAccount that a workload names."""
    cluster = access.cluster
    objects = {(account.metadata.namespace, account.metadata.name) for account in cluster.service_accounts}
    accounts = objects | {(each.namespace, each.shape.identity) for each in cluster.classes}
    others: set[KnownSubject] = set()
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

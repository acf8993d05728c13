"""``what-can``: everything RBAC allows a subject, with provenance, what is dangerous first (RBAC-82)."""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.queries.atoms import Dead, Part, danger, dead, parts
from kubeaudit.queries.provenance import Dormant, Use, dormant, use
from kubeaudit.queries.subjects import Asker, known
from kubeaudit.rbac.access import Access, Held
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.rbac.versions import outside

SCHEMA = "kubeaudit.what-can/1"


class Permission(Struct, frozen=True):
    """What may be done to one part of the API. ``danger`` counts from 0, the worst; ``uses`` are the rules behind it.

    ``implicit``: every rule behind it comes by a group that the subject is always in (RBAC-27).
    """

    scope: str
    group: str
    resource: str
    names: tuple[str, ...]
    url: str
    verbs: tuple[str, ...]
    danger: int
    implicit: bool
    uses: tuple[Use, ...]

    @property
    def part(self) -> Part:
        """What the verbs are about."""
        return Part(self.scope, self.group, self.resource, self.names, self.url)


class DeadRule(Struct, frozen=True, order=True):
    """A part of a held rule that matches no request."""

    use: Use
    dead: Dead


class WhatCan(Struct, frozen=True):
    """Everything a subject may do. ``dormant`` are bindings to missing roles, ``dead`` rules without effect.

    The list is whole where ``unseen`` is empty.
    """

    subject: str
    groups: tuple[str, ...]
    place: str
    permissions: tuple[Permission, ...]
    dormant: tuple[Dormant, ...] = ()
    dead: tuple[DeadRule, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    depends: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


def what_can(access: Access, subject: Asker, namespace: str | None = None) -> WhatCan:
    """The effective permissions of a subject, groups included; of one namespace and cluster-wide where one is named."""
    held = tuple(
        each for each in access.of(subject.identity) if namespace is None or each.grant.scope in ("", namespace)
    )
    unread = access.unread_anywhere() if namespace is None else access.unread_bindings(namespace)
    unseen = set(unread).union(*(each.grant.unseen for each in held))
    masters = (f"Group {MASTERS} passes every authorizer: everything is allowed (RBAC-29)",)
    return WhatCan(
        subject=str(subject),
        groups=subject.identity.groups,
        place=f"in namespace {namespace}" if namespace else "in every namespace",
        permissions=permissions(held),
        dormant=dormant(held),
        dead=_dead(held),
        unseen=tuple(sorted(unseen)),
        depends=outside(access.cluster, subject.identity),
        notes=(*(masters if MASTERS in subject.identity.groups else ()), *subject.notes, *known(subject, access)),
    )


def permissions(held: Iterable[Held]) -> tuple[Permission, ...]:
    """Held rules, equal parts put together: by danger, then scope, group and resource."""
    verbs: dict[Part, dict[str, None]] = {}
    uses: dict[Part, list[Use]] = {}
    for each in held:
        for index, rule in enumerate(each.grant.rules):
            shown = None
            for part, allowed in parts(rule, each.grant.scope):
                shown = shown or use(each, index)
                verbs.setdefault(part, {}).update(dict.fromkeys(allowed))
                uses.setdefault(part, []).append(shown)
    made = [_permission(part, tuple(sorted(found)), uses[part]) for part, found in verbs.items()]
    return tuple(sorted(made, key=lambda each: (each.danger, each.part)))


def _permission(part: Part, verbs: tuple[str, ...], uses: list[Use]) -> Permission:
    return Permission(
        scope=part.scope,
        group=part.group,
        resource=part.resource,
        names=part.names,
        url=part.url,
        verbs=verbs,
        danger=min(danger(part, verb) for verb in verbs),
        implicit=all(each.via.startswith("system:") for each in uses),
        uses=tuple(sorted(set(uses))),
    )


def _dead(held: tuple[Held, ...]) -> tuple[DeadRule, ...]:
    return tuple(
        DeadRule(use(each, index), found)
        for each in held
        for index, rule in enumerate(each.grant.rules)
        for found in dead(rule, each.grant.scope)
    )

"""Rights that only two permissions give together, whichever bindings and groups they come by (RBAC-72, EXP-34)."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from kubeaudit.findings import ObjectClass
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.grants import Grant, Subject
from kubeaudit.rbac.identities import member_of, user
from kubeaudit.rbac.reviewing import adds

Rules = Callable[[Grant], tuple[int, ...]]
"""Indexes of the rules of a grant that give a permission in its scope."""


class Joint(Struct, frozen=True):
    """Two permissions that amount to ``what``.

    ``together``: both must hold in one namespace. ``doubtful``: something that is not read decides whether it works;
    ``note`` says what.
    """

    what: str
    first: Rules
    second: Rules
    together: bool = False
    doubtful: bool = False
    note: str = ""


class Part(Struct, frozen=True):
    """A grant that gives one of the permissions to an identity through ``subject``, and the rules that do."""

    grant: Grant
    subject: Subject
    rules: tuple[int, ...]


class Pair(Struct, frozen=True):
    """Both permissions in one hand. ``here`` is the part that the finding is about: not the one that came with the
    cluster.
    """

    joint: Joint
    here: Part
    there: Part


Key = tuple[str, str]
"""``user`` or ``group``, and its name."""


def pairs(access: Access, joint: Joint) -> Iterator[Pair]:
    """Every grant that gives somebody one permission of a joint right who has the other one too.

    Asked are the users and groups that a binding gives either permission, each with its implicit groups. Who else is in
    a group is not to be seen (RBAC-65).
    """
    first, second = _holders(access, joint.first), _holders(access, joint.second)
    seen: set[tuple[int, int]] = set()
    for key in dict.fromkeys((*first, *second)):
        held = _with_groups(key)
        others = [part for other in held for part in second.get(other, ())]
        for part in (part for other in held for part in first.get(other, ()) if others):
            match = _match(joint, part, others)
            mark = id(part.grant), part.subject.index
            if match is None or mark in seen:
                continue
            if part.grant.object_class is not ObjectClass.BUILTIN:
                seen.add(mark)
                yield Pair(joint, part, match)
            elif (id(match.grant), match.subject.index) not in seen:
                seen.add((id(match.grant), match.subject.index))
                yield Pair(joint, match, part)


def _match(joint: Joint, part: Part, others: list[Part]) -> Part | None:
    """The part that goes with another, of the same binding if there is one; never do two of the cluster's own."""
    fitting = [other for other in others if not joint.together or _overlap(part.grant.scope, other.grant.scope)]
    builtin = part.grant.object_class is ObjectClass.BUILTIN
    own = [other for other in fitting if not (builtin and other.grant.object_class is ObjectClass.BUILTIN)]
    return next((other for other in own if other.grant is part.grant), next(iter(own), None))


def _overlap(one: str, other: str) -> bool:
    return not one or not other or one == other


def _holders(access: Access, rules: Rules) -> dict[Key, list[Part]]:
    found: dict[Key, list[Part]] = {}
    for grant in access.grants:
        given = rules(grant)
        for subject in grant.subjects if given else ():
            if adds(subject):
                key = ("group", subject.group) if subject.group is not None else ("user", subject.user or "")
                found.setdefault(key, []).append(Part(grant, subject, given))
    return found


def _with_groups(key: Key) -> tuple[Key, ...]:
    """A user or group with every group that it is in by itself (RBAC-27)."""
    kind, name = key
    groups = user(name).groups if kind == "user" else member_of(name).groups
    return tuple(dict.fromkeys((key, *(("group", group) for group in groups))))

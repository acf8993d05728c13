"""``what-can --diff``: permissions that appeared or went between two inputs, with the object that changed (RBAC-83)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.queries.atoms import Part, danger, parts
from kubeaudit.queries.provenance import Dormant, dormant
from kubeaudit.queries.subjects import Asker
from kubeaudit.rbac.access import Access, Held
from kubeaudit.rbac.grants import Grant, RoleState
from kubeaudit.rbac.rules import covers
from kubeaudit.refs import ObjectRef

SCHEMA = "kubeaudit.what-can-diff/1"
Atom = tuple[Part, str]


class Change(Struct, frozen=True, order=True):
    """One permission of a subject that is there on one side only. ``causes`` are the objects that changed, and how."""

    subject: str
    danger: int
    scope: str
    group: str
    resource: str
    names: tuple[str, ...]
    url: str
    verbs: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def part(self) -> Part:
        """What the verbs are about."""
        return Part(self.scope, self.group, self.resource, self.names, self.url)


class AccessDiff(Struct, frozen=True):
    """What changed between two inputs. ``awakened`` are bindings whose missing role now exists.

    A group is a subject of its own: what its members gain by it is listed once, with the group. The lists are whole
    where ``unseen`` is empty.
    """

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    awakened: tuple[Dormant, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


class _Holding(Struct, frozen=True):
    """What one subject holds on one side, by the text that names it."""

    held: tuple[Held, ...] = ()

    def rules(self, scope: str) -> list[PolicyRule]:
        """Rules in effect in a scope: those of the whole cluster hold everywhere."""
        return [rule for each in self.held if each.grant.scope in ("", scope) for rule in each.grant.rules]

    def atoms(self) -> dict[Atom, list[Held]]:
        """One verb on one part each, with the grants that give it."""
        found: dict[Atom, list[Held]] = {}
        for each in self.held:
            for rule in each.grant.rules:
                for part, verbs in parts(rule, each.grant.scope):
                    for verb in verbs:
                        found.setdefault((part, verb), []).append(each)
        return found


def access_diff(old: Access, new: Access, subject: Asker | None = None) -> AccessDiff:
    """Compare what every subject holds, or one subject with its groups.

    A permission that the other side gives in other words (``*`` instead of ``get``) has not changed.
    """
    before, after = (_holdings(old, subject), _holdings(new, subject))
    added: list[Change] = []
    removed: list[Change] = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, _Holding()), after.get(name, _Holding())
        if _same(was, now):
            continue
        added.extend(_changes(name, now, was, old, "added"))
        removed.extend(_changes(name, was, now, new, "removed"))
    return AccessDiff(
        added=tuple(sorted(added)),
        removed=tuple(sorted(removed)),
        awakened=tuple(_awakened(before, after)),
        unseen=tuple(sorted({*old.unread_anywhere(), *new.unread_anywhere(), *_unread(before), *_unread(after)})),
    )


def _holdings(access: Access, subject: Asker | None) -> dict[str, _Holding]:
    if subject is not None:
        return {str(subject): _Holding(access.of(subject.identity))}
    found: dict[str, list[Held]] = {}
    for grant in access.grants:
        for entry in grant.subjects:
            if entry.user is not None or entry.group is not None:
                found.setdefault(str(entry), []).append(Held(grant, entry, entry.group or ""))
    return {name: _Holding(tuple(held)) for name, held in found.items()}


def _same(was: _Holding, now: _Holding) -> bool:
    def content(side: _Holding) -> list[tuple[str, tuple[PolicyRule, ...], bool]]:
        return [(each.grant.scope, each.grant.rules, each.grant.state is RoleState.MISSING) for each in side.held]

    return content(was) == content(now)


def _changes(name: str, side: _Holding, other: _Holding, access: Access, word: str) -> Iterator[Change]:
    """Permissions of one side that the other, seen through ``access``, does not cover, verbs of one part together."""
    rules: dict[str, list[PolicyRule]] = {}
    verbs: dict[Part, list[str]] = {}
    causes: dict[Part, set[str]] = {}
    grants = {grant.binding: grant for grant in access.grants}
    for (part, verb), held in side.atoms().items():
        if part.scope not in rules:
            rules[part.scope] = other.rules(part.scope)
        if not covers(rules[part.scope], part.rule(verb)):
            verbs.setdefault(part, []).append(verb)
            causes.setdefault(part, set()).update(_cause(each, grants.get(each.grant.binding), word) for each in held)
    for part, found in verbs.items():
        worst = min(danger(part, verb) for verb in found)
        yield Change(
            name, worst, part.scope, part.group, part.resource, part.names, part.url, tuple(sorted(found)),
            tuple(sorted(causes[part])),
        )  # fmt: skip


def _cause(held: Held, other: Grant | None, word: str) -> str:
    """What differs on the other side: the binding, its roleRef, its subjects, or the rules of its role."""
    grant = held.grant
    if other is None:
        return f"{grant.binding} {word}"
    if (other.role.kind, other.role.name) != (grant.role.kind, grant.role.name):
        return f"{grant.binding} refers to another role"
    wanted = (held.subject.user, held.subject.group)
    if wanted not in {(subject.user, subject.group) for subject in other.subjects}:
        return f"{grant.binding}: subject {held.subject} {word}"
    if other.state is not grant.state:
        return f"{grant.role} {word}"
    origins = {str(origin.role) for origin in grant.origins if origin} if grant.rules != other.rules else set()
    changed = [ref for ref in origins if ref not in _origins(other)]
    return f"{', '.join(sorted(changed))} {word} in {grant.role}" if changed else f"{grant.role} changed"


def _origins(grant: Grant) -> set[str]:
    return {str(origin.role) for origin in grant.origins if origin}


def _awakened(before: dict[str, _Holding], after: dict[str, _Holding]) -> Iterator[Dormant]:
    live: set[tuple[str, ObjectRef]] = {
        (name, each.grant.binding) for name, side in after.items() for each in side.held if each.grant.rules
    }
    for name, side in sorted(before.items()):
        yield from (entry for entry in dormant(side.held) if (name, entry.binding) in live)


def _unread(sides: dict[str, _Holding]) -> Iterable[Unseen]:
    return {why for side in sides.values() for each in side.held for why in each.grant.unseen}

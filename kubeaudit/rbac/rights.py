"""What some grants allow together on the kinds that lead further, found once per list of rules (RBAC-70, EXP-34)."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.powers import RuleSet
from kubeaudit.rbac.rules import ANY

Key = tuple[str, str]
"""API group and resource, with its subresource, e.g. ``("", "pods/exec")``."""
NAMELESS = ("create", "deletecollection")
"""Verbs whose requests carry no name; ``create`` of a subresource carries that of its parent (RBAC-05, -06)."""
LISTING = ("list", "watch")
_NAMESPACES = ("", "namespaces")
LIMITED, AUDIENCE = ("", "impersonate-on:"), ("", "request-serviceaccounts-token-audience")
"""Verbs that are found on whatever resource they are given, in the place of a kind: the requests of constrained
impersonation (RBAC-48), and the audiences of tokens (RBAC-52).
"""


class RuleHit(Struct, frozen=True):
    """Rule ``rule`` matches a kind with these verbs; no ``names``: whatever the name."""

    rule: int
    verbs: tuple[str, ...]
    names: tuple[str, ...]


Hits = dict[Key, tuple[RuleHit, ...]]
Finder = Callable[[RuleSet], Hits]


class Right(Struct, frozen=True):
    """One verb on one kind, and the rule of a grant that allows it. ``name`` is the only one, "" where any will do."""

    grant: Grant
    rule: int
    key: Key
    verb: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.key[1]}" + (f" named {self.name}" if self.name else "")


class Rights(Struct, frozen=True):
    """What some grants of one identity allow within ``scope``, a namespace or "" for all namespaces.

    ``bound`` are the grants through which the identity is bound to roles at all: whoever rewrites one of these has it.
    ``everywhere``: the grants are RoleBindings that may be made in every namespace, so nothing cluster-wide follows.
    """

    scope: str
    held: dict[Key, tuple[tuple[Grant, RuleHit], ...]]
    bound: tuple[Grant, ...]
    cluster_kinds: frozenset[Key]
    everywhere: bool = False

    @property
    def whole(self) -> bool:
        """Whether the scope is the cluster with its own kinds."""
        return not self.scope and not self.everywhere

    def every(self, key: Key, *verbs: str) -> Right | None:
        """A right to one of the verbs, whatever the name."""
        for verb, grant, hit in self._of(key, verbs):
            if not hit.names or ("" in hit.names and _nameless(verb, key)):
                return Right(grant, hit.rule, key, verb)
        return None

    def named(self, key: Key, *verbs: str) -> tuple[Right, ...]:
        """The rights to one of the verbs that are limited to a name, one for each name."""
        found: dict[str, Right] = {}
        for verb, grant, hit in self._of(key, verbs):
            if not _nameless(verb, key) or verb in LISTING:
                for name in hit.names:
                    if name:
                        found.setdefault(name, Right(grant, hit.rule, key, verb, name))
        return tuple(found.values())

    def some(self, key: Key, *verbs: str) -> Right | None:
        """A right to one of the verbs, if only for one name."""
        return self.every(key, *verbs) or next(iter(self.named(key, *verbs)), None)

    def on(self, key: Key, name: str, *verbs: str) -> Right | None:
        """A right to one of the verbs on an object of this name."""
        return self.every(key, *verbs) or next((right for right in self.named(key, *verbs) if right.name == name), None)

    def _of(self, key: Key, verbs: tuple[str, ...]) -> Iterator[tuple[str, Grant, RuleHit]]:
        for grant, hit in self.held.get(key, ()):
            # A RoleBinding reaches no cluster-scoped kind but the object of its own namespace (RBAC-21).
            if key in self.cluster_kinds and (self.everywhere or grant.scope) and key != _NAMESPACES:
                continue
            for verb in verbs:
                if ANY in hit.verbs or verb in hit.verbs:
                    yield verb, grant, hit


def _nameless(verb: str, key: Key) -> bool:
    return (verb in NAMELESS and "/" not in key[1]) or verb in LISTING


def finder(watched: Iterable[Key]) -> Finder:
    """A function that finds the rules of a list that match one of the watched kinds, remembering equal lists."""
    keys = tuple(dict.fromkeys(watched))
    named: dict[str, list[Key]] = {ANY: list(keys)}
    for key in keys:
        _, slash, subresource = key[1].partition("/")
        named.setdefault(key[1], []).append(key)
        if slash:
            named.setdefault(f"*/{subresource}", []).append(key)
    known: dict[int, Hits] = {}

    def find(rule_set: RuleSet) -> Hits:
        # Equal lists of rules of one cluster are one object (RBAC-70), which lives as long as its grants do.
        hits = known.get(id(rule_set))
        if hits is None:
            hits = known[id(rule_set)] = _hits(rule_set.rules, named)
        return hits

    return find


def _hits(rules: tuple[PolicyRule, ...], named: dict[str, list[Key]]) -> Hits:
    found: dict[Key, list[RuleHit]] = {}
    for number, rule in enumerate(rules):
        if not rule.verbs:
            continue
        for key in (LIMITED, AUDIENCE):
            verbs = tuple(verb for verb in rule.verbs if verb.startswith(key[1]))
            if verbs:
                found.setdefault(key, []).append(RuleHit(number, verbs, rule.resource_names))
        any_group = ANY in rule.api_groups
        matched = dict.fromkeys(key for resource in rule.resources for key in named.get(resource, ()))
        for key in matched:
            if any_group or key[0] in rule.api_groups:
                found.setdefault(key, []).append(RuleHit(number, rule.verbs, rule.resource_names))
    return {key: tuple(hits) for key, hits in found.items()}


def rights(
    grants: Iterable[Grant],
    find: Finder,
    cluster_kinds: frozenset[Key],
    scope: str,
    bound: tuple[Grant, ...] | None = None,
    everywhere: bool = False,
) -> Rights:
    """What some grants of one identity allow together in a scope."""
    held = tuple(grants)
    if len(held) == 1:
        only = held[0]
        joined = {key: tuple((only, hit) for hit in hits) for key, hits in find(only.rule_set).items()}
    else:
        lists: dict[Key, list[tuple[Grant, RuleHit]]] = {}
        for grant in held:
            for key, hits in find(grant.rule_set).items():
                lists.setdefault(key, []).extend((grant, hit) for hit in hits)
        joined = {key: tuple(found) for key, found in lists.items()}
    return Rights(scope, joined, held if bound is None else bound, cluster_kinds, everywhere)

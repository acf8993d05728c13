"""What a list of rules amounts to, computed once for equal lists (RBAC-70): the facts that edges and policies need."""

from collections.abc import Callable

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.rules import ANY, covers_everything

READ_VERBS = ("get", "list", "watch")
STANDARD_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
"""The verbs of an ordinary role; all of them together are as good as ``*`` (deletecollection adds nothing new)."""


class SecretRead(Struct, frozen=True):
    """Rule ``rule`` returns contents of Secrets by these verbs (EXP-611). No ``names``: of every Secret in scope."""

    rule: int
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


class Wildcard(Struct, frozen=True):
    """Rule ``rule`` has ``*`` in these fields, by their API names."""

    rule: int
    fields: tuple[str, ...]


class Powers(Struct, frozen=True):
    """Facts about a list of rules, each with the index of its rule. They hold in the scope of the grant.

    ``everything``: ``*`` on ``*`` in ``*`` (EXP-625). ``every_verb``: every standard verb on every kind, ``everything``
    included. ``secrets``: reads of Secrets (EXP-611). ``wildcards``: rules with ``*`` in verbs, resources or apiGroups.
    """

    everything: tuple[int, ...]
    every_verb: tuple[int, ...]
    secrets: tuple[SecretRead, ...]
    wildcards: tuple[Wildcard, ...]


class RuleSet(Struct, frozen=True):
    """A list of rules and what it amounts to. Equal lists of one cluster are one object."""

    rules: tuple[PolicyRule, ...]
    powers: Powers


Interner = Callable[[tuple[PolicyRule, ...]], RuleSet]


def interner() -> Interner:
    """A function that makes one :class:`RuleSet` of equal lists of rules."""
    known: dict[tuple[PolicyRule, ...], RuleSet] = {}

    def intern(rules: tuple[PolicyRule, ...]) -> RuleSet:
        if rules not in known:
            known[rules] = RuleSet(rules, powers(rules))
        return known[rules]

    return intern


def powers(rules: tuple[PolicyRule, ...]) -> Powers:
    """The facts about a list of rules."""
    numbered = tuple(enumerate(rules))
    return Powers(
        everything=tuple(index for index, rule in numbered if covers_everything(rule)),
        every_verb=tuple(index for index, rule in numbered if _every_verb(rule)),
        secrets=tuple(read for index, rule in numbered if (read := _secret_read(index, rule))),
        wildcards=tuple(found for index, rule in numbered if (found := _wildcard(index, rule))),
    )


def _every_verb(rule: PolicyRule) -> bool:
    every = ANY in rule.verbs or set(STANDARD_VERBS) <= set(rule.verbs)
    return every and ANY in rule.resources and ANY in rule.api_groups and not rule.resource_names


def _secret_read(index: int, rule: PolicyRule) -> SecretRead | None:
    if not {ANY, ""} & set(rule.api_groups) or not {ANY, "secrets"} & set(rule.resources):
        return None
    verbs = READ_VERBS if ANY in rule.verbs else tuple(verb for verb in READ_VERBS if verb in rule.verbs)
    # A list or watch without a name selector carries the name "", which resourceNames may hold (RBAC-15).
    whole = tuple(verb for verb in verbs if verb != "get") if "" in rule.resource_names else ()
    if whole:
        return SecretRead(index, whole)
    names = tuple(sorted(set(rule.resource_names) - {""}))
    if not verbs or (rule.resource_names and not names):
        return None
    return SecretRead(index, verbs, names)


def _wildcard(index: int, rule: PolicyRule) -> Wildcard | None:
    fields = {"verbs": rule.verbs, "resources": rule.resources, "apiGroups": rule.api_groups}
    found = tuple(name for name, values in fields.items() if ANY in values)
    grants = rule.verbs and ((rule.api_groups and rule.resources) or rule.non_resource_urls)
    return Wildcard(index, found) if found and grants else None

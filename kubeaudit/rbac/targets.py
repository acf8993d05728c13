"""Requests that amount to a right, and which rules of a grant allow one of them where the grant holds (RBAC-10..21)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.rules import ANY, Request, allows

WRITES = ("create", "update", "patch")
CHANGES = ("update", "patch")
DELETES = ("delete", "deletecollection")
_ANY_KEY = "userextras"
"""The one resource whose subresources are keys of people's own making (RBAC-45)."""


class Target(Struct, frozen=True):
    """Requests by any of ``verbs`` to one resource, written ``plural`` or ``plural/subresource``.

    A resource that is not ``namespaced`` is out of reach of RoleBindings (RBAC-21). ``names`` and ``namespaces`` limit
    the objects that count; none of them means all. ``named``: only a rule that spells the resource out counts, because
    ``*`` is about more than an operation that does not exist.
    """

    verbs: tuple[str, ...]
    group: str
    resource: str
    namespaced: bool = True
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    named: bool = False


class Finder:
    """Finds the rules of a grant that allow a request to any target.

    It looks at equal lists of rules once, so each serves the grants of one cluster only.
    """

    def __init__(self, *targets: Target) -> None:
        self._targets = targets
        self._verbs = frozenset(verb for target in targets for verb in target.verbs) | {ANY}
        self._groups = frozenset(target.group for target in targets) | {ANY}
        # The scope itself counts where targets name namespaces, and for the Namespace of a RoleBinding (RBAC-07).
        self._by_place = any(target.namespaces or target.resource == "namespaces" for target in targets)
        self._known: dict[tuple[int, str], tuple[int, ...]] = {}

    def __call__(self, grant: Grant) -> tuple[int, ...]:
        """Indexes of the rules that allow a request in the scope of the grant."""
        # Rule sets are interned and live as long as the grants (RBAC-70).
        key = id(grant.rule_set), grant.scope if self._by_place or not grant.scope else ANY
        if key not in self._known:
            live = [target for target in self._targets if _in_scope(target, grant.scope)]
            self._known[key] = tuple(
                index
                for index, rule in enumerate(grant.rules)
                if not self._verbs.isdisjoint(rule.verbs)
                and not self._groups.isdisjoint(rule.api_groups)
                and any(_gives(rule, target, grant.scope) for target in live)
            )
        return self._known[key]


def _in_scope(target: Target, scope: str) -> bool:
    if not scope:
        return True
    return target.namespaced and (not target.namespaces or scope in target.namespaces)


def _gives(rule: PolicyRule, target: Target, scope: str) -> bool:
    resource, _, subresource = target.resource.partition("/")
    if not {ANY, target.group} & {*rule.api_groups}:
        return False
    if resource != _ANY_KEY and not {ANY, target.resource, f"*/{subresource}"} & {*rule.resources}:
        return False
    if target.named and not {target.resource, f"*/{subresource}"} & set(rule.resources):
        return False
    return any(
        allows(rule, Request(verb, target.group, resource, key, scope, name))
        for key in (_keys(rule) if resource == _ANY_KEY else (subresource,))
        for verb in target.verbs
        for name in _names(rule, target, verb, scope)
    )


def _names(rule: PolicyRule, target: Target, verb: str, scope: str) -> tuple[str, ...]:
    """The names to try: "" for requests that carry none (RBAC-05, -06), else those that may be in question.

    A rule without resourceNames does not look at the name, so that any will do.
    """
    if verb == "deletecollection" or (verb == "create" and "/" not in target.resource):
        return ("",)
    if target.resource == "namespaces" and scope:
        return (scope,)
    return target.names or tuple(name for name in rule.resource_names if name) or ("any",)


def _keys(rule: PolicyRule) -> Iterator[str]:
    """The keys of userextras that a rule names; ``*`` in resources covers each."""
    for resource in rule.resources:
        plural, _, key = resource.partition("/")
        if resource == ANY:
            yield "any"
        elif plural in (_ANY_KEY, ANY) and key and key != ANY:
            yield key

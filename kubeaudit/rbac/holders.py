"""The grants that allow a request, found from the request: the inverse of the authorizer's question (RBAC-73).

Rules are looked up by the resources they name, and grants by the list of rules they carry, so that the cost depends on
the rules that could match and on the answer, not on the number of bindings, ServiceAccounts or kinds.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.rules import ANY, Request, allows

_Place = tuple[int, int]
"""A list of rules by its number, and a rule in it."""


class RuleIndex(Struct, frozen=True):
    """Distinct lists of rules, each with the grants that carry it; ``resources`` and ``urls`` lead to their rules.

    ``open`` are grants whose role was not read: they may allow anything in their scope.
    """

    carriers: tuple[tuple[Grant, ...], ...]
    resources: dict[str, tuple[_Place, ...]]
    urls: tuple[_Place, ...]
    open: tuple[Grant, ...]

    def allowing(self, request: Request) -> Iterator[tuple[Grant, int]]:
        """Every grant of any scope with a rule that matches, and the index of the first such rule (RBAC-10).

        Whether the scope fits is the caller's question: a RoleBinding allows nothing outside its namespace (RBAC-21).
        """
        first: dict[int, int] = {}
        for number, rule in sorted(self._candidates(request)):
            if number not in first and allows(self.carriers[number][0].rules[rule], request):
                first[number] = rule
        for number, rule in first.items():
            for grant in self.carriers[number]:
                yield grant, rule

    def groups_of(self, resource: str) -> tuple[str, ...]:
        """The API groups in which rules name a resource by its plural, ``*`` left out."""
        rules = (self.carriers[number][0].rules[rule] for number, rule in self.resources.get(resource, ()))
        return tuple(sorted({group for rule in rules for group in rule.api_groups} - {ANY}))

    def _candidates(self, request: Request) -> set[_Place]:
        if request.path:
            return set(self.urls)
        keys = {ANY, request.combined} | ({f"*/{request.subresource}"} if request.subresource else set())
        return {place for key in keys for place in self.resources.get(key, ())}


def rule_index(grants: Iterable[Grant]) -> RuleIndex:
    """Index grants by the resources and URLs that their rules name."""
    numbers: dict[int, int] = {}
    carriers: list[list[Grant]] = []
    unread: list[Grant] = []
    for grant in grants:
        # Equal lists of rules are one object (RBAC-70), so that its identity tells them apart.
        number = numbers.setdefault(id(grant.rule_set), len(carriers))
        if number == len(carriers):
            carriers.append([])
        carriers[number].append(grant)
        if grant.unseen:
            unread.append(grant)
    resources: dict[str, list[_Place]] = {}
    urls: list[_Place] = []
    for number, found in enumerate(carriers):
        for index, rule in enumerate(found[0].rules):
            for resource in dict.fromkeys(rule.resources):
                resources.setdefault(resource, []).append((number, index))
            if rule.non_resource_urls:
                urls.append((number, index))
    return RuleIndex(
        tuple(tuple(found) for found in carriers),
        {resource: tuple(places) for resource, places in resources.items()},
        tuple(urls),
        tuple(unread),
    )

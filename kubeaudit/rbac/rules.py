"""Matching of one RBAC rule, as the API server's authorizer does it (RBAC-10..19), and cover between rules (RBAC-41).

Comparison is exact and case-sensitive. Source: kubernetes/kubernetes ``pkg/apis/rbac/v1/evaluation_helpers.go`` and
``component-helpers/auth/rbac/validation/policy_comparator.go``.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule

ANY = "*"


class Request(Struct, frozen=True):
    """What is asked, as the authorizer sees it (authorization/v1 ResourceAttributes, NonResourceAttributes).

    ``path`` is set for non-resource requests only, where ``verb`` is the lower-case HTTP method. ``namespace`` is ""
    for cluster-scoped kinds and for all namespaces, ``name`` is "" where the request carries none (RBAC-04..06).
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """``resource`` or ``resource/subresource``, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def allows(rule: PolicyRule, request: Request) -> bool:
    """Whether a rule matches a request (RBAC-10). An empty list matches nothing, but no resourceNames are all names."""
    if ANY not in rule.verbs and request.verb not in rule.verbs:
        return False
    if request.path:
        return _any_url(rule, request.path)
    return (
        (ANY in rule.api_groups or request.group in rule.api_groups)
        and _names_resource(rule.resources, request)
        and (not rule.resource_names or request.name in rule.resource_names)
    )


def first_allowing(rules: Iterable[PolicyRule], request: Request) -> int | None:
    """Index of the first rule that matches, None where none does."""
    return next((index for index, rule in enumerate(rules) if allows(rule, request)), None)


def covers_everything(rule: PolicyRule) -> bool:
    """``*`` verbs on ``*`` resources in ``*`` groups, unlimited by name (RBAC-E01).

    One rule has to say it: only a literal ``*`` covers ``*``, so several rules never add up to it (RBAC-41).
    """
    return ANY in rule.verbs and ANY in rule.api_groups and ANY in rule.resources and not rule.resource_names


def url_covers(held: str, url: str) -> bool:
    """A nonResourceURL covers an equal one; with trailing stars every one that begins with the rest (RBAC-17)."""
    return held == url or (held.endswith(ANY) and url.startswith(held.rstrip(ANY)))


def covers(held: Sequence[PolicyRule], rule: PolicyRule) -> bool:
    """Whether every atom of ``rule`` is covered by one of the ``held`` rules (RBAC-41).

    An atom is one verb on one resource of one group with one name or none, or one verb on one URL. Different atoms may
    be covered by different rules; only a rule without names covers an atom without a name.
    """
    names: tuple[str | None, ...] = rule.resource_names or (None,)
    resources = (
        any(_covers_atom(owner, verb, group, resource, name) for owner in held)
        for verb in rule.verbs
        for group in rule.api_groups
        for resource in rule.resources
        for name in names
    )
    urls = (
        any(_either(owner.verbs, verb) and _any_url(owner, url) for owner in held)
        for verb in rule.verbs
        for url in rule.non_resource_urls
    )
    return all(resources) and all(urls)


def _any_url(rule: PolicyRule, url: str) -> bool:
    return any(url_covers(held, url) for held in rule.non_resource_urls)


def _names_resource(resources: tuple[str, ...], request: Request) -> bool:
    # "pods/*" and "*/*" equal no request and are no pattern either (RBAC-14).
    if ANY in resources or request.combined in resources:
        return True
    return bool(request.subresource) and f"*/{request.subresource}" in resources


def _covers_atom(owner: PolicyRule, verb: str, group: str, resource: str, name: str | None) -> bool:
    _, slash, subresource = resource.partition("/")
    return (
        _either(owner.verbs, verb)
        and _either(owner.api_groups, group)
        and (_either(owner.resources, resource) or (bool(slash) and f"*/{subresource}" in owner.resources))
        and (not owner.resource_names or name in owner.resource_names)
    )


def _either(held: tuple[str, ...], value: str) -> bool:
    return ANY in held or value in held

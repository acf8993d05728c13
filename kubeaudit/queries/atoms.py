"""Rules taken apart into what they allow, without the parts that can never match a request (RBAC-14, -16, -21)."""

from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.queries.apis import builtin
from kubeaudit.rbac.rules import ANY

_NAMELESS = ("create", "deletecollection")
_WORKLOADS = frozenset(
    [
        *("pods", "deployments", "daemonsets", "statefulsets", "replicasets", "replicationcontrollers"),
        *("jobs", "cronjobs", "podtemplates"),
    ]
)
_WRITES = frozenset(["create", "update", "patch", "delete", "deletecollection", ANY])
_READS = frozenset(["get", "list", "watch", ANY])
_POWER_VERBS = frozenset(["escalate", "bind", "impersonate", "approve", "sign"])
_POWER_RESOURCES = frozenset(
    [
        *("pods/exec", "pods/attach", "pods/ephemeralcontainers", "nodes/proxy", "serviceaccounts/token"),
        *("roles", "clusterroles", "rolebindings", "clusterrolebindings", "certificatesigningrequests/approval"),
        *("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies"),
        *("mutatingadmissionpolicybindings", "apiservices", "persistentvolumes"),
    ]
)


class Part(Struct, frozen=True, order=True):
    """What some verbs may be done to: a resource of a group in a scope ("" = the whole cluster), or a URL.

    ``names`` limits it to objects of these names; none means all.
    """

    scope: str
    group: str
    resource: str
    names: tuple[str, ...] = ()
    url: str = ""

    def rule(self, verb: str) -> PolicyRule:
        """The rule that allows one verb on it and nothing else."""
        if self.url:
            return PolicyRule((verb,), non_resource_urls=(self.url,))
        return PolicyRule((verb,), (self.group,), (self.resource,), self.names)

    def __str__(self) -> str:
        if self.url:
            return self.url if self.url.startswith("/") else f"URL {self.url}"
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Dead(Struct, frozen=True, order=True):
    """A part of a rule that matches no request, and why."""

    text: str
    reason: str


def parts(rule: PolicyRule, scope: str) -> Iterator[tuple[Part, tuple[str, ...]]]:
    """Every part of a rule that is held in a scope, with the verbs that can match."""
    for group in rule.api_groups:
        for resource in rule.resources:
            verbs = tuple(verb for verb in rule.verbs if not _dead(rule, scope, group, resource, verb))
            if verbs:
                yield Part(scope, group, resource, rule.resource_names), verbs
    if not scope and rule.verbs:
        for url in rule.non_resource_urls:
            yield Part("", "", "", (), url), rule.verbs


def dead(rule: PolicyRule, scope: str) -> Iterator[Dead]:
    """What a rule that is held in a scope says in vain."""
    for field, values in (("verbs", rule.verbs), ("apiGroups", rule.api_groups), ("resources", rule.resources)):
        if not values and (field == "verbs" or not rule.non_resource_urls):
            yield Dead(field, f"{field} is empty, so the rule matches nothing")
    if scope:
        yield from (Dead(url, "a RoleBinding gives no URLs (RBAC-21)") for url in rule.non_resource_urls)
    found: dict[tuple[str, str], list[str]] = {}
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                if why := _dead(rule, scope, group, resource, verb):
                    found.setdefault((str(Part(scope, group, resource)), why), []).append(verb)
    yield from (Dead(f"{','.join(verbs)} {text}", why) for (text, why), verbs in found.items())


def danger(part: Part, verb: str) -> int:
    """How near an atom is to taking over more, 0 (everything) to 3 (reads), by the preconditions of section 5."""
    plain = part.resource.removeprefix("*/") if part.resource.startswith("*/") else part.resource
    if part.resource == ANY and part.group == ANY and verb == ANY and not part.names:
        return 0
    if verb in _POWER_VERBS or verb.startswith("impersonate") or (verb == ANY and part.resource == ANY):
        return 1
    if part.resource in ("secrets", ANY) and verb in _READS and part.group in ("", ANY):
        return 1
    if plain in _POWER_RESOURCES and (verb in _WRITES or plain in ("nodes/proxy", "pods/exec", "pods/attach")):
        return 1
    if part.resource.partition("/")[0] in _WORKLOADS and "/" not in part.resource and verb in _WRITES - {"delete"}:
        return 1
    if verb in _WRITES or part.resource == ANY or verb not in _READS:
        return 2 if not part.url else 3
    return 3


def _dead(rule: PolicyRule, scope: str, group: str, resource: str, verb: str) -> str:
    """Why one verb on one resource can never match; "" where it can."""
    if resource.endswith("/*") and resource != ANY:
        return "a star behind the slash is no pattern: it matches nothing (RBAC-14)"
    # The creation of a subresource carries its parent's name, and "*" covers subresources (RBAC-06, -13).
    if rule.resource_names and verb in _NAMELESS and resource != ANY and "/" not in resource:
        return f"a {verb} request carries no name, so resourceNames never match (RBAC-16)"
    if scope and (group, resource.partition("/")[0]) in _cluster_scoped():
        return "the kind is not namespaced, so a RoleBinding gives nothing of it (RBAC-21)"
    return ""


@cache
def _cluster_scoped() -> frozenset[tuple[str, str]]:
    """Kinds that live outside namespaces. Namespace objects are asked about in their own namespace (RBAC-07)."""
    found = {(api.group, api.plural) for api in builtin() if not api.namespaced}
    return frozenset(found - {("", "namespaces")})

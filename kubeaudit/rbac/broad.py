"""What callers that nobody chose may do: anonymous ones, and all that have credentials (RBAC-28, RBAC-93).

Judged by content: discovery is what the shipped discovery roles grant, whatever the role at hand is called (RBAC-94).
"""

from functools import cache

import msgspec

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.baseline import default_cluster_roles
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.powers import READ_VERBS
from kubeaudit.rbac.rules import ANY, covers

_DISCOVERY = ("system:discovery", "system:public-info-viewer")
_FOR_ALL = (*_DISCOVERY, "system:basic-user", "system:service-account-issuer-discovery")

_RBAC, _CERTIFICATES = "rbac.authorization.k8s.io", "certificates.k8s.io"
_TELLING_NAMESPACED = frozenset(
    [
        *(("", kind) for kind in ("secrets", "serviceaccounts", "pods", "replicationcontrollers", "podtemplates")),
        *(("", f"pods/{sub}") for sub in ("attach", "exec", "log", "portforward", "proxy")),
        ("", "services/proxy"),
        *(("apps", kind) for kind in ("deployments", "daemonsets", "replicasets", "statefulsets")),
        *(("batch", kind) for kind in ("jobs", "cronjobs")),
        *((_RBAC, kind) for kind in ("roles", "rolebindings")),
    ]
)
_TELLING_CLUSTER = frozenset(
    [
        *(
            ("", kind)
            for kind in ("nodes", "nodes/checkpoint", "nodes/configz", "nodes/log", "nodes/pods", "nodes/proxy")
        ),
        *((_RBAC, kind) for kind in ("clusterroles", "clusterrolebindings")),
        (_CERTIFICATES, "certificatesigningrequests"),
    ]
)
"""Kinds whose reading alone shows an attacker what runs where, with which identity, or lets him into it."""


def beyond_discovery(grant: Grant) -> tuple[int, ...]:
    """Rules that grant more than the discovery roles do: nothing more is meant for anonymous callers (REG-25)."""
    meant = _rules_of(_DISCOVERY)
    return tuple(index for index, rule in enumerate(grant.rules) if not covers(meant, _live(rule, grant)))


def elevated(grant: Grant) -> tuple[int, ...]:
    """Rules that let every caller write anything, or read what tells where to attack.

    Reading other kinds (ConfigMaps, custom resources) is not elevated; nor is what every caller has by default.
    """
    return tuple(index for index, rule in enumerate(grant.rules) if _is_elevated(_live(rule, grant), grant.scope))


def _is_elevated(rule: PolicyRule, scope: str) -> bool:
    usual = _rules_of(_FOR_ALL)
    if covers(usual, rule):
        return False
    kinds = msgspec.structs.replace(rule, non_resource_urls=())
    if covers(usual, kinds):
        return True
    if not set(rule.verbs) <= set(READ_VERBS):
        return True
    if any(resource.startswith(ANY) for resource in rule.resources):
        return True
    telling = _TELLING_NAMESPACED if scope else _TELLING_NAMESPACED | _TELLING_CLUSTER
    named = ((group, kind) for group, kind in telling if kind in rule.resources)
    return bool(rule.non_resource_urls) or any(group in rule.api_groups or ANY in rule.api_groups for group, _ in named)


def _live(rule: PolicyRule, grant: Grant) -> PolicyRule:
    """The rule without what grants nothing: URLs in a RoleBinding (RBAC-21), resources that match nothing (RBAC-14)."""
    return msgspec.structs.replace(
        rule,
        non_resource_urls=() if grant.scope else rule.non_resource_urls,
        resources=tuple(resource for resource in rule.resources if not resource.endswith("/*")),
    )


@cache
def _rules_of(names: tuple[str, ...]) -> tuple[PolicyRule, ...]:
    return tuple(rule for name in names for rule in default_cluster_roles()[name].rules)

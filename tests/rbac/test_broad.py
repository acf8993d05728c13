"""RBAC-93 and REG-25: what anonymous and all authenticated callers may do without a finding."""

import pytest

from kubeaudit.rbac.access import build
from kubeaudit.rbac.broad import beyond_discovery, elevated
from kubeaudit.rbac.grants import Grant

from .objects import binding, cluster, role, rule

Rule = dict[str, list[str]]


def grant(made: Rule, namespace: str = "") -> Grant:
    (found,) = build(cluster([role("r", made), binding("b", "ClusterRole/r", "User:u", namespace=namespace)])).grants
    return found


@pytest.mark.parametrize(
    ("made", "namespace", "expected"),
    [
        (rule("get", urls="/healthz /livez /readyz /version /version/"), "", False),
        (rule("get", urls="/api /api/* /apis/apps /openapi/v3"), "", False),
        (rule("get", urls="/metrics"), "", True),
        (rule("get", urls="/healthz /metrics"), "", True),
        (rule("*", urls="/healthz"), "", True),
        (rule("get", urls="*"), "", True),
        (rule("get", urls="/metrics"), "shop", False),
        (rule("get", "pods"), "", True),
        (rule("get", "configmaps"), "shop", True),
        (rule("create", "selfsubjectaccessreviews", "authorization.k8s.io"), "", True),
        (rule("get", "pods/*"), "", False),
    ],
)
def test_reg_25_anonymous_callers_may_discover_and_nothing_more(made: Rule, namespace: str, expected: bool) -> None:
    assert beyond_discovery(grant(made, namespace)) == ((0,) if expected else ())


@pytest.mark.parametrize(
    ("made", "namespace", "expected"),
    [
        (rule("get", urls="/api/*"), "", False),
        (rule("get", urls="/metrics"), "", True),
        (rule("get", urls="/metrics"), "shop", False),
        (rule("create", "selfsubjectrulesreviews", "authorization.k8s.io"), "", False),
        (rule("create", "subjectaccessreviews", "authorization.k8s.io"), "", True),
        (rule("get list watch", "configmaps"), "", False),
        (rule("get list", "widgets", "example.com"), "", False),
        (rule("get", "pods", "metrics.k8s.io"), "", False),
        (rule("get", "pods"), "", True),
        (rule("list", "configmaps pods", "*"), "shop", True),
        (rule("get", "secrets"), "shop", True),
        (rule("get", "deployments", "apps"), "", True),
        (rule("get", "deployments"), "", False),
        (rule("get", "nodes"), "", True),
        (rule("get", "nodes"), "shop", False),
        (rule("list", "clusterroles", "rbac.authorization.k8s.io"), "", True),
        (rule("get", "*"), "shop", True),
        (rule("get", "*/log"), "shop", True),
        (rule("get", "pods/*"), "", False),
        (rule("patch", "configmaps"), "shop", True),
        (rule("create", "pods/*"), "shop", False),
        (rule("use", "podsecuritypolicies", "policy"), "", True),
        (rule("impersonate", "users"), "", True),
        (rule("*", "widgets", "example.com"), "", True),
    ],
)
def test_rbac_93_elevated_is_writing_or_reading_what_tells_where_to_attack(
    made: Rule, namespace: str, expected: bool
) -> None:
    assert elevated(grant(made, namespace)) == ((0,) if expected else ())

"""Section 8 of rbac.md, one test a row: what other tools get wrong, as findings.

Rows about answers of the evaluator are in test_regressions.py.
"""

import pytest

from kubeaudit.findings import Verdict
from kubeaudit.rbac import review
from kubeaudit.rbac.access import build

from .objects import Manifest, binding, cluster, role, rule
from .test_dangers import ADMISSION, AUTHENTICATION, CERTIFICATES, CLIENT, RBAC, Rule, found, reviews
from .test_joint import approval

FAIL, PASS = Verdict.FAIL, Verdict.PASS


def broad(check: str, *objects: Manifest) -> list[Verdict]:
    return [one.verdict for one in getattr(review, check)(build(cluster(objects, "v1.36.3")))]


def bound(*rules: Rule, scope: str = "") -> tuple[Manifest, Manifest]:
    return role("r", *rules), binding("b", "ClusterRole/r", "User:u", namespace=scope)


def test_reg_bind_object() -> None:
    assert found("escalate-bind", rule("bind", "clusterroles", RBAC)).verdict is FAIL
    for verb in ("bind", "escalate"):
        assert found("escalate-bind", rule(verb, "rolebindings clusterrolebindings", RBAC)).verdict is PASS


@pytest.mark.parametrize("verb", ["get", "create"])
def test_reg_nodes_proxy_get(verb: str) -> None:
    assert found("node-proxy", rule(verb, "nodes/proxy")).verdict is FAIL


def test_reg_exec_named() -> None:
    one = found("pods-exec", rule("create", "pods/exec", names="etcd-cp1"), scope="kube-system")
    assert (one.verdict, one.message.endswith("(only etcd-cp1)")) == (FAIL, True)


@pytest.mark.parametrize("resource", ["userextras/scopes", "uids"])
def test_reg_userextras_key(resource: str) -> None:
    assert found("impersonate", rule("impersonate", resource, AUTHENTICATION)).verdict is FAIL
    assert found("impersonate", rule("impersonate", "userextras", AUTHENTICATION)).verdict is PASS


def test_reg_core_wildcard() -> None:
    everything_of_core = bound(rule("*", "*"))
    assert broad("cluster_admin", *everything_of_core) == [PASS]
    assert broad("secrets_read", *everything_of_core) == [FAIL]
    for name in ("pods-exec", "token-create", "node-proxy", "pv-create"):
        assert found(name, rule("*", "*")).verdict is FAIL
    for name in ("webhooks", "escalate-bind", "csr-approval"):
        assert found(name, rule("*", "*")).verdict is PASS


def test_reg_crd_named_secrets() -> None:
    other = rule("*", "secrets serviceaccounts/token pods/exec", "vault.example")
    assert broad("secrets_read", *bound(other)) == [PASS]
    for name in ("secret-mint", "token-create", "pods-exec"):
        assert found(name, other).verdict is PASS


@pytest.mark.parametrize(
    ("name", "resource", "group"),
    [
        ("pods-create", "jobs", "batch"),
        ("escalate-bind", "roles", RBAC),
        ("escalate-bind", "clusterroles", RBAC),
        ("create-bindings", "rolebindings", RBAC),
        ("create-bindings", "clusterrolebindings", RBAC),
        ("impersonate", "users", "core"),
    ],
)
def test_reg_kubiscan_lost_roles(name: str, resource: str, group: str) -> None:
    assert found(name, rule("*", resource, group)).verdict is FAIL


def test_reg_two_rules_one_target() -> None:
    create, bind = rule("create", "rolebindings", RBAC), rule("bind", "clusterroles", RBAC)
    assert found("escalate-bind", create, create).verdict is PASS
    assert found("escalate-bind", create, bind).verdict is FAIL
    halves = approval(CLIENT)
    assert found("csr-approval", halves[0], halves[0]).verdict is PASS


@pytest.mark.parametrize(
    ("name", "resource", "verb"),
    [
        ("node-proxy", "nodes/proxy", "create"),
        ("pods-exec", "pods/exec", "create"),
        ("ephemeral-containers", "pods/ephemeralcontainers", "patch"),
    ],
)
def test_reg_core_rename(name: str, resource: str, verb: str) -> None:
    assert found(name, rule(verb, resource, "core")).verdict is FAIL
    wrong = {"verbs": [verb], "resources": [resource], "apiGroups": ["core"]}
    assert found(name, wrong).verdict is PASS, "a group called core is another group"


def test_reg_apps_group() -> None:
    assert found("pods-create", rule("create", "deployments", "apps")).verdict is FAIL
    assert found("pods-create", rule("create", "deployments", "core")).verdict is PASS


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_reg_secrets_list_watch(verb: str) -> None:
    assert broad("secrets_read", *bound(rule(verb, "secrets"), scope="shop")) == [FAIL]
    assert found("secret-mint", rule("create", "secrets"), rule(verb, "secrets"), scope="shop").verdict is FAIL


def test_reg_verb_star_get() -> None:
    assert broad("secrets_read", *bound(rule("*", "secrets"))) == [FAIL]
    assert found("node-proxy", rule("*", "nodes/proxy")).verdict is FAIL


@pytest.mark.parametrize(("name", "resource"), [("pods-exec", "*/exec"), ("token-create", "*/token")])
def test_reg_star_sub(name: str, resource: str) -> None:
    assert found(name, rule("create", resource, "*"), scope="shop").verdict is FAIL


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("create-bindings", rule("create update patch", "rolebindings", RBAC)),
        ("escalate-bind", rule("bind", "roles", RBAC)),
        ("aws-auth-write", rule("update patch", "configmaps")),
    ],
)
def test_reg_trivy_resource_names(name: str, made: Rule) -> None:
    assert found(name, made, scope="kube-system").verdict is FAIL


def test_reg_trivy_group_star() -> None:
    assert found("impersonate", rule("impersonate", "users groups", "core")).verdict is FAIL
    assert found("pods-exec", rule("create", "pods/attach", "core"), scope="shop").verdict is FAIL


def test_reg_rule_order() -> None:
    write, bind = rule("create", "rolebindings", RBAC), rule("bind", "roles", RBAC)
    for rules in ((write, bind), (bind, write)):
        assert found("escalate-bind", *rules).verdict is found("create-bindings", *rules).verdict is FAIL
    assert found("csr-approval", *reversed(approval(CLIENT))).verdict is FAIL


def test_reg_clusterroles_in_0050() -> None:
    assert found("escalate-bind", rule("escalate", "clusterroles", RBAC)).verdict is FAIL
    assert found("create-bindings", rule("create", "clusterrolebindings", RBAC)).verdict is FAIL


def test_reg_role_without_binding() -> None:
    assert reviews("pods-exec", role("r", rule("*", "*", "*"))) == []
    assert broad("wildcard", role("r", rule("*", "*", "*"), namespace="shop")) == []


def test_reg_rolebinding_write() -> None:
    one = found("create-bindings", rule("create", "rolebindings", RBAC), scope="shop")
    assert "without bind, only rights that the writer holds can be passed on (RBAC-42)" in one.message
    assert broad("cluster_admin", *bound(rule("create", "rolebindings", RBAC))) == [PASS]


@pytest.mark.parametrize("name", ["pods-exec", "port-forward", "ephemeral-containers", "delete-logs"])
def test_reg_pods_slash_star(name: str) -> None:
    assert found(name, rule("*", "pods/* */*"), scope="shop").verdict is PASS


def test_reg_csr_patch_signer() -> None:
    patch = rule("patch", "certificatesigningrequests/approval", CERTIFICATES)
    assert found("csr-approval", patch, rule("approve", "signers", CERTIFICATES, CLIENT)).verdict is FAIL
    assert found("csr-approval", patch).verdict is PASS
    assert found("csr-approval", patch, rule("approve", "signers", CERTIFICATES, "shop.example/x")).verdict is PASS


@pytest.mark.parametrize("kind", ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
def test_reg_webhook_patch(kind: str) -> None:
    assert found("webhooks", rule("patch", kind, ADMISSION)).verdict is FAIL

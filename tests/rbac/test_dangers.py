"""One right a policy, on one binding: the table of rbac.md sections 5 and 6.1, and the ``reg-*`` cases of section 8."""

import pytest

from kubeaudit.findings import ObjectClass, Reason, Verdict
from kubeaudit.rbac.access import build
from kubeaudit.rbac.dangers import DANGERS
from kubeaudit.rbac.review_dangers import having
from kubeaudit.rbac.reviewing import Review
from kubeaudit.snapshot import Outcome

from .objects import CLUSTER_ROLES, Manifest, aggregated, binding, cluster, role, rule
from .test_baseline import shipped

Rule = dict[str, list[str]]
RBAC, CERTIFICATES = "rbac.authorization.k8s.io", "certificates.k8s.io"
ADMISSION, AUTHENTICATION = "admissionregistration.k8s.io", "authentication.k8s.io"
CLIENT = "kubernetes.io/kube-apiserver-client"
NAMESPACED = "shop"


def reviews(name: str, *objects: Manifest, version: str = "v1.36.3", unread: str = "") -> list[Review]:
    return list(having(build(cluster(objects, version, {unread: Outcome.REFUSED} if unread else {})), name))


def found(name: str, *rules: Rule, scope: str = "", subject: str = "User:u", version: str = "v1.36.3") -> Review:
    bound = binding("b", "ClusterRole/r", subject, namespace=scope)
    (one,) = reviews(name, role("r", *rules), bound, version=version)
    return one


FIRES = [
    ("pods-create", "shop", rule("create", "pods")),
    ("pods-create", "shop", rule("patch", "daemonsets", "apps", "one")),  # reg-apps-group
    ("pods-create", "shop", rule("update", "replicationcontrollers")),
    ("pods-create", "", rule("*", "cronjobs", "batch")),  # reg-kubiscan-lost-roles
    ("pods-create", "", rule("*", "jobs", "batch")),  # reg-kubiscan-lost-roles
    ("pods-create", "", rule("create", "*", "*")),
    ("pods-exec", "shop", rule("create", "pods/exec")),  # reg-core-rename
    ("pods-exec", "shop", rule("create", "*/exec")),  # reg-star-sub
    ("pods-exec", "shop", rule("create", "pods/attach", "*")),
    ("pods-exec", "kube-system", rule("create", "pods/exec", names="etcd")),  # reg-exec-named
    ("ephemeral-containers", "shop", rule("update", "pods/ephemeralcontainers")),  # reg-core-rename
    ("port-forward", "shop", rule("create", "pods/portforward")),
    ("delete", "shop", rule("deletecollection", "pods")),
    ("delete", "shop", rule("delete", "namespaces")),  # RBAC-07
    ("delete", "shop", rule("delete", "namespaces", names="shop")),
    ("delete", "", rule("delete", "namespaces", names="other")),
    ("delete", "", rule("delete", "persistentvolumeclaims")),
    ("delete-events", "shop", rule("delete", "events", "events.k8s.io")),
    ("delete-events", "", rule("deletecollection", "events")),
    ("delete-logs", "shop", rule("delete", "pods/log")),
    ("delete-logs", "shop", rule("*", "*/log")),
    ("impersonate", "", rule("impersonate", "users")),
    ("impersonate", "", rule("*", "users")),  # reg-kubiscan-lost-roles
    ("impersonate", "", rule("impersonate", "groups", names="dev")),
    ("impersonate", "shop", rule("impersonate", "serviceaccounts")),
    ("impersonate", "", rule("impersonate", "userextras/scopes", AUTHENTICATION)),  # reg-userextras-key
    ("impersonate", "", rule("impersonate", "uids", AUTHENTICATION)),  # reg-userextras-key
    ("impersonate", "", rule("impersonate", "*", AUTHENTICATION)),
    ("escalate-bind", "shop", rule("bind", "clusterroles", RBAC)),  # reg-bind-object, reg-clusterroles-in-0050
    ("escalate-bind", "shop", rule("escalate", "roles", RBAC)),
    ("escalate-bind", "", rule("escalate", "clusterroles", RBAC, "one")),
    ("escalate-bind", "", rule("*", "roles clusterroles", RBAC)),  # reg-kubiscan-lost-roles
    ("create-bindings", "shop", rule("create", "rolebindings", RBAC)),  # reg-trivy-resource-names
    ("create-bindings", "", rule("*", "clusterrolebindings", RBAC)),  # reg-kubiscan-lost-roles
    ("create-bindings", "", rule("patch", "rolebindings", "*", "one")),
    ("node-proxy", "", rule("get", "nodes/proxy")),  # reg-nodes-proxy-get, reg-core-rename
    ("node-proxy", "", rule("create", "nodes/proxy", names="n1")),
    ("node-proxy", "", rule("*", "*/proxy")),  # reg-verb-star-get, reg-star-sub
    ("webhooks", "", rule("patch", "mutatingwebhookconfigurations", ADMISSION)),  # reg-webhook-patch
    ("webhooks", "", rule("update", "validatingwebhookconfigurations", ADMISSION, "one")),
    ("token-create", "shop", rule("create", "serviceaccounts/token")),
    ("token-create", "shop", rule("create", "serviceaccounts/token", names="web")),  # RBAC-06
    ("token-create", "shop", rule("create", "*/token")),  # reg-star-sub
    ("pv-create", "", rule("create", "persistentvolumes")),
    ("configmap-write", "kube-system", rule("update", "configmaps")),
    ("configmap-write", "", rule("patch", "configmaps", names="coredns other")),
    ("aws-auth-write", "kube-system", rule("update", "configmaps", names="aws-auth")),  # reg-trivy-resource-names
    ("aws-auth-write", "", rule("patch", "configmaps")),
    ("network-write", "shop", rule("create", "services")),
    ("network-write", "shop", rule("patch", "services/status")),
    ("network-write", "shop", rule("update", "endpointslices", "discovery.k8s.io")),
    ("network-write", "shop", rule("delete", "networkpolicies", "networking.k8s.io")),
    ("network-write", "shop", rule("create", "httproutes", "gateway.networking.k8s.io")),
    ("network-write", "", rule("patch", "globalnetworkpolicies", "crd.projectcalico.org")),
    ("roles-write", "", rule("patch", "clusterroles", RBAC, "one")),
    ("roles-write", "", rule("*", "clusterroles", RBAC)),
]

SILENT = [
    ("pods-create", "shop", rule("create", "deployments")),  # another group: reg-crd-named-secrets
    ("pods-create", "shop", rule("get list watch delete", "pods")),
    ("pods-create", "shop", rule("create", "pods", names="one")),  # RBAC-16
    ("pods-create", "shop", rule("update", "deployments/scale", "apps")),
    ("pods-exec", "shop", rule("create get", "pods/*")),  # reg-pods-slash-star
    ("pods-exec", "shop", rule("create", "pods")),
    ("pods-exec", "shop", rule("create", "pods/exec", "metrics.k8s.io")),
    ("pods-exec", "shop", rule("list", "pods/exec")),
    ("ephemeral-containers", "shop", rule("create get", "pods/ephemeralcontainers")),
    ("port-forward", "shop", rule("create", "services/portforward")),
    ("delete", "shop", rule("delete", "namespaces", names="other")),
    ("delete", "shop", rule("deletecollection", "pods", names="one")),  # RBAC-05
    ("delete-logs", "shop", rule("*", "*")),
    ("delete-logs", "shop", rule("get", "pods/log")),
    ("impersonate", "shop", rule("impersonate", "users groups")),  # RBAC-46
    ("impersonate", "", rule("impersonate", "userextras", AUTHENTICATION)),  # RBAC-45
    ("impersonate", "", rule("impersonate", "userextras/*", AUTHENTICATION)),
    ("impersonate", "", rule("impersonate", "users", AUTHENTICATION)),
    ("escalate-bind", "", rule("bind", "rolebindings clusterrolebindings", RBAC)),  # reg-bind-object
    ("escalate-bind", "shop", rule("escalate", "clusterroles", RBAC)),
    ("escalate-bind", "", rule("bind", "roles", "core")),
    ("create-bindings", "shop", rule("create", "clusterrolebindings", RBAC)),  # RBAC-21
    ("create-bindings", "", rule("create", "rolebindings", RBAC, "one")),
    ("node-proxy", "shop", rule("get create", "nodes/proxy")),  # RBAC-21, RBAC-106
    ("node-proxy", "", rule("update patch delete", "nodes/proxy")),  # RBAC-55
    ("node-proxy", "", rule("get", "nodes nodes/*")),
    ("webhooks", "kube-system", rule("*", "mutatingwebhookconfigurations", ADMISSION)),  # RBAC-106
    ("token-create", "shop", rule("create", "serviceaccounts")),
    ("pv-create", "shop", rule("create", "persistentvolumes")),
    ("pv-create", "", rule("create", "persistentvolumes", names="one")),
    ("configmap-write", "kube-system", rule("update", "configmaps", names="web")),
    ("configmap-write", "shop", rule("update", "configmaps", names="coredns")),
    ("configmap-write", "kube-system", rule("create", "configmaps")),
    ("aws-auth-write", "shop", rule("update", "configmaps", names="aws-auth")),
    ("network-write", "shop", rule("get list", "services")),
    ("network-write", "shop", rule("create", "services", "serving.knative.dev")),
    ("network-write", "shop", rule("patch", "globalnetworkpolicies", "crd.projectcalico.org")),
    ("roles-write", "shop", rule("*", "clusterroles", RBAC)),
]


@pytest.mark.parametrize(("name", "scope", "made"), FIRES)
def test_a_right_is_found_where_its_scope_reaches(name: str, scope: str, made: Rule) -> None:
    one = found(name, rule("get", "configmaps"), made, scope=scope)
    assert (one.verdict, one.rules, one.inferred) == (Verdict.FAIL, (1,), False)
    assert [str(item.object) for item in one.evidence][-1] == "ClusterRole r", "RBAC-P4: binding, subject and rule"
    assert len(one.evidence) == 3
    assert one.cause is not None and one.cause.object.name == "r"


@pytest.mark.parametrize(("name", "scope", "made"), SILENT)
def test_what_only_looks_like_it_is_silent(name: str, scope: str, made: Rule) -> None:
    assert found(name, made, scope=scope).verdict is Verdict.PASS


@pytest.mark.parametrize("name", ["pods-exec", "port-forward"])
@pytest.mark.parametrize(
    ("version", "inferred"), [("v1.34.2", False), ("v1.35.0", True), ("v1.36.3", True), ("", True)]
)
def test_rbac_54_get_alone_is_enough_for_a_websocket_before_1_35(name: str, version: str, inferred: bool) -> None:
    made = rule("get", "pods/exec pods/portforward")
    one = found(name, made, scope="shop", version=version)
    assert (one.verdict, one.inferred, "RBAC-54" in one.message) == (Verdict.FAIL, inferred, inferred)
    both = found(name, rule("get create", "pods/exec pods/portforward"), scope="shop", version=version)
    assert (both.verdict, both.inferred) == (Verdict.FAIL, False)


def test_reg_rolebinding_write_cites_that_it_passes_on_own_rights_only() -> None:
    assert "RBAC-42" in found("create-bindings", rule("create", "rolebindings", RBAC), scope="shop").message


def test_delete_logs_says_that_the_rule_is_dead() -> None:
    """RBAC-16: no such operation exists."""
    assert found("delete-logs", rule("delete", "pods/log")).message.endswith("no such operation, so the rule is dead")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("token-create", rule("create", "serviceaccounts/token")),
        ("impersonate", rule("impersonate", "serviceaccounts")),
    ],
)
def test_rbac_e90_a_namespace_is_every_account_of_it_and_names_are_not(name: str, made: Rule) -> None:
    told = "; that is every ServiceAccount there, and any created later"
    assert found(name, made, scope="shop").message.endswith(told)
    assert told not in found(name, made).message
    assert told not in found(name, made | {"resourceNames": ["web"]}, scope="shop").message


def test_names_that_limit_every_rule_are_told() -> None:
    made = rule("update", "configmaps", names="coredns kube-proxy")
    assert found("configmap-write", made).message.endswith("rules[0] (only coredns, kube-proxy)")
    assert "only" not in found("configmap-write", made, rule("update", "configmaps")).message
    many = rule("create", "serviceaccounts/token", names="a b c d e f g")
    assert found("token-create", many).message.endswith("(only a, b, c, d, e and 2 more)")


class TestSubjects:
    def test_reg_sa_after_group_every_subject_of_a_binding_counts(self) -> None:
        bound = binding("b", "ClusterRole/r", "Group:dev", "ServiceAccount:shop/web", namespace="shop")
        (one,) = reviews("pods-exec", role("r", rule("create", "pods/exec")), bound)
        assert [str(subject) for subject in one.subjects] == ["Group dev", "ServiceAccount shop/web"]

    def test_reg_sa_as_user_is_the_service_account(self) -> None:
        one = found("token-create", rule("create", "serviceaccounts/token"), subject="User:system:serviceaccount:a:b")
        assert [str(subject) for subject in one.subjects] == ["ServiceAccount a/b"]

    def test_reg_sa_subject_no_namespace_is_of_the_bindings_namespace(self) -> None:
        one = found("token-create", rule("create", "*/token"), subject="ServiceAccount:web", scope="shop")
        assert [str(subject) for subject in one.subjects] == ["ServiceAccount shop/web"]
        cluster_wide = found("token-create", rule("create", "*/token"), subject="ServiceAccount:web")
        assert cluster_wide.verdict is Verdict.PASS, "RBAC-24: it matches nobody there"

    def test_system_masters_gains_nothing(self) -> None:
        assert found("webhooks", rule("*", "*", "*"), subject="Group:system:masters").verdict is Verdict.PASS

    @pytest.mark.parametrize("subject", ["Group:system:evil", "User:system:kube-scheduler"])
    def test_rbac_94_a_system_prefix_exempts_nobody(self, subject: str) -> None:
        assert found("webhooks", rule("*", "*", "*"), subject=subject).verdict is Verdict.FAIL


class TestRoles:
    def test_reg_same_name_role_of_another_namespace_is_not_used(self) -> None:
        elsewhere = role("r", rule("create", "pods/exec"), namespace="other")
        own = role("r", rule("get", "pods"), namespace="shop")
        bound = binding("b", "Role/r", "User:u", namespace="shop")
        assert [one.verdict for one in reviews("pods-exec", elsewhere, own, bound)] == [Verdict.PASS]

    @pytest.mark.parametrize("name", sorted(DANGERS))
    def test_reg_role_without_binding_is_no_finding(self, name: str) -> None:
        assert reviews(name, role("r", rule("*", "*", "*")), role("r", rule("*", "*", "*"), namespace="shop")) == []

    def test_reg_aggregation_manifest_is_resolved(self) -> None:
        """RBAC-35, RBAC-37: the rule is shown where it is written."""
        whole = aggregated("whole", {"matchLabels": {"team": "a"}})
        part = role("part", rule("create", "pods/exec")) | {"metadata": {"name": "part", "labels": {"team": "a"}}}
        (one,) = reviews("pods-exec", whole, part, binding("b", "ClusterRole/whole", "User:u", namespace="shop"))
        assert (one.verdict, one.evidence[-1].object.name) == (Verdict.FAIL, "part")

    def test_reg_rolebinding_clusterrole_holds_in_that_namespace(self) -> None:
        one = found("pods-exec", rule("create", "pods/exec"), scope="shop")
        assert "in namespace shop" in one.message

    @pytest.mark.parametrize("name", ["impersonate", "token-create", "pods-exec", "pods-create", "secret-mint"])
    def test_rbac_97_edit_holds_it_and_view_does_not(self, name: str) -> None:
        (edit,) = reviews(name, binding("b", "ClusterRole/edit", "User:u", namespace="shop"), version="")
        assert (edit.verdict, edit.inferred) == (Verdict.FAIL, True)
        (view,) = reviews(name, binding("b", "ClusterRole/view", "User:u", namespace="shop"), version="")
        assert view.verdict is Verdict.PASS

    def test_rbac_p3_a_role_that_was_not_read_is_not_evaluated(self) -> None:
        (one,) = reviews("pods-exec", binding("b", "ClusterRole/r", "User:u"), unread=CLUSTER_ROLES)
        assert one.verdict is Verdict.NOT_EVALUATED
        assert [(each.reason, each.resource) for each in one.unseen] == [(Reason.FORBIDDEN, CLUSTER_ROLES)]

    def test_reg_empty_rules_subject_crashes_nothing(self) -> None:
        empty = role("r") | {"rules": [{}, {"verbs": []}, {"verbs": ["*"], "resources": ["*"]}]}
        for name in DANGERS:
            assert [r.verdict for r in reviews(name, empty, binding("b", "ClusterRole/r", "User:u"))] == [Verdict.PASS]

    @pytest.mark.parametrize("name", sorted(DANGERS))
    def test_rbac_91_what_came_with_the_cluster_passes_and_chk_24_what_was_changed_does_not(self, name: str) -> None:
        held, made = shipped("cluster-admin")
        (one,) = reviews(name, held, made)
        assert (one.verdict, one.object_class) == (Verdict.PASS, ObjectClass.BUILTIN)
        made["subjects"] = [*made["subjects"], {"kind": "User", "name": "jane"}]
        (changed,) = reviews(name, held, made)
        # No rule of cluster-admin speaks of pod logs by name.
        expected = Verdict.PASS if name == "delete-logs" else Verdict.FAIL
        assert (changed.verdict, changed.object_class) == (expected, ObjectClass.USER)

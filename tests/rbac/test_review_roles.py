"""Aggregated roles that a label joins (RBAC-37, RBAC-38), and the ConfigMap of EKS (RBAC-E45)."""

from collections.abc import Mapping
from typing import Any

import pytest

from kubeaudit.findings import Reason, Verdict
from kubeaudit.rbac import review_roles
from kubeaudit.rbac.access import build
from kubeaudit.rbac.reviewing import Review
from kubeaudit.snapshot import Outcome

from .objects import Manifest, aggregated, binding, cluster, role, rule

RBAC = "rbac.authorization.k8s.io"
WRITES = rule("create", "clusterroles", RBAC)
VIEWER = aggregated("viewer", {"matchLabels": {"team": "a"}})


def hijack(*objects: Manifest, version: str = "v1.36.3") -> Review:
    (found,) = review_roles.aggregation_hijack(build(cluster(objects, version)))
    return found


def bound(made: dict[str, list[str]], scope: str = "") -> tuple[Manifest, Manifest]:
    return role("r", made), binding("b", "ClusterRole/r", "User:u", namespace=scope)


class TestAggregationHijack:
    @pytest.mark.parametrize("verbs", ["create", "update", "patch", "*"])
    def test_who_writes_cluster_roles_may_join_one(self, verbs: str) -> None:
        found = hijack(*bound(rule(verbs, "clusterroles", RBAC)), VIEWER)
        assert found.verdict is Verdict.FAIL
        assert found.message.endswith("; by a label they join viewer")
        shown = found.evidence[-1]
        assert (shown.object.name, shown.path) == ("viewer", ("aggregationRule", "clusterRoleSelectors"))
        assert shown.value == '[{"matchLabels":{"team":"a"}}]'

    @pytest.mark.parametrize(
        ("made", "scope"),
        [
            (rule("delete get list", "clusterroles", RBAC), ""),
            (rule("create", "clusterroles", RBAC, "one"), ""),
            (rule("create", "roles", RBAC), ""),
            (WRITES, "shop"),
        ],
    )
    def test_other_rights_do_not(self, made: dict[str, list[str]], scope: str) -> None:
        assert hijack(*bound(made, scope), VIEWER).verdict is Verdict.PASS

    def test_a_server_shows_its_aggregated_roles_and_files_need_not(self) -> None:
        assert hijack(*bound(WRITES)).verdict is Verdict.PASS
        found = hijack(*bound(WRITES), version="")
        assert (found.verdict, found.message.endswith("they join admin, edit, view")) == (Verdict.FAIL, True)


def node(name: str, provider: str = "", labels: Mapping[str, str] | None = None) -> Manifest:
    spec: dict[str, Any] = {"providerID": provider} if provider else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": dict(labels or {})}, "spec": spec}


class TestAwsAuth:
    NAMED = bound(rule("patch", "configmaps", names="aws-auth"), "kube-system")

    def verdict(self, *objects: Manifest, version: str = "v1.36.3", unread: str = "") -> Review:
        outcomes = {unread: Outcome.REFUSED} if unread else {}
        (found,) = review_roles.aws_auth_write(build(cluster(objects, version, outcomes)))
        return found

    @pytest.mark.parametrize(
        "where", [node("n", "aws:///eu-west-1a/i-1"), node("n", labels={"eks.amazonaws.com/nodegroup": "a"})]
    )
    def test_on_aws_a_named_rule_counts(self, where: Manifest) -> None:
        assert self.verdict(*self.NAMED, where).verdict is Verdict.FAIL
        assert self.verdict(*bound(rule("patch", "configmaps"), "shop"), where).verdict is Verdict.PASS

    def test_the_version_of_eks_shows_it_too(self) -> None:
        assert self.verdict(*self.NAMED, version="v1.33.1-eks-1234567").verdict is Verdict.FAIL

    def test_elsewhere_it_does_not_apply(self) -> None:
        assert self.verdict(*self.NAMED, node("n", "gce://p/z/n")).verdict is Verdict.NOT_APPLICABLE
        assert self.verdict(*self.NAMED).verdict is Verdict.NOT_APPLICABLE

    def test_without_nodes_to_tell_a_failure_is_not_known(self) -> None:
        found = self.verdict(*self.NAMED, unread="nodes")
        assert found.verdict is Verdict.NOT_EVALUATED
        assert [(each.reason, each.resource) for each in found.unseen] == [(Reason.FORBIDDEN, "nodes")]
        harmless = bound(rule("get", "configmaps"), "kube-system")
        assert self.verdict(*harmless, unread="nodes").verdict is Verdict.PASS, "nobody writes it anywhere"

"""RBAC-95: what a platform brings is grouped, judged like everything else, and never acquitted by its name."""

import pytest

from kubeaudit.findings import ObjectClass, Verdict
from kubeaudit.rbac.access import build
from kubeaudit.rbac.review_dangers import having

from .objects import binding, cluster, role, rule
from .test_baseline import shipped


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("eks:node-manager", {}, ObjectClass.VENDOR),
        ("aws-node", {}, ObjectClass.VENDOR),
        ("system:gke-uas-metrics-reader", {}, ObjectClass.VENDOR),
        ("aks-service-rolebinding", {}, ObjectClass.VENDOR),
        ("system:openshift:controller:build", {}, ObjectClass.VENDOR),
        ("metrics", {"addonmanager.kubernetes.io/mode": "Reconcile"}, ObjectClass.VENDOR),
        ("metrics", {"kubernetes.azure.com/managedby": "aks"}, ObjectClass.VENDOR),
        ("metrics", {"eks.amazonaws.com/component": "coredns"}, ObjectClass.VENDOR),
        ("system:evil", {}, ObjectClass.USER),
        ("my-eks:thing", {}, ObjectClass.USER),
        ("metrics", {"app": "eks:thing"}, ObjectClass.USER),
    ],
)
def test_the_class_of_a_binding(name: str, labels: dict[str, str], expected: ObjectClass) -> None:
    made = binding(name, "ClusterRole/r", "User:u", labels=labels)
    access = build(cluster([role("r", rule("create", "nodes/proxy")), made], "v1.36.3"))
    (found,) = having(access, "node-proxy")
    assert (found.verdict, found.object_class) == (Verdict.FAIL, expected)


def test_a_place_of_the_system_and_a_default_object_come_first() -> None:
    inside = binding("eks:x", "ClusterRole/r", "User:u", namespace="kube-system")
    access = build(cluster([role("r", rule("get", "pods")), inside, *shipped("cluster-admin")], "v1.36.3"))
    classes = {grant.binding.name: grant.object_class for grant in access.grants}
    assert classes == {"eks:x": ObjectClass.SYSTEM, "cluster-admin": ObjectClass.BUILTIN}

"""rbac-dashboard: the product is known by the image of its project, its label and its ServiceAccount."""

import pytest
from factory import account, bind, check, deployment, failing, role, rule, scanned

CHECK = "rbac-dashboard"


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("kubernetesui/dashboard:v2.7.0", "fail"),
        ("docker.io/kubernetesui/dashboard-web:1.4.0", "fail"),
        ("registry.example:5000/mirror/kubernetes-dashboard-amd64:v1.10.1", "fail"),
        ("kubernetes-dashboard@sha256:" + "0a" * 32, "fail"),
        ("registry.example/dashboard:v2", "pass"),
        ("kubernetesui/metrics-scraper:v1", "pass"),
        ("registry.example/my-kubernetes-dashboard-proxy:v1", "pass"),
    ],
)
def test_the_image(image: str, wanted: str) -> None:
    found = scanned([deployment(containers=[{"name": "c", "image": image}])], CHECK)
    assert check(found, CHECK).verdict == wanted


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({"k8s-app": "kubernetes-dashboard"}, "fail"),
        ({"app.kubernetes.io/name": "kubernetes-dashboard"}, "fail"),
        ({"app": "kubernetes-dashboard-proxy"}, "pass"),
        ({"purpose": "kubernetes-dashboard"}, "pass"),
    ],
)
def test_the_label_of_the_pods(labels: dict[str, str], wanted: str) -> None:
    result = scanned([deployment(labels=labels)], CHECK)
    assert check(result, CHECK).verdict == wanted


def test_the_identity_of_the_workload_and_the_subject_of_a_binding() -> None:
    (found,) = failing(scanned([deployment(serviceAccountName="kubernetes-dashboard")], CHECK), CHECK)
    assert [(item.path[-1], item.value) for item in found.evidence] == [
        ("serviceAccountName", '"kubernetes-dashboard"')
    ]
    objects = [role("r", rule("get", "pods")), account(), bind("b", "r", "sa:ops/kubernetes-dashboard", "user:jane")]
    (bound,) = failing(scanned(objects, CHECK), CHECK)
    assert (
        bound.message
        == "ClusterRoleBinding b gives ServiceAccount ops/kubernetes-dashboard ClusterRole r in the whole cluster."
    )
    other = [role("kubernetes-dashboard", rule("get", "pods")), bind("b", "kubernetes-dashboard", "user:jane")]
    assert check(scanned(other, CHECK), CHECK).verdict == "pass", "RBAC-P1: never by the name of a role"

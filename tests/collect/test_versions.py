"""Older API versions, as the version that is read."""

import copy
from typing import Any

import pytest

from kubeaudit.collect.versions import convert
from kubeaudit.kinds import by_api_kind


def converted(api_version: str, kind: str, **fields: Any) -> Any:
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}
    before = copy.deepcopy(obj)
    found = convert(obj)
    assert obj == before
    return found


@pytest.mark.parametrize(
    ("older", "kind", "newer"),
    [
        ("extensions/v1beta1", "Deployment", "apps/v1"),
        ("extensions/v1beta1", "DaemonSet", "apps/v1"),
        ("extensions/v1beta1", "ReplicaSet", "apps/v1"),
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
        ("apps/v1beta1", "StatefulSet", "apps/v1"),
        ("apps/v1beta2", "DaemonSet", "apps/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("networking.k8s.io/v1beta1", "IngressClass", "networking.k8s.io/v1"),
        ("rbac.authorization.k8s.io/v1alpha1", "Role", "rbac.authorization.k8s.io/v1"),
        ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
        ("discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
    ],
)
def test_older_versions_get_a_version_of_the_table(older: str, kind: str, newer: str) -> None:
    assert converted(older, kind)["apiVersion"] == newer
    group, _, version = newer.rpartition("/")
    assert version in by_api_kind()[group, kind].versions


def test_other_objects_are_the_very_same() -> None:
    for api_version, kind in (("v1", "Pod"), ("apps/v1", "Deployment"), ("x/v1beta1", "Deployment"), (None, None)):
        obj = {"apiVersion": api_version, "kind": kind}
        assert convert(obj) is obj


def test_backends_of_an_older_ingress() -> None:
    paths = [
        {"path": "/", "backend": {"serviceName": "a", "servicePort": 80}},
        {"pathType": "Exact", "backend": {"serviceName": "b", "servicePort": "http"}},
        {"backend": {"serviceName": "c", "servicePort": "8080"}},
        {"backend": {"resource": {"kind": "Bucket", "name": "d"}}},
    ]
    backend = {"serviceName": "e", "servicePort": 1}
    found = converted("extensions/v1beta1", "Ingress", spec={"backend": backend, "rules": [{"http": {"paths": paths}}]})
    assert found["spec"] == {
        "defaultBackend": {"service": {"name": "e", "port": {"number": 1}}},
        "rules": [
            {
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "backend": {"service": {"name": "a", "port": {"number": 80}}},
                            "pathType": "ImplementationSpecific",
                        },
                        {"pathType": "Exact", "backend": {"service": {"name": "b", "port": {"name": "http"}}}},
                        {
                            "backend": {"service": {"name": "c", "port": {"number": 8080}}},
                            "pathType": "ImplementationSpecific",
                        },
                        {
                            "backend": {"resource": {"kind": "Bucket", "name": "d"}},
                            "pathType": "ImplementationSpecific",
                        },
                    ]
                }
            }
        ],
    }


def test_selectors_and_strategies_of_the_first_workloads() -> None:
    template = {"metadata": {"labels": {"a": "b"}}}
    found = converted("extensions/v1beta1", "DaemonSet", spec={"template": template})
    assert found["spec"]["selector"] == {"matchLabels": {"a": "b"}}
    assert found["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert "selector" not in converted("apps/v1beta2", "DaemonSet", spec={"template": template})["spec"]


def test_the_star_of_the_first_rbac_is_everybody_with_an_identity() -> None:
    subjects = [
        {"kind": "User", "name": "*", "apiVersion": "rbac.authorization.k8s.io/v1alpha1"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n", "apiVersion": "v1"},
    ]
    assert converted("rbac.authorization.k8s.io/v1alpha1", "ClusterRoleBinding", subjects=subjects)["subjects"] == [
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
    ]
    assert (
        converted("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding", subjects=subjects)["subjects"] == subjects
    )


def test_older_webhooks_let_pass_what_they_cannot_judge() -> None:
    found = converted("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", webhooks=[{"name": "w"}])
    assert found["webhooks"][0]["failurePolicy"] == "Ignore"
    assert found["webhooks"][0]["matchPolicy"] == "Exact"


def test_older_definitions_slices_requests_and_classes() -> None:
    spec = {"version": "v1", "conversion": {"strategy": "Webhook", "webhookClientConfig": {"url": "https://x"}}}
    definition = converted("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", spec=spec)["spec"]
    assert definition["versions"] == [{"name": "v1", "served": True, "storage": True}]
    assert definition["conversion"]["webhook"]["clientConfig"] == {"url": "https://x"}
    endpoints = [{"addresses": ["10.0.0.1"], "topology": {"kubernetes.io/hostname": "n1"}}]
    found = converted("discovery.k8s.io/v1beta1", "EndpointSlice", endpoints=endpoints)
    assert found["endpoints"] == [{"addresses": ["10.0.0.1"], "nodeName": "n1"}]
    request = converted("certificates.k8s.io/v1beta1", "CertificateSigningRequest", spec={})
    assert request["spec"]["signerName"] == "kubernetes.io/legacy-unknown"
    assert converted("node.k8s.io/v1alpha1", "RuntimeClass", spec={"runtimeHandler": "gvisor"})["handler"] == "gvisor"

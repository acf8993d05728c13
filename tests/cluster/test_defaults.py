"""CHK-13: the defaults that files get are those of a real API server, field by field in both directions."""

from collections.abc import Iterator
from typing import Any

import pytest

from kubeaudit.collect.defaults import apply_defaults
from kubeaudit.kinds import by_api_kind

from .rest import at, group_path
from .server import ApiServer

pytestmark = pytest.mark.cluster

NAMESPACE = "defaults"
CONTAINER: dict[str, Any] = {
    "name": "c",
    "image": "registry.example/app",
    "ports": [{"containerPort": 8080}],
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
}
POD_SPEC: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "hostNetwork": True,
    "containers": [CONTAINER],
    "initContainers": [{"name": "i", "image": "registry.example/app:1.2", "resources": {"limits": {"cpu": "1"}}}],
    "volumes": [
        {"name": "empty"},
        {"name": "host", "hostPath": {"path": "/var/log"}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
        {"name": "secret", "secret": {"secretName": "s"}},
        {"name": "config", "configMap": {"name": "s"}},
    ],
}
LABELS = {"app": "x"}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
JOB_TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {**POD_SPEC, "restartPolicy": "Never"}}
SELECTED: dict[str, Any] = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
RULES = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
WEBHOOK: dict[str, Any] = {
    "name": "w.example.com",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "clientConfig": {"service": {"namespace": NAMESPACE, "name": "absent"}},
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "absent"}},
    "rules": RULES,
}
ADMISSION = "admissionregistration.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io/v1"
ROLE = {"kind": "ClusterRole", "name": "view"}
SUBJECTS = [
    {"kind": "User", "name": "u"},
    {"kind": "Group", "name": "g"},
    {"kind": "ServiceAccount", "name": "s", "namespace": NAMESPACE},
]
MANIFESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("v1", "Pod", {"spec": POD_SPEC}),
    ("v1", "ReplicationController", {"spec": {"template": TEMPLATE}}),
    ("apps/v1", "Deployment", {"spec": SELECTED}),
    ("apps/v1", "StatefulSet", {"spec": {**SELECTED, "serviceName": "s"}}),
    ("apps/v1", "DaemonSet", {"spec": SELECTED}),
    ("apps/v1", "ReplicaSet", {"spec": SELECTED}),
    ("batch/v1", "Job", {"spec": {"template": JOB_TEMPLATE}}),
    ("batch/v1", "CronJob", {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": JOB_TEMPLATE}}}}),
    ("v1", "Service", {"spec": {"ports": [{"port": 80}]}}),
    ("v1", "Service", {"spec": {"type": "NodePort", "ports": [{"port": 80}], "sessionAffinity": "ClientIP"}}),
    ("v1", "Service", {"spec": {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": "http"}]}}),
    ("v1", "Service", {"spec": {"type": "ExternalName", "externalName": "example.com"}}),
    ("v1", "Service", {"spec": {"externalIPs": ["192.0.2.1"], "ports": [{"port": 80}]}}),
    ("v1", "Endpoints", {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]}),
    (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"port": 80}]},
    ),
    ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {}}),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {"spec": {"ingress": [{"ports": [{"port": 80}]}], "egress": [{"ports": [{}]}]}},
    ),
    ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"egress": []}}),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        {"spec": {"controller": "example.com/x", "parameters": {"kind": "X", "name": "x"}}},
    ),
    (RBAC, "RoleBinding", {"roleRef": ROLE, "subjects": SUBJECTS}),
    (RBAC, "ClusterRoleBinding", {"roleRef": ROLE, "subjects": SUBJECTS}),
    (ADMISSION, "ValidatingWebhookConfiguration", {"webhooks": [WEBHOOK]}),
    (ADMISSION, "MutatingWebhookConfiguration", {"webhooks": [WEBHOOK]}),
    (
        ADMISSION,
        "ValidatingAdmissionPolicy",
        {"spec": {"matchConstraints": {"resourceRules": RULES}, "validations": [{"expression": "true"}]}},
    ),
    (
        ADMISSION,
        "ValidatingAdmissionPolicyBinding",
        {"spec": {"policyName": "x", "validationActions": ["Warn"], "matchResources": {"resourceRules": RULES}}},
    ),
    ("storage.k8s.io/v1", "StorageClass", {"provisioner": "example.com/x"}),
    ("storage.k8s.io/v1", "CSIDriver", {"spec": {}}),
    (
        "v1",
        "PersistentVolume",
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}},
    ),
    (
        "v1",
        "PersistentVolumeClaim",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    ("v1", "LimitRange", {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}]}}),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}},
    ),
)
"""Together they leave out every field that defaults are known for."""

ONLY_IN_PODS = frozenset(["enableServiceLinks", "hostPort", "requests"])
"""What the server writes into Pods alone, and the defaults of files into templates too."""
OF_THE_SERVER = frozenset(["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "status"])
NOT_READ = frozenset(
    [
        *("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "nodePort"),
        *("preemptionPolicy", "priority", "tolerations", "metrics", "finalizers", "annotations", "apiVersion"),
        *("controller-uid", "batch.kubernetes.io/controller-uid", "maxUnavailable", "seLinuxMount"),
    ]
)
"""What the server allocates, and what it adds that nothing here reads."""

Place = tuple[str | int, ...]


def added(given: Any, shown: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every leaf of ``shown`` that is not in ``given``; an empty list or object is a leaf."""
    steps = shown.items() if isinstance(shown, dict) else enumerate(shown) if isinstance(shown, list) else ()
    if not steps and given is None:
        yield place, shown
    for step, inner in steps:
        known = isinstance(given, dict) or (isinstance(given, list) and step < len(given))
        below = (given.get(step) if isinstance(given, dict) else given[step]) if known else None
        yield from added(below, inner, (*place, step))


@pytest.fixture(scope="module")
def namespace(api_server: ApiServer) -> str:
    api_server.namespace(NAMESPACE)
    return NAMESPACE


@pytest.mark.parametrize("number", range(len(MANIFESTS)), ids=lambda number: f"{MANIFESTS[number][1]}-{number}")
def test_defaults_are_those_of_the_server(api_server: ApiServer, namespace: str, number: int) -> None:
    api_version, kind, fields = MANIFESTS[number]
    row = by_api_kind()[api_version.rpartition("/")[0], kind]
    metadata = {"name": f"x{number}.example.com" if kind == "CSIDriver" else f"x{number}"}
    if row.namespaced:
        metadata["namespace"] = namespace
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    folder = f"{group_path(api_version)}{f'/namespaces/{namespace}' if row.namespaced else ''}/{row.resource}"
    shown = api_server.request("POST", folder, manifest).expect(201).body

    ours = dict(added(manifest, apply_defaults(row.key, manifest)))
    server = dict(added(manifest, shown))
    only_ours = {place: value for place, value in ours.items() if place not in server}
    assert {place for place in only_ours if kind == "Pod" or not ONLY_IN_PODS & set(place)} == set()
    assert {place: value for place, value in ours.items() if place in server} == {
        place: value for place, value in server.items() if place in ours
    }
    missed = {place for place, value in server.items() if place not in ours and value not in ({}, [])}
    assert {place for place in missed if not (OF_THE_SERVER | NOT_READ) & set(place)} == set()


def test_a_namespace_is_labelled_with_its_name(api_server: ApiServer, namespace: str) -> None:
    """NET-10."""
    shown = api_server.request("GET", f"/api/v1/namespaces/{namespace}").expect(200)
    ours = apply_defaults("namespaces", {"metadata": {"name": namespace}})
    assert at(shown.body, "metadata", "labels") == ours["metadata"]["labels"]

"""CHK-13: what the API server fills in. tests/cluster/test_defaults.py compares it with a real one."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.collect.defaults import apply_defaults
from kubeaudit.collect.defaults.workloads import pull_policy
from kubeaudit.collect.templates import TEMPLATES
from kubeaudit.kinds import KINDS


def spec(resource: str, given_spec: Any, **more: Any) -> Any:
    return apply_defaults(resource, {"metadata": {"name": "x"}, "spec": given_spec, **more})["spec"]


def pod(**given_spec: Any) -> Any:
    return spec("pods", given_spec)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("registry:5000/nginx", "Always"),
        ("nginx:latest@sha256:" + "0" * 64, "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/a/nginx:1", "IfNotPresent"),
        ("nginx@sha256:" + "0" * 64, "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_pod_gets_what_the_server_writes() -> None:
    assert pod(containers=[{"name": "c", "image": "a:1", "ports": [{"containerPort": 80}]}]) == {
        "containers": [
            {
                "name": "c",
                "image": "a:1",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {},
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "enableServiceLinks": True,
        "serviceAccountName": "default",
        "serviceAccount": "default",
    }


def test_the_two_names_of_the_service_account_agree() -> None:
    assert pod(serviceAccount="old")["serviceAccountName"] == "old"
    assert pod(serviceAccountName="new", serviceAccount="old")["serviceAccount"] == "new"
    template = spec("deployments.apps", {"template": {"spec": {}}})["template"]["spec"]
    assert "serviceAccountName" not in template


def test_requests_follow_from_limits_in_pods_and_templates() -> None:
    container = {"name": "c", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}}
    expected = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}}
    assert pod(containers=[container])["containers"][0]["resources"] == expected
    deployment = spec(
        "deployments.apps", {"template": {"spec": {"containers": [container], "initContainers": [container]}}}
    )
    assert deployment["template"]["spec"]["containers"][0]["resources"] == expected
    assert deployment["template"]["spec"]["initContainers"][0]["resources"] == expected


def test_host_ports_follow_from_the_host_network() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}]
    found = pod(hostNetwork=True, containers=[{"name": "c", "ports": ports}])
    assert [port["hostPort"] for port in found["containers"][0]["ports"]] == [80, 8081]
    assert "hostPort" not in pod(containers=[{"name": "c", "ports": ports}])["containers"][0]["ports"][0]


def test_volumes() -> None:
    volumes = [
        {"name": "a"},
        {"name": "b", "hostPath": {"path": "/"}},
        {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"secret": {"name": "s"}}]}},
        {"name": "d", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "e", "configMap": {"name": "s"}},
    ]
    assert pod(volumes=volumes)["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "hostPath": {"path": "/", "type": ""}},
        {
            "name": "c",
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}},
                    {"secret": {"name": "s"}},
                ],
                "defaultMode": 420,
            },
        },
        {"name": "d", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "e", "configMap": {"name": "s", "defaultMode": 420}},
    ]


@pytest.mark.parametrize("resource", [key for key in TEMPLATES if key != "pods"])
def test_every_template_is_filled_in(resource: str) -> None:
    obj: Any = {"spec": {"containers": [{"name": "c", "image": "a"}]}}
    for step in reversed(TEMPLATES[resource]):
        obj = {step: obj}
    found = apply_defaults(resource, {"metadata": {"name": "x"}, **obj})
    for step in TEMPLATES[resource]:
        found = found[step]
    assert found["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert found["spec"]["dnsPolicy"] == "ClusterFirst"


def test_workloads() -> None:
    assert spec("deployments.apps", {})["replicas"] == 1
    assert spec("deployments.apps", {"replicas": 0})["replicas"] == 0
    assert spec("deployments.apps", {"strategy": {"type": "Recreate"}})["strategy"] == {"type": "Recreate"}
    assert spec("daemonsets.apps", {})["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert spec("statefulsets.apps", {"updateStrategy": {"type": "OnDelete"}})["updateStrategy"] == {"type": "OnDelete"}
    assert spec("cronjobs.batch", {})["concurrencyPolicy"] == "Allow"
    assert spec("jobs.batch", {"parallelism": 3}).get("completions") is None


def test_a_job_labels_its_template_with_its_name() -> None:
    found = apply_defaults(
        "jobs.batch", {"metadata": {"name": "j"}, "spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}
    )
    labels = {"a": "b", "batch.kubernetes.io/job-name": "j", "job-name": "j"}
    assert found["spec"]["template"]["metadata"]["labels"] == found["metadata"]["labels"] == labels


def test_a_replication_controller_selects_its_template() -> None:
    found = apply_defaults("replicationcontrollers", {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})
    assert found["spec"]["selector"] == {"a": "b"}


@pytest.mark.parametrize(
    ("given_spec", "expected"),
    [
        ({}, {"type": "ClusterIP", "internalTrafficPolicy": "Cluster"}),
        (
            {"externalIPs": ["192.0.2.1"]},
            {"type": "ClusterIP", "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster"},
        ),
        (
            {"type": "NodePort"},
            {"type": "NodePort", "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster"},
        ),
        (
            {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
            {
                "type": "LoadBalancer",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Local",
                "allocateLoadBalancerNodePorts": True,
            },
        ),
        ({"type": "ExternalName", "externalName": "x"}, {"type": "ExternalName", "externalName": "x"}),
    ],
)
def test_services(given_spec: Any, expected: Any) -> None:
    assert spec("services", given_spec) == {"sessionAffinity": "None", **given_spec, **expected}


def test_service_ports() -> None:
    ports = [{"port": 80}, {"port": 81, "targetPort": "http", "protocol": "UDP"}]
    assert spec("services", {"ports": ports})["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 80},
        {"port": 81, "targetPort": "http", "protocol": "UDP"},
    ]


@pytest.mark.parametrize(
    ("given_spec", "types"),
    [
        ({}, ["Ingress"]),
        ({"policyTypes": [], "ingress": []}, ["Ingress"]),
        ({"egress": []}, ["Ingress"]),
        ({"egress": [{}]}, ["Ingress", "Egress"]),
        ({"policyTypes": ["Egress"]}, ["Egress"]),
    ],
)
def test_net_01_03_types_and_selector_of_a_network_policy(given_spec: Any, types: list[str]) -> None:
    """NET-01, NET-03."""
    found = spec("networkpolicies.networking.k8s.io", given_spec)
    assert found["policyTypes"] == types
    assert found["podSelector"] == {}


def test_net_07_protocol_of_a_policy_port() -> None:
    """NET-07: absent is TCP, empty is a fault that stays."""
    rules = {"ingress": [{"ports": [{}, {"protocol": ""}, {"protocol": "UDP"}]}], "egress": [{"ports": [{"port": 53}]}]}
    found = spec("networkpolicies.networking.k8s.io", rules)
    assert [port["protocol"] for port in found["ingress"][0]["ports"]] == ["TCP", "", "UDP"]
    assert found["egress"][0]["ports"] == [{"port": 53, "protocol": "TCP"}]


def test_net_05_06_empty_lists_stay() -> None:
    """NET-05, NET-06."""
    assert spec("networkpolicies.networking.k8s.io", {"ingress": []})["ingress"] == []
    assert spec("networkpolicies.networking.k8s.io", {"ingress": [{}]})["ingress"] == [{}]


def test_net_10_a_namespace_has_the_label_of_its_name() -> None:
    found = apply_defaults("namespaces", {"metadata": {"name": "a", "labels": {"b": "c"}}})
    assert found["metadata"]["labels"] == {"b": "c", "kubernetes.io/metadata.name": "a"}


def test_bindings() -> None:
    subjects = [
        {"kind": "User", "name": "u"},
        {"kind": "Group", "name": "g"},
        {"kind": "ServiceAccount", "name": "s"},
    ]
    found = apply_defaults(
        "rolebindings.rbac.authorization.k8s.io", {"roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}
    )
    group = "rbac.authorization.k8s.io"
    assert found["roleRef"]["apiGroup"] == group
    assert [subject.get("apiGroup") for subject in found["subjects"]] == [group, group, None]
    assert "namespace" not in found["subjects"][2]


def test_webhooks() -> None:
    webhook = {"name": "w", "clientConfig": {"service": {"name": "s"}}, "rules": [{"resources": ["pods"]}]}
    found = apply_defaults(
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        {"webhooks": [webhook, {"failurePolicy": "Ignore"}]},
    )
    assert found["webhooks"][0] == {
        "name": "w",
        "clientConfig": {"service": {"name": "s", "port": 443}},
        "rules": [{"resources": ["pods"], "scope": "*"}],
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "reinvocationPolicy": "Never",
    }
    assert found["webhooks"][1]["failurePolicy"] == "Ignore"


def test_a_limit_range_completes_itself_but_no_pod() -> None:
    limit = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}
    found = spec("limitranges", {"limits": [limit]})
    assert found["limits"][0]["default"] == {"cpu": "2"}
    assert found["limits"][0]["defaultRequest"] == {"cpu": "2", "memory": "1Mi"}


def test_endpoint_conditions_stay_as_they_are() -> None:
    obj = {"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]}
    found = apply_defaults("endpointslices.discovery.k8s.io", obj)
    assert found == {"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80, "name": "", "protocol": "TCP"}]}


RESOURCES = st.sampled_from([*(kind.key for kind in KINDS), *TEMPLATES])
NAMES = st.sampled_from(
    [
        *("metadata", "name", "labels", "spec", "template", "podTemplate", "jobTemplate", "containers", "resources"),
        *("limits", "requests", "ports", "volumes", "hostPath", "projected", "sources", "strategy", "updateStrategy"),
        *("type", "webhooks", "rules", "ingress", "egress", "policyTypes", "subjects", "roleRef", "kind", "conversion"),
        *("webhook", "clientConfig", "service", "hostNetwork", "serviceAccount", "containerPort"),
    ]
)
OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
).filter(lambda value: isinstance(value, dict))


@given(RESOURCES, OBJECTS)
def test_defaults_accept_anything_change_no_input_and_are_applied_once(resource: str, obj: Any) -> None:
    before = copy.deepcopy(obj)
    once = apply_defaults(resource, obj)
    assert obj == before
    assert apply_defaults(resource, once) == once
    assert once is not obj

"""Rights on what the cluster is run with (rbac.md section 5, EXP-801..810), operators (EXP-901), cloud accounts."""

from typing import Any

import pytest
from factory import Object, account, bind, edge, edges, named, namespace, node, pod, role, rule, snapshot, world

from kubeaudit.graph.paths import searches_from
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import CLUSTER_ADMIN, Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World, build

YES, UNKNOWN = State.YES, State.UNKNOWN


def made(*rules: Object, space: str = "shop", more: Any = (), version: str = "v1.34.0", outcomes: Any = None) -> World:
    objects = [namespace(), role("r", *rules), bind("b", "r", "user:jane", space=space), *more]
    return build(snapshot(objects, outcomes, server_version=version), Settings())


NODES, LEASES = rule("patch", "nodes"), rule("patch", "leases", "coordination.k8s.io")


@pytest.mark.parametrize(
    ("row", "right", "space", "target"),
    [
        ("EXP-621", rule("patch", "namespaces"), "shop", "sink/shop/labels of the namespace"),
        ("EXP-801", rule("create", "endpointslices", "discovery.k8s.io"), "shop", "sink/shop/traffic"),
        ("EXP-801", rule("patch", "endpoints"), "", "sink/traffic"),
        ("EXP-803", rule("patch", "services"), "shop", "sink/shop/traffic"),
        ("EXP-804", rule("patch", "services/status"), "shop", "sink/shop/traffic"),
        ("EXP-809", rule("create", "ingresses", "networking.k8s.io"), "shop", "sink/shop/traffic from outside"),
        ("EXP-809", rule("create", "ingresses", "extensions"), "shop", ""),
        ("EXP-810", rule("delete", "networkpolicies", "networking.k8s.io"), "shop", "sink/shop/network policies"),
        ("EXP-806", rule("patch", "configmaps"), "kube-system", "sink/traffic"),
        ("EXP-806", {**rule("patch", "configmaps"), "resourceNames": ["coredns"]}, "kube-system", "sink/traffic"),
        ("EXP-806", {**rule("patch", "configmaps"), "resourceNames": ["other"]}, "kube-system", ""),
        ("EXP-806", rule("patch", "configmaps"), "shop", ""),
        ("RBAC-E16", rule("patch", "secrets"), "shop", "sink/shop/readers of Secrets"),
        ("RBAC-E24", rule("get", "nodes/log"), "", "sink/data of nodes"),
        ("RBAC-E24", rule("get", "nodes/log"), "shop", ""),
        ("RBAC-E36", rule("create", "storageclasses", "storage.k8s.io"), "", "sink/volumes of others"),
        ("RBAC-E37", NODES, "", "sink/scheduling"),
        ("RBAC-E39", rule("create", "pods/binding"), "shop", "sink/shop/scheduling"),
        ("RBAC-E40", rule("patch", "pods/status"), "shop", "sink/shop/traffic"),
        ("RBAC-E44", rule("patch", "configmaps"), "kube-system", "sink/settings of the control plane"),
        ("RBAC-E46", LEASES, "kube-system", "sink/kube-system/controllers that stand still"),
        ("RBAC-E46", LEASES, "shop", ""),
        ("RBAC-E47", rule("create", "resourcequotas"), "shop", "sink/shop/denial of service"),
        ("RBAC-E53", rule("delete", "events"), "shop", "sink/shop/traces that are gone"),
        ("RBAC-E54", rule("deletecollection", "pods"), "shop", "sink/shop/destruction"),
        ("EXP-623", rule("get", "pods/log"), "shop", "sink/shop/logs"),
        ("EXP-629", rule("list", "configmaps"), "shop", "sink/shop/values of charts"),
        ("EXP-630", rule("patch", "serviceaccounts"), "shop", "sink/shop/cloud identities"),
    ],
)  # fmt: skip
def test_rbac_e16_to_e58_what_one_right_gains(row: str, right: Object, space: str, target: str) -> None:
    found = made(right, space=space)
    assert {one.target.key for one in edges(found, row, source="grant/")} == ({target} if target else set())


@pytest.mark.parametrize(
    ("version", "state"), [("v1.33.0", {YES}), ("v1.32.0", {UNKNOWN}), ("v1.31.0", set()), ("", {UNKNOWN})]
)
def test_rbac_56_fine_grained_paths_of_the_kubelet_and_the_version(version: str, state: set[State]) -> None:
    found = made(rule("get", "nodes/configz"), space="", version=version)
    assert {one.state for one in edges(found, "RBAC-E24")} == state


def test_exp_408_aws_auth_maps_callers_to_groups_where_it_is_used() -> None:
    right = {**rule("patch", "configmaps"), "resourceNames": ["aws-auth"]}
    there = named("ConfigMap", "v1", "aws-auth", "kube-system", data={})
    one = edge(made(right, space="kube-system", more=[there]), "EXP-408")
    assert one.target.key == "group/system:masters" and one.confidence is Confidence.ENV
    assert not edges(made(right, space="kube-system"), "EXP-408"), "no such ConfigMap, and no EKS"
    assert not edges(made(right, more=[there]), "EXP-408"), "another namespace"
    unread = made(
        right, space="kube-system", more=[node("n1", "aws:///a/i-1")], outcomes={"configmaps": Outcome.REFUSED}
    )
    assert edge(unread, "EXP-408").state is UNKNOWN


def test_exp_624_and_707_moving_pods_takes_two_rights_and_a_node() -> None:
    rights = [NODES, rule("create", "pods/eviction")]
    assert edge(made(*rights, space=""), "EXP-624").target.key == "sink/scheduling"
    assert not edges(made(NODES, space=""), "EXP-624")
    assert not edges(made(*rights), "EXP-624"), "nodes belong to the cluster"
    objects = [
        *(namespace(), node("n1"), node("n2"), account(), account("drain"), role("r", *rights)),
        *(pod("drain", serviceAccountName="drain"), pod("other", place="n2")),
    ]
    found = world([*objects, bind("b", "r", "sa:shop/drain")])
    assert [one.source.key for one in edges(found, "EXP-707")] == ["node/n1.ctl"]
    assert not edges(world([*objects, bind("b", "r", "user:jane")]), "EXP-707")


def operator(**fields: Any) -> Object:
    return pod("argo-1", space="argo", image="quay.io/argoproj/argocd:v2.11", serviceAccountName="argo", **fields)


def test_exp_901_who_writes_an_operators_resources_has_it_act_for_him() -> None:
    right = rule("create", "applications", "argoproj.io")
    power = [role("power", rule("*", "*", "*")), bind("power", "power", "sa:argo/argo"), account("argo", "argo")]
    found = made(right, more=[*power, operator()])
    one = edge(found, "EXP-901")
    assert one.target.key == "service-account/argo/argo" and one.confidence is Confidence.ENV
    assert one.evidence[-1].path[-1] == "image" and one.assumptions
    jane = Vertex(VertexKind.USER, "", "jane")
    assert searches_from(found.graph, [jane], found.settings).state(CLUSTER_ADMIN) is YES
    assert not edges(made(right, more=power), "EXP-901"), "no such operator runs"
    assert not edges(made(rule("get", "applications", "argoproj.io"), more=[*power, operator()]), "EXP-901")
    assert not edges(made(rule("create", "applications", "other.io"), more=[*power, operator()]), "EXP-901")


@pytest.mark.parametrize(
    ("annotation", "value", "row", "target"),
    [
        ("eks.amazonaws.com/role-arn", "arn:aws:iam::1:role/x", "EXP-401", "aws/arn:aws:iam::1:role/x"),
        ("iam.gke.io/gcp-service-account", "x@p.iam", "EXP-403", "gce/x@p.iam"),
        ("azure.workload.identity/client-id", "1-2", "EXP-405", "azure/1-2"),
    ],
)
def test_rbac_e52_annotations_name_cloud_identities(annotation: str, value: str, row: str, target: str) -> None:
    found = world([account(metadata={"annotations": {annotation: value}})])
    one = edge(found, row)
    assert one.target.name == target and one.confidence is Confidence.ENV
    assert one.evidence[0].path == ("metadata", "annotations", annotation)


def test_exp_626_secrets_that_containers_are_given() -> None:
    described = {
        "containers": [{
            "name": "web", "image": "x",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}],
            "envFrom": [{"secretRef": {"name": "two"}}],
        }],
        "initContainers": [{"name": "i", "image": "x", "envFrom": [{"secretRef": {"name": "three"}}]}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "four"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "five"}}]}},
            {"name": "c", "configMap": {"name": "none"}},
        ],
        "imagePullSecrets": [{"name": "pull"}],
    }  # fmt: skip
    found = world([pod(**described)])
    made_ = {one.target.name: one.evidence[0].path for one in edges(found, "EXP-626")}
    assert set(made_) == {"one", "two", "three", "four", "five"}
    assert made_["four"] == ("spec", "volumes", 0, "secret", "secretName")


def test_rbac_e55_nodes_with_the_right_to_other_audiences() -> None:
    right = {"verbs": ["request-serviceaccounts-token-audience"], "apiGroups": [""], "resources": ["vault"]}
    for subject, count in (("group:system:nodes", 1), ("user:system:node:n1", 1), ("user:jane", 0)):
        found = world([role("r", right), bind("b", "r", subject)])
        assert len(edges(found, "RBAC-E55")) == count, subject

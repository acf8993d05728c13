"""RBAC-50..53: what a kubelet may do beside RBAC. tests/cluster asks the API server the same on random pods."""

from typing import Any

import factory
import pytest

from kubeaudit.rbac.identities import NODES, Identity, node
from kubeaudit.rbac.node_authorizer import NodeAuthorizer
from kubeaudit.rbac.references import References, references
from kubeaudit.rbac.rules import Request
from kubeaudit.snapshot import Outcome

N1 = node("n1")
SPEC: dict[str, Any] = {
    "serviceAccountName": "app",
    "imagePullSecrets": [{"name": "pull"}],
    "initContainers": [
        {"name": "i", "envFrom": [{"secretRef": {"name": "env-from"}}, {"configMapRef": {"name": "cf"}}]}
    ],
    "ephemeralContainers": [{"name": "e", "env": [{"valueFrom": {"secretKeyRef": {"name": "debug", "key": "k"}}}]}],
    "containers": [
        {
            "name": "c",
            "env": [
                {"name": "A", "value": "x"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}},
                {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "ck", "key": "k"}}},
            ],
        }
    ],
    "volumes": [
        {"name": "a", "secret": {"secretName": "plain"}},
        {"name": "b", "configMap": {"name": "cv"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "ps"}}, {"configMap": {"name": "pc"}}, {}]}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "f", "azureFile": {"secretName": "azure"}},
        {"name": "g", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "csi"}}},
        *(
            {"name": kind.lower(), kind: {"secretRef": {"name": kind.lower()}}}
            for kind in ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")
        ),
        {"name": "h", "secret": {"optional": True}, "configMap": None},
    ],
}
SECRETS = {"pull", "env-from", "debug", "env", "plain", "ps", "azure", "csi", "cephfs", "cinder", "flexvolume", "rbd",
           "scaleio", "iscsi", "storageos"}  # fmt: skip


def pod(name: str = "web", at: str = "n1", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [], **spec, "nodeName": at}}


def authorizer(*pods: dict[str, Any], version: str = "v1.36.3", **outcomes: Outcome) -> NodeAuthorizer:
    return NodeAuthorizer(factory.cluster(pods, outcomes, server_version=version))


def says(found: NodeAuthorizer, request: Request, identity: Identity = N1) -> bool | None:
    return found.authorize(identity, request).allowed


def test_rbac_53_everything_a_pod_refers_to() -> None:
    reach = authorizer(pod(**SPEC)).reach("n1")
    assert reach.pods == {("shop", "web")}
    assert reach.accounts == {("shop", "app")}
    assert reach.secrets == {("shop", name) for name in SECRETS}
    assert reach.config_maps == {("shop", name) for name in ("cf", "ck", "cv", "pc")}
    assert reach.claims == {("shop", "data"), ("shop", "web-scratch")}
    assert authorizer(pod(**SPEC)).reach("n2").secrets == set()


def test_a_pod_that_is_not_bound_gives_no_node_anything() -> None:
    found = authorizer(pod("early", at="", **SPEC), pod("late", serviceAccountName="late"))
    assert found.reach("").secrets == set()
    assert found.reach("n1").accounts == {("shop", "late")}


def test_a_pod_that_does_not_tell_hides_no_other() -> None:
    found = authorizer(pod("early", volumes=[{"name": "v", "secret": {"secretName": 5}}]), pod("late", **SPEC)).reach(
        "n1"
    )
    assert found.pods == {("shop", "early"), ("shop", "late")}
    assert found.illegible == {("shop", "early")}
    assert ("shop", "plain") in found.secrets


def test_a_claim_may_be_named_as_the_one_of_a_volume() -> None:
    found = references(b'{"volumes":[{"persistentVolumeClaim":{"claimName":"p-v"}},{"name":"v","ephemeral":{}}]}')
    assert found is not None
    assert found.claims_of("p") == {"p-v"}


def test_a_spec_of_other_types_tells_nothing() -> None:
    assert references(b'{"volumes":"x"}') is None
    empty = references(b'{"volumes":null,"containers":[{"env":null}]}')
    assert empty == References(frozenset(), frozenset(), frozenset(), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        (Request("get", "", "secrets", "", "shop", "env"), True),
        (Request("list", "", "secrets", "", "shop", "env"), True),
        (Request("watch", "", "configmaps", "", "shop", "cv"), True),
        (Request("list", "", "secrets", "", "shop"), False),
        (Request("get", "", "secrets", "", "", "env"), False),
        (Request("get", "", "secrets", "", "other", "env"), False),
        (Request("get", "", "secrets", "x", "shop", "env"), False),
        (Request("update", "", "secrets", "", "shop", "env"), False),
        (Request("get", "", "configmaps", "", "shop", "env"), False),
        (Request("create", "", "serviceaccounts", "token", "shop", "app"), True),
        (Request("create", "", "serviceaccounts", "token", "shop", "default"), False),
        (Request("create", "", "serviceaccounts", "token", "shop"), False),
        (Request("create", "", "serviceaccounts", "", "shop", "app"), False),
        (Request("get", "", "serviceaccounts", "token", "shop", "app"), False),
        (Request("list", "", "serviceaccounts", "", "shop", "app"), False),
        (Request("get", "", "persistentvolumeclaims", "", "shop", "data"), True),
        (Request("get", "", "persistentvolumeclaims", "status", "shop", "data"), False),
        (Request("patch", "", "persistentvolumeclaims", "status", "shop", "web-scratch"), True),
        (Request("list", "", "persistentvolumeclaims", "", "shop", "data"), False),
        (Request("create", "", "persistentvolumeclaims", "", "shop", "data"), False),
        (Request("update", "", "persistentvolumeclaims", "resize", "shop", "data"), False),
        (Request("update", "", "persistentvolumeclaims", "ztatus", "shop", "data"), False),
        (Request("create", "", "persistentvolumes", "", "", "v"), False),
        (Request("get", "", "persistentvolumes", "status", "", "v"), False),
        (Request("create", "storage.k8s.io", "volumeattachments", "", "", "v"), False),
        (Request("get", "storage.k8s.io", "volumeattachments", "status", "", "v"), False),
        (Request("approve", "resource.k8s.io", "resourceslices", "", "", "v"), False),
        (Request("create", "coordination.k8s.io", "leases", "", "default"), False),
        (Request("create", "coordination.k8s.io", "leases", "", "kube-system"), False),
        (Request("get", "coordination.k8s.io", "leases", "", "kube-node-lease", "a1"), False),
        (Request("update", "", "nodes", "zone", "", "n1"), False),
        (Request("update", "", "nodes", "proxy", "", "n1"), False),
        (Request("list", "", "persistentvolumes", "", "", "v"), False),
        (Request("get", "", "persistentvolumes", "", "", "v"), None),
        (Request("get", "storage.k8s.io", "volumeattachments", "", "", "v"), None),
        (Request("list", "storage.k8s.io", "volumeattachments"), False),
        (Request("watch", "storage.k8s.io", "volumeattachments", "", "", "v"), False),
        (Request("get", "resource.k8s.io", "resourceclaims", "", "shop", "v"), None),
        (Request("create", "resource.k8s.io", "resourceslices"), True),
        (Request("create", "resource.k8s.io", "resourceslices", "x"), False),
        (Request("delete", "resource.k8s.io", "resourceslices", "", "", "v"), None),
        (Request("use", "resource.k8s.io", "resourceslices", "", "", "v"), False),
        (Request("update", "coordination.k8s.io", "leases", "", "kube-node-lease", "n1"), True),
        (Request("create", "coordination.k8s.io", "leases", "", "kube-node-lease"), True),
        (Request("create", "coordination.k8s.io", "leases", "", "shop"), False),
        (Request("get", "coordination.k8s.io", "leases", "", "kube-node-lease", "n2"), False),
        (Request("list", "coordination.k8s.io", "leases", "", "kube-node-lease", "n1"), False),
        (Request("patch", "storage.k8s.io", "csinodes", "", "", "n1"), True),
        (Request("patch", "storage.k8s.io", "csinodes", "status", "", "n1"), False),
        (Request("create", "certificates.k8s.io", "podcertificaterequests"), False),
        (Request("create", "certificates.k8s.io", "certificatesigningrequests"), True),
        (Request("list", "", "services"), True),
        (Request("delete", "", "services", "", "shop", "x"), False),
        (Request("get", path="/healthz"), False),
    ],
)
def test_rbac_50_named_objects_of_its_pods_and_its_own(request_: Request, allowed: bool | None) -> None:
    assert says(authorizer(pod(**SPEC)), request_) is allowed


@pytest.mark.parametrize(
    ("request_", "new", "old"),
    [
        (Request("get", "", "nodes", "", "", "n1"), True, True),
        (Request("get", "", "nodes", "", "", "n2"), False, True),
        (Request("list", "", "nodes"), False, True),
        (Request("patch", "", "nodes", "", "", "n2"), True, True),
        (Request("patch", "", "nodes", "status", "", "n1"), True, True),
        (Request("get", "", "nodes", "status", "", "n1"), False, False),
        (Request("delete", "", "nodes", "", "", "n1"), False, False),
        (Request("get", "", "nodes", "proxy", "", "n1"), False, False),
        (Request("get", "", "pods", "", "shop", "web"), True, True),
        (Request("watch", "", "pods", "", "shop", "web"), True, True),
        (Request("get", "", "pods", "", "shop", "else"), False, True),
        (Request("list", "", "pods"), False, True),
        (Request("delete", "", "pods", "", "shop", "else"), True, True),
        (Request("update", "", "pods", "status", "shop", "else"), True, True),
        (Request("create", "", "pods", "eviction", "shop", "else"), True, True),
        (Request("get", "", "pods", "log", "shop", "web"), False, False),
        (Request("list", "resource.k8s.io", "resourceslices"), False, True),
        (Request("get", "", "serviceaccounts", "", "shop", "app"), True, False),
        (Request("get", "", "serviceaccounts", "", "shop", "else"), False, False),
    ],
)
def test_rbac_51_the_version_of_the_server_decides(request_: Request, new: bool, old: bool) -> None:
    assert says(authorizer(pod(**SPEC)), request_) is new
    assert says(authorizer(pod(**SPEC), version="v1.31.9"), request_) is old
    assert says(authorizer(pod(**SPEC), version=""), request_) is (new if new == old else None)


@pytest.mark.parametrize(
    ("minor", "nodes", "accounts"), [(31, True, False), (32, False, False), (33, False, False), (34, False, True)]
)
def test_rbac_51_from_which_version_on(minor: int, nodes: bool, accounts: bool) -> None:
    found = authorizer(pod(**SPEC), version=f"v1.{minor}.0")
    assert says(found, Request("list", "", "nodes")) is nodes
    assert says(found, Request("list", "", "pods")) is nodes
    assert says(found, Request("list", "resource.k8s.io", "resourceslices")) is nodes
    assert says(found, Request("get", "", "serviceaccounts", "", "shop", "app")) is accounts


def test_rbac_p3_absence_is_evidence_only_where_everything_was_read() -> None:
    other = Request("get", "", "secrets", "", "shop", "else")
    claimless = {key: value for key, value in SPEC.items() if key != "volumes"}
    assert says(authorizer(pod(**claimless)), other) is False
    assert says(authorizer(pod(**claimless), pods=Outcome.PARTIAL), other) is None
    assert (
        says(authorizer(pod(**claimless), pods=Outcome.PARTIAL), Request("get", "", "secrets", "", "shop", "env"))
        is True
    )
    assert (
        says(authorizer(pod(**claimless), pod("bad", volumes=[{"name": 1, "secret": {"secretName": 5}}])), other)
        is not True
    )


def test_rbac_50_volumes_may_lead_to_secrets() -> None:
    other = Request("get", "", "secrets", "", "shop", "else")
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}}
    assert says(authorizer(pod(**SPEC)), other) is False
    assert says(authorizer(pod(**SPEC), volume), other) is None
    assert says(authorizer(pod(**SPEC), persistentvolumes=Outcome.REFUSED), other) is None
    assert says(authorizer(pod(serviceAccountName="app"), volume), other) is False
    assert (
        says(authorizer(pod(serviceAccountName="app")), Request("get", "", "persistentvolumes", "", "", "v")) is False
    )


@pytest.mark.parametrize(
    "identity", [Identity("system:node:n1"), Identity("n1", (NODES,)), Identity("system:node:", (NODES,))]
)
def test_rbac_50_a_node_is_known_by_its_name_and_its_group(identity: Identity) -> None:
    assert says(authorizer(pod(**SPEC)), Request("list", "", "services"), identity) is False
    assert says(authorizer(pod(**SPEC)), Request("list", "", "services"), Identity("system:node:n1", (NODES,))) is True

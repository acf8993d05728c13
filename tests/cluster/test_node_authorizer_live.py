"""RBAC-50..53: what we say the Node authorizer allows kubelets, against the API server, over pods that name objects.

The pods name Secrets in every way a pod can, ConfigMaps, claims and ServiceAccounts, and are bound to two nodes. What
we say comes from a snapshot as the collector takes it. ``KUBEAUDIT_SEED`` repeats a run.
"""

import os
from collections.abc import Iterator
from random import Random, randrange
from typing import Any

import pytest
from tallies import told

from kubeaudit.model.cluster import build as read_cluster
from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import NODES, Identity, node
from kubeaudit.rbac.rules import Request

from .conftest import LIVE, StartApiServer
from .processes import wait_until
from .rest import Session
from .server import ApiServer
from .test_collect import client_of, take

REVIEWS = 3_000
PODS = 24
NAMESPACES = ("shop", "other")
NODE_NAMES = ("n1", "n2", "n3")
SECRETS, MAPS, ACCOUNTS, CLAIMS = (tuple(f"{kind}{n}" for n in range(4)) for kind in ("s", "c", "a", "p"))
PLACES = {
    "": ("secrets", "secrets/x", "configmaps", "serviceaccounts", "serviceaccounts/token", "persistentvolumes", "nodes",
         "persistentvolumeclaims", "persistentvolumeclaims/status", "nodes/status", "nodes/proxy", "pods", "pods/log",
         "pods/status", "pods/eviction", "services", "events", "endpoints"),
    "coordination.k8s.io": ("leases",),
    "storage.k8s.io": ("csinodes", "csidrivers", "csinodes/x", "volumeattachments"),
    "certificates.k8s.io": ("certificatesigningrequests", "podcertificaterequests"),
    "resource.k8s.io": ("resourceslices", "resourceclaims", "resourceslices/x"),
    "node.k8s.io": ("runtimeclasses",),
    "authentication.k8s.io": ("tokenreviews",),
    "apps": ("deployments",),
}  # fmt: skip
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


def volume(kind: str, name: str) -> dict[str, Any]:
    """A volume that names a Secret, a ConfigMap or a claim."""
    ref = {"secretRef": {"name": name}}
    portal = {"targetPortal": "192.0.2.1:3260", "iqn": "iqn.2001-04.com.example:storage", "lun": 0}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "secret": {"secretName": name},
        "configMap": {"name": name},
        "projected": {"sources": [{"secret": {"name": name}}, {"configMap": {"name": name}}]},
        "azureFile": {"secretName": name, "shareName": "x"},
        "cephfs": {"monitors": ["x"], **ref},
        "cinder": {"volumeID": "x", **ref},
        "flexVolume": {"driver": "a/b", **ref},
        "rbd": {"monitors": ["x"], "image": "i", **ref},
        "scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", **ref},
        "iscsi": {**portal, **ref},
        "storageos": {"volumeName": "v", **ref},
        "csi": {"driver": "d.example.com", "nodePublishSecretRef": {"name": name}},
        "persistentVolumeClaim": {"claimName": name},
        "ephemeral": {"volumeClaimTemplate": {"spec": claim}},
    }[kind]


SECRET_KINDS = ("secret", "projected", "azureFile", "cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi",
                "storageos", "csi")  # fmt: skip


def pod(random: Random, number: int) -> dict[str, Any]:
    """A pod on n1 or n2, or on none yet."""
    kinds = [random.choice(SECRET_KINDS), random.choice(("configMap", "persistentVolumeClaim", "ephemeral"))]
    pools = {"configMap": MAPS, "persistentVolumeClaim": CLAIMS}
    volumes = [{"name": f"v{i}", k: volume(k, random.choice(pools.get(k, SECRETS)))} for i, k in enumerate(kinds)]
    env = random.choice(
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": random.choice(SECRETS), "key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": random.choice(MAPS), "key": "k"}}}]},
            {"envFrom": [{"secretRef": {"name": random.choice(SECRETS)}}]},
            {"envFrom": [{"configMapRef": {"name": random.choice(MAPS)}}, {"secretRef": {"name": SECRETS[0]}}]},
            {},
        )
    )
    plain, using = {"name": "c", "image": "i"}, {"name": "d", "image": "i", **env}
    inits, containers = ([using], [plain]) if random.random() < 0.3 else ([], [plain, using])
    where = random.choice(({"nodeName": "n1"}, {"nodeName": "n2"}, {}))
    pull = {"imagePullSecrets": [{"name": random.choice(SECRETS)}]} if random.random() < 0.2 else {}
    spec = {"serviceAccountName": random.choice(ACCOUNTS), "containers": containers, "initContainers": inits}
    metadata = {"name": f"pod{number}", "namespace": random.choice(NAMESPACES)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, **where, **pull, "volumes": volumes},
    }


@pytest.fixture
def server(start_api_server: StartApiServer) -> Iterator[ApiServer]:
    server = start_api_server()
    for namespace in NAMESPACES:
        server.namespace(namespace)
        server.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
            for name in ACCOUNTS
        )
    yield server


def test_rbac_50_the_node_authorizer_allows_what_we_say(server: ApiServer, request: pytest.FixtureRequest) -> None:
    seed = int(os.environ.get("KUBEAUDIT_SEED", randrange(2**32)))
    random = Random(seed)
    server.apply(pod(random, number) for number in range(PODS))
    last = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "last", "namespace": "shop"}}
    server.apply(
        [
            {
                **last,
                "spec": {
                    "nodeName": "n1",
                    "serviceAccountName": "default",
                    "containers": [{"name": "c", "image": "i"}],
                },
            }
        ]
    )
    access = build(read_cluster(take(client_of(server))))
    wrong, unknown, allowed = [], 0, 0
    with server.session() as session:
        beacon = Request("get", "", "pods", "", "shop", "last")
        wait_until(lambda: review(session, node("n1"), beacon), "the Node authorizer's graph", [])
        for _ in range(REVIEWS):
            identity, asked = ask(random)
            ours, says = answer(access, identity, asked), review(session, identity, asked)
            unknown, allowed = unknown + (ours is None), allowed + says
            if ours is not None and ours != says:
                wrong.append(f"the server says {says}, we {ours}: {identity} {asked}")
    line = f"{REVIEWS:,} reviews of nodes, {allowed:,} allowed, {unknown} unknown to us, {len(wrong)} mismatches"
    told(request.config).line(LIVE, f"{line}, KUBEAUDIT_SEED={seed}")
    assert not wrong, f"KUBEAUDIT_SEED={seed}: " + "\n".join(wrong[:20])
    assert allowed > REVIEWS / 20
    assert unknown < REVIEWS / 10


def answer(access: Access, identity: Identity, asked: Request) -> bool | None:
    """The Node authorizer is asked first; where it says nothing, RBAC is."""
    word = access.node_authorizer.authorize(identity, asked)
    return word.allowed or access.decide(identity, asked).answer is Answer.ALLOWED or word.allowed


def ask(random: Random) -> tuple[Identity, Request]:
    identity = node(random.choice(NODE_NAMES))
    if random.random() < 0.05:
        identity = random.choice((Identity(identity.user), Identity("system:node:", (NODES,)), Identity("x", (NODES,))))
    group = random.choice((*[""] * 8, *PLACES))
    resource, _, subresource = random.choice(PLACES[group]).partition("/")
    named = {"secrets": SECRETS, "configmaps": MAPS, "serviceaccounts": ACCOUNTS, "persistentvolumeclaims": CLAIMS}
    pods = tuple(f"pod{number}" for number in range(PODS))
    claims = (*CLAIMS, *(f"{name}-v1" for name in pods))
    names = {**named, "pods": pods, "persistentvolumeclaims": claims}.get(resource, NODE_NAMES)
    namespace = random.choice((*NAMESPACES, *NAMESPACES, "kube-node-lease", ""))
    name = random.choice((*names, "") if random.random() < 0.9 else (*NODE_NAMES, ""))
    return identity, Request(random.choice(VERBS), group, resource, subresource, namespace, name)


def review(session: Session, identity: Identity, asked: Request) -> bool:
    attributes = {field: getattr(asked, field) for field in Request.__struct_fields__ if field != "path"}
    spec = {"user": identity.user, "groups": list(identity.groups), "resourceAttributes": attributes}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = session.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body).expect(201)
    return answer.at("status", "allowed") is True

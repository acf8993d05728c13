"""RBAC-38..44 and RBAC-104: the guards against a real API server, on random writers and writes of roles and bindings.

Each round makes a writer with random rules, waits until the server follows, and sends real writes as that writer; we
say beforehand which ones pass. ``KUBEAUDIT_WRITES`` is the number of writes, ``KUBEAUDIT_SEED`` repeats a run. The
long one:

    KUBEAUDIT_WRITES=20000 python -m pytest tests/cluster/test_escalation_live.py
"""

import os
import time
from random import Random, randrange

import pytest
from rbac.generate_writes import MERGE, SPACE, Write, existing, path, writer, writes
from rbac.objects import API, Manifest, binding, cluster, role, rule
from rbac.writes import may_write
from tallies import told

from kubeaudit.rbac.access import Answer, build
from kubeaudit.rbac.identities import AUTHENTICATED, Identity

from .conftest import LIVE, StartApiServer
from .server import ApiServer

WRITES = int(os.environ.get("KUBEAUDIT_WRITES", "500"))
WRITES_OF_A_ROUND = 25
SYNC_SECONDS = 30.0
ACCEPTED, REFUSED = (200, 201), (403, 404)
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}


def test_rbac_104_the_guards_agree_with_the_api_server(
    start_api_server: StartApiServer, request: pytest.FixtureRequest
) -> None:
    seed = int(os.environ.get("KUBEAUDIT_SEED", randrange(2**32)))
    random, wrong, done, permitted = Random(seed), list[str](), 0, 0
    server = start_api_server()
    server.namespace(SPACE)
    while done < WRITES:
        name = f"writer-{done}"
        own, others = writer(random, name), existing(random)
        server.apply([*own, *others])
        server.apply(beacon(name))
        wait_for(server, name)
        access = build(cluster(read(server), "v1.36.3"))
        identity, made = Identity(name, (AUTHENTICATED,)), list[Manifest]()
        for write in writes(random, others, min(WRITES_OF_A_ROUND, WRITES - done)):
            said = may_write(access, identity, write._asdict(), others)
            status = send(server, name, write)
            assert status in (*ACCEPTED, *REFUSED), (status, write)
            done, permitted = done + 1, permitted + (status in ACCEPTED)
            if (said.answer is Answer.ALLOWED) != (status in ACCEPTED) or said.answer is Answer.UNKNOWN:
                wrong.append(f"{name}: the server says {status}, we say {said}: {write}")
            if status in ACCEPTED:
                accepted(write, others, made)
        remove(server, [*own, *others, *made])
    line = f"{done} writes of roles and bindings, {permitted} permitted, {len(wrong)} mismatches, KUBEAUDIT_SEED={seed}"
    told(request.config).line(LIVE, line)
    assert not wrong, f"KUBEAUDIT_SEED={seed}: " + "\n".join(wrong[:20])
    assert 0 < permitted < done


def send(server: ApiServer, name: str, write: Write) -> int:
    """The status of a write by the writer; the guards see the impersonated user as they see any other."""
    headers = {"Impersonate-User": name}
    answer = server.request(write.method, write.path, write.sent, content_type=write.content_type, headers=headers)
    return answer.status


def accepted(write: Write, others: list[Manifest], made: list[Manifest]) -> None:
    """Puts what the server took in the place of what it had."""
    if write.method == "POST":
        made.append(write.body)
        return
    url = path(write.body, named=True)
    others[:] = [write.body if path(item, named=True) == url else item for item in others]


def beacon(name: str) -> list[Manifest]:
    """The last object of each kind that a round writes: once they are in force, so is all that was written before."""
    seen = rule("get", name)
    return [
        role("beacon", seen),
        role("beacon", seen, namespace=SPACE),
        binding(f"beacon-{name}", "ClusterRole/beacon", f"User:cluster-{name}"),
        binding(f"beacon-{name}", "Role/beacon", f"User:{SPACE}-{name}", namespace=SPACE),
    ]


def wait_for(server: ApiServer, name: str) -> None:
    """The authorizer and the guards read from caches, one for each kind, that trail behind the writes."""
    deadline = time.monotonic() + SYNC_SECONDS
    while not all(allowed(server, f"{scope}-{name}", name) for scope in ("cluster", SPACE)):
        assert time.monotonic() < deadline, "the API server's authorizer did not follow"
        time.sleep(0.02)


def allowed(server: ApiServer, user: str, resource: str) -> bool:
    spec = {"user": user, "resourceAttributes": {"verb": "get", "resource": resource, "namespace": SPACE}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body).expect(201)
    return answer.at("status", "allowed") is True


def read(server: ApiServer) -> list[Manifest]:
    """Every RBAC object of the server, its defaults included."""
    return [
        item | {"apiVersion": API, "kind": kind}
        for kind, plural in PLURALS.items()
        for item in server.request("GET", f"/apis/{API}/{plural}").expect(200).objects()
    ]


def remove(server: ApiServer, objects: list[Manifest]) -> None:
    for url in dict.fromkeys(path(item, named=True) for item in objects):
        server.request("PATCH", url, {"metadata": {"finalizers": None}}, content_type=MERGE).expect(200)
        server.request("DELETE", url).expect(200)

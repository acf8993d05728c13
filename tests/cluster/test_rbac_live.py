"""RBAC-100 and RBAC-104: the evaluator against a real API server, on random roles, bindings and requests.

``KUBEAUDIT_REVIEWS`` is the number of SubjectAccessReviews; ``KUBEAUDIT_SEED`` repeats a run, whose seed is printed.
"""

import os
import sys
import time
from random import Random, randrange

import pytest
from rbac import generate
from rbac.generate import Ask
from rbac.objects import API, Manifest, binding, cluster, role, rule
from rbac.reasons import names_a_grant

from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import NODES, Identity
from kubeaudit.rbac.rules import Request

from .conftest import StartApiServer
from .rest import Json
from .server import ApiServer

REVIEWS = int(os.environ.get("KUBEAUDIT_REVIEWS", "1000"))
REVIEWS_OF_A_ROUND = 100
SYNC_SECONDS = 20.0
KINDS = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}
NAMESPACED = {"Role": "roles", "RoleBinding": "rolebindings"}


def test_rbac_100_the_evaluator_agrees_with_the_api_server(
    start_api_server: StartApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("KUBEAUDIT_SEED", randrange(2**32)))
    random, wrong = Random(seed), []
    server = start_api_server()
    for namespace in generate.NAMESPACES:
        server.namespace(namespace)
    done = allowed = number = 0
    while done < REVIEWS:
        number += 1
        objects = generate.objects(random, valid=True)
        server.apply([*objects, *beacon(number)])
        wait_for(server, number)
        access = build(cluster(read(server), "v1.36.3"))
        for _ in range(min(REVIEWS_OF_A_ROUND, REVIEWS - done)):
            ask = ask_for_rbac(random, objects)
            difference, is_allowed = compare(server, access, ask)
            done, allowed = done + 1, allowed + is_allowed
            wrong += [f"round {number}: {difference}: {ask}"] if difference else []
        delete(server, objects)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: {done} reviews, {number} rounds, {allowed} allowed, {len(wrong)} differ\n")
    assert not wrong, f"KUBEAUDIT_SEED={seed}: " + "\n".join(wrong[:20])
    assert 0 < allowed < done


def ask_for_rbac(random: Random, objects: list[Manifest]) -> Ask:
    """A random request whose caller is no node: for those the server asks the Node authorizer first (RBAC-50)."""
    asks = iter(lambda: generate.ask(random, objects), None)
    return next(ask for ask in asks if NODES not in ask.groups)


def compare(server: ApiServer, access: Access, ask: Ask) -> tuple[str, bool]:
    """How the two answers differ, "" where they agree; and whether the server allows."""
    status = review(server, ask)
    decision = access.decide(Identity(ask.user, ask.groups), Request(**ask.request))
    allowed = status["allowed"] is True
    if (decision.answer is Answer.ALLOWED) != allowed or decision.answer is Answer.UNKNOWN:
        return f"the server says {status}, we say {decision.answer}", allowed
    if allowed and not names_a_grant(str(status["reason"]), decision):
        return f"{status['reason']} is not among our grants", allowed
    return "", allowed


def review(server: ApiServer, ask: Ask) -> dict[str, Json]:
    """The status of a SubjectAccessReview."""
    kind = "nonResourceAttributes" if "path" in ask.request else "resourceAttributes"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ask.user, "groups": list(ask.groups), kind: ask.request},
    }
    status = server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body).expect(201).at("status")
    assert isinstance(status, dict)
    return status


def beacon(number: int) -> list[Manifest]:
    """The last object of each kind that a round writes: once they are in force, so is all that was written before."""
    seen = rule("get", f"beacon-{number}")
    return [
        role("beacon", seen),
        role("beacon", seen, namespace="shop"),
        binding(f"beacon-{number}", "ClusterRole/beacon", f"User:cluster-{number}"),
        binding(f"beacon-{number}", "Role/beacon", f"User:shop-{number}", namespace="shop"),
    ]


def wait_for(server: ApiServer, number: int) -> None:
    """The authorizer reads from caches, one for each kind, that trail behind the writes."""
    deadline = time.monotonic() + SYNC_SECONDS
    request = {"verb": "get", "group": "", "resource": f"beacon-{number}", "namespace": "shop", "name": ""}
    asks = [Ask(f"{scope}-{number}", (), request) for scope in ("cluster", "shop")]
    while not all(review(server, ask)["allowed"] for ask in asks):
        assert time.monotonic() < deadline, "the API server's authorizer did not follow"
        time.sleep(0.02)


def read(server: ApiServer) -> list[Manifest]:
    """Every RBAC object of the server, its defaults included."""
    found: list[Manifest] = []
    for kind, plural in (KINDS | NAMESPACED).items():
        listed = server.request("GET", f"/apis/{API}/{plural}").expect(200).objects()
        found += [item | {"apiVersion": API, "kind": kind} for item in listed]
    return found


def delete(server: ApiServer, objects: list[Manifest]) -> None:
    for item in objects:
        metadata = item["metadata"]
        place = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
        plural = (KINDS | NAMESPACED)[item["kind"]]
        server.request("DELETE", f"/apis/{API}/{place}{plural}/{metadata['name']}").expect(200)

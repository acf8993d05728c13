"""What collecting asks of a real API server, read in its audit log: the default role is enough, and all of it is lists.

The role is made here from the kinds table; that the shipped manifests say the same is tested with them (LP-11).
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from kubeaudit.collect.client import Connection, connect
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS
from kubeaudit.snapshot import Outcome, Snapshot

from .rest import Json, KubeObject, at
from .server import ApiServer
from .test_collect import take

RBAC = "rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
NAMES = {(kind.group, kind.resource) for kind in KINDS}


def bound(
    kind: str, name: str, rules: list[object], account: dict[str, str], namespace: str = ""
) -> Iterator[KubeObject]:
    """A Role or ClusterRole and its binding to one ServiceAccount."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    yield {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": RBAC,
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", **account}],
    }


def lists(namespaced: bool = False) -> list[object]:
    """Rules to list every kind of the table, or only those that live in namespaces."""
    return [
        {"apiGroups": [kind.group], "resources": [kind.resource], "verbs": ["list"]}
        for kind in KINDS
        if kind.namespaced or not namespaced
    ]


def named_configmaps(account: dict[str, str]) -> Iterator[KubeObject]:
    for namespace in ("kube-system", "kube-public"):
        names = [name for place, name in NAMED_CONFIGMAPS if place == namespace]
        rule = {"apiGroups": [""], "resources": [CONFIGMAPS], "resourceNames": names, "verbs": ["get"]}
        yield from bound("Role", f"{account['namespace']}-configmaps", [rule], account, namespace)


def account(server: ApiServer, namespace: str) -> dict[str, str]:
    """The ServiceAccount ``kubeaudit`` of a namespace of its own."""
    server.namespace(namespace)
    metadata = {"name": "kubeaudit", "namespace": namespace}
    server.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}])
    return metadata


def collected(server: ApiServer, who: dict[str, str], **options: Any) -> tuple[Snapshot, list[dict[str, Json]]]:
    """A snapshot taken as the ServiceAccount, and the audit events of what it asked."""
    token = server.service_account_token(who["namespace"], who["name"])
    snapshot = take(connect(Connection(kubeconfig=str(server.kubeconfig_for(token)))), **options)
    return snapshot, server.audit_events(f"system:serviceaccount:{who['namespace']}:{who['name']}")


def test_the_default_role_is_enough_and_nothing_else_is_asked(api_server: ApiServer) -> None:
    """LP-01, LP-02, LP-04: no 403, no watch, no Secret, no write but the question who we are."""
    who = account(api_server, "least-privilege")
    api_server.apply([*bound("ClusterRole", "least-privilege", lists(), who), *named_configmaps(who)])

    snapshot, events = collected(api_server, who)

    assert snapshot.gaps() == ()
    assert snapshot.header.cluster_id
    assert snapshot.header.user == "system:serviceaccount:least-privilege:kubeaudit"
    assert snapshot.count("clusterroles.rbac.authorization.k8s.io") > 0
    for event in events:
        code = at(event, "responseStatus", "code")
        if "objectRef" not in event:
            assert (event["verb"], event["requestURI"], code) in {
                ("get", path, 200) for path in ("/api", "/apis", "/version")
            }
            continue
        reference = event["objectRef"]
        assert isinstance(reference, dict)
        match event["verb"]:
            case "list":
                assert (reference.get("apiGroup", ""), reference["resource"]) in NAMES
                assert (code, "namespace" in reference, "subresource" in reference) == (200, False, False)
            case "get":
                assert reference["resource"] == CONFIGMAPS
                assert (reference["namespace"], reference["name"]) in NAMED_CONFIGMAPS
                assert code in (200, 404)
            case verb:
                assert (verb, reference["resource"], code) == ("create", "selfsubjectreviews", 201)
    assert len([event for event in events if event["verb"] == "list"]) >= 30


def test_one_request_per_kind(api_server: ApiServer) -> None:
    """PERF-03: a kind whose objects fit on a page costs one request, whatever the number of namespaces."""
    who = account(api_server, "few-requests")
    api_server.apply([*bound("ClusterRole", "few-requests", lists(), who), *named_configmaps(who)])
    for number in range(5):
        api_server.namespace(f"few-requests-{number}")

    snapshot, events = collected(api_server, who)

    asked = [at(event, "objectRef", "resource") for event in events if event["verb"] == "list"]
    assert asked.count("roles") == asked.count("services") == 1
    assert sum(read.requests for read in snapshot.reads) == len(
        [event for event in events if event["verb"] in ("list", "get") and "objectRef" in event]
    )


def test_a_role_of_one_namespace(api_server: ApiServer) -> None:
    """LP-07: with -n the namespace is read; what belongs to the whole cluster is a gap, and its absence no evidence."""
    who = account(api_server, "one-namespace")
    api_server.apply(bound("Role", "kubeaudit", lists(namespaced=True), who, "one-namespace"))

    snapshot, events = collected(api_server, who, namespaces=("one-namespace",))

    own = {read.resource: read.outcome for read in snapshot.reads if read.scope == "one-namespace"}
    assert set(own.values()) == {Outcome.COMPLETE}
    assert {"pods", "services", "roles.rbac.authorization.k8s.io"} <= set(own)
    assert snapshot.count("serviceaccounts") == 2
    refused = {gap.resource for gap in snapshot.gaps() if gap.scope == ""}
    assert {"namespaces", "nodes", "clusterroles.rbac.authorization.k8s.io", "pods"} <= refused
    references = [event["objectRef"] for event in events if event["verb"] == "list"]
    namespaces = {each["namespace"] for each in references if isinstance(each, dict) and "namespace" in each}
    assert namespaces == {"one-namespace"}


def test_no_other_address_is_contacted(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """LP-08: with every other address blocked everything is read all the same."""
    connected: set[object] = set()
    original = socket.socket.connect

    def connect_to(self: socket.socket, address: Any) -> None:
        connected.add(address)
        if address != ("127.0.0.1", int(api_server.url.rpartition(":")[2])):
            raise OSError(f"blocked: {address}")
        original(self, address)

    client = connect(Connection(kubeconfig=str(api_server.kubeconfig)))
    monkeypatch.setattr(socket.socket, "connect", connect_to)
    snapshot = take(client)
    monkeypatch.undo()
    assert snapshot.gaps() == ()
    assert connected == {("127.0.0.1", int(api_server.url.rpartition(":")[2]))}

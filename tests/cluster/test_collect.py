"""Collecting from a real API server: pages, refusals, expired tokens, throttling, crashes and silence.

The fake API server of tests/collect says what we think an API server says; this one is asked.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kubeaudit import snapshot as files
from kubeaudit.collect import ask
from kubeaudit.collect.client import JSON, Client, Connection, RequestError, Response, connect
from kubeaudit.collect.live import check_namespaces, collect
from kubeaudit.collect.progress import Silent
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.kinds import CONFIGMAPS, KINDS
from kubeaudit.snapshot import Outcome, Read, Snapshot

from .conftest import StartApiServer
from .processes import wait_until
from .server import ApiServer

ACCOUNTS = "serviceaccounts"
CERTIFICATES = "certificates.cert-manager.io"


def accounts(namespace: str, count: int) -> list[dict[str, object]]:
    """Small objects that a list has many of."""
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"account-{n:04}", "namespace": namespace}}
        for n in range(count)
    ]


def custom_resource(group: str, version: str, plural: str, kind: str) -> dict[str, object]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


class Hooked(Client):
    """The client, with something done before each GET: whatever a test breaks, it breaks between two pages."""

    before: Callable[[str, Mapping[str, str]], None]

    def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = JSON, seconds: float | None = None
    ) -> Response:
        self.before(path, params or {})
        return super().get(path, params, accept, seconds)


def hook(client: Client, before: Callable[[str, Mapping[str, str]], None]) -> Client:
    client.__class__ = Hooked
    assert isinstance(client, Hooked)
    client.before = before
    return client


def before_page(number: int, action: Callable[[], object]) -> Callable[[str, Mapping[str, str]], None]:
    """Does something once, before the page of that number (from 0) of the ServiceAccounts is asked for."""
    asked: list[str] = []
    lock = threading.Lock()

    def before(path: str, params: Mapping[str, str]) -> None:
        if path.endswith("/serviceaccounts"):
            with lock:
                asked.append(path)
                if len(asked) == number + 1:
                    action()

    return before


def client_of(server: ApiServer, **options: Any) -> Client:
    return connect(Connection(kubeconfig=str(server.kubeconfig), **options))


def take(client: Client, **options: Any) -> Snapshot:
    usual: dict[str, Any] = {
        "now": lambda: datetime.now(UTC),
        "tool_version": "test",
        "progress": Silent(),
        "stop": threading.Event(),
    }
    return collect(client, **(usual | options))


def read(snapshot: Snapshot, resource: str, scope: str = "") -> Read:
    (found,) = [each for each in snapshot.reads if (each.resource, each.scope) == (resource, scope)]
    return found


def names(snapshot: Snapshot, resource: str, namespace: str) -> list[str]:
    metadata = [json.loads(item)["metadata"] for item in snapshot.objects(resource)]
    return [each["name"] for each in metadata if each.get("namespace") == namespace]


def test_everything_the_server_serves_is_read(api_server: ApiServer, tmp_path: Path) -> None:
    """PERF-03: 1,200 objects come in three pages, and a snapshot written and read again is the same."""
    api_server.namespace("paged")
    api_server.apply(accounts("paged", 1_200))

    snapshot = take(client_of(api_server))

    assert names(snapshot, ACCOUNTS, "paged") == [f"account-{n:04}" for n in range(1_200)] + ["default"]
    assert read(snapshot, ACCOUNTS).requests == 3
    assert snapshot.gaps() == ()
    assert snapshot.bad == ()
    served = {each.resource for each in snapshot.reads if each.outcome is Outcome.COMPLETE}
    assert {kind.key for kind in KINDS if "." not in kind.group} - {"endpoints"} <= served
    for resource in served - {CONFIGMAPS}:
        kind = next(kind for kind in KINDS if kind.key == resource)
        for item in snapshot.objects(resource):
            found = json.loads(item)
            assert (found["kind"], found["apiVersion"].rpartition("/")[0]) == (kind.kind, kind.group)
    files.write(snapshot, tmp_path / "cluster.kubeaudit")
    assert files.read(tmp_path / "cluster.kubeaudit") == snapshot


def test_the_header_tells_the_cluster_and_who_we_are(api_server: ApiServer) -> None:
    header = take(client_of(api_server)).header
    system = api_server.request("GET", "/api/v1/namespaces/kube-system")
    assert header.cluster_id == system.text("metadata", "uid")
    assert header.server_version == api_server.request("GET", "/version").text("gitVersion")
    assert (header.user, header.context, header.server_url) == ("admin", "admin", api_server.url)
    assert "system:masters" in header.groups


def test_impersonation(api_server: ApiServer) -> None:
    """--as: what that user may list, and no more."""
    snapshot = take(client_of(api_server, user="nobody-at-all"))
    assert snapshot.header.user == "nobody-at-all"
    assert {each.outcome for each in snapshot.reads} <= {Outcome.REFUSED, Outcome.NOT_SERVED}
    assert {gap.reason for gap in snapshot.gaps()} == {"forbidden"}


def test_lists_of_custom_resources(api_server: ApiServer) -> None:
    """They come with their metadata last and with typed items; one in an unknown version is a gap."""
    unknown = "sandboxtemplates.extensions.agents.x-k8s.io"
    try:
        snapshot = _with_custom_resources(api_server)
    finally:
        for path in (CERTIFICATES, unknown):
            api_server.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{path}")
    assert read(snapshot, CERTIFICATES).requests == 2
    assert names(snapshot, CERTIFICATES, "custom") == [f"certificate-{n:03}" for n in range(501)]
    assert json.loads(next(snapshot.objects(CERTIFICATES)))["spec"] == {"secretName": "tls"}
    assert read(snapshot, unknown).outcome is Outcome.FAILED
    assert read(snapshot, unknown).detail == "served as v9; understood: v1beta1, v1alpha1"


def _with_custom_resources(api_server: ApiServer) -> Snapshot:
    api_server.namespace("custom")
    api_server.apply([custom_resource("cert-manager.io", "v1", "certificates", "Certificate")])
    api_server.apply(
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": f"certificate-{n:03}", "namespace": "custom"},
            "spec": {"secretName": "tls"},
        }
        for n in range(501)
    )
    api_server.apply([custom_resource("extensions.agents.x-k8s.io", "v9", "sandboxtemplates", "SandboxTemplate")])
    api_server.apply([{"apiVersion": "extensions.agents.x-k8s.io/v9", "kind": "SandboxTemplate",
                       "metadata": {"name": "one", "namespace": "custom"}}])  # fmt: skip

    return take(client_of(api_server))


def test_an_api_service_whose_server_is_away_is_a_gap(start_api_server: StartApiServer) -> None:
    """CHK-05: never "not served"."""
    server = start_api_server()
    server.apply(
        [
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1.cert-manager.io"},
                "spec": {
                    "group": "cert-manager.io",
                    "version": "v1",
                    "groupPriorityMinimum": 100,
                    "versionPriority": 10,
                    "insecureSkipTLSVerify": True,
                    "service": {"name": "away", "namespace": "default"},
                },
            }
        ]
    )
    wait_until(lambda: "cert-manager.io" in json.dumps(server.request("GET", "/apis").body), "the group", [])
    (gap,) = take(client_of(server)).gaps()
    assert (gap.resource, gap.reason, gap.status) == (CERTIFICATES, "read-incomplete", 503)


def test_one_kind_is_refused(api_server: ApiServer) -> None:
    """CHK-04: a role without nodes; with -n a namespaced kind falls back to the namespace (LP-07)."""
    api_server.namespace("partly")
    api_server.apply(accounts("partly", 2))
    subject = {"kind": "ServiceAccount", "name": "account-0000", "namespace": "partly"}
    bind = {"apiGroup": "rbac.authorization.k8s.io"}
    rbac = "rbac.authorization.k8s.io/v1"
    everything = [
        {"apiGroups": [kind.group], "resources": [kind.resource], "verbs": ["list"]}
        for kind in KINDS
        if kind.key not in ("nodes", ACCOUNTS)
    ]
    own = [{"apiGroups": [""], "resources": [ACCOUNTS], "verbs": ["list"]}]
    api_server.apply(
        [
            {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "partly"}, "rules": everything},
            {"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "partly"}, "subjects": [subject],
             "roleRef": {**bind, "kind": "ClusterRole", "name": "partly"}},
            {"apiVersion": rbac, "kind": "Role", "metadata": {"name": "own", "namespace": "partly"}, "rules": own},
            {"apiVersion": rbac, "kind": "RoleBinding", "metadata": {"name": "own", "namespace": "partly"},
             "subjects": [subject], "roleRef": {**bind, "kind": "Role", "name": "own"}},
        ]
    )  # fmt: skip
    token = api_server.service_account_token("partly", "account-0000")
    client = connect(Connection(kubeconfig=str(api_server.kubeconfig_for(token))))

    refused = {(gap.resource, gap.scope, gap.reason, gap.status) for gap in take(client).gaps()}
    assert {gap for gap in refused if gap[0] != CONFIGMAPS} == {
        ("nodes", "", "forbidden", 403),
        (ACCOUNTS, "", "forbidden", 403),
    }
    assert len({gap for gap in refused if gap[0] == CONFIGMAPS}) == 7

    snapshot = take(client, namespaces=("partly", "default"))
    assert names(snapshot, ACCOUNTS, "partly") == ["account-0000", "account-0001", "default"]
    assert read(snapshot, ACCOUNTS, "partly").outcome is Outcome.COMPLETE
    assert read(snapshot, ACCOUNTS, "default").outcome is Outcome.REFUSED
    check_namespaces(snapshot, ("partly", "default"))
    with pytest.raises(UsageError, match="no such namespace: gone"):
        check_namespaces(snapshot, ("gone",))


def test_credentials_the_server_does_not_know(api_server: ApiServer) -> None:
    client = connect(Connection(kubeconfig=str(api_server.kubeconfig_for("forged"))))
    with pytest.raises(CollectError, match=r"refused the credentials of context 'test' \(401 Unauthorized\)"):
        take(client)


def test_a_certificate_that_is_not_trusted(api_server: ApiServer, tmp_path: Path) -> None:
    config = json.loads(api_server.kubeconfig.read_text("utf-8"))
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    path = tmp_path / "config"
    path.write_text(json.dumps(config), "utf-8")
    with pytest.raises(CollectError, match=r"TLS failed: .*self-signed certificate"):
        take(connect(Connection(kubeconfig=str(path))))


def test_a_token_that_expires_between_two_pages(start_api_server: StartApiServer) -> None:
    """PERF-03: the list is begun again once; if the token expires again, it stays partial."""
    server = start_api_server("--watch-cache=false")
    server.apply(accounts("default", 1_700))

    once = take(hook(client_of(server), before_page(2, server.compact_etcd)))
    assert names(once, ACCOUNTS, "default") == [f"account-{n:04}" for n in range(1_700)]
    assert (read(once, ACCOUNTS).outcome, read(once, ACCOUNTS).requests) == (Outcome.COMPLETE, 7)

    twice, again = before_page(2, server.compact_etcd), before_page(5, server.compact_etcd)

    def before(path: str, params: Mapping[str, str]) -> None:
        twice(path, params)
        again(path, params)

    snapshot = take(hook(client_of(server), before))
    accounts_read = read(snapshot, ACCOUNTS)
    assert (accounts_read.outcome, accounts_read.count, accounts_read.status) == (Outcome.PARTIAL, 1_000, 410)
    assert [(gap.resource, gap.reason) for gap in snapshot.gaps()] == [(ACCOUNTS, "read-incomplete")]


def one_seat(user: str) -> list[dict[str, object]]:
    """Flow control that lets a user list Nodes once at a time and refuses more; otherwise the user may do anything."""
    reject = {"type": "Reject"}
    limited = {"nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0, "limitResponse": reject}
    nodes = {"verbs": ["list"], "apiGroups": [""], "resources": ["nodes"], "clusterScope": True}
    rule = {"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [nodes]}
    flow, rbac = "flowcontrol.apiserver.k8s.io/v1", "rbac.authorization.k8s.io"
    metadata = {"name": user}
    return [
        {
            "apiVersion": flow,
            "kind": "PriorityLevelConfiguration",
            "metadata": metadata,
            "spec": {"type": "Limited", "limited": limited},
        },
        {
            "apiVersion": flow,
            "kind": "FlowSchema",
            "metadata": metadata,
            "spec": {"priorityLevelConfiguration": metadata, "matchingPrecedence": 2, "rules": [rule]},
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "subjects": [{"kind": "User", "apiGroup": rbac, "name": user}],
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        },
    ]


def test_a_server_that_throttles_is_waited_for(start_api_server: StartApiServer) -> None:
    """PERF-03: 429 with Retry-After, while another request of the user holds the only seat of its priority level."""
    server = start_api_server("--watch-cache=false")
    server.apply(one_seat("crowd"))

    def list_nodes(seconds: float) -> int:
        return server.request("GET", "/api/v1/nodes", headers={"Impersonate-User": "crowd"}, seconds=seconds).status

    # The server sets this condition once the schema is in force.
    schema = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/crowd"
    wait_until(lambda: "Dangling" in json.dumps(server.request("GET", schema).body), "flow control", [])
    asked: list[str] = []

    def hold() -> None:
        while list_nodes(60) == 429:
            time.sleep(0.05)

    holder = threading.Thread(target=hold)

    def before(path: str, params: Mapping[str, str]) -> None:
        if path == "/api/v1/nodes":
            asked.append(path)
            if len(asked) == 1:
                server.pause_etcd()
                holder.start()
                wait_until(lambda: list_nodes(1) == 429, "a refusal", [])
            elif len(asked) == 2:
                server.resume_etcd()

    nodes = read(take(hook(client_of(server, user="crowd"), before)), "nodes")
    holder.join()
    assert (nodes.outcome, nodes.status) == (Outcome.COMPLETE, 200)
    assert nodes.throttled >= 1
    assert nodes.requests == len(asked) == nodes.throttled + 1


def test_a_server_that_dies_in_mid_list(start_api_server: StartApiServer) -> None:
    server = start_api_server()
    server.apply(accounts("default", 1_700))
    snapshot = take(hook(client_of(server), before_page(2, server.kill)))
    assert read(snapshot, ACCOUNTS).outcome is Outcome.PARTIAL
    assert 500 <= read(snapshot, ACCOUNTS).count <= 1_000
    assert not any(each.outcome is Outcome.NOT_SERVED for each in snapshot.reads if each.requests)
    with pytest.raises(RequestError, match="connection refused"):
        client_of(server).get("/version")
    with pytest.raises(CollectError, match="no object was read"):
        take(client_of(server))


class Clock:
    """The time of a collection, which a test moves on; the collection's own seconds go on passing."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Kept(Silent):
    """Says when so many ServiceAccounts are kept: a page is decoded while the next one is asked for."""

    def __init__(self, count: int) -> None:
        self.reached = threading.Event()
        self._count = count

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        if resource == ACCOUNTS and items_so_far >= self._count:
            self.reached.set()


def test_a_server_that_falls_silent_ends_with_the_time_out(
    start_api_server: StartApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without etcd lists hang; what came before the time-out is kept and the rest is read-incomplete.

    However slow the machine is, the silence begins with two pages kept and lasts three seconds: the time-out is long,
    and the clock is moved on once the server is silent.
    """
    server = start_api_server("--watch-cache=false")
    server.apply(accounts("default", 1_200))
    clock, kept = Clock(), Kept(1_000)
    monkeypatch.setattr(ask, "time", clock)

    def fall_silent() -> None:
        assert kept.reached.wait(60)
        server.pause_etcd()
        clock.ahead = 597.0

    snapshot = take(hook(client_of(server), before_page(2, fall_silent)), timeout=600.0, progress=kept)
    server.resume_etcd()
    assert read(snapshot, ACCOUNTS).outcome is Outcome.PARTIAL
    assert read(snapshot, ACCOUNTS).count == 1_000
    assert (ACCOUNTS, "read-incomplete") in {(gap.resource, gap.reason) for gap in snapshot.gaps()}
    assert "the time-out of 600 s was reached" in read(snapshot, ACCOUNTS).detail
    assert snapshot.header.complete

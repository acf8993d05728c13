"""The harness itself: what the tests of this folder take for granted about the server they are lent."""

import http.client
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from . import build
from . import server as server_module
from .conftest import StartApiServer
from .processes import Daemon, StartError
from .rest import Json, RequestError, at, text
from .server import ApiServer

RBAC = "rbac.authorization.k8s.io/v1"


def config_maps(namespace: str, count: int) -> list[dict[str, object]]:
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"map-{number}", "namespace": namespace}}
        for number in range(count)
    ]


def reader_of_config_maps(namespace: str) -> list[dict[str, object]]:
    """A ServiceAccount ``reader`` that may list ConfigMaps of its namespace and nothing else."""
    metadata = {"name": "reader", "namespace": namespace}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": [rule]},
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    ]


def test_the_server_is_the_pinned_release(api_server: ApiServer) -> None:
    if os.environ.get(build.ASSETS_VARIABLE):
        pytest.skip(f"{build.ASSETS_VARIABLE} may hold any release")
    assert api_server.request("GET", "/version").text("gitVersion") == build.kubernetes_version() == "v1.36.3"


def test_a_list_comes_in_pages(api_server: ApiServer) -> None:
    api_server.namespace("paged", {"purpose": "pages"})
    api_server.apply(config_maps("paged", 5))

    path = "/api/v1/namespaces/paged/configmaps?limit=2"
    first = api_server.request("GET", path).expect(200)
    second = api_server.request("GET", f"{path}&continue={first.text('metadata', 'continue')}").expect(200)
    last = api_server.request("GET", f"{path}&continue={second.text('metadata', 'continue')}").expect(200)

    pages = [[text(item, "metadata", "name") for item in page.objects()] for page in (first, second, last)]
    assert pages == [["map-0", "map-1"], ["map-2", "map-3"], ["map-4"]]
    assert first.at("metadata", "remainingItemCount") == 3


def test_apply_changes_an_object_that_is_there(api_server: ApiServer) -> None:
    api_server.namespace("changed")
    api_server.namespace("changed", {"tier": "web"})
    assert api_server.request("GET", "/api/v1/namespaces/changed").text("metadata", "labels", "tier") == "web"


def test_apply_serves_a_custom_resource_right_after_its_definition(api_server: ApiServer) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.test"},
        "spec": {
            "group": "example.test",
            "scope": "Cluster",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    api_server.apply([definition, {"apiVersion": "example.test/v1", "kind": "Widget", "metadata": {"name": "one"}}])
    assert api_server.request("GET", "/apis/example.test/v1/widgets/one").text("metadata", "name") == "one"


def test_apply_names_a_refused_object(api_server: ApiServer) -> None:
    unplaced = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lost", "namespace": "absent"}}
    with pytest.raises(RequestError, match='namespaces \\\\"absent\\\\" not found'):
        api_server.apply([unplaced])


def test_a_service_account_gets_what_its_role_allows_and_403_elsewhere(api_server: ApiServer) -> None:
    api_server.namespace("allowed")
    api_server.namespace("denied")
    api_server.apply(reader_of_config_maps("allowed"))
    token = api_server.service_account_token("allowed", "reader")

    assert api_server.request("GET", "/api/v1/namespaces/allowed/configmaps", token=token).status == 200
    elsewhere = api_server.request("GET", "/api/v1/namespaces/denied/configmaps", token=token)
    assert (elsewhere.status, elsewhere.text("reason")) == (403, "Forbidden")
    assert api_server.request("GET", "/api/v1/namespaces/allowed/secrets", token=token).status == 403
    assert api_server.request("GET", "/api/v1/namespaces/allowed/secrets", token="").status == 403
    assert api_server.request("GET", "/api/v1/namespaces/allowed/secrets", token="forged").status == 401


def test_the_audit_log_tells_each_request_of_a_user(api_server: ApiServer) -> None:
    api_server.namespace("audited")
    api_server.apply(reader_of_config_maps("audited"))
    token = api_server.service_account_token("audited", "reader")
    api_server.request("GET", "/api/v1/namespaces/audited/configmaps", token=token)
    api_server.request("GET", "/api/v1/namespaces/audited/secrets/key", token=token)
    api_server.request("DELETE", "/api/v1/namespaces/audited/configmaps/key", token=token)

    events = api_server.audit_events("system:serviceaccount:audited:reader")
    told = [
        (event["verb"], at(event, "objectRef", "resource"), at(event, "responseStatus", "code")) for event in events
    ]
    assert told == [("list", "configmaps", 200), ("get", "secrets", 403), ("delete", "configmaps", 403)]
    assert any(event["verb"] == "patch" for event in api_server.audit_events("admin"))


def test_a_kubeconfig_carries_the_token_and_the_ca(api_server: ApiServer) -> None:
    api_server.namespace("configured")
    token = api_server.service_account_token("configured", "default")
    path = api_server.kubeconfig_for(token, "audit")
    config: Json = json.loads(path.read_text("utf-8"))
    assert text(config, "current-context") == text(config, "contexts", 0, "name") == "audit"
    assert text(config, "clusters", 0, "cluster", "server") == api_server.url
    assert text(config, "users", 0, "user", "token") == token


def test_a_continue_token_expires_with_a_compaction(start_api_server: StartApiServer) -> None:
    server = start_api_server("--watch-cache=false")
    server.namespace("expiring")
    server.apply(config_maps("expiring", 3))
    path = "/api/v1/namespaces/expiring/configmaps?limit=2"
    token = server.request("GET", path).expect(200).text("metadata", "continue")
    assert server.request("GET", f"{path}&continue={token}").status == 200

    server.compact_etcd()

    expired = server.request("GET", f"{path}&continue={token}")
    assert (expired.status, expired.text("reason")) == (410, "Expired")


def test_a_server_can_hang_and_crash(start_api_server: StartApiServer) -> None:
    server = start_api_server("--watch-cache=false")
    server.pause_etcd()
    with pytest.raises(TimeoutError):
        server.request("GET", "/api/v1/namespaces", seconds=1)
    server.resume_etcd()
    assert server.request("GET", "/api/v1/namespaces").status == 200

    server.kill()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        server.request("GET", "/api/v1/namespaces")


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(
    start_api_server: StartApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[Daemon] = []

    class Recorded(Daemon):
        def __init__(self, command: Sequence[str], log: Path) -> None:
            super().__init__(command, log)
            started.append(self)

    monkeypatch.setattr(server_module, "Daemon", Recorded)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StartError, match="unknown flag: --no-such-flag"):
        start_api_server("--no-such-flag")

    assert [(daemon.name, daemon.running) for daemon in started] == [("etcd", False), ("kube-apiserver", False)]
    assert list(tmp_path.iterdir()) == []


def test_the_controller_manager_makes_accounts_and_aggregates_roles(start_api_server: StartApiServer) -> None:
    server = start_api_server(controller_manager=True)
    assert server.request("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200
    assert server.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view").at("rules")

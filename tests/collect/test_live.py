"""Collecting from an API server that works: what is asked, what is kept, what stands in the header."""

import gc
import json
import random
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubeaudit import snapshot as files
from kubeaudit.collect import pages
from kubeaudit.collect.client import Client
from kubeaudit.collect.live import check_namespaces
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot

from .conftest import Collect
from .fake_api import TOKEN, USER, FakeApi, KubeObject, Reply, Request, named, status

SLICES = "endpointslices.discovery.k8s.io"
TIERS, STORED_TIERS = "tiers.projectcalico.org", "tiers.crd.projectcalico.org"
APISERVICES = "apiservices.apiregistration.k8s.io"
SYSTEM: KubeObject = {"metadata": {"name": "kube-system", "uid": "6c1c4f0e"}}


def read(snapshot: Snapshot, resource: str, scope: str = "") -> Read:
    (found,) = [each for each in snapshot.reads if (each.resource, each.scope) == (resource, scope)]
    return found


def names(snapshot: Snapshot, resource: str) -> list[str]:
    return [json.loads(item)["metadata"]["name"] for item in snapshot.objects(resource)]


def untimed(snapshot: Snapshot) -> Snapshot:
    """The snapshot without what the clock and the network decide."""
    reads = tuple(msgspec.structs.replace(each, seconds=0.0) for each in snapshot.reads)
    return msgspec.structs.replace(snapshot, reads=reads)


def test_the_header_says_where_it_comes_from(run: Collect) -> None:
    """REP-03; the cluster's id is taken from the list of namespaces, since ``get`` is refused by the default role."""
    with FakeApi({"namespaces": [SYSTEM]}) as api:
        header = run(api).header
    assert header == Header(
        tool_version="1.2.3",
        source="live",
        start="2026-01-02T03:04:05Z",
        end="2026-01-02T03:04:05Z",
        cluster_id="6c1c4f0e",
        context="test",
        server_url=api.url,
        server_version="v1.36.3",
        user=USER,
        groups=("system:serviceaccounts", "system:authenticated"),
    )


def test_a_server_that_does_not_say_who_we_are_leaves_that_empty(run: Collect) -> None:
    with FakeApi({"namespaces": [SYSTEM]}) as api:
        api.then("/apis/authentication.k8s.io/v1/selfsubjectreviews", status(403))
        api.then("/version", status(404))
        header = run(api).header
    assert (header.user, header.groups, header.server_version) == ("", (), "")
    assert header.complete


def test_every_object_of_every_page_is_kept_in_the_servers_order(run: Collect) -> None:
    with FakeApi({"pods": named(1_203), "services": named(2, "svc")}) as api:
        snapshot = run(api)
    assert names(snapshot, "pods") == [f"item-{number}" for number in range(1_203)]
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.count, pods.requests, pods.version) == (Outcome.COMPLETE, 1_203, 3, "v1")
    assert names(snapshot, "services") == ["svc-0", "svc-1"]
    first = json.loads(next(snapshot.objects("pods")))
    assert (first["apiVersion"], first["kind"]) == ("v1", "Pod")
    assert {frame.resource for frame in snapshot.frames} == {"pods", "services"}
    assert snapshot.gaps() == ()


def test_pages_are_asked_for_as_the_server_wants_them(run: Collect) -> None:
    """PERF-03: ``limit`` on every page, never a resourceVersion."""
    with FakeApi({"pods": named(1_001)}) as api:
        run(api)
    queries = [request.query for request in api.requests if request.path == "/api/v1/pods"]
    assert queries == [{"limit": "500"}, {"limit": "500", "continue": "500"}, {"limit": "500", "continue": "1000"}]


def test_lists_of_custom_resources_have_their_metadata_last(run: Collect) -> None:
    with FakeApi({"certificates.cert-manager.io": named(700)}) as api:
        api.custom.add("certificates.cert-manager.io")
        snapshot = run(api)
    assert len(set(names(snapshot, "certificates.cert-manager.io"))) == 700
    first = next(snapshot.objects("certificates.cert-manager.io"))
    assert first.count(b'"kind":') == 1
    assert json.loads(first)["kind"] == "Certificate"


def test_the_next_page_is_asked_for_before_this_one_is_decoded(run: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """PERF-03, libraries.md. Decoding waits here until the server has seen the next request."""
    asked = threading.Event()
    decode = pages.decode

    def second(request: Request) -> Reply:
        if "continue" in request.query:
            asked.set()
        return api.usual(request)

    def decode_later(data: bytes, resource: str, *rest: str) -> pages.Page:
        assert resource != "pods" or asked.wait(10)
        return decode(data, resource, *rest)

    monkeypatch.setattr(pages, "decode", decode_later)
    with FakeApi({"pods": named(501)}) as api:
        api.always("/api/v1/pods", second)
        assert read(run(api), "pods").count == 501


def test_at_most_four_requests_at_a_time(run: Collect) -> None:
    """PERF-03."""
    now, most, lock = 0, 0, threading.Lock()

    def counted(request: Request) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return api.usual(request)

    with FakeApi({kind.key: named(1) for kind in KINDS}) as api:
        for kind in KINDS:
            base = f"/apis/{kind.group}/{kind.versions[0]}" if kind.group else "/api/v1"
            api.always(f"{base}/{kind.resource}", counted)
        run(api)
    assert 1 < most <= 4


def test_the_snapshot_does_not_depend_on_which_thread_was_faster(run: Collect) -> None:
    objects = {kind.key: named(3, kind.resource) for kind in KINDS[:30]} | {"pods": named(2_100)}

    def late(request: Request) -> Reply:
        return replace(api.usual(request), delay=random.uniform(0, 0.02))

    taken = []
    for _ in range(3):
        with FakeApi(objects) as api:
            for path in ("/api/v1/pods", "/api/v1/services", "/api/v1/nodes"):
                api.always(path, late)
            snapshot = untimed(run(api))
            taken.append(
                msgspec.structs.replace(snapshot, header=msgspec.structs.replace(snapshot.header, server_url=""))
            )
    assert taken[0] == taken[1] == taken[2]


def test_a_snapshot_written_and_read_again_is_the_same(run: Collect, tmp_path: Path) -> None:
    with FakeApi({"pods": named(600), "namespaces": [SYSTEM]}) as api:
        api.always("/api/v1/services", status(403))
        snapshot = run(api)
    files.write(snapshot, tmp_path / "cluster.kubeaudit")
    assert files.read(tmp_path / "cluster.kubeaudit") == snapshot
    assert TOKEN.encode() not in (tmp_path / "cluster.kubeaudit").read_bytes()


def test_only_lists_and_named_configmaps_are_asked_for(run: Collect) -> None:
    """LP-01, LP-08, CHK-36: every request is a list of the table, a named ConfigMap, discovery, or who we are."""
    with FakeApi({kind.key: named(1) for kind in KINDS}) as api:
        run(api, namespaces=("default",))
    wanted = {f"/apis/{kind.group}/{kind.versions[0]}/{kind.resource}" for kind in KINDS if kind.group}
    wanted |= {f"/api/v1/{kind.resource}" for kind in KINDS if not kind.group}
    wanted |= {f"/api/v1/namespaces/{namespace}/configmaps/{name}" for namespace, name in NAMED_CONFIGMAPS}
    who = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    wanted |= {"/api", "/apis", "/version", who}
    assert {request.path for request in api.requests} <= wanted
    assert {request.path for request in api.requests if request.method != "GET"} == {who}
    assert not any("watch" in request.query for request in api.requests)


def test_named_configmaps_are_got_and_their_absence_is_known(run: Collect) -> None:
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "aws-auth", "namespace": "kube-system"}}
    with FakeApi({"namespaces": [SYSTEM]}) as api:
        base = "/api/v1/namespaces/kube-system/configmaps"
        api.then(f"{base}/aws-auth", Reply(200, json.dumps(body).encode()))
        api.then(f"{base}/coredns", status(404, "not found"))
        api.then(f"{base}/kube-proxy", status(403, "forbidden"))
        api.then(f"{base}/cilium-config", Reply(200, b"<html>"))
        snapshot = run(api)
    assert names(snapshot, CONFIGMAPS) == ["aws-auth"]
    outcomes = {each.scope: (each.outcome, each.count) for each in snapshot.reads if each.resource == CONFIGMAPS}
    assert outcomes["kube-system/aws-auth"] == (Outcome.COMPLETE, 1)
    assert outcomes["kube-system/coredns"] == (Outcome.COMPLETE, 0)
    assert outcomes["kube-system/kube-proxy"] == (Outcome.REFUSED, 0)
    assert outcomes["kube-system/cilium-config"] == (Outcome.FAILED, 0)
    assert [gap.scope for gap in snapshot.gaps()] == ["kube-system/cilium-config", "kube-system/kube-proxy"]
    assert [item.where for item in snapshot.bad] == ["configmaps kube-system/cilium-config"]


# What is not there, and what is refused


def test_a_kind_that_is_not_served_is_no_gap(run: Collect) -> None:
    """CHK-05."""
    with FakeApi({"namespaces": [SYSTEM]}) as api:
        snapshot = run(api)
    assert read(snapshot, "gateways.gateway.networking.k8s.io").outcome is Outcome.NOT_SERVED
    assert snapshot.gaps() == ()
    assert {each.resource for each in snapshot.reads} == {kind.key for kind in KINDS if kind.key != "endpoints"} | {
        "endpoints",
        CONFIGMAPS,
    }


def test_a_list_that_is_refused_is_a_gap(run: Collect) -> None:
    """CHK-04: 403 is ``forbidden``, with the server's reason."""
    with FakeApi({"pods": named(3), "nodes": named(1)}) as api:
        api.always("/api/v1/nodes", status(403, 'nodes is forbidden: User "x" cannot list resource "nodes"'))
        snapshot = run(api)
    (gap,) = snapshot.gaps()
    assert (gap.resource, gap.scope, gap.reason, gap.status) == ("nodes", "", "forbidden", 403)
    assert "cannot list resource" in gap.detail
    assert read(snapshot, "pods").count == 3


def test_namespaces_are_listed_one_by_one_only_after_a_refusal(run: Collect) -> None:
    """LP-07, PERF-03."""
    pods = [*named(2, "a", "team-a"), *named(1, "b", "team-b"), *named(4, "c", "other")]
    with FakeApi({"pods": pods, "services": named(1), "nodes": named(1)}) as api:
        for path in ("/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces/team-b/pods"):
            api.always(path, status(403))
        snapshot = run(api, namespaces=("team-b", "team-a", "team-b"))
    assert names(snapshot, "pods") == ["a-0", "a-1"]
    assert [(each.scope, each.outcome) for each in snapshot.reads if each.resource == "pods"] == [
        ("", Outcome.REFUSED),
        ("team-b", Outcome.REFUSED),
        ("team-a", Outcome.COMPLETE),
    ]
    # Of what is not namespaced there is nothing to fall back to, and of what was not refused no need.
    assert [each.scope for each in snapshot.reads if each.resource in ("nodes", "services")] == ["", ""]


def test_a_namespace_is_quoted_in_the_path(run: Collect) -> None:
    with FakeApi({"pods": named(1)}) as api:
        api.always("/api/v1/pods", status(403))
        run(api, namespaces=("a/../../secrets?x",))
    assert "/api/v1/namespaces/a%2F..%2F..%2Fsecrets%3Fx/pods" in api.paths()


def test_endpoints_stand_in_where_endpointslices_are_refused(run: Collect) -> None:
    objects = {SLICES: named(1), "endpoints": named(2, "ep", "team-a")}
    slices = "/apis/discovery.k8s.io/v1/endpointslices"
    with FakeApi(objects) as api:
        assert "/api/v1/endpoints" not in (run(api), api.paths())[1]
    with FakeApi(objects) as api:
        api.always(slices, status(403))
        assert names(run(api), "endpoints") == ["ep-0", "ep-1"]
    with FakeApi(objects) as api:
        for path in (slices, "/apis/discovery.k8s.io/v1/namespaces/team-a/endpointslices"):
            api.always(path, status(403))
        snapshot = run(api, namespaces=("team-a", "team-b"))
    assert read(snapshot, "endpoints", "team-a").count == 2
    assert api.paths("/api/v1/endpoints") == []
    assert read(snapshot, SLICES, "team-b").outcome is Outcome.COMPLETE


def test_a_version_that_is_gone_is_followed_by_the_next(run: Collect) -> None:
    """Without discovery every version is tried; a kind is not served once all are gone."""
    with FakeApi({SLICES: named(1), "namespaces": [SYSTEM]}) as api:
        for path in ("/api", "/apis"):
            api.always(path, status(403))
        api.always("/apis/discovery.k8s.io/v1/endpointslices", Reply(404, b"404 page not found\n"))
        beta = {
            "kind": "EndpointSliceList",
            "apiVersion": "discovery.k8s.io/v1beta1",
            "metadata": {},
            "items": named(1),
        }
        api.always("/apis/discovery.k8s.io/v1beta1/endpointslices", Reply(200, json.dumps(beta).encode()))
        snapshot = run(api)
    slices = read(snapshot, SLICES)
    assert (slices.outcome, slices.version, slices.count, slices.requests) == (Outcome.COMPLETE, "v1beta1", 1, 2)
    assert json.loads(next(snapshot.objects(SLICES)))["apiVersion"] == "discovery.k8s.io/v1beta1"
    assert read(snapshot, "certificates.cert-manager.io").outcome is Outcome.NOT_SERVED
    assert read(snapshot, "namespaces").outcome is Outcome.COMPLETE


def test_a_group_whose_server_is_down_is_a_gap(run: Collect) -> None:
    """Its APIService is stale in discovery and its lists answer 503: never "not served" (CHK-05)."""
    with FakeApi({"namespaces": [SYSTEM]}) as api:
        api.stale["cert-manager.io"] = "v1"
        api.always("/apis/cert-manager.io/v1/certificates", Reply(503, b"service unavailable"))
        snapshot = run(api)
    (gap,) = snapshot.gaps()
    assert (gap.resource, gap.reason, gap.status) == ("certificates.cert-manager.io", "read-incomplete", 503)
    assert read(snapshot, "certificates.cert-manager.io").requests == 1


@pytest.mark.parametrize(
    ("services", "refused", "outcome"),
    [
        ([], False, Outcome.COMPLETE),
        ([{"metadata": {"name": "v3.projectcalico.org"}, "spec": {}}], False, Outcome.COMPLETE),
        (
            [{"metadata": {"name": "v3.projectcalico.org"}, "spec": {"service": {"name": "api"}}}],
            False,
            Outcome.PARTIAL,
        ),
        ([], True, Outcome.PARTIAL),
    ],
)
def test_calicos_api_server_gives_no_whole_lists(
    run: Collect, services: list[KubeObject], refused: bool, outcome: Outcome
) -> None:
    """NET-131: an APIService answers with the objects of the tier ``default`` alone; native CRDs answer with all."""
    with FakeApi({TIERS: named(1), APISERVICES: services}) as api:
        if refused:
            api.always("/apis/apiregistration.k8s.io/v1/apiservices", status(403))
        snapshot = run(api)
    assert read(snapshot, TIERS).outcome is outcome
    assert read(snapshot, STORED_TIERS).outcome is Outcome.NOT_SERVED


def test_one_of_the_two_calico_groups_is_read(run: Collect) -> None:
    with FakeApi({TIERS: named(1), STORED_TIERS: named(1)}) as api:
        snapshot = run(api)
    assert snapshot.count(STORED_TIERS) == 1
    assert api.paths("/apis/projectcalico.org") == []
    assert [gap for gap in snapshot.gaps() if "projectcalico" in gap.resource] == []


# What a caller relies on


class Recorder:
    """Keeps what progress was told, and that calls came one at a time."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.pages: list[tuple[str, int, int | None]] = []
        self.finished: dict[str, Outcome] = {}
        self._busy = threading.Lock()

    def start(self, total_kinds: int) -> None:
        self.started.append(total_kinds)

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        assert self._busy.acquire(blocking=False)
        self.pages.append((resource, items_so_far, total_estimate))
        self._busy.release()

    def done(self, resource: str, outcome: Outcome) -> None:
        assert self._busy.acquire(blocking=False)
        self.finished[resource] = outcome
        self._busy.release()


def test_progress_is_told(run: Collect) -> None:
    """PERF-07."""
    recorder = Recorder()
    with FakeApi({"pods": named(1_100), "nodes": named(2)}) as api:
        api.always("/api/v1/nodes", status(403))
        run(api, progress=recorder)
    assert recorder.started == [2]
    assert sorted(recorder.pages, key=lambda page: page[1])[-1] == ("pods", 1_100, 1_100)
    assert all(estimate == 1_100 for resource, _, estimate in recorder.pages if resource == "pods")
    assert recorder.finished == {"pods": Outcome.COMPLETE, "nodes": Outcome.REFUSED}


def test_reads_say_what_they_cost(run: Collect) -> None:
    """PERF-08."""
    with FakeApi({"pods": named(501)}) as api:
        api.then("/api/v1/pods", status(429, retry_after="0"))
        pods = read(run(api), "pods")
    assert (pods.requests, pods.throttled) == (3, 1)
    assert pods.bytes > 501 * len('{"metadata":{"name":"item-","namespace":"default"}}')


def test_the_garbage_collector_is_as_it_was(run: Collect) -> None:
    seen: list[bool] = []

    def look(request: Request) -> Reply:
        seen.append(gc.isenabled())
        return api.usual(request)

    with FakeApi({"pods": named(1)}) as api:
        api.then("/api/v1/pods", look)
        run(api)
        assert (seen, gc.isenabled()) == ([False], True)
        api.always("/api", status(401))
        api.always("/apis", status(401))
        with pytest.raises(CollectError):
            run(api)
        assert gc.isenabled()


def test_an_unknown_namespace_is_an_error_only_where_all_are_known(run: Collect) -> None:
    with FakeApi({"namespaces": [SYSTEM, {"metadata": {"name": "team-a"}}]}) as api:
        whole = run(api)
        api.always("/api/v1/namespaces", status(403))
        refused = run(api)
    check_namespaces(whole, ("team-a",))
    with pytest.raises(UsageError, match="no such namespace: team-x, team-y") as caught:
        check_namespaces(whole, ("team-x", "team-a", "team-y"))
    assert caught.value.hint == "namespaces there are: kube-system, team-a"
    check_namespaces(refused, ("team-x",))


def test_no_token_in_the_snapshot_nor_in_the_client(run: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """LP-09."""
    sent: list[dict[str, str]] = []
    get = Client.get

    def spy(self: Client, *args: Any, **options: Any) -> Any:
        sent.append(dict(vars(self)["_headers"]))
        return get(self, *args, **options)

    monkeypatch.setattr(Client, "get", spy)
    with FakeApi({"pods": named(1)}) as api:
        snapshot = run(api)
    assert TOKEN not in repr(snapshot) + repr(sent)

"""Collecting from an API server that does not work: what is kept, what is said, and that it ends."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kubeaudit.collect import live
from kubeaudit.errors import CollectError
from kubeaudit.kinds import KINDS
from kubeaudit.snapshot import Outcome

from .conftest import Collect
from .fake_api import FakeApi, Reply, Request, kubeconfig, named, status
from .test_live import SLICES, SYSTEM, names, read

PODS = "/api/v1/pods"
EVERY_KIND = {kind.key: named(1, kind.resource) for kind in KINDS}


def after_the_first_page(reply: Reply, api: FakeApi) -> None:
    """Pages of pods that follow the first one are answered with ``reply``."""
    api.always(PODS, lambda request: reply if "continue" in request.query else api.usual(request))


def test_an_expired_token_begins_the_list_again(run: Collect) -> None:
    """PERF-03: from the beginning, not with the token of the 410, and objects come once."""
    expired = Reply(410, json.dumps({"message": "too old", "metadata": {"continue": "mixed"}}).encode())
    asked: list[str] = []

    def once(request: Request) -> Reply:
        asked.append(request.query.get("continue", ""))
        return expired if len(asked) == 3 else api.usual(request)

    with FakeApi({"pods": named(1_400)}) as api:
        api.always(PODS, once)
        snapshot = run(api)
    assert asked == ["", "500", "1000", "", "500", "1000"]
    assert names(snapshot, "pods") == [f"item-{number}" for number in range(1_400)]
    assert (read(snapshot, "pods").outcome, read(snapshot, "pods").requests) == (Outcome.COMPLETE, 6)


def test_a_list_that_is_shorter_when_begun_again_keeps_nothing_of_the_first_time(run: Collect) -> None:
    asked: list[str] = []

    def shrink(request: Request) -> Reply:
        asked.append(request.path)
        if len(asked) == 3:
            api.objects["pods"] = named(300, "later")
            return status(410, "too old")
        return api.usual(request)

    with FakeApi({"pods": named(1_400)}) as api:
        api.always(PODS, shrink)
        snapshot = run(api)
    assert names(snapshot, "pods") == [f"later-{number}" for number in range(300)]


def test_a_token_that_expires_again_leaves_a_partial_list(run: Collect) -> None:
    """CHK-04: ``read-incomplete``; what came is kept (CHK-03)."""
    with FakeApi({"pods": named(600)}) as api:
        after_the_first_page(status(410, "too old"), api)
        snapshot = run(api)
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.count, pods.status, pods.requests) == (Outcome.PARTIAL, 500, 410, 4)
    assert [(gap.resource, gap.reason) for gap in snapshot.gaps()] == [("pods", "read-incomplete")]


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_whatever_ends_a_list_in_the_middle_leaves_it_partial(run: Collect, code: int) -> None:
    with FakeApi({"pods": named(600)}) as api:
        after_the_first_page(status(code), api)
        snapshot = run(api)
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.count, pods.status) == (Outcome.PARTIAL, 500, code)
    assert snapshot.gaps()[0].reason == "read-incomplete"


def test_a_token_that_comes_again_ends_the_list(run: Collect) -> None:
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "same"}, "items": named(1)}
    with FakeApi({"pods": []}) as api:
        api.always(PODS, Reply(200, json.dumps(body, separators=(",", ":")).encode()))
        pods = read(run(api), "pods")
    assert (pods.outcome, pods.requests) == (Outcome.PARTIAL, 2)
    assert "same continue token" in pods.detail


@pytest.mark.parametrize("broken", [b'{"kind":"PodList","items":[', b"<html>log in</html>", b""])
def test_a_broken_page_is_fetched_again_once(run: Collect, broken: bytes) -> None:
    with FakeApi({"pods": named(600)}) as api:
        api.then(PODS, Reply(200, broken))
        assert read(run(api), "pods").count == 600
    with FakeApi({"pods": named(600), "nodes": named(1)}) as api:
        api.always(PODS, Reply(200, broken))
        snapshot = run(api)
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.requests) == (Outcome.FAILED, 2)
    assert pods.detail.startswith("the answer is no list: ")
    assert read(snapshot, "nodes").outcome is Outcome.COMPLETE


def test_a_bad_object_costs_itself_and_the_completeness(run: Collect) -> None:
    """CHK-04: a decode error is ``read-incomplete``."""
    items = json.dumps([*named(2), None, *named(1, "last")])
    body = f'{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":{items}}}'.encode()
    with FakeApi({"pods": []}) as api:
        api.always(PODS, Reply(200, body))
        snapshot = run(api)
    assert names(snapshot, "pods") == ["item-0", "item-1", "last-0"]
    assert [(item.where, item.document) for item in snapshot.bad] == [("pods", 3)]
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.detail) == (Outcome.PARTIAL, "1 of 4 objects cannot be decoded")


def test_compressed_and_pretty_printed_answers(run: Collect) -> None:
    def packed(request: Request) -> Reply:
        pretty = json.dumps(json.loads(api.usual(request).body), indent=2).encode()
        return Reply(200, gzip.compress(pretty), {"Content-Encoding": "gzip"})

    with FakeApi({"pods": named(501)}) as api:
        api.always(PODS, packed)
        snapshot = run(api)
    assert names(snapshot, "pods") == [f"item-{number}" for number in range(501)]
    assert read(snapshot, "pods").bytes < 10_000


def test_broken_compression_is_a_lost_connection(run: Collect) -> None:
    with FakeApi({"pods": named(1), "nodes": named(1)}) as api:
        api.always(PODS, Reply(200, b"no gzip", {"Content-Encoding": "gzip"}))
        snapshot = run(api)
    assert read(snapshot, "pods").outcome is Outcome.FAILED
    assert "compression is broken" in read(snapshot, "pods").detail
    assert read(snapshot, "nodes").outcome is Outcome.COMPLETE


def test_a_connection_that_breaks_once_costs_nothing(run: Collect) -> None:
    with FakeApi({"pods": named(501)}) as api:
        api.then(PODS, lambda request: Reply(200, api.usual(request).body, cut=1_000))
        pods = read(run(api), "pods")
    assert (pods.outcome, pods.count, pods.requests) == (Outcome.COMPLETE, 501, 3)


def test_a_server_that_dies_in_mid_list(run: Collect) -> None:
    """What came is kept, the rest fails at once instead of 80 times, and nothing passes for complete."""

    def die(request: Request) -> Reply:
        if "continue" in request.query:
            threading.Thread(target=api.die).start()
            return Reply(200, b"{" * 100, cut=1)
        return api.usual(request)

    with FakeApi(EVERY_KIND | {"pods": named(2_000)}) as api:
        api.always(PODS, die)
        snapshot = run(api)
    pods = read(snapshot, "pods")
    assert (pods.outcome, pods.count) == (Outcome.PARTIAL, 500)
    failed = [each for each in snapshot.reads if each.outcome is Outcome.FAILED]
    assert len(failed) > 10
    assert sum(each.requests for each in failed) < 20
    assert {each.outcome for each in snapshot.reads} <= {
        Outcome.PARTIAL, Outcome.FAILED, Outcome.COMPLETE, Outcome.NOT_SERVED
    }  # fmt: skip


def test_a_list_that_fails_when_begun_again_keeps_what_came_first(run: Collect) -> None:
    with FakeApi({"pods": named(1_400)}) as api:
        asked: list[str] = []

        def fail(request: Request) -> Reply:
            asked.append(request.query.get("continue", ""))
            return status(410) if len(asked) == 3 else status(403) if len(asked) > 3 else api.usual(request)

        api.always(PODS, fail)
        pods = read(run(api), "pods")
    assert (pods.outcome, pods.count, pods.status) == (Outcome.PARTIAL, 1_000, 403)


def test_nobody_listens(run: Collect) -> None:
    with FakeApi() as api:
        pass
    with pytest.raises(CollectError, match=rf"no object was read: the API server 127\.0\.0\.1:{api.port}: ") as caught:
        run(api)
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_the_credentials_have_expired(run: Collect) -> None:
    with FakeApi(EVERY_KIND) as api:
        for path in ("/api", "/apis", "/version", "/apis/authentication.k8s.io/v1/selfsubjectreviews"):
            api.always(path, status(401, "Unauthorized"))
        with pytest.raises(CollectError) as caught:
            run(api)
        assert caught.value.message == (
            f"the API server 127.0.0.1:{api.port} refused the credentials of context 'test' (401 Unauthorized); "
            "no object was read"
        )
        assert len(api.requests) <= 4


def test_credentials_that_expire_after_discovery(run: Collect) -> None:
    with FakeApi(EVERY_KIND) as api:
        for kind in KINDS:
            base = f"/apis/{kind.group}/{kind.versions[0]}" if kind.group else "/api/v1"
            api.always(f"{base}/{kind.resource}", status(401, "Unauthorized"))
        with pytest.raises(CollectError, match="refused the credentials"):
            run(api)


def test_some_kinds_unauthorized_are_gaps(run: Collect) -> None:
    """CHK-04: 401 is ``unauthorized``, never "not applicable" (CHK-05)."""
    with FakeApi({"pods": named(1), "nodes": named(1)}) as api:
        api.always("/api/v1/nodes", status(401))
        (gap,) = run(api).gaps()
    assert (gap.resource, gap.reason, gap.status) == ("nodes", "unauthorized", 401)


def test_the_time_out_keeps_what_came(run: Collect) -> None:
    """PERF-07: ``--timeout`` is honoured, and the run goes on with what there is."""
    with FakeApi({"nodes": named(3), SLICES: named(2), "namespaces": [SYSTEM]}) as api:
        api.always("/api/v1/nodes", Reply(delay=60))
        snapshot = run(api, timeout=1.0, request_timeout=60)
    assert names(snapshot, SLICES) == ["item-0", "item-1"]
    nodes = read(snapshot, "nodes")
    assert nodes.outcome is Outcome.FAILED
    assert [(gap.resource, gap.reason) for gap in snapshot.gaps()] == [("nodes", "read-incomplete")]
    assert snapshot.header.complete
    assert snapshot.header.cluster_id == "6c1c4f0e"


def test_a_server_that_drips_does_not_outlast_the_time_out(run: Collect) -> None:
    """No single wait for the socket is long here, so the thread that waits for the others must end it."""
    with FakeApi({"nodes": named(3), "namespaces": [SYSTEM]}) as api:
        api.always("/api/v1/nodes", Reply(200, b" " * 10_000, drip=True))
        snapshot = run(api, timeout=1.0, request_timeout=60)
    assert read(snapshot, "nodes").outcome is Outcome.FAILED
    assert read(snapshot, "nodes").detail == "the time-out of 1 s was reached"
    assert read(snapshot, "namespaces").outcome is Outcome.COMPLETE


def test_a_time_out_before_anything_came(run: Collect) -> None:
    with FakeApi(EVERY_KIND) as api:
        snapshot = run(api, timeout=0.0)
    assert api.requests == []
    assert {each.outcome for each in snapshot.reads} == {Outcome.FAILED}
    assert {gap.detail for gap in snapshot.gaps()} == {
        "the time-out of 0 s was reached",
        f"read only where {SLICES} is not served or refused",
    }


def test_waiting_for_retry_after_ends_with_the_time_out(run: Collect) -> None:
    with FakeApi({"nodes": named(1), "pods": named(1)}) as api:
        api.always("/api/v1/nodes", status(429, retry_after="100"))
        snapshot = run(api, timeout=1.0)
    nodes = read(snapshot, "nodes")
    assert (nodes.outcome, nodes.status, nodes.throttled) == (Outcome.FAILED, 429, 1)
    assert read(snapshot, "pods").outcome is Outcome.COMPLETE


def test_told_to_end(run: Collect) -> None:
    """SIGTERM: a partial result, marked (CRON-09)."""
    stop = threading.Event()

    def hang(request: Request) -> Reply:
        stop.set()
        return Reply(delay=60)

    with FakeApi({"nodes": named(1), "pods": named(600)}) as api:
        after_the_first_page(Reply(delay=60), api)
        api.always("/api/v1/nodes", hang)
        snapshot = run(api, stop=stop, request_timeout=60)
    assert not snapshot.header.complete
    assert read(snapshot, "nodes").outcome is Outcome.FAILED
    assert read(snapshot, "nodes").detail == live.STOPPED


def test_told_to_end_before_the_start(run: Collect) -> None:
    stop = threading.Event()
    stop.set()
    with FakeApi(EVERY_KIND) as api:
        snapshot = run(api, stop=stop)
    assert not snapshot.header.complete
    assert api.requests == []
    assert {gap.detail for gap in snapshot.gaps()} >= {live.STOPPED}
    assert len(snapshot.gaps()) == len(snapshot.reads)


def test_threads_left_behind_change_nothing(run: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer drips in whole, but after the snapshot was taken."""
    told: list[str] = []

    class Progress:
        def start(self, total_kinds: int) -> None: ...

        def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
            told.append(resource)

        def done(self, resource: str, outcome: Outcome) -> None:
            told.append(resource)

    monkeypatch.setattr(live, "_GRACE", 0.0)
    with FakeApi({"nodes": named(1)}) as api:
        api.always("/api/v1/nodes", lambda request: replace(api.usual(request), drip=True))
        snapshot = run(api, timeout=0.5, request_timeout=60, progress=Progress())
        assert read(snapshot, "nodes").outcome is Outcome.FAILED
        for thread in threading.enumerate():
            if thread.name.startswith("collect-"):
                thread.join(30)
    assert told == []


def test_a_defect_reaches_the_caller(run: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kubeaudit.collect.pages.decode", broken)
    with FakeApi({"pods": named(1)}) as api, pytest.raises(ZeroDivisionError):
        run(api)


def test_ctrl_c_ends_the_process_while_the_server_hangs(tmp_path: Path) -> None:
    """The server would keep every thread waiting for five minutes; the process must not wait for its threads."""
    program = """
import sys, threading
from datetime import datetime, timezone
from kubeaudit.collect.client import Connection, connect
from kubeaudit.collect.live import collect
from kubeaudit.collect.progress import Silent
client = connect(Connection(kubeconfig=sys.argv[1], request_timeout=300))
try:
    collect(client, now=lambda: datetime.now(timezone.utc), tool_version="0", progress=Silent(), stop=threading.Event())
except KeyboardInterrupt:
    sys.exit(130)
"""
    asked = threading.Event()

    def hang(request: Request) -> Reply:
        asked.set()
        return Reply(delay=300)

    with FakeApi({"pods": named(1)}) as api:
        api.always(PODS, hang)
        config = tmp_path / "config"
        config.write_text(json.dumps(kubeconfig(api.url)), "utf-8")
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        process = subprocess.Popen([sys.executable, "-c", program, str(config)], env={**os.environ, "PYTHONPATH": path})
        try:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()

"""A loopback HTTP server that answers like the API server of a made cluster, fast enough never to be what is measured.

    python benchmarks/server.py PODS [--seed N] [--port N] [--gzip] [--latency MS]

Objects lie in one temporary file per kind, already separated by commas: a page is one slice of it. With ``--gzip`` the
pages of 500 are compressed before the server says that it is ready. It listens on 127.0.0.1 only and answers reads and
SelfSubjectReview; everything else is a Status of 404 or 405, as on a real server.
"""

import argparse
import base64
import gzip
import json
import mmap
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from generate import SERVER_VERSION, generate, served

from kubeaudit.kinds import CONFIGMAPS, KINDS, Kind

PAGE = 500
_RESOURCE_VERSION = "987654321"
_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_USER = {"username": "benchmark", "uid": "1", "groups": ["system:masters", "system:authenticated"]}


@dataclass
class Shelf:
    """The objects of one kind: a file of JSON objects with commas between them, and where each begins."""

    path: Path
    starts: list[int] = field(default_factory=lambda: [0])
    zipped: dict[int, bytes] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.starts) - 1


class Cluster:
    """A made cluster on disk, ready to be served page by page."""

    def __init__(self, objects: Iterable[tuple[str, bytes]], folder: Path) -> None:
        self._folder = folder
        self.shelves = self._fill(objects)
        self._maps = {key: self._map(shelf.path) for key, shelf in self.shelves.items() if shelf.count}

    def page(self, kind: Kind, start: int, limit: int) -> bytes:
        """One List of at most ``limit`` objects from position ``start``; 0 means all."""
        shelf = self.shelves.get(kind.key)
        count = shelf.count if shelf else 0
        end = min(count, start + limit) if limit else count
        metadata: dict[str, object] = {"resourceVersion": _RESOURCE_VERSION}
        if end < count:
            metadata |= {"continue": _token(end), "remainingItemCount": count - end}
        version = f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
        head = json.dumps(
            {"kind": f"{kind.kind}List", "apiVersion": version, "metadata": metadata}, separators=(",", ":")
        )
        items = self._maps[kind.key][shelf.starts[start] : shelf.starts[end] - 1] if shelf and end > start else b""
        return b"".join((head[:-1].encode(), b',"items":[', items, b"]}\n"))

    def compress(self, kind: Kind, start: int) -> bytes:
        """The page of 500 from ``start``, compressed as a server does (level 1), kept for the next time."""
        shelf = self.shelves.get(kind.key)
        if shelf is None:
            return gzip.compress(self.page(kind, start, PAGE), 1)
        if start not in shelf.zipped:
            shelf.zipped[start] = gzip.compress(self.page(kind, start, PAGE), 1)
        return shelf.zipped[start]

    def config_map(self, namespace: str, name: str) -> bytes | None:
        """One of the ConfigMaps that are read by name."""
        shelf = self.shelves.get(CONFIGMAPS)
        for number in range(shelf.count if shelf else 0):
            raw = self._maps[CONFIGMAPS][shelf.starts[number] : shelf.starts[number + 1] - 1]
            found = json.loads(raw)
            if (found["metadata"]["namespace"], found["metadata"]["name"]) == (namespace, name):
                return b'{"kind":"ConfigMap","apiVersion":"v1",' + raw[1:]
        return None

    def warm(self) -> None:
        """Compress every page now."""
        for kind in KINDS:
            shelf = self.shelves.get(kind.key)
            for start in range(0, shelf.count if shelf else 0, PAGE):
                self.compress(kind, start)

    def _fill(self, objects: Iterable[tuple[str, bytes]]) -> dict[str, Shelf]:
        shelves: dict[str, Shelf] = {}
        files = {}
        try:
            for key, raw in objects:
                if key not in shelves:
                    shelves[key] = Shelf(self._folder / key)
                    files[key] = shelves[key].path.open("wb")
                files[key].write(raw + b",")
                starts = shelves[key].starts
                starts.append(starts[-1] + len(raw) + 1)
        finally:
            for file in files.values():
                file.close()
        return shelves

    @staticmethod
    def _map(path: Path) -> mmap.mmap:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class FakeApi:
    """The server on a thread of this process: ``with FakeApi(20_000) as api: collect(api.url)``."""

    def __init__(self, pods: int, seed: int = 1, *, port: int = 0, zipped: bool = False, latency: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kubeaudit-benchmark-")
        self.cluster = Cluster(generate(pods, seed), Path(self._folder.name))
        if zipped:
            self.cluster.warm()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self.cluster, latency))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer until stopped."""
        self._server.serve_forever()

    def __enter__(self) -> "FakeApi":
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Free the port and the disk."""
        self._server.server_close()
        self._folder.cleanup()


def _handler(cluster: Cluster, latency: float) -> type[BaseHTTPRequestHandler]:
    """A request handler that serves one cluster."""
    fixed = {path: json.dumps(body).encode() for path, body in _discovery()}
    aggregated = {path: json.dumps(body).encode() for path, body in _aggregated()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65_536

        def do_GET(self) -> None:
            time.sleep(latency)
            url = urlsplit(self.path)
            accept = self.headers.get("Accept", "")
            if url.path in aggregated and "apidiscovery" in accept:
                return self._answer(
                    200,
                    aggregated[url.path],
                    kind="application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
                )
            if url.path in fixed:
                return self._answer(200, fixed[url.path])
            if (named := _config_map_path(url.path)) is not None:
                found = cluster.config_map(*named)
                return (
                    self._answer(200, found)
                    if found
                    else self._status(404, "NotFound", f'configmaps "{named[1]}" not found')
                )
            kind = _PATHS.get(url.path)
            return (
                self._list(kind, parse_qs(url.query))
                if kind
                else self._answer(404, b"404 page not found\n", kind="text/plain; charset=utf-8")
            )

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if urlsplit(self.path).path != _REVIEW:
                return self._status(
                    405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
                )
            review = {
                "kind": "SelfSubjectReview",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": {},
                "status": {"userInfo": _USER},
            }
            return self._answer(201, json.dumps(review).encode())

        def _list(self, kind: Kind, query: dict[str, list[str]]) -> None:
            limit = int(query.get("limit", ["0"])[0])
            start = _position(query["continue"][0]) if "continue" in query else 0
            if limit == PAGE and "gzip" in self.headers.get("Accept-Encoding", ""):
                return self._answer(200, cluster.compress(kind, start), encoding="gzip")
            return self._answer(200, cluster.page(kind, start, limit))

        def _status(self, code: int, reason: str, message: str) -> None:
            body = {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": reason,
                "code": code,
            }
            self._answer(code, json.dumps(body).encode())

        def _answer(self, code: int, body: bytes, *, kind: str = "application/json", encoding: str = "") -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A line per request would be a load of its own."""

    return Handler


def _served_kinds() -> list[Kind]:
    return [kind for kind in KINDS if served(kind)]


def _prefix(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


_PATHS = {f"{_prefix(kind.group, kind.versions[0])}/{kind.resource}": kind for kind in _served_kinds()}


def _groups() -> dict[str, dict[str, list[Kind]]]:
    """Served kinds by group and version."""
    found: dict[str, dict[str, list[Kind]]] = {}
    for kind in _served_kinds():
        found.setdefault(kind.group, {}).setdefault(kind.versions[0], []).append(kind)
    return found


def _discovery() -> Iterator[tuple[str, dict[str, object]]]:
    yield "/version", {"major": "1", "minor": "34", "gitVersion": SERVER_VERSION, "platform": "linux/amd64"}
    yield "/api", {"kind": "APIVersions", "versions": ["v1"]}
    groups = []
    for group, versions in _groups().items():
        named = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
        if group:
            groups.append({"name": group, "versions": named, "preferredVersion": named[0]})
        for version, kinds in versions.items():
            resources = [
                {
                    "name": kind.resource,
                    "singularName": kind.kind.lower(),
                    "namespaced": kind.namespaced,
                    "kind": kind.kind,
                    "verbs": ["get", "list", "watch"],
                }
                for kind in kinds
            ]
            yield (
                _prefix(group, version),
                {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{group}/{version}" if group else version,
                    "resources": resources,
                },
            )
    yield "/apis", {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _aggregated() -> Iterator[tuple[str, dict[str, object]]]:
    """Aggregated discovery (apidiscovery.k8s.io/v2), the same facts in two answers."""
    core: list[dict[str, object]] = []
    named: list[dict[str, object]] = []
    for group, versions in _groups().items():
        listed = [
            {
                "version": version,
                "freshness": "Current",
                "resources": [
                    {
                        "resource": kind.resource,
                        "responseKind": {"group": kind.group, "version": version, "kind": kind.kind},
                        "scope": "Namespaced" if kind.namespaced else "Cluster",
                        "singularResource": kind.kind.lower(),
                        "verbs": ["get", "list", "watch"],
                    }
                    for kind in kinds
                ],
            }
            for version, kinds in versions.items()
        ]
        (named if group else core).append({"metadata": {"name": group} if group else {}, "versions": listed})
    for path, items in (("/api", core), ("/apis", named)):
        yield (
            path,
            {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items},
        )


def _config_map_path(path: str) -> tuple[str, str] | None:
    parts = path.split("/")
    if len(parts) == 7 and parts[1:4] == ["api", "v1", "namespaces"] and parts[5] == "configmaps":
        return parts[4], parts[6]
    return None


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "rv": 1, "start": position}).encode()).decode()


def _position(token: str) -> int:
    return int(json.loads(base64.urlsafe_b64decode(token))["start"])


def main(arguments: list[str] | None = None) -> None:
    """Serve a made cluster until interrupted; the first line on standard output is the URL."""
    parser = argparse.ArgumentParser(description="Serve a cluster of PODS pods on loopback.")
    parser.add_argument("pods", type=int, metavar="PODS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--gzip", action="store_true", help="compress all pages before the first request")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="wait before every answer")
    given = parser.parse_args(arguments)
    api = FakeApi(given.pods, given.seed, port=given.port, zipped=given.gzip, latency=given.latency / 1000)
    print(api.url, flush=True)
    try:
        api.serve()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    finally:
        api.close()


if __name__ == "__main__":
    main()

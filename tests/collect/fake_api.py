"""An API server on a loopback socket that says what a test wants: for faults a real one cannot be made to show.

It serves aggregated discovery and paged lists of the objects it is given; any path can be given other answers first.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from kubeaudit.collect.client import Client, Connection, connect
from kubeaudit.kinds import by_key

KubeObject = Mapping[str, object]
TOKEN = "s3cret-token"
USER = "system:serviceaccount:audit:kubeaudit"


@dataclass(frozen=True)
class Request:
    """What came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What goes back after ``delay`` seconds.

    ``cut``: only that many bytes of the body, then the connection breaks; ``drip``: the body comes byte by byte.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    drip: bool = False


Answer = Reply | Callable[[Request], Reply]


def status(code: int, message: str = "", **headers: str) -> Reply:
    """A refusal with a meta/v1 Status; ``retry_after="1"`` becomes a header."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return Reply(code, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def named(count: int, prefix: str = "item", namespace: str = "default") -> list[KubeObject]:
    """Objects that differ in their names, as a list shows them: without kind and apiVersion."""
    return [{"metadata": {"name": f"{prefix}-{number}", "namespace": namespace}} for number in range(count)]


class FakeApi:
    """A running server; a context manager. ``objects`` are served by resource (``plural.group``)."""

    def __init__(self, objects: Mapping[str, Iterable[KubeObject]] | None = None) -> None:
        self.objects: dict[str, list[KubeObject]] = {key: list(items) for key, items in (objects or {}).items()}
        self.requests: list[Request] = []
        self.stale: dict[str, str] = {}
        self.custom: set[str] = set()
        """Resources whose lists look like those of a CustomResourceDefinition."""
        self._scripts: dict[str, list[Answer]] = {}
        self._always: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.die()

    def die(self) -> None:
        """Stop listening; connections that are open stay with their handlers until these notice."""
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def then(self, path: str, *answers: Answer) -> None:
        """Give these answers to the next requests for ``path``, in this order; then the usual one."""
        self._scripts.setdefault(path, []).extend(answers)

    def always(self, path: str, answer: Answer) -> None:
        """Give this answer to every request for ``path``."""
        self._always[path] = answer

    def paths(self, start: str = "/") -> list[str]:
        """The paths asked for so far, those that begin with ``start``."""
        with self._lock:
            return [request.path for request in self.requests if request.path.startswith(start)]

    def client(self, folder: Path, **options: Any) -> Client:
        """A client that authenticates with ``TOKEN``."""
        file = folder / "kubeconfig"
        file.write_text(json.dumps(kubeconfig(self.url)), "utf-8")
        return connect(Connection(kubeconfig=str(file), **options))

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        with self._lock:
            self.requests.append(request)
            script = self._scripts.get(request.path)
            scripted = script.pop(0) if script else self._always.get(request.path)
        if scripted is not None:
            return scripted if isinstance(scripted, Reply) else scripted(request)
        return self.usual(request)

    def usual(self, request: Request) -> Reply:
        """The reply of a server that works."""
        match request.path:
            case "/version":
                return _json({"gitVersion": "v1.36.3"})
            case "/apis/authentication.k8s.io/v1/selfsubjectreviews":
                user = {"username": USER, "groups": ["system:serviceaccounts", "system:authenticated"]}
                return Reply(201, json.dumps({"status": {"userInfo": user}}).encode())
            case "/api" | "/apis":
                return _json({"kind": "APIGroupDiscoveryList", "items": self._groups(request.path == "/api")})
        for key, items in self.objects.items():
            kind = by_key()[key]
            base = f"/apis/{kind.group}/{kind.versions[0]}" if kind.group else "/api/v1"
            if request.path == f"{base}/{kind.resource}":
                return self.page(key, items, request)
            start, end = f"{base}/namespaces/", f"/{kind.resource}"
            if request.path.startswith(start) and request.path.endswith(end):
                namespace = request.path[len(start) : -len(end)]
                return self.page(key, [item for item in items if _namespace(item) == namespace], request)
        return Reply(404, b"404 page not found\n", {"Content-Type": "text/plain"})

    def page(self, key: str, items: list[KubeObject], request: Request) -> Reply:
        """One page of a list; the continue token is the index of the next item."""
        begin = int(request.query.get("continue", "0"))
        end = begin + int(request.query.get("limit", "0") or len(items))
        kind = by_key()[key]
        meta: dict[str, object] = {"resourceVersion": "7"}
        if end < len(items):
            meta |= {"continue": str(end), "remainingItemCount": len(items) - end}
        api_version = f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
        head = {"kind": f"{kind.kind}List", "apiVersion": api_version}
        if key not in self.custom:
            return _json({**head, "metadata": meta, "items": items[begin:end]})
        typed = [{"apiVersion": api_version, "kind": kind.kind, **item} for item in items[begin:end]]
        return _json({"apiVersion": api_version, "items": typed, "kind": f"{kind.kind}List", "metadata": meta})

    def _groups(self, core: bool) -> list[dict[str, object]]:
        groups: dict[str, list[dict[str, object]]] = {}
        for key in self.objects:
            kind = by_key()[key]
            if (kind.group == "") == core:
                entry: dict[str, object] = {
                    "version": kind.versions[0],
                    "freshness": "Current",
                    "resources": [{"resource": kind.resource}],
                }
                groups.setdefault(kind.group, []).append(entry)
        for group, version in self.stale.items():
            groups.setdefault(group, []).append({"version": version, "freshness": "Stale"})
        return [{"metadata": {"name": name}, "versions": versions} for name, versions in groups.items()]


def kubeconfig(server: str, **user: object) -> dict[str, Any]:
    """A kubeconfig with one context, ``test``."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "one", "user": "auditor"}}],
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "auditor", "user": user or {"token": TOKEN}}],
    }


def _json(value: object) -> Reply:
    return Reply(200, json.dumps(value, separators=(",", ":")).encode(), {"Content-Type": "application/json"})


def _namespace(item: KubeObject) -> object:
    metadata = item["metadata"]
    return metadata.get("namespace") if isinstance(metadata, Mapping) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: FakeApi

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.append(request)
        super().process_request(request, client_address)

    def cut_connections(self) -> None:
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.api.answer(Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body))
        time.sleep(reply.delay)
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for byte in reply.body if reply.drip else b"":
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)
        self.wfile.write(b"" if reply.drip else reply.body[: reply.cut])
        if reply.cut is not None:
            self.wfile.flush()
            self.close_connection = True

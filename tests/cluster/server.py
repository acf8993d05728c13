"""A real kube-apiserver with its etcd on 127.0.0.1, for tests: started in seconds, broken on purpose, always stopped.

``with ApiServer.start(binaries) as server:`` is the whole use. Every server has its own folder and ports, and holds
only what the API server makes itself (its namespaces, RBAC defaults, flow control). Without the controller manager
no namespace gets a ServiceAccount ``default``, which a pod needs: see `ApiServer.namespace`.
"""

import base64
import json
import secrets
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from . import audit, components
from .components import Layout
from .processes import Daemon, free_ports, wait_until
from .rest import JSON, Answer, Client, Json, KubeObject, Session, bearer

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
OWN_OBJECTS = (
    "/api/v1/namespaces/default/services/kubernetes",
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
)
AGGREGATED_ROLES = ("admin", "edit", "view")


class ApiServer:
    """One running test cluster. Made by `start`; a context manager that stops it at the end."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._client = Client(layout.port, layout.certificate, layout.token)
        self._daemons: dict[str, Daemon] = {}

    @classmethod
    def start(cls, binaries: Path, flags: Sequence[str] = (), *, controller_manager: bool = False) -> Self:
        """Starts etcd and kube-apiserver from the folder ``binaries`` and waits until the API server is ready.

        ``flags`` are added to kube-apiserver's and win over the usual ones (``--watch-cache=false``, for example).
        With ``controller_manager`` also kube-controller-manager runs: aggregated roles, default ServiceAccounts,
        ReplicaSets and pods of Deployments, EndpointSlices, garbage collection; it is waited for as well.

        Raises StartError, with the tail of the log, when a process does not come up; nothing is left running.
        """
        folder = Path(tempfile.mkdtemp(prefix="kubeaudit-cluster-"))
        etcd_port, peer_port, port = free_ports(3)
        server = cls(Layout(binaries, folder, etcd_port, peer_port, port, secrets.token_hex(16)))
        try:
            server._start_api_server(flags)
            if controller_manager:
                server._start_controller_manager()
        except BaseException:
            server.stop()
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``https://127.0.0.1:PORT``."""
        return f"https://127.0.0.1:{self._layout.port}"

    @property
    def ca(self) -> Path:
        """The file with the certificates that the API server's own one is verified against."""
        return self._layout.certificate

    @property
    def admin_token(self) -> str:
        """The bearer token of the user ``admin`` (group system:masters)."""
        return self._layout.token

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig; its context is named ``admin``."""
        return self._layout.admin_kubeconfig

    def kubeconfig_for(self, token: str, context: str = "test") -> Path:
        """Writes a kubeconfig whose only context authenticates with ``token``; the file lives as long as the server."""
        path = self._layout.folder / f"{context}-{secrets.token_hex(4)}.kubeconfig"
        path.write_text(components.kubeconfig(self._layout, token, context), "utf-8")
        return path

    def service_account_token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """A token of a ServiceAccount that exists, valid for ``seconds`` (at least 600), from the TokenRequest API."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        return self.request("POST", path, body).expect(201).text("status", "token")

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str | None = None,
        content_type: str = JSON,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> Answer:
        """One request as the admin, or with another ``token`` (``""``: anonymous), whatever the answer's status.

        ``headers`` are added, such as Accept or Impersonate-User; ``seconds`` bounds every wait for the server. Raises
        OSError or http.client.HTTPException when no whole answer comes.
        """
        authorization = bearer(self.admin_token if token is None else token)
        sent = {"Content-Type": content_type, **authorization, **(headers or {})}
        return self._client.request(method, path, body, sent, seconds)

    def session(self) -> AbstractContextManager[Session]:
        """Requests of the admin over one connection; see `rest.Client.session`."""
        return self._client.session()

    def apply(self, objects: Iterable[KubeObject]) -> list[Answer]:
        """Creates or updates objects in their order, or raises RequestError; see `rest.Client.apply`."""
        return self._client.apply(objects)

    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Makes a namespace and its ServiceAccount ``default``, which the controller manager would make."""
        self.apply(
            [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels or {})}},
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}},
            ]
        )

    def audit_events(self, user: str | None = None) -> list[dict[str, Json]]:
        """One audit event (level Metadata) for each request of ``user`` so far; see `audit.requests`."""
        return audit.requests(self._layout.audit_log, user)

    def compact_etcd(self) -> None:
        """Compacts etcd at its newest revision, so that it forgets the state of every list begun before.

        Only a server with ``--watch-cache=false`` surely answers 410 to a continue token from before: a watch cache
        may still hold the old state.
        """
        # A write makes the newest revision one that no list has seen: etcd still answers at the compacted revision.
        self._etcd("put", {"key": base64.b64encode(b"/kubeaudit-tests/compacted").decode()})
        revision = json.loads(self._etcd("range", {"key": "AA=="}))["header"]["revision"]
        self._etcd("compaction", {"revision": revision, "physical": True})

    def pause_etcd(self) -> None:
        """Holds etcd back: requests that need it hang until `resume_etcd`, or until the server's request time-out."""
        self._daemons["etcd"].pause()

    def resume_etcd(self) -> None:
        """Lets etcd go on."""
        self._daemons["etcd"].resume()

    def kill(self) -> None:
        """Ends kube-apiserver at once, as a crash does: open connections break, new ones are refused."""
        self._daemons["kube-apiserver"].kill()

    def stop(self) -> None:
        """Ends every process of the cluster and removes its folder; no-op when that has been done."""
        for name in reversed(list(self._daemons)):
            self._daemons.pop(name).kill()
        shutil.rmtree(self._layout.folder, ignore_errors=True)

    def _start_api_server(self, flags: Sequence[str]) -> None:
        components.prepare(self._layout)
        self._run(components.etcd_command(self._layout))
        self._run(components.api_server_command(self._layout, flags))
        self._wait(self._ready, "a ready API server")
        self.kubeconfig.write_text(components.kubeconfig(self._layout, self.admin_token, "admin"), "utf-8")

    def _start_controller_manager(self) -> None:
        (port,) = free_ports(1)
        self._run(components.controller_manager_command(self._layout, port))
        self._wait(self._controlled, "default ServiceAccounts and aggregated roles")

    def _run(self, command: Sequence[str]) -> None:
        name = Path(command[0]).name
        self._daemons[name] = Daemon(command, self._layout.folder / f"{name}.log")

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        wait_until(ready, what, list(self._daemons.values()))

    def _ready(self) -> bool:
        # The namespaces and the API server's own Service and EndpointSlice are made by loops that readyz does not
        # wait for; the second one even waits for readyz.
        paths = ["/readyz", *(f"/api/v1/namespaces/{name}" for name in SYSTEM_NAMESPACES), *OWN_OBJECTS]
        return all(self.request("GET", path).status == 200 for path in paths)

    def _controlled(self) -> bool:
        accounts = (f"/api/v1/namespaces/{name}/serviceaccounts/default" for name in SYSTEM_NAMESPACES)
        if any(self.request("GET", path).status != 200 for path in accounts):
            return False
        roles = (f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}" for name in AGGREGATED_ROLES)
        return all(self.request("GET", path).expect(200).at("rules") for path in roles)

    def _etcd(self, call: str, body: Mapping[str, object]) -> bytes:
        """One call of etcd's KV service through its JSON gateway. Raises OSError when it fails."""
        url = f"http://127.0.0.1:{self._layout.etcd_port}/v3/kv/{call}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, json.dumps(body).encode(), timeout=30) as response:
            return bytes(response.read())

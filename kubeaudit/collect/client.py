"""The only door to the Kubernetes client: connects to the API server of one context and reads bytes from it.

Authentication, certificates, exec plugins and proxies are the client library's; requests go through its connection
pool, whose interface is the same in versions 35, 36 and 37. Redirects are not followed, so no other host is ever
contacted (LP-08). Requests that are not a GET store nothing (LP-01): a SelfSubjectReview, and, where rights are
compared with the role (LP-06), SelfSubjectAccessReviews.
"""

import ipaddress
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit
from urllib.request import getproxies_environment

import kubernetes.client
import kubernetes.config
import msgspec
import urllib3
from msgspec import Struct
from urllib3 import exceptions as http

from kubeaudit import __version__
from kubeaudit.collect import kubeconfig
from kubeaudit.errors import CollectError, UsageError

JSON = "application/json"
_LIBRARY: Any = kubernetes
"""Some of its versions have types for some of its parts: it is taken as untyped throughout."""
_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_REVIEW = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CONNECT_SECONDS = 10.0
_KEYS = ("BearerToken", "authorization")
"""Where versions 37 and 35 of the library keep the Authorization header; 36 writes to one and reads the other."""
_MALFORMED = (_LIBRARY.config.ConfigException, AttributeError, KeyError, TypeError, ValueError)
"""What the library raises on an entry of the wrong shape: it looks into it without checking."""


class Connection(Struct, frozen=True):
    """How to reach the API server, in kubectl's words: --kubeconfig, --context, --as, --request-timeout (seconds)."""

    kubeconfig: str = ""
    context: str = ""
    user: str = ""
    request_timeout: float = 60.0


class Response(Struct, frozen=True):
    """A whole answer: HTTP status, headers by lower-case name, the decoded body, and its size on the wire in bytes."""

    status: int
    headers: dict[str, str]
    data: bytes
    size: int


class RequestError(CollectError):
    """No whole answer came: the server was not reached, was not trusted, fell silent or broke off."""


class Client:
    """Reads from one API server. Threads may share it. Holds no credential of its own."""

    def __init__(self, configuration: Any, context: str, options: Connection) -> None:
        """``configuration`` is the library's; its host has been stripped of user information."""
        self.context = context
        self.server_url = str(configuration.host)
        self.host = urlsplit(self.server_url).netloc
        self._configuration = configuration
        self._pool: Any = _LIBRARY.client.ApiClient(configuration).rest_client.pool_manager
        self._timeout = options.request_timeout
        self._headers = {"User-Agent": f"kubeaudit/{__version__}"}
        if not _is_loopback(urlsplit(self.server_url)):
            self._headers["Accept-Encoding"] = "gzip"
        if options.user:
            self._headers["Impersonate-User"] = options.user.encode().decode("latin-1")
        self._lock = threading.Lock()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = JSON, seconds: float | None = None
    ) -> Response:
        """The answer to one GET, whatever its status; ``seconds`` shortens the time-out.

        Raises :class:`RequestError` where no whole answer came.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self._send("GET", path + query, {"Accept": accept}, None, seconds)

    def post_self_subject_review(self, seconds: float | None = None) -> Response:
        """Ask the server who we are. Raises :class:`RequestError`."""
        return self._send("POST", _REVIEWS, {"Accept": JSON, "Content-Type": JSON}, _REVIEW, seconds)

    def post_self_subject_access_review(self, attributes: Mapping[str, str], seconds: float | None = None) -> Response:
        """Ask the server whether it would allow us a request, by its resource attributes; see `permissions`.

        Raises :class:`RequestError`.
        """
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        headers = {"Accept": JSON, "Content-Type": JSON}
        return self._send("POST", _ACCESS_REVIEWS, headers, msgspec.json.encode(review), seconds)

    def _send(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None, seconds: float | None
    ) -> Response:
        limit = self._timeout if seconds is None else max(0.001, min(seconds, self._timeout))
        try:
            answer = self._pool.request(
                method,
                self.server_url + target,
                body=body,
                headers={**self._headers, **headers, **self._authorization()},
                timeout=urllib3.Timeout(connect=min(limit, _CONNECT_SECONDS), read=limit),
                retries=False,
                redirect=False,
            )
        except http.HTTPError as error:
            raise self._failed(error, limit) from error
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Response(int(answer.status), told, bytes(answer.data), int(answer.tell()))

    def _authorization(self) -> dict[str, str]:
        """The header for the next request; the library reads the token again when its time has come (CRON-09)."""
        with self._lock:
            try:
                for key in _KEYS:
                    if key in self._configuration.api_key:
                        return {"Authorization": str(self._configuration.get_api_key_with_prefix(key)).strip()}
            except (_LIBRARY.config.ConfigException, OSError) as error:
                raise RequestError("the credentials could not be renewed", "check the token file or plugin") from error
        return {}

    def _failed(self, error: http.HTTPError, limit: float) -> RequestError:
        proxy = self._pool.proxy
        if isinstance(error, http.ProxyError):
            return RequestError(
                f"cannot reach {self.host} through the proxy {proxy.host}:{proxy.port}",
                "check HTTPS_PROXY, NO_PROXY and `proxy-url` of the kubeconfig",
            )
        via = f" through the proxy {proxy.host}:{proxy.port}" if proxy else ""
        told, hint = _explain(error, limit)
        return RequestError(f"{self.host}{via}: {told}", hint)


def connect(options: Connection) -> Client:
    """The API server of the chosen context; without any kubeconfig that of the pod this runs in. Sends nothing yet.

    Raises :class:`UsageError` where kubeconfig or context are wrong, :class:`CollectError` where credentials lack.
    """
    if any(ord(letter) < 32 for letter in options.user):
        raise UsageError("--as holds a control character", "give a user name, such as system:serviceaccount:NS:NAME")
    configuration = _LIBRARY.client.Configuration()
    paths = kubeconfig.paths(options.kubeconfig, options.context, os.environ)
    choice = _load(configuration, paths, options.context) if paths else _load_pod(configuration)
    url = urlsplit(choice.server)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError(f"the server of context {choice.context!r} is no http or https URL", "correct `server`")
    configuration.host = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")
    _set_proxy(configuration, choice.proxy, url)
    if not configuration.verify_ssl:
        # The kubeconfig asks for it; a warning at every request would say nothing new.
        urllib3.disable_warnings(http.InsecureRequestWarning)
    try:
        return Client(configuration, choice.context, options)
    except (ImportError, http.HTTPError) as error:
        raise CollectError("the proxy's scheme is not supported", "SOCKS proxies need the package PySocks") from error


def _load(configuration: Any, paths: tuple[Path, ...], context: str) -> kubeconfig.Choice:
    choice = kubeconfig.choose({path: kubeconfig.load(path) for path in paths}, context)
    if choice.plugin is not None:
        kubeconfig.check_plugin(choice.plugin, choice.context, os.environ)
    try:
        with _logged_errors() as messages:
            # persist_config=False: a kubeconfig is never written.
            _LIBRARY.config.load_kube_config_from_dict(
                choice.config, choice.context, configuration, persist_config=False
            )
    except (*_MALFORMED, OSError) as error:
        # The library's messages may quote whole entries, tokens included; only this one is known to name just a path.
        told = str(error) if str(error).startswith("File does not exist") else "an entry has the wrong shape"
        raise UsageError(f"context {choice.context!r} cannot be used: {told}", "correct the kubeconfig") from error
    if choice.plugin is not None and not configuration.api_key and not configuration.cert_file:
        told = " ".join(" ".join(messages).split())[:300] or "it gave no token"
        raise CollectError(
            f"the credential plugin {choice.plugin.command!r} of context {choice.context!r} failed: {told}",
            "log in again, then try `kubectl version` with the same context",
        )
    return choice


def _load_pod(configuration: Any) -> kubeconfig.Choice:
    try:
        _LIBRARY.config.load_incluster_config(client_configuration=configuration)
    except (_LIBRARY.config.ConfigException, OSError) as error:
        raise CollectError(
            f"no kubeconfig, and the pod's own credentials cannot be used: {error}",
            "mount the ServiceAccount's token (automountServiceAccountToken: true), or give --kubeconfig",
        ) from error
    return kubeconfig.Choice("in-cluster", str(configuration.host))


@contextmanager
def _logged_errors() -> Iterator[list[str]]:
    """The messages of the root logger meanwhile: the library logs there, and only there, why a plugin failed."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    messages: list[str] = []
    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    try:
        yield messages
    finally:
        logging.getLogger().removeHandler(listener)


def _set_proxy(configuration: Any, own: str, url: SplitResult) -> None:
    """``proxy-url`` of the cluster wins, without exceptions; else the environment's for the scheme, never for loopback.

    As client-go and Go's ProxyFromEnvironment do; the versions of the library differ among themselves.
    """
    environment = getproxies_environment()
    proxy = own or ("" if _is_loopback(url) else environment.get(url.scheme, ""))
    configuration.proxy = proxy or None
    configuration.no_proxy = "" if own else environment.get("no", "")
    parts = urlsplit(proxy)
    if parts.username is not None:
        account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=account)
        configuration.proxy = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_loopback(url: SplitResult) -> bool:
    name = url.hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _explain(error: http.HTTPError, limit: float) -> tuple[str, str]:
    """What happened and what helps, for an error of the connection pool."""
    reach = "check the server's address, the network and the firewall"
    match error:
        case http.SSLError():
            return f"TLS failed: {_reason(error)}", "check `server`, `certificate-authority` and `tls-server-name`"
        case http.NameResolutionError():
            return "the name cannot be resolved", reach
        case http.NewConnectionError():
            return _reason(error), reach
        case http.ConnectTimeoutError():
            return f"no connection within {min(limit, _CONNECT_SECONDS):.3g} s", reach
        case http.ReadTimeoutError():
            return (
                f"no answer within {limit:.3g} s",
                "give a longer --request-timeout, or try when the server has less to do",
            )
        case http.DecodeError():
            return "the answer's compression is broken", "check the proxies in between"
        case http.ProtocolError():
            return "the connection broke before the answer was whole", "try again; check the server's log"
        case _:
            return type(error).__name__, reach


def _reason(error: BaseException) -> str:
    """The operating system's or TLS library's word for a failure, which holds no part of the request."""
    cause: BaseException | None = error
    while cause is not None:
        for inner in (cause, *cause.args):
            if isinstance(inner, OSError) and not isinstance(inner, http.HTTPError):
                told = getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or inner.strerror
                return str(told or inner).replace("_", " ").lower()
        cause = cause.__cause__ or cause.__context__
    return "the connection failed"


class _Status(Struct, frozen=True):
    message: str = ""


def status_message(response: Response) -> str:
    """What a refusing server says: ``message`` of its Status (meta/v1), or the start of a plain text."""
    try:
        told = msgspec.json.decode(response.data, type=_Status).message
    except msgspec.DecodeError:
        told = response.data[:200].decode("utf-8", "replace")
    return " ".join(told.split()) or responses.get(response.status, "")

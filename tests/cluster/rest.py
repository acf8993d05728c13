"""A small client of the Kubernetes API for tests: JSON over HTTPS, standard library only.

It shares no code with the product's client, so a test that prepares or checks a cluster never leans on what it tests.
"""

import http.client
import json
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
KubeObject: TypeAlias = Mapping[str, object]
"""An object as its manifest spells it: apiVersion, kind, metadata, ..."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
FIELD_MANAGER = "kubeaudit-tests"
SERVED_SECONDS = 10.0
"""How long `apply` waits for the API server to serve a kind, such as that of a CustomResourceDefinition just made."""


class RequestError(Exception):
    """The API server answered a step that a test takes for granted with something else than success."""


class Answer(NamedTuple):
    """What the API server said: the HTTP status and the body, parsed when its content type is JSON, else text."""

    status: int
    body: Json

    def at(self, *path: str | int) -> Json:
        """The value of the body at ``path``; see `at`."""
        return at(self.body, *path)

    def text(self, *path: str | int) -> str:
        """The string of the body at ``path``; see `text`."""
        return text(self.body, *path)

    def objects(self) -> list[dict[str, Json]]:
        """The ``items`` of a list, in its order. Raises LookupError where the body is no list of objects."""
        items = self.at("items")
        if not isinstance(items, list):
            raise LookupError(f"items is {type(items).__name__}, not a list")
        return [item for item in items if isinstance(item, dict)]

    def expect(self, *statuses: int) -> "Answer":
        """The answer itself. Raises RequestError, quoting the body, when its status is none of ``statuses``."""
        if self.status not in statuses:
            raise RequestError(f"HTTP {self.status} where {statuses} was expected: {json.dumps(self.body)[:1000]}")
        return self


def bearer(token: str) -> dict[str, str]:
    """The header that authenticates with ``token``; none for the empty token (anonymous)."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class Client:
    """Talks to one API server on 127.0.0.1, as the user of ``token`` unless a request's headers say otherwise."""

    def __init__(self, port: int, ca: Path, token: str) -> None:
        self._port = port
        self._ca = ca
        self._token = token

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> Answer:
        """One request over its own connection; ``headers`` replace the usual ones, ``seconds`` bound every wait.

        Raises OSError or http.client.HTTPException when no whole answer comes.
        """
        usual = {"Content-Type": JSON, **bearer(self._token)}
        with closing(self._connect(seconds)) as connection:
            return exchange(connection, method, path, body, usual if headers is None else headers)

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Requests of one thread, all over one connection that is kept alive."""
        with closing(self._connect()) as connection:
            yield Session(connection, {"Content-Type": JSON, **bearer(self._token)})

    def apply(self, objects: Iterable[KubeObject]) -> list[Answer]:
        """Creates or updates ``objects`` in their order by server-side apply, over one connection.

        Answers come in the same order. Raises RequestError at the first object that the server refuses. ``status`` is
        left alone by the server: patch the status subresource for it.
        """
        plurals: dict[tuple[str, str], tuple[str, bool]] = {}
        headers = {"Content-Type": APPLY, **bearer(self._token)}
        answers = []
        with closing(self._connect()) as connection:
            for item in objects:
                kind = str(item["apiVersion"]), str(item["kind"])
                if kind not in plurals:
                    plurals[kind] = self._served(*kind)
                path = f"{object_path(item, *plurals[kind])}?fieldManager={FIELD_MANAGER}&force=true"
                answers.append(exchange(connection, "PATCH", path, item, headers).expect(200, 201))
        return answers

    def _served(self, api_version: str, kind: str) -> tuple[str, bool]:
        """The plural of a kind and whether it lives in namespaces, from discovery.

        Raises RequestError when the kind is not served after a while.
        """
        deadline = time.monotonic() + SERVED_SECONDS
        while True:
            answer = self.request("GET", group_path(api_version))
            resources = answer.at("resources") if answer.status == 200 else []
            for resource in resources if isinstance(resources, list) else []:
                if isinstance(resource, dict) and resource["kind"] == kind and "/" not in str(resource["name"]):
                    return str(resource["name"]), resource["namespaced"] is True
            if time.monotonic() > deadline:
                raise RequestError(f"the API server serves no {kind} of {api_version}")
            time.sleep(0.05)

    def _connect(self, seconds: float = 60.0) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self._ca)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=seconds, context=context)


class Session:
    """One connection that is kept alive between requests; of one thread only. Made by `Client.session`."""

    def __init__(self, connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self._headers = headers

    def request(self, method: str, path: str, body: object = None) -> Answer:
        """One request, whatever the answer's status. Raises OSError or http.client.HTTPException when none comes."""
        return exchange(self._connection, method, path, body, self._headers)


def at(value: Json, *path: str | int) -> Json:
    """What lies at ``path`` (keys and list indices) inside ``value``. Raises LookupError where nothing does."""
    here = value
    for step in path:
        match here, step:
            case dict(), str() if step in here:
                here = here[step]
            case list(), int() if step < len(here):
                here = here[step]
            case _:
                raise LookupError(f"no {step!r} of {path} in {json.dumps(value)[:500]}")
    return here


def text(value: Json, *path: str | int) -> str:
    """The string at ``path`` inside ``value``. Raises LookupError where there is none."""
    found = at(value, *path)
    if not isinstance(found, str):
        raise LookupError(f"{path} is {type(found).__name__}, not a string")
    return found


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object, headers: Mapping[str, str]
) -> Answer:
    """One request and its answer over an open connection; ``body`` is sent as JSON unless it is None."""
    content = None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, dict(headers))
    response = connection.getresponse()
    received = response.read().decode()
    parsed = response.headers.get_content_type() == JSON
    return Answer(response.status, json.loads(received) if parsed else received)


def group_path(api_version: str) -> str:
    """Where a group version is served: ``/api/v1`` for the core group, ``/apis/GROUP/VERSION`` for the others."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def object_path(item: KubeObject, plural: str, namespaced: bool) -> str:
    """Where one object is served; a namespaced one without a namespace is in ``default``, as with kubectl."""
    metadata = item["metadata"]
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise RequestError(f"{item['kind']} has no metadata.name: server-side apply needs one")
    place = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
    return f"{group_path(str(item['apiVersion']))}{place}/{plural}/{metadata['name']}"

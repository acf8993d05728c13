"""Credentials and bulk taken out of an object before anything else sees it (CHK-36 to CHK-38, LP-03).

``metadata.managedFields`` and the annotation ``last-applied-configuration`` are dropped. Values of environment
variables, command lines, HTTP headers of probes, annotations and ConfigMaps are masked where they are credentials, or
have the name of one beside them. In kinds without containers any other string is masked where its shape tells.

An object is opened only as far as needed: most have nothing to mask, and looking costs a fraction of decoding.
"""

import re
from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from kubeaudit.collect import credentials
from kubeaudit.kinds import CONFIGMAPS

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_TEMPLATES = ("spec", "template", "jobTemplate", "podTemplate")
_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "postStart", "preStop", "exec", "httpGet")
_MARKS = (b"-----BEGIN ", b"eyJ", b"AKIA", b"ASIA", b"ghp_", b"glpat-", b"xoxb-", b"@tcp(")
_URL = re.compile(rb"://[^\s/:@\"]*:[^\s/\"]*@")

_Fields = dict[str, object]


class _Variable(Struct, gc=False):
    name: str = ""
    value: str | None = None


class _Handler(Struct, gc=False, rename="camel"):
    """A probe, a lifecycle hook, or both hooks together, and what they hold: only what can carry a credential."""

    exec: "_Handler | None" = None
    http_get: "_Handler | None" = None
    post_start: "_Handler | None" = None
    pre_stop: "_Handler | None" = None
    command: list[str] | None = None
    http_headers: list[_Variable] | None = None


class _Container(Struct, gc=False, rename="camel"):
    env: list[_Variable] | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    liveness_probe: _Handler | None = None
    readiness_probe: _Handler | None = None
    startup_probe: _Handler | None = None
    lifecycle: _Handler | None = None


class _Metadata(Struct, gc=False):
    annotations: dict[str, str] | None = None


class _Node(Struct, gc=False, rename="camel"):
    """Any level between a spec and its containers: specs and templates of every kind, known or not (EXP-38)."""

    metadata: _Metadata | None = None
    spec: "_Node | None" = None
    template: "_Node | None" = None
    job_template: "_Node | None" = None
    pod_template: "_Node | None" = None
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None


_SPLIT = msgspec.json.Decoder(dict[str, Raw])
_NODE = msgspec.json.Decoder(_Node)
_ANNOTATIONS = msgspec.json.Decoder(dict[str, str])


def redact(raw: bytes, resource: str) -> bytes:
    """One object as JSON on one line, without what must not be kept. Done twice it changes nothing more.

    Raises :class:`msgspec.DecodeError` or :class:`UnicodeDecodeError` for what is no JSON object, and
    :class:`RecursionError` where it is nested too deeply.
    """
    if b"\n" in raw or b"\r" in raw:
        # JSON strings hold no raw line break, so these stand between tokens.
        raw = msgspec.json.format(raw, indent=-1)
    top = _SPLIT.decode(raw)
    metadata = _split(top.get("metadata"))
    metadata.pop("managedFields", None)
    look = _look(metadata.get("annotations"), top.get("spec"))
    if look.suspicious():
        _change(metadata, "annotations", _annotations)
        _change(top, "spec", _node)
    if metadata:
        top["metadata"] = Raw(msgspec.json.encode(metadata))
    if resource == CONFIGMAPS:
        _change(top, "data", _data)
        _change(top, "binaryData", _data)
    if not look.containers:
        _change_shapes(top)
    return msgspec.json.encode(top)


class _Look:
    """What of an object can hold a credential, without the rest of it."""

    def __init__(self) -> None:
        self.strange = False
        self.containers = False
        self.texts: list[str] = []
        self.variables: list[_Variable] = []

    def suspicious(self) -> bool:
        """Whether there may be something to mask."""
        texts = self.texts
        for variable in self.variables:
            if variable.value:
                if credentials.secret_kind(variable.name):
                    return True
                texts.append(variable.value)
        return self.strange or credentials.suspicious(texts)

    def annotations(self, found: dict[str, str]) -> None:
        """Takes in annotations."""
        self.strange |= LAST_APPLIED in found or any(map(_names_password, found))
        self.texts += found.values()

    def node(self, node: _Node) -> None:
        """Takes in a spec and the templates in it."""
        if node.metadata and node.metadata.annotations:
            self.annotations(node.metadata.annotations)
        for containers in (node.containers, node.init_containers, node.ephemeral_containers):
            for container in containers or ():
                self.containers = True
                self.texts += container.command or ()
                self.texts += container.args or ()
                self.variables += container.env or ()
                for handler in (container.liveness_probe, container.readiness_probe, container.startup_probe):
                    self.handler(handler)
                self.handler(container.lifecycle)
        for inner in (node.spec, node.template, node.job_template, node.pod_template):
            if inner is not None:
                self.node(inner)

    def handler(self, handler: _Handler | None) -> None:
        """Takes in a probe or hook."""
        if handler is not None:
            self.texts += handler.command or ()
            self.variables += handler.http_headers or ()
            for inner in (handler.exec, handler.http_get, handler.post_start, handler.pre_stop):
                self.handler(inner)


def _look(annotations: Raw | None, spec: Raw | None) -> _Look:
    look = _Look()
    try:
        if annotations is not None:
            look.annotations(_ANNOTATIONS.decode(annotations))
        if spec is not None:
            look.node(_NODE.decode(spec))
    except msgspec.ValidationError:
        # A field has another type than in the API: everything is looked at, one by one.
        look.strange = True
        look.containers = False
    return look


def _split(raw: Raw | None) -> dict[str, Raw]:
    """The fields of an object; none where it is something else."""
    try:
        return _SPLIT.decode(raw) if raw is not None else {}
    except msgspec.ValidationError:
        return {}


def _change(fields: dict[str, Raw], key: str, change: Callable[[object], object]) -> None:
    if key in fields:
        fields[key] = Raw(msgspec.json.encode(change(msgspec.json.decode(fields[key]))))


def _change_shapes(fields: dict[str, Raw]) -> None:
    for key, raw in fields.items():
        data = bytes(raw)
        if any(map(data.__contains__, _MARKS)) or _URL.search(data):
            fields[key] = Raw(msgspec.json.encode(_shapes(msgspec.json.decode(raw))))


def _names_password(annotation: str) -> bool:
    """Whether an annotation's key names a password. Keys with other words, such as auth-secret, name objects."""
    return "pass" in annotation and credentials.secret_kind(annotation.rpartition("/")[2]) == "password"


def _node(value: object) -> object:
    if not isinstance(value, dict):
        return value
    found: _Fields = dict(value)
    for key, item in value.items():
        if key in _TEMPLATES:
            found[key] = _node(item)
        elif key == "metadata" and isinstance(item, dict) and "annotations" in item:
            found[key] = {**item, "annotations": _annotations(item["annotations"])}
        elif key in _CONTAINERS and isinstance(item, list):
            found[key] = [_container(container) for container in item]
    return found


def _annotations(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {
        key: (credentials.named(key, text) if _names_password(key) else credentials.in_text(text))
        if isinstance(text, str)
        else text
        for key, text in value.items()
        if key != LAST_APPLIED
    }


def _container(value: object) -> object:
    if not isinstance(value, dict):
        return value
    found: _Fields = {key: _handler(item) if key in _HANDLERS else item for key, item in value.items()}
    found |= _command_line(value, ("command", "args"))
    if "env" in value:
        found["env"] = _variables(value["env"])
    return found


def _handler(value: object) -> object:
    if not isinstance(value, dict):
        return value
    found: _Fields = {key: _handler(item) if key in _HANDLERS else item for key, item in value.items()}
    found |= _command_line(value, ("command",))
    if "httpHeaders" in value:
        found["httpHeaders"] = _variables(value["httpHeaders"])
    return found


def _command_line(value: _Fields, keys: tuple[str, ...]) -> _Fields:
    """The lists of words under these keys, read as one command line."""
    lists = {key: item for key in keys if isinstance(item := value.get(key), list)}
    words = credentials.arguments([str(word) for item in lists.values() for word in item])
    found: _Fields = {}
    for key, item in lists.items():
        own, words = words[: len(item)], words[len(item) :]
        found[key] = [new if str(old) != new else old for old, new in zip(item, own, strict=True)]
    return found


def _variables(value: object) -> object:
    """Entries with a name and a value: variables and headers."""
    if not isinstance(value, list):
        return value
    return [
        {**item, "value": credentials.named(str(item.get("name", "")), str(item["value"]))}
        if isinstance(item, dict) and isinstance(item.get("value"), str | int | float)
        else item
        for item in value
    ]


def _data(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: credentials.named(key, text) if isinstance(text, str) else text for key, text in value.items()}


def _shapes(value: object) -> object:
    """The value with every string masked that is a credential by its shape."""
    if isinstance(value, str):
        return credentials.by_shape(value)
    if isinstance(value, dict):
        return {key: _shapes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shapes(item) for item in value]
    return value

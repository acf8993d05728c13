"""Credentials and bulk taken out of an object before anything else sees it (CHK-36 to CHK-38, LP-03).

``metadata.managedFields`` and the annotation ``last-applied-configuration`` are dropped. Values of environment
variables, command lines, HTTP headers of probes, annotations and ConfigMaps are masked where they are, or are named like,
credentials; any other string where its shape alone tells.

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
_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "postStart", "preStop")
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


def redact(raw: bytes, resource: str) -> bytes:
    """One object as JSON on one line, without what must not be kept. Done twice it changes nothing more.

    Raises :class:`msgspec.DecodeError` or :class:`UnicodeDecodeError` for what is no JSON object, and
    :class:`RecursionError` where it is nested too deeply.
    """
    if b"\n" in raw or b"\r" in raw:
        # JSON strings hold no raw line break, so these stand between tokens.
        raw = msgspec.json.format(raw, indent=-1)
    top = msgspec.json.decode(raw, type=dict[str, Raw])
    changed = {
        "metadata": _changed(top, "metadata", _metadata_found, _metadata),
        "spec": _changed(top, "spec", _spec_found, _node),
    }
    if resource == CONFIGMAPS:
        changed["data"] = _changed(top, "data", _always, _data)
        changed["binaryData"] = _changed(top, "binaryData", _always, _binary)
    ...

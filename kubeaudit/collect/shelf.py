"""Where the objects of files are put: each once, by resource, and what could not be put there."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from kubeaudit.collect.defaults import apply_defaults
from kubeaudit.collect.defaults.fields import Fields, found
from kubeaudit.collect.redact import redact
from kubeaudit.collect.templates import FILE_KINDS
from kubeaudit.collect.versions import convert
from kubeaudit.documents import HELM, drop_nulls
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, Kind, Origin, by_api_kind
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import FRAME_OBJECTS, BadDocument, Frame, Outcome, Read, pack

NAMESPACE_DEFAULTED = "kubeauditNamespaceDefaulted"
"""Set on the JSON of an object whose document names no namespace (NET-02, REG-16)."""

_CONFIGMAP = Kind("", CONFIGMAPS, ("v1",), "ConfigMap", True, Origin.OBSERVED, "the named ones")
_EXTRA = {(kind.group, kind.kind): kind for kind in (*FILE_KINDS, _CONFIGMAP)}
_TEXT_MAPS = frozenset(["labels", "annotations", "matchLabels", "nodeSelector"])
_MORE_TEXT_MAPS: Mapping[str, frozenset[str]] = {
    "services": _TEXT_MAPS | {"selector"},
    "replicationcontrollers": _TEXT_MAPS | {"selector"},
    "storageclasses.storage.k8s.io": _TEXT_MAPS | {"parameters"},
    CONFIGMAPS: _TEXT_MAPS | {"data", "binaryData"},
}
_ALL = ""
"""Stands for every kind that people write, where a lost document does not tell its kind."""


class Source(Struct, frozen=True):
    """Where an object stands: file, document (from 1), line (from 1), and its place inside the document, if it has one."""

    where: str
    document: int
    line: int
    item: str = ""

    def __str__(self) -> str:
        return f"{self.where}, document {self.document}" + (f", {self.item}" if self.item else "")


class _UnusableError(Exception):
    """A document that is no object that can be kept."""


class Shelf:
    """Takes objects one by one; gives frames, reads and what was unusable."""

    def __init__(self, namespace: str) -> None:
        """``namespace`` is that of documents without one."""
        self.bad: list[BadDocument] = []
        self._namespace = namespace
        self._waiting: dict[str, list[bytes]] = defaultdict(list)
        self._packed: list[Frame] = []
        self._counts: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._seen: dict[tuple[str, str, str], tuple[int, Source]] = {}
        self._lost: dict[tuple[str, str], list[Source]] = defaultdict(list)

    def take(self, source: Source, obj: Fields) -> None:
        """Keeps an object, or reports why not."""
        try:
            self._take(source, obj)
        except _UnusableError as error:
            self.lose(source, str(error), obj)
        except (msgspec.DecodeError, UnicodeError) as error:
            self.lose(source, f"cannot be written as JSON: {error}", obj)
        except RecursionError:
            self.lose(source, "is nested too deeply", obj)

    def lose(self, source: Source, reason: str, obj: Fields | None) -> None:
        """Reports what is not kept; ``obj`` is what can be told of it, None where it was no object of Kubernetes."""
        ref = None
        if obj is not None:
            kind = _kind(obj)
            ref = self._ref(obj, kind)
            if kind is not None:
                unsure = "metadata" not in obj
                scope = "" if unsure or not kind.namespaced else self._place(obj)[0]
                self._lost[kind.key, scope].append(source)
            elif not isinstance(obj.get("kind"), str) or obj["kind"] == "List":
                self._lost[_ALL, ""].append(source)
        text = f"{source.item}: {reason}" if source.item else reason
        self.bad.append(BadDocument(source.where, text, source.document, source.line, ref))

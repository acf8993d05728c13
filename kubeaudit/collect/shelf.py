"""Where the objects of files are put: each once, by resource, as the API server would show it, redacted."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from kubeaudit.collect.defaults import apply_defaults
from kubeaudit.collect.defaults.fields import Fields, found
from kubeaudit.collect.losses import OWN_GROUPS, Losses
from kubeaudit.collect.redact import redact
from kubeaudit.collect.versions import convert
from kubeaudit.documents import HELM, drop_nulls
from kubeaudit.kinds import CONFIGMAPS, FILE_KINDS, KINDS, NAMED_CONFIGMAPS, NAMED_KIND, Kind, Origin, by_api_kind
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import FRAME_OBJECTS, BadDocument, Frame, Outcome, Read, pack

NAMESPACE_DEFAULTED = "kubeauditNamespaceDefaulted"
"""Set at the top of an object whose document names no namespace (NET-02, REG-16)."""

_MORE_KINDS = {(kind.group, kind.kind): kind for kind in (*FILE_KINDS, NAMED_KIND)}
_TEXT_MAPS = frozenset(["labels", "annotations", "matchLabels", "nodeSelector"])
_MORE_TEXT_MAPS: Mapping[str, frozenset[str]] = {
    "services": _TEXT_MAPS | {"selector"},
    "replicationcontrollers": _TEXT_MAPS | {"selector"},
    "storageclasses.storage.k8s.io": _TEXT_MAPS | {"parameters"},
    CONFIGMAPS: _TEXT_MAPS | {"data", "binaryData"},
}


class Source(Struct, frozen=True):
    """Where an object stands: file, document and line (from 1), and its place inside the document, if it has one."""

    where: str
    document: int
    line: int
    item: str = ""

    def __str__(self) -> str:
        return f"{self.where}, document {self.document}" + (f", {self.item}" if self.item else "")


class _UnusableError(Exception):
    """What keeps an object from being kept."""


class Shelf:
    """Takes objects one by one; gives frames, reads and what was unusable."""

    def __init__(self, namespace: str) -> None:
        """``namespace`` is that of documents without one."""
        self.bad: list[BadDocument] = []
        self._namespace = namespace
        self._losses = Losses(namespace)
        self._waiting: dict[str, list[bytes]] = defaultdict(list)
        self._packed: list[Frame] = []
        self._counts: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._seen: dict[tuple[str, str, str], tuple[int, Source]] = {}

    def take(self, source: Source, obj: Fields) -> None:
        """Keeps an object, or reports why not."""
        try:
            self._take(source, obj)
        except _UnusableError as error:
            self.lose(source, str(error), obj)
        except (msgspec.DecodeError, UnicodeError) as error:
            self.lose(source, f"is no JSON: {error}", obj)
        except RecursionError:
            self.lose(source, "is nested too deeply", obj)

    def lose(self, source: Source, reason: str, obj: Fields | None = None) -> None:
        """Reports what is not kept. ``obj`` is what can be told of an object of Kubernetes, None where it is none."""
        ref = self._losses.add(obj, f"{source.where}:{source.line}") if obj is not None else None
        self.report(source, reason, ref)

    def report(self, source: Source, reason: str, ref: ObjectRef | None = None) -> None:
        """Reports what is not kept, and is no loss."""
        text = f"{source.item} {reason}" if source.item else reason
        self.bad.append(BadDocument(source.where, text, source.document, source.line, ref))

    def frames(self) -> tuple[Frame, ...]:
        """The objects, packed."""
        return (*self._packed, *(pack(key, waiting) for key, waiting in self._waiting.items() if waiting))

    def reads(self) -> tuple[Read, ...]:
        """One read of every kind, and of what files have beyond the table."""
        namespaces = {namespace for _, namespace, _ in self._seen if namespace} | {self._namespace}
        namespaces |= {name for key, _, name in self._seen if key == "namespaces"}
        reads: list[Read] = []
        for kind in (*KINDS, *(kind for kind in FILE_KINDS if self._counts[kind.key])):
            count = self._counts[kind.key]
            shown = kind.origin is Origin.AUTHORED or count
            read = Read(kind.key, "", Outcome.COMPLETE if shown else Outcome.ABSENT, count=count)
            if not shown:
                read = msgspec.structs.replace(read, detail="no document shows it")
            reads += self._losses.reads(read, kind, namespaces)
        for namespace, name in NAMED_CONFIGMAPS:
            held = (CONFIGMAPS, namespace, name) in self._seen
            outcome, detail = (Outcome.COMPLETE, "") if held else (Outcome.ABSENT, "no document shows it")
            reads.append(Read(CONFIGMAPS, f"{namespace}/{name}", outcome, count=int(held), detail=detail))
        for key, count in sorted(self._others.items()):
            detail = "only the named ones are kept" if key == CONFIGMAPS else "not in the table of kinds"
            reads.append(Read(key, "", Outcome.NOT_ASKED, count=count, detail=detail))
        return tuple(reads)

    def _take(self, source: Source, obj: Fields) -> None:
        obj = convert(obj)
        api_version, kind_name = obj.get("apiVersion"), obj.get("kind")
        if not isinstance(api_version, str) or not isinstance(kind_name, str):
            raise _UnusableError("has an apiVersion or kind that is no text")
        group, _, version = api_version.rpartition("/")
        kind = by_api_kind().get((group, kind_name)) or _MORE_KINDS.get((group, kind_name))
        if kind is None:
            _refuse_wrong_group(api_version, kind_name)
            self._others[_resource(kind_name, group)] += 1
            return
        if version not in kind.versions:
            raise _UnusableError(f"has version {api_version} of {kind_name}; known are {', '.join(kind.versions)}")
        fresh = self._placed(obj, kind)
        metadata = found(fresh, "metadata")
        identity = (kind.key, str(metadata.get("namespace", "")), str(metadata["name"]))
        if kind is NAMED_KIND and identity[1:] not in NAMED_CONFIGMAPS:
            self._others[CONFIGMAPS] += 1
            return
        data = redact(msgspec.json.encode(apply_defaults(kind.key, _without_nulls(fresh, kind))), kind.key)
        if self._again(source, kind, identity, hash(data)):
            return
        self._counts[kind.key] += 1
        self._waiting[kind.key].append(data)
        if len(self._waiting[kind.key]) == FRAME_OBJECTS:
            self._packed.append(pack(kind.key, self._waiting.pop(kind.key)))

    def _placed(self, obj: Fields, kind: Kind) -> Fields:
        """The object with a name and, if its kind has one, a namespace."""
        metadata = dict(found(obj, "metadata"))
        name = metadata.get("name") or metadata.get("generateName")
        if not name:
            raise _UnusableError("has no metadata.name")
        if not isinstance(name, str):
            raise _UnusableError("has a metadata.name that is no text")
        if not metadata.get("name"):
            name = self._generated(kind, metadata, name)
        metadata["name"] = name
        namespace = metadata.pop("namespace", None)
        if namespace is not None and not isinstance(namespace, str):
            raise _UnusableError("has a metadata.namespace that is no text")
        if "{{" in name or "{{" in (namespace or ""):
            raise _UnusableError(HELM)
        fresh = {**obj, "metadata": metadata}
        if kind.namespaced:
            metadata["namespace"] = namespace or self._namespace
            if not namespace:
                fresh[NAMESPACE_DEFAULTED] = True
        return fresh

    def _generated(self, kind: Kind, metadata: Fields, prefix: str) -> str:
        """A name for what the server would name: the prefix, with a number where it was used before."""
        namespace = str(metadata.get("namespace") or self._namespace) if kind.namespaced else ""
        name, number = prefix, 1
        while (kind.key, namespace, name) in self._seen:
            number += 1
            name = f"{prefix}{number}"
        return name

    def _again(self, source: Source, kind: Kind, identity: tuple[str, str, str], content: int) -> bool:
        """Whether the object was read before; it is reported, and another content is a loss."""
        first = self._seen.setdefault(identity, (content, source))
        if first[1] is source:
            return False
        ref = ObjectRef(kind.kind, identity[1], identity[2], kind.group)
        if first[0] == content:
            self.report(source, f"{ref} was read before, with the same content: {first[1]}")
        else:
            told: Fields = {"apiVersion": _api_version(kind), "kind": kind.kind}
            told["metadata"] = {"name": identity[2], "namespace": identity[1]}
            self.lose(source, f"{ref} was read before, with another content: {first[1]}", told)
        return True


def _without_nulls(obj: Fields, kind: Kind) -> Fields:
    """The object without the nulls that the server drops.

    It drops none in custom resources, and in policies of Cilium they may mean something (NET-103: ``ingress:``).
    """
    dropped = drop_nulls(obj, _MORE_TEXT_MAPS.get(kind.key, _TEXT_MAPS))
    fresh: Fields = dropped if isinstance(dropped, dict) else {}
    if kind.group == "cilium.io":
        fresh |= {key: obj[key] for key in ("spec", "specs") if key in obj}
    return fresh


def _refuse_wrong_group(api_version: str, kind_name: str) -> None:
    """Refuses a kind of Kubernetes in a group of Kubernetes that has no such kind."""
    for kind in KINDS:
        if kind.kind == kind_name and {kind.group, api_version.rpartition("/")[0]} <= OWN_GROUPS:
            raise _UnusableError(f"{api_version} has no kind {kind_name}; it is in {_api_version(kind)}")


def _api_version(kind: Kind) -> str:
    return f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]


def _resource(kind: str, group: str) -> str:
    """``plural.group`` of a kind outside the table, guessed as the API machinery guesses."""
    singular = kind.lower()
    if singular.endswith("y"):
        plural = f"{singular[:-1]}ies"
    else:
        plural = f"{singular}es" if singular.endswith("s") else f"{singular}s"
    return f"{plural}.{group}" if group else plural

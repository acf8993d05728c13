"""Which kinds were read only in part, because a document that was going to be one of them could not be used."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubeaudit.collect.defaults.fields import Fields, found
from kubeaudit.collect.versions import convert
from kubeaudit.kinds import FILE_KINDS, KINDS, Kind, Origin
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Outcome, Read

OWN_GROUPS = frozenset(
    ["extensions", *(kind.group for kind in KINDS if "." not in kind.group or kind.group.endswith("k8s.io"))]
)
"""API groups of Kubernetes itself: a kind that stands in the wrong one of them is a slip, not another kind."""
EVERYWHERE = ""
_EVERY_KIND = ""


class Losses:
    """Lost documents by kind and namespace."""

    def __init__(self, namespace: str) -> None:
        """``namespace`` is that of documents without one."""
        self._namespace = namespace
        self._lost: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def add(self, obj: Fields, place: str) -> ObjectRef | None:
        """Counts a lost document as far as ``obj`` tells what it was, and names it if that is told.

        ``place`` says where it stands.
        """
        kinds = kinds_of(obj)
        for kind in kinds:
            self._lost[kind.key][self._scope(kind, obj)].append(place)
        if not kinds and obj.get("kind") in (None, "List"):
            self._lost[_EVERY_KIND][EVERYWHERE].append(place)
        metadata = found(obj, "metadata")
        name = metadata.get("name")
        if len(kinds) != 1 or not isinstance(name, str) or "{{" in name or obj.get("kind") != kinds[0].kind:
            return None
        return ObjectRef(kinds[0].kind, self._scope(kinds[0], obj), name, kinds[0].group)

    def reads(self, read: Read, kind: Kind, namespaces: Iterable[str]) -> Iterator[Read]:
        """A read of a kind as it is in view of the losses; ``namespaces`` are all there are.

        Where every loss is known to lie in some namespaces, the others were read whole.
        """
        scopes = dict(self._lost.get(kind.key, {}))
        if kind.origin is Origin.AUTHORED and _EVERY_KIND in self._lost:
            scopes |= self._lost[_EVERY_KIND]
        if not scopes:
            yield read
            return
        places = [place for lost in scopes.values() for place in lost]
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        detail = f"not usable: {places[0]}{more}"
        yield Read(read.resource, "", Outcome.PARTIAL, count=read.count, detail=detail)
        if EVERYWHERE not in scopes:
            for namespace in sorted(set(namespaces) - set(scopes)):
                yield Read(read.resource, namespace, Outcome.COMPLETE)

    def _scope(self, kind: Kind, obj: Fields) -> str:
        """The namespace a lost object belongs to; EVERYWHERE where that is not told or it belongs to none."""
        if not kind.namespaced or not isinstance(obj.get("metadata"), dict):
            return EVERYWHERE
        namespace = found(obj, "metadata").get("namespace", self._namespace)
        return namespace if isinstance(namespace, str) and "{{" not in namespace else EVERYWHERE


def kinds_of(obj: Fields) -> list[Kind]:
    """The kinds of the table that an object, or the items of a typed list, may be of."""
    obj = convert(obj)
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if not isinstance(kind, str):
        return []
    rows = [row for row in (*KINDS, *FILE_KINDS) if row.kind in (kind, kind.removesuffix("List"))]
    if not isinstance(version, str) or not version:
        return rows
    group = version.rpartition("/")[0]
    own = [row for row in rows if row.group in OWN_GROUPS] if group in OWN_GROUPS else []
    return [row for row in rows if row.group == group] or own

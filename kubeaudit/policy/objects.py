"""The whole objects behind workloads, for policies that read ``object``: streamed once, cut down to what is read."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Raw

from kubeaudit.kinds import by_key
from kubeaudit.model.decode import BROKEN
from kubeaudit.model.ownership import CONTROLLERS
from kubeaudit.policy.decide import Rule, union
from kubeaudit.policy.project import Cuts
from kubeaudit.policy.schema import OBJECT
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Snapshot

UNREAD = -1
"""Number of an object that cannot be decoded whole, though what the model reads of it can."""

_Key = tuple[str, str, str]
"""Kind, namespace, name."""
_fields = msgspec.json.Decoder(dict[str, Raw])


class Objects:
    """The objects of ``wanted`` by what some rule reads or changes of them. Of two with one name the first counts, as in
    the model.
    """

    def __init__(self, rules: Sequence[Rule], snapshot: Snapshot, wanted: Iterable[ObjectRef]) -> None:
        self._tree = union(rules, OBJECT)
        self._cuts = Cuts(self._tree)
        self._numbers: dict[_Key, int] = {_key(ref): UNREAD for ref in wanted}
        for key, fields in self._found(snapshot):
            if self._numbers.get(key, 0) == UNREAD:
                self._numbers[key] = self._number(fields)

    def of(self, ref: ObjectRef) -> int:
        """Number of an object, ``UNREAD`` where it cannot be decoded."""
        return self._numbers.get(_key(ref), UNREAD)

    def value(self, number: int) -> dict[str, object]:
        """The object of a number: only the fields that some policy reads or changes."""
        return self._cuts.value(number)

    def _found(self, snapshot: Snapshot) -> Iterator[tuple[_Key, dict[str, Raw]]]:
        kinds = {kind for kind, _, _ in self._numbers}
        for resource in (*CONTROLLERS, "pods"):
            row = by_key().get(resource)
            if row is not None and row.kind not in kinds:
                continue
            for raw in snapshot.objects(resource):
                try:
                    fields = _fields.decode(raw)
                    metadata = _mapping(fields, "metadata")
                    # Kinds that only files show have no row, but a file names the kind.
                    kind = row.kind if row is not None else str(msgspec.json.decode(fields.get("kind", b'""')))
                except BROKEN:
                    continue
                yield (kind, str(metadata.get("namespace") or ""), str(metadata.get("name") or "")), fields

    def _number(self, fields: dict[str, Raw]) -> int:
        read = fields if self._tree is None else {key: fields[key] for key in self._tree if key in fields}
        try:
            return self._cuts.number({key: msgspec.json.decode(raw) for key, raw in read.items()})
        except BROKEN:
            return UNREAD


def _mapping(fields: dict[str, Raw], key: str) -> dict[str, object]:
    value = msgspec.json.decode(fields.get(key, b"{}"))
    return value if isinstance(value, dict) else {}


def _key(ref: ObjectRef) -> _Key:
    return ref.kind, ref.namespace, ref.name

"""The whole objects behind workloads, for policies that read ``object``: streamed once, cut down to what is read."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Raw

from kubeaudit.kinds import by_key
from kubeaudit.model.decode import BROKEN
from kubeaudit.model.ownership import CONTROLLERS
from kubeaudit.policy.columns import Columns, Row
from kubeaudit.policy.decide import Rule, union
from kubeaudit.policy.schema import OBJECT
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Snapshot

_Key = tuple[str, str, str]
"""Kind, namespace, name."""
_fields = msgspec.json.Decoder(dict[str, Raw])


class Objects:
    """The objects of ``wanted``, each by what some rule reads or changes of it. Of two with one name the first counts,
    as in the model.
    """

    def __init__(self, rules: Sequence[Rule], snapshot: Snapshot, wanted: Iterable[ObjectRef]) -> None:
        self.columns = Columns(union(rules, OBJECT), repeats=False)
        self._rows: dict[_Key, Row | None] = {_key(ref): None for ref in wanted}
        for key, fields in self._found(snapshot):
            if key in self._rows and self._rows[key] is None:
                self._rows[key] = self.columns.row(fields)

    def of(self, ref: ObjectRef) -> Row | None:
        """The row of an object, None where there is none that can be read."""
        return self._rows.get(_key(ref))

    def _found(self, snapshot: Snapshot) -> Iterator[tuple[_Key, dict[str, Raw]]]:
        kinds = {kind for kind, _, _ in self._rows}
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


def _mapping(fields: dict[str, Raw], key: str) -> dict[str, object]:
    value = msgspec.json.decode(fields.get(key, b"{}"))
    return value if isinstance(value, dict) else {}


def _key(ref: ObjectRef) -> _Key:
    return ref.kind, ref.namespace, ref.name

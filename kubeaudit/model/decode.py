"""From the JSON of a snapshot to the Structs of ``objects/``; the last place that knows JSON.

One object that does not fit its type never ends a run (CHK-06): it is reported and left out.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct

from kubeaudit.model.objects.meta import Metadata
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Snapshot

T = TypeVar("T")
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON: broken syntax, no UTF-8, nested too deep."""


class _Identity(Struct, rename="camel"):
    """As much of a broken object as may still be told."""

    metadata: Metadata = Metadata()
    kind: str = ""
    api_version: str = ""


def objects(snapshot: Snapshot, resource: str, kind: type[T], bad: list[BadDocument]) -> Iterator[T]:
    """Decode every object of a resource into ``kind``; what cannot be decoded is appended to ``bad``."""
    decoder = msgspec.json.Decoder(kind)
    for raw in snapshot.objects(resource):
        try:
            found = decoder.decode(raw)
        except msgspec.ValidationError as error:
            try:
                found = decoder.decode(msgspec.json.encode(drop_nulls(msgspec.json.decode(raw))))
            except (*BROKEN, msgspec.ValidationError):
                bad.append(BadDocument(resource, f"does not fit its API type: {error}", object=identity(raw)))
                continue
        except BROKEN as error:
            bad.append(BadDocument(resource, f"is no JSON: {error}"))
            continue
        yield found


def drop_nulls(value: object) -> object:
    """The value without null fields: the API server treats null as absent."""
    if isinstance(value, dict):
        return {key: drop_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [drop_nulls(item) for item in value]
    return value


def identity(raw: bytes) -> ObjectRef | None:
    """Which object a broken document seems to be, if that much can be read."""
    try:
        found = msgspec.convert(drop_nulls(msgspec.json.decode(raw)), _Identity)
    except BROKEN:
        return None
    group = found.api_version.rpartition("/")[0]
    return ObjectRef(found.kind, found.metadata.namespace, found.metadata.name, group)

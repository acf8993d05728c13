"""One page of a list: its continue token, found before it is decoded, and its objects, redacted and packed.

The API server writes the fields of a built-in list in the order kind, apiVersion, metadata, items, so the token stands
in the first kilobytes; lists of custom resources have their metadata last. Items of built-in lists carry neither kind
nor apiVersion.
"""

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from kubeaudit.collect.redact import redact
from kubeaudit.snapshot import BadDocument, Frame, pack_all

LIMIT = 500
"""Objects asked for in one page (PERF-03): the page size of kubectl and of client-go's pager."""
_HEAD = 4096
_METADATA_FIRST = re.compile(rb'\{"kind":"\w+","apiVersion":"[\w./-]+","metadata":(\{[^{}]*\}),"items":')


class ListMeta(Struct, frozen=True, rename="camel"):
    """meta/v1 ListMeta: the token of the next page ("" on the last one) and how many objects follow this page."""

    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(Struct, frozen=True):
    items: list[msgspec.Raw] | None
    metadata: ListMeta = ListMeta()


class _TypeMeta(Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""


class Page(Struct, frozen=True):
    """One page: its objects in frames, in the server's order, those that are unusable, and its place in the list."""

    meta: ListMeta
    frames: tuple[Frame, ...]
    bad: tuple[BadDocument, ...]

    @property
    def count(self) -> int:
        """Objects kept."""
        return sum(frame.count for frame in self.frames)


def peek(data: bytes) -> ListMeta | None:
    """The metadata of a list without decoding it, where it comes first; None where only decoding can tell."""
    found = _METADATA_FIRST.match(data[:_HEAD])
    try:
        return msgspec.json.decode(found[1], type=ListMeta) if found else None
    except msgspec.DecodeError:
        return None


def decode(data: bytes, resource: str, api_version: str, kind: str, where: str) -> Page:
    """The objects of a page, each with apiVersion and kind, redacted (LP-03, CHK-37, CHK-38) and packed.

    ``where`` names the list where an object is bad. Raises :class:`msgspec.DecodeError` for what is no list.
    """
    try:
        page = msgspec.json.decode(data, type=_List)
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error
    bad: list[BadDocument] = []
    head = msgspec.json.encode({"apiVersion": api_version, "kind": kind})[:-1]
    frames = tuple(pack_all(resource, _objects(page.items or [], head, resource, where, bad)))
    return Page(page.metadata, frames, tuple(bad))


def _objects(
    items: list[msgspec.Raw], head: bytes, resource: str, where: str, bad: list[BadDocument]
) -> Iterator[bytes]:
    for number, item in enumerate(items, start=1):
        try:
            raw = bytes(item)
            # The list's decoder passes over strings, so broken UTF-8 would surface only where a field is read.
            str(raw, "utf-8")
            yield redact(typed(raw, head), resource)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            bad.append(BadDocument(where, f"cannot be decoded: {error}", document=number))


def typed(raw: bytes, head: bytes) -> bytes:
    """An object that says its apiVersion and kind; ``head`` is ``{"apiVersion":...,"kind":...``.

    Raises :class:`msgspec.DecodeError` for what is no object.
    """
    # Go writes built-in types field by field, so metadata comes first exactly where the type is left out.
    if not raw.startswith(b'{"metadata":'):
        own = msgspec.json.decode(raw, type=_TypeMeta)
        if own.kind and own.api_version:
            return raw
    rest = raw[1:].lstrip()
    return head + (rest if rest == b"}" else b"," + rest)

"""The protocol buffer wire format, as far as a serialized CEL expression needs it (protobuf.dev, "Encoding")."""

from collections.abc import Iterator

from msgspec import Struct

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Message(Struct, frozen=True):
    """A message by field number; a field that repeats has several values, in order."""

    fields: dict[int, tuple[int | bytes, ...]]

    def has(self, number: int) -> bool:
        """Whether the field is set."""
        return number in self.fields

    def flag(self, number: int) -> bool:
        """A field of type bool."""
        return any(value != 0 for value in self.fields.get(number, ())[-1:])

    def text(self, number: int) -> str:
        """A field of type string, "" where it is not set."""
        found = [value for value in self.fields.get(number, ()) if isinstance(value, bytes)]
        return found[-1].decode() if found else ""

    def message(self, number: int) -> "Message":
        """A field that is a message; the empty one where it is not set."""
        found = self.messages(number)
        return found[-1] if found else Message({})

    def messages(self, number: int) -> list["Message"]:
        """A repeated field of messages."""
        return [parse(value) for value in self.fields.get(number, ()) if isinstance(value, bytes)]


def parse(data: bytes) -> Message:
    """The fields of a message. Raises ``ValueError`` where the bytes are none."""
    fields: dict[int, tuple[int | bytes, ...]] = {}
    for number, value in _fields(data):
        fields[number] = (*fields.get(number, ()), value)
    return Message(fields)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(data, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} is not used by protocol buffers 3")
        if position + size > len(data):
            raise ValueError("the message is cut")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("the message is cut")

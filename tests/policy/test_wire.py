"""The protocol buffer wire format."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.policy.wire import parse


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


FIELDS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2**64 - 1) | st.binary(max_size=300)), max_size=12)


@given(FIELDS)
def test_reads_what_was_written(fields: list[tuple[int, int | bytes]]) -> None:
    wanted: dict[int, tuple[int | bytes, ...]] = {}
    for number, value in fields:
        wanted[number] = (*wanted.get(number, ()), value)
    assert parse(b"".join(field(number, value) for number, value in fields)).fields == wanted


@given(FIELDS.filter(bool), st.data())
def test_a_cut_message_is_an_error_or_ends_between_fields(
    fields: list[tuple[int, int | bytes]], data: st.DataObject
) -> None:
    pieces = [field(number, value) for number, value in fields]
    whole = b"".join(pieces)
    size = data.draw(st.integers(0, len(whole) - 1))
    borders = {len(b"".join(pieces[:count])) for count in range(len(pieces))}
    if size in borders:
        parse(whole[:size])
    else:
        with pytest.raises(ValueError, match="cut"):
            parse(whole[:size])


def test_fixed_width_fields_are_skipped_by_their_size() -> None:
    message = parse(varint(1 << 3 | 1) + struct.pack("<d", 1.5) + varint(2 << 3 | 5) + b"abcd" + field(3, b"after"))
    assert message.text(3) == "after"
    assert message.fields[1] == (struct.pack("<d", 1.5),)


def test_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="wire type 3"):
        parse(varint(1 << 3 | 3))


def test_what_is_not_set_is_empty() -> None:
    message = parse(b"")
    assert (message.has(1), message.flag(1), message.text(1), message.messages(1)) == (False, False, "", [])
    assert message.message(1).fields == {}
    assert parse(field(1, 1)).flag(1)

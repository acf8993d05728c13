"""The documents of a file: YAML and JSON, each read on its own."""

import json
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from kubeaudit.documents.compose import Composer, FaultError
from kubeaudit.documents.pieces import pieces

HELM = "looks like a Helm template; render it first: helm template CHART"

_BLANK = re.compile(r"[ \t\r\n]*")


class Problem(Struct, frozen=True):
    """A document, or an item of a list, that could not be read. ``line`` and ``column`` (from 1) are the error's.

    ``value`` is what was read in spite of it (of a key given twice, the last one); ``text`` is the document where
    nothing was.
    """

    where: str
    number: int
    line: int
    column: int
    reason: str
    value: object = None
    text: bytes = b""


class Document(Struct, frozen=True):
    """A document that was read: ``number`` counts those of a file from 1, empty ones left out; ``line`` is its first.

    ``value`` is made of dict, list and scalars, JSON as deep as Python's recursion limit at most.
    Where it is a Kubernetes list, an item in which a key is given twice stands as its :class:`Problem`, so that the
    other items are not lost.
    """

    where: str
    number: int
    line: int
    value: object


def parse(text: bytes, where: str) -> Iterator[Document | Problem]:
    """Every document of a file (NET-12): a broken one is a :class:`Problem` and costs none of the others.

    ``where`` is the name of the file, ``-`` for standard input. JSON documents may follow each other without a marker.
    """
    number = 0
    for piece, line in pieces(text):
        for found in _read(piece, where, number + 1, line):
            number += 1
            yield found


def _read(piece: bytes, where: str, number: int, line: int) -> list[Document | Problem]:
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        before = piece[: error.start]
        at = line + before.count(b"\n"), len(before) - before.rfind(b"\n")
        return [Problem(where, number, at[0], at[1], f"not UTF-8: byte 0x{piece[error.start]:02x}", text=piece)]
    return _json(text, where, number, line) or [_yaml(piece, where, number, line)]


def _json(text: str, where: str, number: int, line: int) -> list[Document | Problem]:
    """The JSON documents of a piece; none where it does not begin with one."""
    start = _blank(text, 0)
    if text[start] not in "{[":
        return []
    try:
        value = msgspec.json.decode(text)
        # Encoded again it equals the text, unless a key was given twice or msgspec spells it otherwise.
        if msgspec.json.encode(value) == msgspec.json.format(text, indent=-1).encode():
            return [Document(where, number, line, value)]
    except (msgspec.DecodeError, RecursionError):
        pass
    found: list[Document | Problem] = []
    keys = _Keys()
    decoder = json.JSONDecoder(object_pairs_hook=keys.collect)
    while start < len(text):
        keys.twice = False
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return [*found, _yaml(text[start:].encode(), where, number + len(found), line)] if found else []
        if keys.twice:
            found.append(_yaml(text[start:end].encode(), where, number + len(found), line))
        else:
            found.append(Document(where, number + len(found), line, value))
        following = _blank(text, end)
        line += text.count("\n", start, following)
        start = following
    return found


class _Keys:
    """Notices keys that are given twice while JSON is decoded."""

    def __init__(self) -> None:
        self.twice = False

    def collect(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        """The object of these members; of those with the same key the last counts."""
        found = dict(pairs)
        self.twice |= len(found) < len(pairs)
        return found


def _yaml(piece: bytes, where: str, number: int, line: int) -> Document | Problem:
    composer = Composer(line)
    try:
        value = composer.compose(piece)
    except FaultError as fault:
        reason = HELM if b"{{" in piece else fault.reason
        return Problem(where, number, *fault.place, reason, text=piece)
    for item, twice in composer.faults:
        items = value.get("items") if isinstance(value, dict) else None
        if item is None or not isinstance(items, list):
            return Problem(where, number, *twice.place, twice.reason, value)
        if not isinstance(items[item], Problem):
            items[item] = Problem(where, number, *twice.place, twice.reason, items[item])
    return Document(where, number, line, value)


def _blank(text: str, start: int) -> int:
    """The position after blanks."""
    found = _BLANK.match(text, start)
    return found.end() if found else start

"""Text cut into documents before anything parses it, so that a broken document costs none of the others (NET-12)."""

import codecs
import re
from collections.abc import Iterator

_MARKER = re.compile(rb"\n(---|\.\.\.)(?=[ \t\r\n]|\Z)")
_CONTENT = re.compile(rb"^(?!%)[ \t]*(?=[^\s#])", re.MULTILINE)


def pieces(text: bytes) -> Iterator[tuple[bytes, int]]:
    """The documents of a text, cut at markers, which YAML allows inside no scalar; empty ones are left out.

    Each begins with its first line of content; with it comes that line's number, from 1. Directives are dropped.
    """
    text = b"\n" + _utf8(text)
    start, line = 1, 1
    for mark in (*_MARKER.finditer(text), None):
        end = mark.start(1) if mark else len(text)
        piece = text[start:end]
        # Content may follow a marker on its line; blanks in place of the marker keep the columns.
        body = piece.replace(b"---", b"   ", 1) if piece.startswith(b"---") else piece
        if (content := _CONTENT.search(body)) is not None:
            yield body[content.start() :], line + body.count(b"\n", 0, content.start())
        start = mark.end() if mark and mark[1] == b"..." else end
        line += text.count(b"\n", end - len(piece), start)


def _utf8(text: bytes) -> bytes:
    """The text without its byte order mark, turned to UTF-8 where the mark says UTF-16."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16", "replace").encode()
    return text.removeprefix(codecs.BOM_UTF8)

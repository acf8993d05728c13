"""The outputs: each is a pure function of one result document (REP-01). Nothing here judges or filters on its own.

Formats are imported when they are used, so that the command line starts without the template engine.
"""

from collections.abc import Callable

from msgspec import Struct

from kubeaudit.findings import ScanResult

TEXT_WIDTH = 100
"""Columns of the text format where no terminal decides."""


class Format(Struct, frozen=True):
    """An output format. ``text`` tells whether it may go to standard output; ``render`` gives the bytes of the file."""

    name: str
    extension: str
    text: bool
    render: Callable[[ScanResult], bytes]


def _json(result: ScanResult) -> bytes:
    from kubeaudit.report import json_v1

    return json_v1.render(result)


def _html(result: ScanResult) -> bytes:
    from kubeaudit.report import html

    return html.render(result)


def _sarif(result: ScanResult) -> bytes:
    from kubeaudit.report import sarif

    return sarif.render(result)


def _text(result: ScanResult) -> bytes:
    from kubeaudit.report import terminal

    return terminal.render_terminal(result, TEXT_WIDTH, color=False).encode()


FORMATS: dict[str, Format] = {
    "json": Format("json", "json", True, _json),
    "html": Format("html", "html", False, _html),
    "sarif": Format("sarif", "sarif", True, _sarif),
    "text": Format("text", "txt", True, _text),
}
"""Every format by the name used on the command line."""

"""Writing results: ``-o FORMAT[=PATH]``, default names, one text format on standard output (REP-06, REP-07)."""

import os
import re
import sys
import tempfile
from pathlib import Path

import click
from msgspec import Struct

from kubeaudit.errors import OutputError, UsageError
from kubeaudit.findings import ScanResult
from kubeaudit.report import FORMATS


class Output(Struct, frozen=True):
    """One wanted output; ``path`` is empty for standard output."""

    format: str
    path: str


def parse(words: tuple[str, ...]) -> list[Output]:
    """What ``-o`` asks for. Raises :class:`UsageError`."""
    outputs = []
    for word in words:
        name, equals, path = word.partition("=")
        if name not in FORMATS:
            raise UsageError(f"-o {word!r}: unknown format {name!r}", f"formats: {', '.join(FORMATS)}")
        if equals and not path:
            raise UsageError(f"-o {word!r}: the path is missing", f"give {name}=PATH, or {name} alone")
        outputs.append(Output(name, path))
    piped = [o.format for o in outputs if not o.path and FORMATS[o.format].text]
    if len(piped) > 1:
        raise UsageError(f"{' and '.join(piped)} cannot share standard output", "give all but one a path: -o FORMAT=PATH")
    return outputs


def write_all(result: ScanResult, outputs: list[Output], *, quiet: bool, color: bool, show: tuple[str, ...]) -> list[str]:
    """Write every output and return the paths written; without a text format the summary goes to standard output.

    Raises :class:`OutputError`.
    """
    written = []
    piped = False
    for output in outputs:
        found = FORMATS[output.format]
        if output.path or not found.text:
            path = Path(output.path or default_name(result, found.extension))
            write(path, found.render(result))
            written.append(str(path))
        elif output.format == "text":
            piped = True
            _summary(result, color=color, show=show)
        else:
            piped = True
            sys.stdout.buffer.write(found.render(result).rstrip(b"\n") + b"\n")
    if not piped and not quiet:
        _summary(result, color=color, show=show)
    return written


def default_name(result: ScanResult, extension: str) -> str:
    """``kubeaudit-CLUSTER-YYYYMMDDTHHMMSSZ.EXT``."""
    cluster = re.sub(r"[^A-Za-z0-9.-]+", "-", result.run.context or result.run.cluster_id or result.run.source).strip("-.")
    stamp = result.run.start.replace("-", "").replace(":", "")
    return f"kubeaudit-{cluster or 'cluster'}-{stamp}.{extension}"


def write(path: Path, data: bytes) -> None:
    """Write under a temporary name, mode 0600, then rename. Raises :class:`OutputError`."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        hint = "choose a folder that exists and that you may write to"
        raise OutputError(f"cannot write {path}: {error.strerror or error}", hint) from error


def _summary(result: ScanResult, *, color: bool, show: tuple[str, ...]) -> None:
    from kubeaudit.report.terminal import render_terminal

    width = os.get_terminal_size().columns if sys.stdout.isatty() else 100
    click.echo(render_terminal(result, width, color=color and sys.stdout.isatty(), show=show), nl=False, color=color)
